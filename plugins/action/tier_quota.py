# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin tier_quota: its documentation is in plugins/modules/tier_quota.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.converge import (
    Capacity,
    converge_quotas,
    parse_bounds,
)

LIMITS = ("capacity", "overcommit", "allow_shrink", "allow_overcommit")
FLEET = (
    "tenants",
    "directory",
    "only",
    "new_only",
    "part_of",
    "platform_namespace",
    "platform_api",
    "storage_classes",
    "registries",
    "protected_cidrs",
    "protected_hosts",
    "report_limit",
)


class ActionModule(Action):
    """Bound namespaces by their tiers."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "namespaces": {"type": "list", "elements": "raw", "required": True},
        "tiers": {"type": "dict", "required": True},
        "name": {"type": "str", "default": "tier-quota"},
        "namespace": {"type": "str", "default": "default"},
        "overcommit": {"type": "dict", "default": {}},
        "capacity": {"type": "dict"},
        "allow_shrink": {"type": "bool", "default": False},
        "allow_overcommit": {"type": "bool", "default": False},
        "force_conflicts": {"type": "bool", "default": False},
        "assume_empty": {"type": "bool", "default": False},
    }
    MOVED: ClassVar = dict.fromkeys(FLEET, "greenlang.vcci.tenants")

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        capacity = Capacity(**{name: args[name] for name in LIMITS})
        bounded = parse_bounds(args["namespaces"], args["tiers"], capacity)
        client = self.connect_unless_assumed(args)
        with self.planned(client) as planned:  # the namespaces may be
            apply = ApplyOptions(
                name=args["name"],
                namespace=args["namespace"],
                check=self.check,
                diff=self.diff,
                force_conflicts=args["force_conflicts"],
                planned=planned,
                say=self.say,
            )
            return converge_quotas(client, bounded, capacity, apply)
