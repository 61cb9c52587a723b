# Copyright (c) 2026 GreenLang. All rights reserved.
"""Data and what the cluster says → plan → objects: for fleets of tenants, and for namespaces with a tier each."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set
from ..errors import ApplyError, InputError, SetError
from ..kubernetes.client import Client
from . import namespaces as _namespaces
from .cluster import Cluster
from .namespaces import Bounds, parse_namespaces
from .plan import Fleet, Plan, parse_fleet, plan_fleet, usage_of_tenants
from .problems import SHOWN, Problems, refusal
from .quota import Allowance, commitment
from .read import count_objects, read_directory, read_priorities, read_quotas, read_tenants
from .record import FORMAT
from .settings import Settings
from .tenant import Tenant
from .total import Sum

ORPHANS_SHOWN = 10


@dataclass(frozen=True)
class Capacity:
    """What the cluster offers (its nodes are asked when None), and what may be exceeded."""

    capacity: Mapping[str, Any] | None
    overcommit: Mapping[str, Any]
    allow_shrink: bool = False
    allow_overcommit: bool = False
    variables: str = ""  # what stands before these names in the variables of a role; empty: no role has them

    def check(self, problems: Problems) -> None:
        problems.quantities(self.capacity, "capacity")
        problems.quantities(self.overcommit, "overcommit")

    @property
    def asked(self) -> bool:
        """Whether the nodes have to be asked: not for what is given."""
        return any(resource not in (self.capacity or {}) for resource in self.overcommit)

    def allowance(self, blind: bool) -> Allowance:
        """`blind` when no cluster was asked: nothing can be said of its capacity."""
        ratios = {} if blind else self.overcommit
        return Allowance(ratios, self.allow_shrink, self.allow_overcommit, self.variables)


# --- tenants ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class FleetOptions:
    """The options of plugin tenants that are of the data, whose documentation says what each is."""

    tenants: list[Any]
    directory: str | None
    tiers: Mapping[str, Any]
    only: list[str]
    new_only: bool
    protected_cidrs: list[str]
    protected_hosts: list[str]
    node_pools: list[str] | None
    report_limit: int
    judge_only: bool


def parse(options: FleetOptions, capacity: Capacity) -> Fleet:
    """The data alone, before any server is asked; InputError with everything that is wrong."""
    problems = Problems()
    files = read_directory(options.directory, problems) if options.directory else []
    capacity.check(problems)
    fleet = parse_fleet(
        options.tenants,
        options.tiers,
        problems,
        files=files,
        only=options.only,
        protected_cidrs=options.protected_cidrs,
        protected_hosts=options.protected_hosts,
        node_pools=options.node_pools,
    )
    problems.refuse()
    return fleet


def converge_tenants(
    client: Client | None,
    fleet: Fleet,
    options: FleetOptions,
    settings: Settings,
    capacity: Capacity,
    apply: ApplyOptions,
) -> dict[str, Any]:
    """Write what is not as the data says; without a client, what an empty cluster would get is predicted.

    Who is refused stays as it is; the others are converged, and then the run fails.
    apply  its name is that of all sets, to which a number is added.
    """
    plan, wrong = _plan(client, fleet, options, settings, capacity)
    if wrong and not plan.going():
        raise refusal(wrong)
    done = Sum(warnings=list(plan.verdict.warnings))
    for number, members in () if options.judge_only else plan.shares():
        _converge_share(client, plan, number, members, apply, done)
    answer = _answer(plan, done, options, apply.diff)
    if plan.verdict.refused and not options.judge_only:
        raise _partly(plan, answer)
    return answer


def _converge_share(
    client: Client | None, plan: Plan, number: int, members: list[Tenant], apply: ApplyOptions, done: Sum
) -> None:
    """Apply it; who has an object that cannot be written, as one that somebody changed by hand, is refused like those
    before, and the others are applied without."""
    name = f"{apply.name}-{number}"
    while members:
        manifests = [*plan.objects(members), *plan.flows(number, name)]
        before = done.copy()
        try:
            with done.ending():
                done.add(apply_set(client, manifests, replace(apply, name=name)))
        except ApplyError as exc:
            failed = _failed(exc, members)
            if not failed:
                raise
            done.begin_again(before, apply.check)
            for tenant, lines in failed:
                plan.verdict.refuse(tenant, lines)
            members = [tenant for tenant in members if tenant.id not in plan.verdict.refused]
        else:
            return


def _failed(exc: ApplyError, members: list[Tenant]) -> list[tuple[Tenant, list[str]]]:
    """Whose objects could not be written, and why; nobody when it is not about tenants alone."""
    by_namespace = {tenant.namespace: tenant for tenant in members}
    found: dict[str, list[str]] = {}
    for failure in exc.failures:
        where = failure["object"].partition(" ")[2].partition("/")[0]
        if where not in by_namespace:
            return []
        found.setdefault(where, []).append(f"tenant {by_namespace[where].id}: {failure['message']}")
    return [(by_namespace[where], lines) for where, lines in found.items()]


def _plan(
    client: Client | None,
    fleet: Fleet,
    options: FleetOptions,
    settings: Settings,
    capacity: Capacity,
) -> tuple[Plan, list[str]]:
    cluster = _cluster(client, settings.platform_namespace, capacity)
    if client is not None and fleet.names_priorities():
        cluster.priorities = read_priorities(client)

    def planned() -> tuple[Plan, list[str]]:
        allowance, only = capacity.allowance(client is None), options.only
        return plan_fleet(fleet, settings, cluster, _now(), allowance, only=only, new_only=options.new_only)

    plan, wrong = planned()
    uncounted = plan.uncounted()
    if client is None or not uncounted:
        return plan, wrong
    count_objects(client, cluster, uncounted)
    return planned()


def _answer(plan: Plan, done: Sum, options: FleetOptions, diff: bool) -> dict[str, Any]:
    answer = {**done.to_dict(f"{len(plan.going())} tenants", diff), "commitment": plan.commitment}
    if len(plan.asked) <= options.report_limit:
        answer["tenants"] = plan.report()
    orphans = _orphans(plan)
    warnings = [*answer.pop("warnings", []), *orphans.pop("warnings", [])]
    refused = {"refused": plan.verdict.refused}
    return {**answer, **orphans, **refused, **({"warnings": warnings} if warnings else {})}


@dataclass(frozen=True)
class Told:
    """What a run answers beside the error at its end."""

    said: dict[str, Any]

    def answer(self, diff: bool) -> dict[str, Any]:
        return self.said


def _partly(plan: Plan, answer: dict[str, Any]) -> SetError:
    ids, others, wrong = list(plan.verdict.refused), len(plan.going()), plan.verdict.wrong
    who = ", ".join(ids[:SHOWN]) + (" …" if len(ids) > SHOWN else "")
    told = refusal(wrong, f"not converged: {who}{f'; the other {others} are' if others else ''}. Why").message
    return SetError(told, wrong, Told(answer))


def _cluster(client: Client | None, record_namespace: str, capacity: Capacity) -> Cluster:
    if client is None:
        return Cluster()
    return read_tenants(client, record_namespace, capacity=capacity.capacity, nodes=capacity.asked)


def _orphans(plan: Plan) -> dict[str, Any]:
    if not plan.orphaned:
        return {"orphaned": []}
    count, shown = len(plan.orphaned), ", ".join(plan.orphaned[:ORPHANS_SHOWN])
    what = f"{count} namespaces belong to no tenant in the data; they are left alone until they are offboarded"
    return {"orphaned": plan.orphaned, "warnings": [f"{what}: {shown}{' …' if count > ORPHANS_SHOWN else ''}"]}


def tell_tenants(
    client: Client, record_namespace: str, capacity: Capacity, only: list[str], known: list[str] | None
) -> dict[str, Any]:
    """What the cluster says of its tenants; those that are not among `known` are orphaned."""
    cluster = read_tenants(client, record_namespace, capacity=capacity.capacity, nodes=capacity.asked)
    found = usage_of_tenants(cluster)
    missing = sorted(set(only) - set(found))
    if missing:
        raise InputError(f"there is no tenant {', '.join(missing)}", [f"there is no tenant {name}" for name in missing])
    quotas: list[Mapping[str, str]] = [live.hard for live in cluster.namespaces.values() if live.hard is not None]
    report = commitment(quotas, cluster.capacity, capacity.overcommit)
    chosen = {name: entry for name, entry in found.items() if not only or name in only}
    orphaned = [] if known is None else sorted(set(found) - set(known))
    return {"tenants": chosen, "orphaned": orphaned, "commitment": report}


# --- namespaces with a tier each ----------------------------------------------------------------------------------
def parse_bounds(namespaces: Any, tiers: Any, capacity: Capacity) -> list[Bounds]:
    """The data alone, before any server is asked; InputError with everything that is wrong."""
    problems = Problems()
    capacity.check(problems)
    bounded = parse_namespaces(namespaces, tiers, problems)
    problems.refuse()
    return bounded


def converge_quotas(
    client: Client | None, bounded: list[Bounds], capacity: Capacity, apply: ApplyOptions
) -> dict[str, Any]:
    """A ResourceQuota and a LimitRange in each namespace, as its tier says."""
    cluster = Cluster()
    expected: Collection[str] = [bounds.namespace for bounds in bounded]
    if client is not None:
        cluster = read_quotas(client, capacity=capacity.capacity, nodes=capacity.asked)
        expected = apply.planned.namespaces if apply.planned is not None else ()
    report, wrong = _namespaces.judge(bounded, cluster, capacity.allowance(client is None), expected)
    if wrong:
        raise refusal(wrong)
    done = Sum()
    manifests: list[dict[str, Any]] = []
    for bounds in bounded:
        manifests += bounds.manifests()
    with done.ending():
        done.add(apply_set(client, manifests, apply))
    answer = done.to_dict(f"{len(bounded)} namespaces", apply.diff)
    return {**answer, "commitment": report, "namespaces": _namespaces.report(bounded, cluster)}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime(FORMAT)
