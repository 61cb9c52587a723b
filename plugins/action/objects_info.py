# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin objects_info: its documentation is in plugins/modules/objects_info.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import NotFound
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec


class ActionModule(Action):
    """One object, or those of a kind that selectors choose."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "api_version": {"type": "str", "default": "v1"},
        "kind": {"type": "str", "required": True},
        "name": {"type": "str"},
        "namespace": {"type": "str"},
        "label_selectors": {"type": "list", "elements": "str", "default": []},
        "field_selectors": {"type": "list", "elements": "str", "default": []},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        client = self.connect(args)
        labels, fields = ",".join(args["label_selectors"]), list(args["field_selectors"])
        if args["name"] and not (labels or fields):
            found = client.get(args["api_version"], args["kind"], args["name"], args["namespace"])
            return {"resources": [] if found is None else [found]}
        if args["name"]:
            fields.append(f"metadata.name={args['name']}")
        try:
            chosen = (args["namespace"] or None, labels, ",".join(fields))
            return {"resources": client.list(args["api_version"], args["kind"], *chosen)}
        except NotFound:  # the kind; none of it is there
            return {"resources": []}
