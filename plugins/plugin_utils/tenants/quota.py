# Copyright (c) 2026 GreenLang. All rights reserved.
"""Tiers → ResourceQuota and LimitRange of a namespace; whether a quota may shrink, what is left of it, whether the
cluster can carry the sum. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..kubernetes import quantity
from .cluster import Namespace
from .counts import with_counts
from .tiers import Limits, Overrides, Tier

CLASS_SUFFIX = ".storageclass.storage.k8s.io/requests.storage"
BALANCERS, NODE_PORTS = "services.loadbalancers", "services.nodeports"
_REQUESTS = "requests."


@dataclass(frozen=True)
class Allowance:
    """What may be exceeded.

    ratios      resource → how many times what the cluster offers the sum of all quotas may be.
    shrink      a limit may be set below what is in use.
    overcommit  the ratios may be exceeded.
    variables   what stands before an option's name where a role has a variable for it; empty: no role has.
    """

    ratios: Mapping[str, float] = field(default_factory=dict)
    shrink: bool = False
    overcommit: bool = False
    variables: str = ""


# --- what a tier gives --------------------------------------------------------------------------------------------
def hard_limits(
    tier: Tier, overrides: Overrides, classes: Mapping[str, str], every_class: Iterable[str] = ()
) -> dict[str, str]:
    """The hard limits of a namespace: its tier's, with its overrides; of a StorageClass that neither names, nothing.

    What `quota` says outranks what follows from a field; what the namespace says, what its tier does.
    classes      StorageClass → amount, over the tier's.
    every_class  the StorageClasses of the cluster.
    """
    allowed = {**tier.storage_classes, **classes}
    hard = {name + CLASS_SUFFIX: allowed.get(name, "0") for name in (*every_class, *allowed)}
    contract, given = tier.contract, overrides.contract
    hard.update(_devices(contract.extended_resources))
    hard.update(_balancers(contract.load_balancers, contract.max_service_ports))
    hard.update(tier.quota)
    hard.update(_devices(given.get("extended_resources", {})))
    if "load_balancers" in given:
        hard.update(_balancers(given["load_balancers"], contract.over(given).max_service_ports))
    hard.update(overrides.quota)
    return hard


def _devices(resources: Mapping[str, str]) -> dict[str, str]:
    return {_REQUESTS + name: amount for name, amount in resources.items()}


def _balancers(number: int | None, ports: int) -> dict[str, str]:
    """Each port of a load balancer has a node port, which the quota counts as well."""
    if number is None:
        return {}
    return {BALANCERS: str(number), NODE_PORTS: str(number * ports)}


def tenant_limits(
    tier: Tier, overrides: Overrides, classes: Mapping[str, str], every_class: Iterable[str]
) -> dict[str, str]:
    """The hard limits of a tenant's namespace: as above, and a count of every kind; load balancers only as they are
    sold, with the node ports that they need."""
    hard = hard_limits(tier, overrides, classes, every_class)
    number = int(quantity.parse(hard.get(BALANCERS, "0")))
    needed = _balancers(number, tier.contract.over(overrides.contract).max_service_ports)
    # Who has another number of them than its tier, or larger Services, has the node ports of these.
    others = {"load_balancers", "max_service_ports"} & overrides.contract.keys() or BALANCERS in overrides.quota
    whole = {**hard, **needed, **overrides.quota} if others else {**needed, **hard}
    return with_counts(whole)


def devices(hard: Mapping[str, str]) -> list[str]:
    """The extended resources of which a quota allows more than none."""
    allowed = (name.removeprefix(_REQUESTS) for name in hard if "/" in name and name.startswith(_REQUESTS))
    return [name for name in allowed if quantity.parse(hard[_REQUESTS + name])]


def resource_quota(metadata: Mapping[str, Any], hard: Mapping[str, str], *scopes: str) -> dict[str, Any]:
    """Of everything in its namespace, or only of what is within all of these scopes."""
    spec = {"hard": dict(hard), **({"scopes": list(scopes)} if scopes else {})}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}


def limit_range(metadata: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """There without limits too, so that nothing is left over when a tier loses them."""
    found: list[dict[str, Any]] = []
    if limits.container:
        found.append({"type": "Container", **limits.container})
    if limits.max_volume is not None:
        found.append({"type": "PersistentVolumeClaim", "max": {"storage": limits.max_volume}})
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": found}}


# --- what is in use -----------------------------------------------------------------------------------------------
def headroom(hard: Mapping[str, str], used: Mapping[str, str]) -> dict[str, str]:
    """What is left of each limit; negative where more is in use than is allowed."""
    left: dict[str, str] = {}
    for resource, amount in hard.items():
        rest = quantity.parse(amount) - quantity.parse(used.get(resource, "0"))
        left[resource] = quantity.show(rest, quantity.is_memory_like(resource))
    return left


def share(hard: Mapping[str, str], used: Mapping[str, str]) -> dict[str, float]:
    """The part of each limit that is used, without those of zero."""
    shares: dict[str, float] = {}
    for resource, amount in hard.items():
        limit = quantity.parse(amount)
        if limit:
            shares[resource] = round(float(quantity.parse(used.get(resource, "0")) / limit), 4)
    return shares


def usage(hard: Mapping[str, str], used: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """`hard`, `used` and `headroom` of the same resources."""
    whole = {resource: used.get(resource, "0") for resource in hard}
    return {"hard": dict(hard), "used": whole, "headroom": headroom(hard, used)}


def below_use(who: str, hard: Mapping[str, str], live: Namespace | None, variables: str = "") -> list[str]:
    """Limits that would be below what is in use, and lower than they are: one sentence each, with the remedy."""
    found: list[str] = []
    for resource, in_use in _exceeded(hard, live):
        if not _is_no_lower(resource, hard[resource], live):
            why = f"{resource} would be {hard[resource]}, and {in_use} are in use"
            found.append(f"{who}: {why}; free it first, or set {_option('allow_shrink', variables)}")
    return found


def above_limit(who: str, hard: Mapping[str, str], live: Namespace | None) -> list[str]:
    """Of what more is in use than is allowed, although nothing is refused for it: one sentence each."""
    found: list[str] = []
    for resource, in_use in _exceeded(hard, live):
        what = f"{resource} is {hard[resource]}, and {in_use} are in use already"
        effect = "what is there stays, and no more can be made until it is fewer"
        found.append(f"{who}: {what}; {effect}, or overrides.quota of the tenant allows more")
    return found


def _exceeded(hard: Mapping[str, str], live: Namespace | None) -> Iterator[tuple[str, str]]:
    """Each resource of which more is in use than these limits allow, and how much is."""
    used = live.used if live is not None else {}
    for resource, amount in hard.items():
        in_use = used.get(resource)
        if in_use is not None and quantity.parse(in_use) > quantity.parse(amount):
            yield resource, in_use


def _is_no_lower(resource: str, amount: str, live: Namespace | None) -> bool:
    """Whether a limit is not below what it was; a count that its quota did not have before takes nothing away."""
    before = (live.hard if live is not None else None) or {}
    if resource in before:
        return quantity.parse(amount) >= quantity.parse(before[resource])
    return bool(before) and resource.startswith("count/")


def _option(name: str, variables: str) -> str:
    return f"{name} (variable {variables}{name})" if variables else name


# --- overcommitment -----------------------------------------------------------------------------------------------
def allocatable(nodes: Iterable[Mapping[str, Any]]) -> dict[str, Fraction]:
    """What the schedulable nodes offer together."""
    total: dict[str, Fraction] = {}
    for node in nodes:
        if (node.get("spec") or {}).get("unschedulable"):
            continue
        for resource, amount in ((node.get("status") or {}).get("allocatable") or {}).items():
            total[resource] = total.get(resource, Fraction(0)) + quantity.parse(amount)
    return total


def promised(quotas: Iterable[Mapping[str, str]], resource: str) -> Fraction:
    """The sum of a resource over quotas; requests.<resource> where a quota has it, else <resource>."""
    requests = f"requests.{resource}"
    total = Fraction(0)
    for hard in quotas:
        total += quantity.parse(hard.get(requests, hard.get(resource, "0")))
    return total


def commitment(
    quotas: list[Mapping[str, str]], capacity: Mapping[str, Fraction], ratios: Mapping[str, float]
) -> dict[str, Any]:
    """For each resource with a declared ratio: what is promised, offered and allowed."""
    report: dict[str, Any] = {}
    for resource, ratio in ratios.items():
        binary = quantity.is_memory_like(resource)
        offered, total = capacity.get(resource, Fraction(0)), promised(quotas, resource)
        actual = round(float(total / offered), 3) if offered else None
        there, wanted = quantity.show(offered, binary), quantity.show(total, binary)
        report[resource] = {"promised": wanted, "allocatable": there, "ratio": float(ratio), "actual_ratio": actual}
    return report


def excess(
    whose: str, resource: str, total: Fraction, offered: Fraction, allowance: Allowance, adding: str = ""
) -> str:
    """The sentence about a resource of which more is promised than is allowed, with the remedies."""
    ratio, binary = allowance.ratios[resource], quantity.is_memory_like(resource)
    limit = offered * quantity.parse(ratio)
    allowed = quantity.show(Fraction(int(limit)) if limit > 1 else limit, binary)
    there, wanted = quantity.show(offered, binary), quantity.show(total, binary)
    what = f"{adding}the {whose} are promised {wanted}, and {there} allocatable at a ratio of {ratio} allow {allowed}"
    return f"overcommitment of {resource}: {what}; {_remedies(allowance.variables, bool(offered))}"


def _remedies(variables: str, any_offered: bool) -> str:
    if not variables:
        return "add nodes, lower quotas, or raise the ratio"
    raised = (
        f"raise the ratio (variable {variables}overcommit), " if any_offered else ""
    )  # no ratio makes more of nothing
    return f"add nodes, lower quotas, {raised}or say what nodes to come offer (variable {variables}capacity)"
