# Copyright (c) 2026 GreenLang. All rights reserved.
"""A fleet as data, and what the cluster says → what to write, what to report, and everything that is wrong. Pure. The
clock is passed in.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .cluster import CREATED, ID, NAME, TIER, Cluster, Namespace
from .objects import Manifest, tenant_objects
from .problems import Problems
from .quota import Allowance, below_use, commitment, hard_limits, share, usage
from .settings import Settings
from .tenant import Tenant, parse_tenants, placed
from .tiers import Tier, parse_tiers

SHARES = 8  # sets that the tenants are divided into; changing it would move every object to another set


class Fleet(NamedTuple):
    tenants: list[Tenant]
    tiers: dict[str, Tier]


@dataclass(frozen=True)
class Plan:
    """`hard` are the limits by tenant's id; `orphaned` namespaces of tenants that are not in the data."""

    fleet: Fleet
    settings: Settings
    cluster: Cluster
    now: str
    hard: dict[str, dict[str, str]]
    orphaned: list[str]
    commitment: dict[str, Any]

    def new(self) -> list[str]:
        """Ids of those that were not onboarded: without a namespace, or without the quota that is written into it."""
        live = self.cluster.namespaces
        return [tenant.id for tenant in self.fleet.tenants if _quota_of(live.get(tenant.namespace)) is None]

    def shares(self, only: Iterable[str] | None = None) -> Iterator[tuple[int, list[Tenant]]]:
        """The tenants in shares that are applied one after the other, so that memory is that of one.

        A tenant is always in the same.
        """
        members: dict[int, list[Tenant]] = {}
        for tenant in self._chosen(only):
            members.setdefault(zlib.crc32(tenant.id.encode()) % SHARES, []).append(tenant)
        yield from sorted(members.items())

    def objects(self, tenants: Iterable[Tenant]) -> Iterator[Manifest]:
        tiers, hard, settings = self.fleet.tiers, self.hard, self.settings
        for tenant in tenants:
            yield from tenant_objects(tenant, tiers[tenant.tier], hard[tenant.id], settings, self._created(tenant))

    def report(self, only: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Of each tenant: namespace, tier, created, hard, used, headroom."""
        found: dict[str, dict[str, Any]] = {}
        for tenant in self._chosen(only):
            live = self.cluster.namespaces.get(tenant.namespace, Namespace())
            known = {"namespace": tenant.namespace, "tier": tenant.tier, "created": self._created(tenant)}
            found[tenant.id] = {**known, **usage(self.hard[tenant.id], live.used)}
        return found

    def _chosen(self, only: Iterable[str] | None) -> list[Tenant]:
        if only is None:
            return self.fleet.tenants
        ids = set(only)
        return [tenant for tenant in self.fleet.tenants if tenant.id in ids]

    def _created(self, tenant: Tenant) -> str:
        live = self.cluster.namespaces.get(tenant.namespace)
        return (live.annotations.get(CREATED) if live is not None else None) or tenant.created or self.now


def parse_fleet(
    tenants: object,
    tiers: object,
    problems: Problems,
    *,
    files: Iterable[tuple[str, object]] = (),
    only: Iterable[str] = (),
    protected_cidrs: Iterable[str] = (),
    protected_hosts: Iterable[str] = (),
) -> Fleet:
    """The data alone: what can be said without asking a cluster."""
    known_tiers = parse_tiers(tiers, problems)
    everyone = [*placed(tenants, problems), *files]
    known = parse_tenants(
        everyone, known_tiers, problems, protected_cidrs=protected_cidrs, protected_hosts=protected_hosts
    )
    ids = {tenant.id for tenant in known}
    for name in only:
        if name not in ids:
            problems.add("only", f"no tenant has the id {name!r}")
    return Fleet(known, known_tiers)


def plan_fleet(
    fleet: Fleet, settings: Settings, cluster: Cluster, now: str, allowance: Allowance
) -> tuple[Plan, list[str]]:
    """What is to be done, and why not."""
    wrong: list[str] = []
    hard: dict[str, dict[str, str]] = {}
    for tenant in fleet.tenants:
        tier, live = fleet.tiers[tenant.tier], cluster.namespaces.get(tenant.namespace)
        limits = hard_limits(tier, tenant.overrides.quota, tenant.storage_classes, settings.storage_classes)
        hard[tenant.id] = limits
        wrong += _taken(tenant, cluster)
        if not allowance.shrink:
            wrong += below_use(f"tenant {tenant.id}", limits, live)
    orphaned = _orphaned(fleet.tenants, cluster)
    promises: list[Mapping[str, str]] = [*hard.values(), *(cluster.namespaces[name].hard or {} for name in orphaned)]
    report, beyond = commitment("tenants", promises, cluster.capacity, allowance.ratios)
    if not allowance.overcommit:
        wrong += beyond
    return Plan(fleet, settings, cluster, now, hard, orphaned, report), wrong


def usage_of_tenants(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """Of every tenant of the cluster, whatever the data says: who it is, its limits, what it uses and what is left."""
    found: dict[str, dict[str, Any]] = {}
    for name, live in sorted(cluster.namespaces.items()):
        if not live.tenant:
            continue
        hard = live.hard or {}
        state = cluster.offboarding.get(live.tenant) or ("suspended" if live.suspended else "active")
        found[live.tenant] = {
            "namespace": name,
            "name": live.annotations.get(NAME),
            "tier": live.annotations.get(TIER),
            "created": live.annotations.get(CREATED),
            "state": state,
            **usage(hard, live.used),
            "share": share(hard, live.used),
        }
    return found


def _orphaned(tenants: list[Tenant], cluster: Cluster) -> list[str]:
    known = {tenant.namespace for tenant in tenants}
    return sorted(name for name, live in cluster.namespaces.items() if live.tenant and name not in known)


def _quota_of(live: Namespace | None) -> dict[str, str] | None:
    return live.hard if live is not None else None


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
