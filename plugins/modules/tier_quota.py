#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
from __future__ import annotations

DOCUMENTATION = r"""
module: tier_quota
short_description: Turn tenants and tiers into quotas, and converge the tenants' namespaces
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Reads tenants and tiers as data, checks all of it and reports every error at once before anything is written.
  - Makes each tenant's namespace, ResourceQuota, LimitRange, default-deny NetworkPolicies, ServiceAccount without a token, Roles and
    RoleBindings, for thousands of tenants in one concurrent server-side apply.
  - Refuses to set a limit below what is in use, and to promise more than the cluster's allocatable capacity times a declared ratio.
  - Never deletes. A tenant that is no longer in the data is reported as orphaned.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode:
    description: Predicts by server-side dry runs what would be written; writes nothing.
    support: full
  diff_mode:
    description: Shows what changes in each object.
    support: full
options:
  tenants:
    description: All tenants of the cluster, whatever O(only) says, since ids and capacity are checked over all of them.
    type: list
    elements: dict
    required: true
  tiers:
    description: Tier name to C(quota), C(limits) (C(default), C(default_request), C(max), C(min), C(max_volume)) and C(storage_classes).
    type: dict
    required: true
  only:
    description: Ids of the tenants to write and report; all without it.
    type: list
    elements: str
    default: []
  name:
    description: Name of the set that the objects belong to.
    type: str
    default: tenants
  namespace:
    description: Namespace of the set's record.
    type: str
    default: default
  part_of:
    description: Value of the label C(app.kubernetes.io/part-of).
    type: str
    default: vcci-scope3-platform
  platform_namespace:
    description: Namespace of the platform, whose API tenants may call.
    type: str
    default: vcci-platform
  platform_api:
    description: The pods of the platform that tenants may call.
    type: list
    elements: dict
    default: []
    suboptions:
      app:
        description: Label C(app) of the pods.
        type: str
        required: true
      port:
        description: Port that the pods listen on.
        type: int
        required: true
  storage_classes:
    description: The cluster's StorageClasses; of one that neither a tier nor a tenant names, a tenant may use nothing.
    type: list
    elements: str
    default: []
  protected_cidrs:
    description: Networks that no tenant may declare egress to (nodes, pods, services), besides link-local and loopback addresses.
    type: list
    elements: str
    default: []
  overcommit:
    description:
      - Resource (C(cpu), C(memory), C(nvidia.com/gpu), C(pods), ...) to the ratio up to which its sum over all tenants may exceed what the
        schedulable nodes offer. A resource that is not named is not checked.
    type: dict
    default: {}
  capacity:
    description: What the cluster offers, instead of asking its nodes; for clusters that grow on demand.
    type: dict
  allow_shrink:
    description: Whether a limit may be set below what is in use.
    type: bool
    default: false
  allow_overcommit:
    description: Whether the declared ratios may be exceeded.
    type: bool
    default: false
  report:
    description: Whether hard limits, use and headroom of each tenant are returned.
    type: bool
    default: true
  assume_empty:
    description: In check mode, ask no cluster and predict what an empty one would get.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Converge all tenants
  greenlang.vcci.tier_quota:
    tenants:
      - id: acme-corp
        name: ACME Corporation
        tier: enterprise
        owners: [{group: acme-admins, role: admin}]
    tiers:
      enterprise:
        quota: {requests.cpu: 32, requests.memory: 64Gi, limits.cpu: 64, limits.memory: 128Gi, pods: 200}
        limits: {default: {cpu: 500m, memory: 512Mi}, default_request: {cpu: 100m, memory: 128Mi}}
    overcommit: {cpu: 4, memory: 1.5}
"""

RETURN = r"""
tenants:
  description: Of each tenant, by id, its namespace, tier, created, hard limits, what is used and what is left.
  returned: when O(report=true)
  type: dict
  sample:
    acme-corp:
      namespace: vcci-tenant-acme-corp
      tier: enterprise
      created: "2026-01-31T12:00:00Z"
      hard: {requests.cpu: "32"}
      used: {requests.cpu: "4"}
      headroom: {requests.cpu: "28"}
commitment:
  description: Of each resource with a declared ratio, what is promised and what is allocatable.
  returned: success
  type: dict
  sample: {cpu: {promised: "34", allocatable: "12", ratio: 4.0, actual_ratio: 2.833}}
orphaned:
  description: Namespaces of tenants that are not in the data; nothing was done to them.
  returned: success
  type: list
  elements: str
  sample: [vcci-tenant-initech]
counts:
  description: How many objects were created, configured and left unchanged.
  returned: success
  type: dict
  sample: {created: 15, configured: 0, unchanged: 15}
written:
  description: The first hundred objects that were created or configured.
  returned: success
  type: list
  elements: str
  sample: [Namespace vcci-tenant-acme-corp]
errors:
  description: Everything that is wrong with the data, or that the cluster's state forbids.
  returned: when the data was refused
  type: list
  elements: str
"""

import datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.greenlang.vcci.plugins.module_utils import _quantity, _tenant_objects, _tenant_plan, _tenant_quota
from ansible_collections.greenlang.vcci.plugins.module_utils.apply import apply_set
from ansible_collections.greenlang.vcci.plugins.module_utils.client import Client, connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.module_utils.errors import VcciError

SHOWN = 100


class Refused(VcciError):
    """The data, or the data against the cluster's state, is not acceptable."""

    def __init__(self, errors: list[str]) -> None:
        shown = errors[:SHOWN] + ([f"and {len(errors) - SHOWN} more"] if len(errors) > SHOWN else [])
        super().__init__(f"{len(errors)} error{'s' if len(errors) > 1 else ''}, nothing was written:\n" + "\n".join(f"- {line}" for line in shown))
        self.errors = errors


def read_live(client: Client, params: dict) -> _tenant_plan.Live:
    selector = f"app.kubernetes.io/managed-by={_tenant_objects.MANAGED_BY},app.kubernetes.io/component={_tenant_objects.COMPONENT}"
    live = _tenant_plan.Live()
    # All namespaces, since one that is not ours may have the name of a tenant's.
    live.namespaces = {item["metadata"]["name"]: item for item in client.list("v1", "Namespace")}
    for quota in client.list("v1", "ResourceQuota", label_selector=selector):
        where, status = quota["metadata"]["namespace"], quota.get("status") or {}
        live.hard[where], live.used[where] = quota["spec"].get("hard") or {}, status.get("used") or {}
    if params["capacity"] is not None:
        live.capacity = {resource: _quantity.parse(amount) for resource, amount in params["capacity"].items()}
    elif params["overcommit"]:
        live.capacity = _tenant_quota.allocatable(client.list("v1", "Node"))
    return live


def check_amounts(params: dict) -> list[str]:
    wrong = []
    for option in ("capacity", "overcommit"):
        for resource, amount in (params[option] or {}).items():
            try:
                _quantity.parse(amount)
            except ValueError as exc:
                wrong.append(f"{option}.{resource}: {exc}")
    return wrong


def run(module: AnsibleModule) -> dict:
    params = module.params
    blind = params["assume_empty"] and module.check_mode
    tenants, tiers, wrong = _tenant_plan.read(params["tenants"], params["tiers"], params["protected_cidrs"], params["only"])
    wrong += check_amounts(params)
    if wrong:
        raise Refused(wrong)
    client: Any = None if blind else Client.from_params(params)
    settings = _tenant_objects.Settings(
        part_of=params["part_of"], platform_namespace=params["platform_namespace"], storage_classes=tuple(params["storage_classes"]),
        platform_api=tuple((entry["app"], entry["port"]) for entry in params["platform_api"]))
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    plan, wrong = _tenant_plan.plan(
        tenants, tiers, settings, _tenant_plan.Live() if client is None else read_live(client, params), now,
        ratios={} if blind else params["overcommit"], allow_shrink=params["allow_shrink"], allow_overcommit=params["allow_overcommit"])
    if wrong:
        raise Refused(wrong)
    result = apply_set(client, plan.objects(params["only"]), name=params["name"], namespace=params["namespace"],
                       check=module.check_mode, assume_empty=blind, diff=module._diff)
    counts = {outcome: len(getattr(result, outcome)) for outcome in ("created", "configured", "unchanged")}
    answer = {"changed": result.changed, "counts": counts, "written": sorted([*result.created, *result.configured])[:SHOWN],
              "orphaned": plan.orphaned, "commitment": plan.commitment, "diff": result.diff, "duration": round(result.duration, 3),
              "requests": result.requests, "msg": f"{len(tenants)} tenants: {result.summary()}"}
    if params["report"]:
        answer["tenants"] = plan.report(params["only"])
    for name in plan.orphaned[:SHOWN]:
        module.warn(f"namespace {name} belongs to no tenant in the data: it is left alone until it is offboarded")
    return answer


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_argument_spec(),
            "tenants": {"type": "list", "elements": "dict", "required": True},
            "tiers": {"type": "dict", "required": True},
            "only": {"type": "list", "elements": "str", "default": []},
            "name": {"type": "str", "default": "tenants"},
            "namespace": {"type": "str", "default": "default"},
            "part_of": {"type": "str", "default": "vcci-scope3-platform"},
            "platform_namespace": {"type": "str", "default": "vcci-platform"},
            "platform_api": {"type": "list", "elements": "dict", "default": [], "options": {
                "app": {"type": "str", "required": True}, "port": {"type": "int", "required": True}}},
            "storage_classes": {"type": "list", "elements": "str", "default": []},
            "protected_cidrs": {"type": "list", "elements": "str", "default": []},
            "overcommit": {"type": "dict", "default": {}},
            "capacity": {"type": "dict"},
            "allow_shrink": {"type": "bool", "default": False},
            "allow_overcommit": {"type": "bool", "default": False},
            "report": {"type": "bool", "default": True},
            "assume_empty": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    # Thousands of tenants are not echoed into the result.
    quiet = {"invocation": {"module_args": {key: module.params[key] for key in ("name", "namespace", "only")}}}
    try:
        module.exit_json(**run(module), **quiet)
    except VcciError as exc:
        module.fail_json(msg=exc.message, errors=getattr(exc, "errors", [exc.message]), **quiet)


if __name__ == "__main__":
    main()
