# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin dump_copy: its documentation is in plugins/modules/dump_copy.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.exec import Place, relay

PLACE = {
    "namespace": {"type": "str", "required": True},
    "pod": {"type": "str", "required": True},
    "container": {"type": "str", "required": True},
    "command": {"type": "list", "elements": "str", "required": True},
}


class ActionModule(Action):
    """What a command in one pod writes is read by a command in another."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "source": {"type": "dict", "required": True, "options": PLACE},
        "target": {"type": "dict", "required": True, "options": PLACE},
        "silence": {"type": "int", "default": 300},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if self.check:
            return {"changed": True, "said": ""}
        source, target = (Place(**args[name]) for name in ("source", "target"))
        self.say(f"from {source.namespace}/{source.pod} to {target.namespace}/{target.pod}")
        return {"changed": True, "said": relay(self.connect(args), source, target, args["silence"])}
