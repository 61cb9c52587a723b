# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin tenant_attempts: its documentation is in plugins/modules/tenant_attempts.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.verify import verify


class ActionModule(Action):
    """Try in dry runs what must be allowed and what must be refused."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "namespaces": {"type": "list", "elements": "str", "required": True},
        "image": {"type": "str", "required": True},
        "wait_timeout": {"type": "int", "default": 30},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        def connect(user: str, groups: tuple[str, ...]) -> Client:
            return (
                self.connect(args, impersonate_user=user, impersonate_groups=list(groups))
                if user
                else self.connect(args)
            )

        return verify(connect, args["namespaces"], args["image"], args["wait_timeout"], self.say)
