# Copyright (c) 2026 GreenLang. All rights reserved.
"""Data and what the cluster says → what to write, what to report, and everything that is wrong. Pure; the clock is passed in."""
from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from . import objects as _tenant_objects
from . import quota as _tenant_quota
from .objects import Settings
from .problems import Problems
from .tenant import Tenant, placed, read_tenants
from .tiers import Tier, read_tiers

SHARES = 8  # sets that the tenants are divided into; changing it would move every object to another set


@dataclass
class Live:
    """What the cluster has: namespaces by name; of each tenant's quota the hard limits and what is used; id → phase of offboarding."""

    namespaces: dict[str, dict] = field(default_factory=dict)
    hard: dict[str, dict[str, str]] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    offboarding: dict[str, str] = field(default_factory=dict)
    capacity: dict[str, Fraction] = field(default_factory=dict)


@dataclass
class Plan:
    tenants: list[Tenant]
    tiers: dict[str, Tier]
    settings: Settings
    live: Live
    now: str
    hard: dict[str, dict[str, str]]
    orphaned: list[str]
    commitment: dict

    def new(self) -> list[str]:
        """Ids of those that were not onboarded: without a namespace, or in a run that ended before their quota was written."""
        return [tenant.id for tenant in self.tenants if tenant.namespace not in self.live.namespaces or tenant.namespace not in self.live.hard]

    def shares(self, only: Iterable[str] | None = None) -> Iterator[tuple[int, list[Tenant]]]:
        """The tenants in shares that are applied one after the other, so that memory is that of one; always the same for the same tenant."""
        chosen = None if only is None else set(only)
        members: dict[int, list[Tenant]] = {}
        for tenant in self.tenants:
            if chosen is None or tenant.id in chosen:
                members.setdefault(zlib.crc32(tenant.id.encode()) % SHARES, []).append(tenant)
        yield from sorted(members.items())

    def objects(self, tenants: Iterable[Tenant]) -> Iterator[dict]:
        for tenant in tenants:
            yield from _tenant_objects.tenant_objects(tenant, self.tiers[tenant.tier], self.hard[tenant.id], self.settings, self._created(tenant))

    def _created(self, tenant: Tenant) -> str:
        return annotations_of(self.live.namespaces.get(tenant.namespace)).get(_tenant_objects.CREATED) or tenant.created or self.now

    def report(self, only: Iterable[str] | None = None) -> dict[str, dict]:
        """Of each tenant: tier, namespace, hard, used, headroom."""
        chosen, found = None if only is None else set(only), {}
        for tenant in self.tenants:
            if chosen is None or tenant.id in chosen:
                hard, used = self.hard[tenant.id], self.live.used.get(tenant.namespace, {})
                found[tenant.id] = {
                    "namespace": tenant.namespace, "tier": tenant.tier, "created": self._created(tenant), "hard": hard,
                    "used": {resource: used.get(resource, "0") for resource in hard}, "headroom": _tenant_quota.headroom(hard, used)}
        return found


def read(tenants: object, tiers: object, problems: Problems, *, files: Iterable[tuple[str, object]] = (), only: Iterable[str] = (),
         protected_cidrs: Iterable[str] = (), protected_hosts: Iterable[str] = ()) -> tuple[list[Tenant], dict[str, Tier]]:
    """The data alone: what can be said without asking a cluster."""
    known_tiers = read_tiers(tiers, problems)
    known = read_tenants([*placed(tenants, problems), *files], known_tiers, problems, protected_cidrs=protected_cidrs, protected_hosts=protected_hosts)
    ids = {tenant.id for tenant in known}
    for name in only:
        if name not in ids:
            problems.add("only", f"no tenant has the id {name!r}")
    return known, known_tiers


def usage(live: Live) -> dict[str, dict]:
    """Of every tenant of the cluster, whatever the data says: who it is, its limits, what it uses and what is left."""
    found = {}
    for name, namespace in sorted(live.namespaces.items()):
        said = annotations_of(namespace)
        tenant_id = said.get(_tenant_objects.ID)
        if not tenant_id:
            continue
        hard, used = live.hard.get(name, {}), live.used.get(name, {})
        found[tenant_id] = {
            "namespace": name, "name": said.get(_tenant_objects.NAME), "tier": said.get(_tenant_objects.TIER), "created": said.get(_tenant_objects.CREATED),
            "state": live.offboarding.get(tenant_id) or ("suspended" if name in live.suspended else "active"), "hard": hard,
            "used": {resource: used.get(resource, "0") for resource in hard}, "headroom": _tenant_quota.headroom(hard, used),
            "share": _tenant_quota.share(hard, used)}
    return found


def plan(tenants: list[Tenant], tiers: dict[str, Tier], settings: Settings, live: Live, now: str, *, ratios: Mapping[str, float],
         allow_shrink: bool = False, allow_overcommit: bool = False) -> tuple[Plan, list[str]]:
    """What is to be done, and why not."""
    wrong = []
    hard = {tenant.id: _tenant_quota.hard_limits(tenant, tiers[tenant.tier], settings.storage_classes) for tenant in tenants}
    for tenant in tenants:
        wrong += _taken(tenant, live)
        if not allow_shrink:
            wrong += [f"tenant {tenant.id}: {why}; free it first, or set allow_shrink"
                      for why in _tenant_quota.below_use(hard[tenant.id], live.used.get(tenant.namespace, {}), live.hard.get(tenant.namespace))]
    known = {tenant.namespace for tenant in tenants}
    orphaned = sorted(name for name, namespace in live.namespaces.items() if name not in known and annotations_of(namespace).get(_tenant_objects.ID))
    quotas = [*hard.values(), *(live.hard.get(name, {}) for name in orphaned)]
    commitment, beyond = _tenant_quota.commitment(quotas, live.capacity, ratios)
    if not allow_overcommit:
        wrong += [f"overcommitment of {why}; add nodes, lower quotas, or raise the ratio" for why in beyond]
    return Plan(tenants, tiers, settings, live, now, hard, orphaned, commitment), wrong


def _taken(tenant: Tenant, live: Live) -> list[str]:
    """A namespace that is there must be this tenant's, and no offboarding may be under way or behind it."""
    phase, namespace = live.offboarding.get(tenant.id), live.namespaces.get(tenant.namespace)
    if phase == "deleted":
        return [f"tenant {tenant.id}: was offboarded, and is never made again; choose another id"]
    if phase is not None:
        return [f"tenant {tenant.id}: is being offboarded ({phase}); take it out of the data, or take the offboarding back with tenant_resume"]
    if namespace is None:
        return []
    owner = annotations_of(namespace).get(_tenant_objects.ID)
    if owner == tenant.id:
        return ([f"tenant {tenant.id}: namespace {tenant.namespace} is being deleted; repeat when it is gone"]
                if namespace["metadata"].get("deletionTimestamp") else [])
    whose = f"tenant {owner}" if owner else "something else"
    return [f"tenant {tenant.id}: namespace {tenant.namespace} exists and belongs to {whose} (annotation {_tenant_objects.ID}); choose another id"]


def annotations_of(namespace: dict | None) -> dict:
    return ((namespace or {}).get("metadata") or {}).get("annotations") or {}
