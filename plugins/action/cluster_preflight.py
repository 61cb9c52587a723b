# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin cluster_preflight: its documentation is in plugins/modules/cluster_preflight.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform import preflight
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.lacks import Wanted

TEXT = {"type": "str", "required": True}


class ActionModule(Action):
    """Say everything that a cluster lacks, before anything is written."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "variables": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"name": TEXT, "given": {"type": "bool", "required": True}, "remedy": TEXT},
        },
        "programs": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"name": TEXT, "variable": TEXT},
        },
        "storage_classes": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": TEXT,
                "access_mode": {
                    "type": "str",
                    "choices": ["ReadWriteOnce", "ReadWriteMany"],
                    "default": "ReadWriteOnce",
                },
            },
        },
        "node_selectors": {"type": "dict", "default": {}},
        "mutating_policies": {"type": "bool", "default": True},
        "skip": {"type": "list", "elements": "str", "choices": list(preflight.CHECKS), "default": []},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wanted = Wanted(**{name: args[name] for name in Wanted.__dataclass_fields__})
        return {"checks": preflight.check(lambda: self.connect(args), wanted, args["skip"])}
