# Copyright (c) 2026 GreenLang. All rights reserved.
"""A fleet as data, and what the cluster says → what to write, what to report, and everything that is wrong. Pure. The
clock is passed in.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..kubernetes import quantity
from .cluster import CREATED, NAME, TIER, Cluster, Namespace
from .contract import told
from .counts import KINDS
from .flow import flow_schema
from .judge import Verdict, judge
from .objects import Bounds, Manifest, tenant_objects
from .problems import Problems
from .quota import BALANCERS, Allowance, commitment, devices, share, tenant_limits, usage
from .settings import Settings
from .tenant import Tenant, parse_tenants, placed
from .tiers import Overrides, Tier, parse_tiers

SHARES = 8  # sets that the tenants are divided into; changing it would move every object to another set


class Fleet(NamedTuple):
    tenants: list[Tenant]
    tiers: dict[str, Tier]

    def names_priorities(self) -> bool:
        """Whether any tier or tenant names a PriorityClass."""
        tiers = (tier.contract.priority_classes for tier in self.tiers.values())
        return any(tiers) or any(tenant.overrides.contract.get("priority_classes") for tenant in self.tenants)


@dataclass(frozen=True)
class Plan:
    """`asked` are the tenants that the run is for, of whom `verdict` says which stay as they are; `bounds` are by
    tenant's id; `orphaned` namespaces of tenants that are not in the data."""

    fleet: Fleet
    settings: Settings
    cluster: Cluster
    now: str
    bounds: dict[str, Bounds]
    orphaned: list[str]
    commitment: dict[str, Any]
    asked: list[Tenant]
    verdict: Verdict

    def new(self) -> list[str]:
        """Ids of those that were not onboarded: without a namespace, or without the quota that is written into it."""
        return [tenant.id for tenant in _new(self.fleet, self.cluster)]

    def going(self, only: Iterable[str] | None = None) -> list[Tenant]:
        """Those that are converged, or only these of them."""
        return [tenant for tenant in _chosen(self.asked, only) if tenant.id not in self.verdict.refused]

    def uncounted(self) -> dict[str, list[str]]:
        """Limits that are new to tenants who have others already, each with their namespaces: nothing says yet how much
        of it is in use."""
        found: dict[str, list[str]] = {}
        for tenant in self.asked:
            live = self.cluster.namespaces.get(tenant.namespace, Namespace())
            for name in KINDS.keys() - live.used.keys() if live.hard else ():
                if name in self.bounds[tenant.id].hard and name not in (live.hard or {}):
                    found.setdefault(name, []).append(tenant.namespace)
        return found

    def shares(self, only: Iterable[str] | None = None) -> Iterator[tuple[int, list[Tenant]]]:
        """The tenants that are converged in shares that are applied one after the other, so that memory is that of one.

        A tenant is always in the same.
        """
        members: dict[int, list[Tenant]] = {}
        for tenant in self.going(only):
            members.setdefault(_share(tenant.id), []).append(tenant)
        yield from sorted(members.items())

    def objects(self, tenants: Iterable[Tenant]) -> Iterator[Manifest]:
        tiers, bounds, settings = self.fleet.tiers, self.bounds, self.settings
        for tenant in tenants:
            yield from tenant_objects(tenant, tiers[tenant.tier], bounds[tenant.id], settings, self._created(tenant))

    def flows(self, number: int, name: str) -> list[Manifest]:
        """Whose requests are those of tenants of this share: of all of them, whoever is asked for."""
        if not self.settings.priority_level:
            return []
        tenants = [tenant for tenant in self.fleet.tenants if _share(tenant.id) == number]
        orphaned = [name for name in self.orphaned if _share(self.cluster.namespaces[name].tenant) == number]
        namespaces = [*(tenant.namespace for tenant in tenants), *orphaned]
        return [flow_schema(f"vcci-{name}", self.settings.priority_level, self.settings.part_of, tenants, namespaces)]

    def report(self, only: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Of each tenant that was asked for: namespace, tier, created, contract, hard, used, headroom."""
        found: dict[str, dict[str, Any]] = {}
        for tenant in _chosen(self.asked, only):
            live, bounds = self.cluster.namespaces.get(tenant.namespace, Namespace()), self.bounds[tenant.id]
            known = {"namespace": tenant.namespace, "tier": tenant.tier, "created": self._created(tenant)}
            found[tenant.id] = {**known, "contract": told(bounds.written), **usage(bounds.hard, live.used)}
        return found

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
    node_pools: Sequence[str] | None = None,
) -> Fleet:
    """The data alone: what can be said without asking a cluster.

    node_pools  the cluster's; whatever a tier names is taken for one when nobody says.
    """
    known_tiers = parse_tiers(tiers, problems)
    everyone = [*placed(tenants, problems), *files]
    known = parse_tenants(
        everyone, known_tiers, problems, protected_cidrs=protected_cidrs, protected_hosts=protected_hosts
    )
    if node_pools is not None:
        _check_pools(known_tiers, known, node_pools, problems)
    ids = {tenant.id for tenant in known}
    for name in only:
        if name not in ids:
            problems.add("only", f"no tenant has the id {name!r}")
    return Fleet(known, known_tiers)


def _check_pools(
    tiers: Mapping[str, Tier], tenants: Iterable[Tenant], pools: Sequence[str], problems: Problems
) -> None:
    named = {f"tiers.{name}": tier.contract.node_pools for name, tier in tiers.items()}
    named.update({f"tenant {one.id}: overrides": one.overrides.contract.get("node_pools", ()) for one in tenants})
    for where, names in named.items():
        for name in names:
            if name not in pools:
                problems.add(f"{where}.node_pools", f"unknown pool {name!r}; known are {', '.join(pools) or 'none'}")


def plan_fleet(
    fleet: Fleet,
    settings: Settings,
    cluster: Cluster,
    now: str,
    allowance: Allowance,
    *,
    only: Collection[str] = (),
    new_only: bool = False,
) -> tuple[Plan, list[str]]:
    """What is to be done, and why not.

    only      ids of the tenants that are asked for; all without any.
    new_only  without these, those that were not onboarded: without a namespace, or without the quota that is written
              into it.
    """
    bounds = dict(_bounds(fleet, settings))
    orphaned = _orphaned(fleet.tenants, cluster)
    hard = {name: of.hard for name, of in bounds.items()}
    promises: list[Mapping[str, str]] = [*hard.values(), *(cluster.namespaces[name].hard or {} for name in orphaned)]
    report = commitment(promises, cluster.capacity, allowance.ratios)
    asked = _asked(fleet, cluster, only, new_only)
    verdict = judge(asked, hard, cluster, allowance)
    for tenant in asked if cluster.priorities else ():
        verdict.refuse_priorities(tenant, told(bounds[tenant.id].written)["priority_classes"], cluster.priorities)
    if settings.ingress_classes is not None:
        verdict.refuse_unserved([one for one in asked if not told(bounds[one.id].written)["ingress_classes"]])
    return Plan(fleet, settings, cluster, now, bounds, orphaned, report, asked, verdict), verdict.wrong


def _asked(fleet: Fleet, cluster: Cluster, only: Collection[str], new_only: bool) -> list[Tenant]:
    if only or not new_only:
        return _chosen(fleet.tenants, only or None)
    return _new(fleet, cluster)


def _chosen(tenants: list[Tenant], only: Iterable[str] | None) -> list[Tenant]:
    if only is None:
        return tenants
    ids = set(only)
    return [tenant for tenant in tenants if tenant.id in ids]


def _new(fleet: Fleet, cluster: Cluster) -> list[Tenant]:
    live = cluster.namespaces
    return [tenant for tenant in fleet.tenants if _quota_of(live.get(tenant.namespace)) is None]


def _bounds(fleet: Fleet, settings: Settings) -> Iterator[tuple[str, Bounds]]:
    """By tenant's id; one object for all that have what their tier gives, and nothing else."""
    same = {name: _bounds_of(tier, None, settings) for name, tier in fleet.tiers.items()}
    for tenant in fleet.tenants:
        special = tenant.overrides != Overrides() or tenant.storage_classes
        yield tenant.id, _bounds_of(fleet.tiers[tenant.tier], tenant, settings) if special else same[tenant.tier]


def _bounds_of(tier: Tier, tenant: Tenant | None, settings: Settings) -> Bounds:
    overrides, classes = (tenant.overrides, tenant.storage_classes) if tenant else (Overrides(), {})
    hard = tenant_limits(tier, overrides, classes, settings.storage_classes)
    contract = tier.contract.over(overrides.contract).of_platform(settings.ingress_classes or (), settings.issuers)
    balancers = str(int(quantity.parse(hard[BALANCERS])))  # policies read a number, which "1k" is none to them
    return Bounds(hard, contract.written(devices(hard), balancers))


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
        contract = told(live.annotations)
        if contract:  # what the version before made says nothing of it
            found[live.tenant]["contract"] = contract
    return found


def _orphaned(tenants: list[Tenant], cluster: Cluster) -> list[str]:
    known = {tenant.namespace for tenant in tenants}
    return sorted(name for name, live in cluster.namespaces.items() if live.tenant and name not in known)


def _quota_of(live: Namespace | None) -> dict[str, str] | None:
    return live.hard if live is not None else None


def _share(tenant_id: str) -> int:
    return zlib.crc32(tenant_id.encode()) % SHARES
