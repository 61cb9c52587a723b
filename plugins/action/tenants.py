# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin tenants: its documentation is in plugins/modules/tenants.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.converge import (
    Capacity,
    FleetOptions,
    converge_tenants,
    parse,
)
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.settings import Settings, parse_inside

TEXTS: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
NAMES: dict[str, Any] = {"type": "list", "elements": "str"}
PODS: dict[str, Any] = {"app": {"type": "str", "required": True}, "port": {"type": "int", "required": True}}


class ActionModule(Action):
    """Make the cluster's tenants what the data says."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "tenants": {"type": "list", "elements": "raw", "default": []},
        "directory": {"type": "str"},
        "tiers": {"type": "dict", "required": True},
        "only": TEXTS,
        "new_only": {"type": "bool", "default": False},
        "name": {"type": "str", "default": "tenants"},
        "namespace": {"type": "str", "default": "default"},
        "part_of": {"type": "str", "default": "vcci-scope3-platform"},
        "platform_namespace": {"type": "str", "default": "vcci-platform"},
        "platform_api": {"type": "list", "elements": "dict", "default": [], "options": PODS},
        "storage_classes": TEXTS,
        "registries": TEXTS,
        "protected_cidrs": TEXTS,
        "protected_hosts": TEXTS,
        "ingress_classes": NAMES,
        "issuers": TEXTS,
        "node_pools": NAMES,
        "priority_level": {"type": "str", "default": ""},
        "inside_cidrs": TEXTS,
        "ingress_namespace": {"type": "str", "default": ""},
        "overcommit": {"type": "dict", "default": {}},
        "capacity": {"type": "dict"},
        "allow_shrink": {"type": "bool", "default": False},
        "allow_overcommit": {"type": "bool", "default": False},
        "force_conflicts": {"type": "bool", "default": False},
        "report_limit": {"type": "int", "default": 100},
        "judge_only": {"type": "bool", "default": False},
        "assume_empty": {"type": "bool", "default": False},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        options = FleetOptions(**{name: args[name] for name in FleetOptions.__dataclass_fields__})
        limits = ("capacity", "overcommit", "allow_shrink", "allow_overcommit")
        capacity = Capacity(**{name: args[name] for name in limits}, variables="tenant_")
        settings = Settings(
            part_of=args["part_of"],
            platform_namespace=args["platform_namespace"],
            platform_api=tuple((pods["app"], pods["port"]) for pods in args["platform_api"]),
            storage_classes=tuple(args["storage_classes"]),
            registries=tuple(args["registries"]),
            ingress_classes=None if args["ingress_classes"] is None else tuple(args["ingress_classes"]),
            issuers=tuple(args["issuers"]),
            priority_level=args["priority_level"],
            inside=parse_inside(args["inside_cidrs"]),
            ingress_namespace=args["ingress_namespace"],
        )
        apply = ApplyOptions(
            name=args["name"],
            namespace=args["namespace"],
            check=self.check,
            diff=self.diff,
            force_conflicts=args["force_conflicts"],
            say=self.say,
        )
        fleet = parse(options, capacity)
        return converge_tenants(self.connect_unless_assumed(args), fleet, options, settings, capacity, apply)
