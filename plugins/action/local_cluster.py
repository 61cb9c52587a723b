# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin local_cluster: its documentation is in plugins/modules/local_cluster.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.converge import converge

POOL = {
    "name": {"type": "str", "required": True},
    "count": {"type": "int", "default": 1},
    "labels": {"type": "dict", "default": {}},
    "taints": {"type": "list", "elements": "dict", "default": []},
    "capacity": {"type": "dict", "default": {}},
}


class ActionModule(Action):
    """Start, stop or remove a local cluster."""

    ARGUMENTS: ClassVar = {
        "name": {"type": "str", "default": "local"},
        "state": {"type": "str", "default": "started", "choices": ["started", "stopped", "absent"]},
        "nodes": {"type": "str", "default": "real", "choices": ["real", "simulated", "none"]},
        "pools": {"type": "list", "elements": "dict", "default": [{"name": "compute", "count": 3}], "options": POOL},
        "subnet": {"type": "str", "default": "10.77.0.0/16"},
        "environment_name": {"type": "str", "default": "local"},
        "held": {"type": "list", "elements": "str"},
        "version": {"type": "str", "default": ""},
        "scale": {"type": "bool", "default": False},
        "upgrade": {"type": "list", "elements": "str", "default": []},
        "wait_timeout": {"type": "int", "default": 180},
        "state_dir": {"type": "path"},
        "binaries_dir": {"type": "path"},
    }
    LEAD: ClassVar = "    "  # its lines are many, and come one after the other

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        return converge(args, self.check, self.say)
