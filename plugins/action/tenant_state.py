# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin tenant_state: its documentation is in plugins/modules/tenant_state.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.state import STATES, Wanted, reach


class ActionModule(Action):
    """Bring a tenant into a state of its life."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "id": {"type": "str", "required": True},
        "state": {"type": "str", "required": True, "choices": list(STATES)},
        "namespace": {"type": "str", "default": "vcci-platform"},
        "part_of": {"type": "str", "default": "vcci-scope3-platform"},
        "delete_pods": {"type": "bool", "default": False},
        "quarantine_days": {"type": "float", "default": 30},
        "directory": {"type": "str", "default": "offboarding"},
        "image": {"type": "str", "default": "greenlang/vcci-probe:v1.0.0"},
        "users": {"type": "dict", "default": {}},
        "without_backup": {"type": "bool", "default": False},
        "schemas": {"type": "list", "elements": "str", "default": []},
        "database": {"type": "dict", "default": {}},
        "wait_timeout": {"type": "int", "default": 300},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        given = {name: args[name] for name in Wanted.__dataclass_fields__}
        wanted = Wanted(**{**given, "directory": Path(self._loader.path_dwim(args["directory"]))})
        wanted.check()
        try:
            return reach(self.connect(args), wanted, check=self.check, say=self.say)
        except OSError as exc:  # of the tenant's directory
            raise VcciError(str(exc)) from exc
