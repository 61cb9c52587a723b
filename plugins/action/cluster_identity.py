# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin cluster_identity: its documentation is in plugins/modules/cluster_identity.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import identity


class ActionModule(Action):
    """Compare the cluster's recorded environment with the inventory's."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "environment_name": {"type": "str", "required": True},
        "claim": {"type": "bool", "default": False},
        "assume_empty": {"type": "bool", "default": False},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        client, environment = self.connect_unless_assumed(args), args["environment_name"]
        if client is None:
            return {"changed": args["claim"], "identity": {"environment": environment}}
        if not args["claim"]:
            return {"identity": identity.require(client, environment)}
        there = identity.compare(client, environment)
        if there is not None:
            return {"identity": there}
        changed = identity.claim(client, environment, check=self.check)
        return {"changed": changed, "identity": {"environment": environment, "provider": "existing"}}
