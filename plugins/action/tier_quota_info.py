# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin tier_quota_info: its documentation is in plugins/modules/tier_quota_info.py."""

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import plan as _tenant_plan
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import quota as _tenant_quota
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems, Refused
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.read import read_live

TEXTS = {"type": "list", "elements": "str"}
ARGUMENTS = {
    **connection_argument_spec(),
    "only": {**TEXTS, "default": []},
    "known": TEXTS,
    "namespace": {"type": "str", "default": "vcci-platform"},
    "overcommit": {"type": "dict", "default": {}},
    "capacity": {"type": "dict"},
}


class ActionModule(ActionBase):
    """What the cluster says of its tenants."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(ARGUMENTS)
        self._task.args = {}  # they are echoed into the result
        client = None
        try:
            problems = Problems()
            for option in ("capacity", "overcommit"):
                problems.quantities(args[option], option)
            if problems.found:
                raise Refused(problems.found)
            client = Client.from_params(args)
            live = read_live(client, args["namespace"], capacity=args["capacity"], nodes=bool(args["overcommit"]))
            found = _tenant_plan.usage(live)
            commitment, _beyond = _tenant_quota.commitment(list(live.hard.values()), live.capacity, args["overcommit"])
            orphaned = [] if args["known"] is None else sorted(set(found) - set(args["known"]))
            chosen = {name: entry for name, entry in found.items() if not args["only"] or name in args["only"]}
            missing = sorted(set(args["only"]) - set(found))
            if missing:
                raise VcciError(f"there is no tenant {', '.join(missing)}")
            return {**result, "changed": False, "tenants": chosen, "orphaned": orphaned, "commitment": commitment}
        except VcciError as exc:
            return {**result, "failed": True, "msg": exc.message}
        finally:
            if client is not None:
                client.close()
