# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin tenants_info: its documentation is in plugins/modules/tenants_info.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.converge import Capacity, tell_tenants
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems


class ActionModule(Action):
    """What the cluster says of its tenants."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "only": {"type": "list", "elements": "str", "default": []},
        "known": {"type": "list", "elements": "str"},
        "namespace": {"type": "str", "default": "vcci-platform"},
        "overcommit": {"type": "dict", "default": {}},
        "capacity": {"type": "dict"},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        capacity = Capacity(args["capacity"], args["overcommit"])
        problems = Problems()
        capacity.check(problems)
        problems.refuse()
        return tell_tenants(self.connect(args), args["namespace"], capacity, args["only"], args["known"])
