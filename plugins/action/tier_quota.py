# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin tier_quota: its documentation is in plugins/modules/tier_quota.py.

It runs on the control node, in the task's worker: thousands of tenants are not copied anywhere, and what it waits for is seen.
"""

from __future__ import annotations

import datetime
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import objects as _tenant_objects
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import plan as _tenant_plan
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import SHOWN, Problems, Refused
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.read import read_directory, read_live

display = Display()

TEXTS = {"type": "list", "elements": "str", "default": []}
ARGUMENTS = {
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
    "platform_api": {"type": "list", "elements": "dict", "default": [], "options": {
        "app": {"type": "str", "required": True}, "port": {"type": "int", "required": True}}},
    "storage_classes": TEXTS,
    "registries": TEXTS,
    "protected_cidrs": TEXTS,
    "protected_hosts": TEXTS,
    "overcommit": {"type": "dict", "default": {}},
    "capacity": {"type": "dict"},
    "allow_shrink": {"type": "bool", "default": False},
    "allow_overcommit": {"type": "bool", "default": False},
    "force_conflicts": {"type": "bool", "default": False},
    "report_limit": {"type": "int", "default": 100},
    "assume_empty": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Data and what the cluster says → plan → one set of objects."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(ARGUMENTS)
        self._task.args = {}  # what is recorded of them is echoed into the result, and there may be thousands of tenants
        client = None
        try:
            problems = Problems()
            files = read_directory(args["directory"], problems) if args["directory"] else []
            for option in ("capacity", "overcommit"):
                problems.quantities(args[option], option)
            tenants, tiers = _tenant_plan.read(
                args["tenants"], args["tiers"], problems, files=files, only=args["only"], protected_cidrs=args["protected_cidrs"],
                protected_hosts=args["protected_hosts"])
            if problems.found:
                raise Refused(problems.found)
            if not (args["assume_empty"] and self._task.check_mode):
                client = Client.from_params(args, say=self._tell)
            return {**result, **self._converge(client, args, tenants, tiers)}
        except VcciError as exc:
            return {**result, "failed": True, "msg": exc.message, "errors": getattr(exc, "errors", [exc.message])}
        finally:
            if client is not None:
                client.close()

    def _converge(self, client: Any, args: dict, tenants: list, tiers: dict) -> dict:
        settings = _tenant_objects.Settings(
            part_of=args["part_of"], platform_namespace=args["platform_namespace"], storage_classes=tuple(args["storage_classes"]),
            registries=tuple(args["registries"]), platform_api=tuple((entry["app"], entry["port"]) for entry in args["platform_api"]))
        blind = client is None
        live = _tenant_plan.Live() if blind else read_live(client, args["namespace"], capacity=args["capacity"], nodes=bool(args["overcommit"]))
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        plan, wrong = _tenant_plan.plan(
            tenants, tiers, settings, live, now, ratios={} if blind else args["overcommit"],
            allow_shrink=args["allow_shrink"], allow_overcommit=args["allow_overcommit"])
        if wrong:
            raise Refused(wrong)
        sums: dict[str, Any] = {"created": 0, "configured": 0, "unchanged": 0, "requests": 0}
        written: list[str] = []
        diff: list[dict] = []
        timing: dict[str, float] = {}
        begun = time.monotonic()
        only = args["only"] or (plan.new() if args["new_only"] else None)
        for number, members in plan.shares(only):
            done = apply_set(client, plan.objects(members), ApplyOptions(name=f"{args['name']}-{number}", namespace=args["namespace"],
                             check=bool(self._task.check_mode), assume_empty=blind, diff=bool(self._task.diff),
                             force_conflicts=args["force_conflicts"], say=self._tell))
            for outcome in ("created", "configured", "unchanged"):
                sums[outcome] += len(getattr(done, outcome))
            written += [*done.created, *done.configured]
            diff += done.diff
            sums["requests"] += done.requests
            for step, seconds in done.timing.items():
                timing[step] = round(timing.get(step, 0) + seconds, 3)
        requests = sums.pop("requests")
        answer = {
            "changed": bool(written), "counts": sums, "written": sorted(written)[:SHOWN], "orphaned": plan.orphaned, "commitment": plan.commitment,
            "duration": round(time.monotonic() - begun, 3), "requests": requests, "timing": timing,
            "msg": f"{len(tenants)} tenants: " + ", ".join(f"{number} {outcome}" for outcome, number in sums.items() if number)}
        if self._task.diff:
            answer["diff"] = diff
        if len(tenants if only is None else only) <= args["report_limit"]:
            answer["tenants"] = plan.report(only)
        if plan.orphaned:
            answer["warnings"] = [f"{len(plan.orphaned)} namespaces belong to no tenant in the data; they are left alone until they are offboarded: "
                                  + ", ".join(plan.orphaned[:10]) + (" …" if len(plan.orphaned) > 10 else "")]
        return answer

    @staticmethod
    def _tell(line: str) -> None:
        display.display(f"  tenants: {line}")
