# Copyright (c) 2026 GreenLang. All rights reserved.
"""Tiers → ResourceQuota and LimitRange of a namespace; whether a quota may shrink, what is left of it, whether the
cluster can carry the sum. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..kubernetes import quantity
from .cluster import Namespace
from .tiers import Limits, Tier

CLASS_SUFFIX = ".storageclass.storage.k8s.io/requests.storage"


@dataclass(frozen=True)
class Allowance:
    """What may be exceeded.

    ratios      resource → how many times what the cluster offers the sum of all quotas may be.
    shrink      a limit may be set below what is in use.
    overcommit  the ratios may be exceeded.
    """

    ratios: Mapping[str, float] = field(default_factory=dict)
    shrink: bool = False
    overcommit: bool = False


# --- what a tier gives --------------------------------------------------------------------------------------------
def hard_limits(
    tier: Tier, overrides: Mapping[str, str], classes: Mapping[str, str], every_class: Iterable[str] = ()
) -> dict[str, str]:
    """The hard limits of a namespace: its tier's, with its overrides; of a StorageClass that neither names, nothing.

    classes      StorageClass → amount, over the tier's.
    every_class  the StorageClasses of the cluster.
    """
    allowed = {**tier.storage_classes, **classes}
    by_class = {name + CLASS_SUFFIX: allowed.get(name, "0") for name in (*every_class, *allowed)}
    return {**by_class, **tier.quota, **overrides}


def resource_quota(metadata: Mapping[str, Any], hard: Mapping[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": dict(hard)}}


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


def below_use(who: str, hard: Mapping[str, str], live: Namespace | None) -> list[str]:
    """Limits that would be below what is in use, and lower than they are: one sentence each, with the remedy."""
    if live is None:
        return []
    before = live.hard or {}
    found: list[str] = []
    for resource, amount in hard.items():
        in_use, wanted = live.used.get(resource), quantity.parse(amount)
        if in_use is None or quantity.parse(in_use) <= wanted:
            continue
        if resource in before and wanted >= quantity.parse(before[resource]):
            continue
        why = f"{resource} would be {amount}, and {in_use} are in use"
        found.append(f"{who}: {why}; free it first, or set allow_shrink")
    return found


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
    whose: str, quotas: list[Mapping[str, str]], capacity: Mapping[str, Fraction], ratios: Mapping[str, float]
) -> tuple[dict[str, Any], list[str]]:
    """For each resource with a declared ratio: what is promised, offered and allowed; a sentence for each beyond it."""
    report: dict[str, Any] = {}
    beyond: list[str] = []
    for resource, ratio in ratios.items():
        binary = quantity.is_memory_like(resource)
        offered, total = capacity.get(resource, Fraction(0)), promised(quotas, resource)
        limit = offered * quantity.parse(ratio)
        there, wanted = quantity.show(offered, binary), quantity.show(total, binary)
        actual = round(float(total / offered), 3) if offered else None
        report[resource] = {"promised": wanted, "allocatable": there, "ratio": float(ratio), "actual_ratio": actual}
        if total > limit:
            allowed = quantity.show(Fraction(int(limit)) if limit > 1 else limit, binary)
            what = f"the {whose} are promised {wanted}, and {there} allocatable at a ratio of {ratio} allow {allowed}"
            beyond.append(f"overcommitment of {resource}: {what}; add nodes, lower quotas, or raise the ratio")
    return report, beyond
