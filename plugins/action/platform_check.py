# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin platform_check: its documentation is in plugins/modules/platform_check.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action, display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ConfigError, ConnectionFailed
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform import check


class ActionModule(Action):
    """Ask the platform what a user would ask of it."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "namespace": {"type": "str", "required": True},
        "service": {"type": "str", "default": "api-gateway"},
        "ingress": {"type": "str", "default": ""},
        "api_host": {"type": "str", "required": True},
        "secret": {"type": "str", "default": "vcci-api-tls"},
        "timeout": {"type": "int", "default": 60},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """In check mode nothing is written, and a cluster that is not there yet, or has nothing of ours, is skipped."""
        try:
            client = self.connect(args)
            if self.check and not check.is_there(client):
                raise ConnectionFailed("nothing of the platform is there")
        except (ConfigError, ConnectionFailed) as exc:
            if not self.check:
                raise
            return {"skipped": True, "msg": f"check mode: there is nothing to ask yet ({exc.message})"}
        return check.run(client, args, display.display, write=not self.check)
