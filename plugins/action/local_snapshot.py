# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin local_snapshot: its documentation is in plugins/modules/local_snapshot.py."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.keeping import keep

STATES = ["present", "verified", "drilled", "restored", "rolled_back", "rollback_ended"]


class ActionModule(Action):
    """Take, check, try or restore a snapshot of a local cluster's etcd."""

    ARGUMENTS: ClassVar = {
        "name": {"type": "str", "default": "local"},
        "state": {"type": "str", "default": "present", "choices": STATES},
        "environment_name": {"type": "str"},
        "file": {"type": "path"},
        "purpose": {"type": "str", "default": "manual", "choices": ["manual", "scheduled", "upgrade"]},
        "keep": {"type": "int", "default": 7},
        "max_age_hours": {"type": "int", "default": 0},
        "directory": {"type": "path"},
        "key_file": {"type": "path"},
        "state_dir": {"type": "path"},
        "binaries_dir": {"type": "path"},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        return keep(args, datetime.datetime.now(datetime.UTC), self.check, self.say)
