# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin sealed_secret_info: its documentation is in plugins/modules/sealed_secret_info.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.survey import survey


class ActionModule(Action):
    """What there is to know of SealedSecrets, but their values."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "namespaces": {"type": "list", "elements": "str", "default": []},
        "controller_namespace": {"type": "str", "default": "kube-system"},
        "controller_name": {"type": "str", "default": "sealed-secrets-controller"},
        "rotation_days": {"type": "int", "default": 90},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        where = args["controller_namespace"], args["rotation_days"], args["controller_name"]
        return survey(self.connect(args), args["namespaces"], *where)
