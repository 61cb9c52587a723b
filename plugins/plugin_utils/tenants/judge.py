# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which of the tenants that are asked for may be converged, and why not the others. Pure.

A tenant is refused for what it asks itself: what others have, or ask for in the same run, is a reason only as far as it
leaves no room for more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from ..kubernetes import quantity
from .cluster import ID, Cluster
from .quota import Allowance, above_limit, below_use, excess, promised
from .tenant import Tenant

PLATFORM_PRIORITY = 600_000_000  # of the platform's lowest pods, its workers (roles/*/templates/priority.yml.j2)


@dataclass
class Verdict:
    """`refused` are sentences by tenant's id; `warnings` are about those that are converged."""

    refused: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        lines = itertools.chain.from_iterable(self.refused.values())
        return list(dict.fromkeys(lines))

    def refuse(self, tenant: Tenant, lines: list[str]) -> None:
        if lines:
            self.refused.setdefault(tenant.id, []).extend(lines)

    def refuse_priorities(self, tenant: Tenant, classes: Iterable[str], priorities: Mapping[str, int]) -> None:
        """One of whose classes would put pods before the platform's."""
        high = (name for name in classes if priorities.get(name, 0) >= PLATFORM_PRIORITY)
        who, remedy = f"tenant {tenant.id}", f"name a class below {PLATFORM_PRIORITY}"
        why = "is as high as the platform's own pods are"
        self.refuse(tenant, [f"{who}: priority_classes: {name} ({priorities[name]}) {why}; {remedy}" for name in high])

    def refuse_unserved(self, tenants: Iterable[Tenant]) -> None:
        """Of these tenants, to whom no ingress class is open, those with hosts: one error of all of them."""
        found = [tenant for tenant in tenants if tenant.hosts]
        remedy = "name one in ingress_classes (variable tenant_ingress_classes), or take the hosts out of the data"
        who = ", ".join(tenant.id for tenant in found)
        for tenant in found:
            self.refuse(tenant, [f"hosts: those of {who} are served by no ingress class of the inventory; {remedy}"])


def judge(
    asked: list[Tenant], hard: Mapping[str, Mapping[str, str]], cluster: Cluster, allowance: Allowance
) -> Verdict:
    """`hard` are the limits that each tenant would have, by its id."""
    verdict = Verdict()
    for tenant in asked:
        live, who = cluster.namespaces.get(tenant.namespace), f"tenant {tenant.id}"
        verdict.refuse(tenant, _taken(tenant, cluster))
        if not allowance.shrink:
            verdict.refuse(tenant, below_use(who, hard[tenant.id], live, allowance.variables))
        if tenant.id not in verdict.refused:
            verdict.warnings += above_limit(who, hard[tenant.id], live)
    for resource in allowance.ratios:
        _judge_promises(resource, asked, hard, cluster, allowance, verdict)
    return verdict


def _judge_promises(
    resource: str,
    asked: list[Tenant],
    hard: Mapping[str, Mapping[str, str]],
    cluster: Cluster,
    allowance: Allowance,
    verdict: Verdict,
) -> None:
    """Who wants more of it than before is refused where it no longer fits, in the order of the data."""
    ratio, offered = allowance.ratios[resource], cluster.capacity.get(resource, Fraction(0))
    live = {name: promised([found.hard], resource) for name, found in cluster.namespaces.items() if found.hard}
    wanted = {tenant.id: promised([hard[tenant.id]], resource) for tenant in asked}
    more = {tenant.id: wanted[tenant.id] - live.get(tenant.namespace, 0) for tenant in asked}
    going = [tenant for tenant in asked if tenant.id not in verdict.refused]
    total = sum(live.values(), Fraction(0)) + sum(more[t.id] for t in going if more[t.id] <= 0)
    idle = _is_idle(resource, cluster)
    for tenant in going:
        extra = more[tenant.id]
        if extra <= 0:
            continue
        if total + extra <= offered * quantity.parse(ratio) or allowance.overcommit or idle:
            total += extra
            continue
        adding = f"with tenant {tenant.id} ({quantity.show(wanted[tenant.id], quantity.is_memory_like(resource))}) "
        verdict.refuse(tenant, [excess("tenants", resource, total + extra, offered, allowance, adding)])
    if total > offered * quantity.parse(ratio) and not allowance.overcommit:
        known = excess("tenants", resource, total, offered, allowance)
        verdict.warnings.append(f"{known}; no tenant is stopped by that")


def _is_idle(resource: str, cluster: Cluster) -> bool:
    """Whether it is scarce and nobody's yet: no node of the moment has any, as when its pool comes on demand, and no
    tenant uses any."""
    if resource in cluster.capacity or not cluster.capacity:
        return False
    used = promised([live.used for live in cluster.namespaces.values()], resource)
    return not used


def _taken(tenant: Tenant, cluster: Cluster) -> list[str]:
    """A namespace that is there must be this tenant's, and no offboarding may be under way or behind it."""
    phase, live = cluster.offboarding.get(tenant.id), cluster.namespaces.get(tenant.namespace)
    who, where = f"tenant {tenant.id}", f"namespace {tenant.namespace}"
    if phase == "deleted":
        return [f"{who}: was offboarded, and is never made again; choose another id"]
    if phase is not None:
        remedy = "take it out of the data, or take the offboarding back with tenant_resume"
        return [f"{who}: is being offboarded ({phase}); {remedy}"]
    if live is None:
        return []
    if live.tenant == tenant.id:
        return [f"{who}: {where} is being deleted; repeat when it is gone"] if live.going else []
    whose = f"tenant {live.tenant}" if live.tenant else "something else"
    return [f"{who}: {where} exists and belongs to {whose} (annotation {ID}); choose another id"]
