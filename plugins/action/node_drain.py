# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin node_drain: its documentation is in plugins/modules/node_drain.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.drain import Wanted, reach


class ActionModule(Action):
    """Empty a node, or have it take pods again."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "name": {"type": "str"},
        "pool": {"type": "str"},
        "pool_label": {"type": "str", "default": "vcci.io/pool"},
        "state": {"type": "str", "default": "drained", "choices": ["drained", "schedulable"]},
        "delete_pods": {"type": "bool", "default": False},
        "wait_timeout": {"type": "int", "default": 300},
        "gone": {"type": "list", "elements": "str", "default": []},
    }

    RULES: ClassVar = {"required_one_of": [("name", "pool")], "mutually_exclusive": [("name", "pool")]}

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wanted = Wanted(**{name: args[name] for name in Wanted.__dataclass_fields__})
        return reach(self.connect(args), wanted, check=self.check, say=self.say)
