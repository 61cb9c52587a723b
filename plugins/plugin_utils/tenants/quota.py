# Copyright (c) 2026 GreenLang. All rights reserved.
"""Tiers and tenants → quotas; whether a quota may shrink; whether the cluster can carry the sum. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from ..kubernetes import quantity as _quantity
from .tenant import Tenant
from .tiers import Tier

CLASS_SUFFIX = ".storageclass.storage.k8s.io/requests.storage"


def hard_limits(tenant: Tenant, tier: Tier, storage_classes: Iterable[str]) -> dict[str, str]:
    """The hard limits of a tenant: its tier's, with its overrides; of a StorageClass that neither names, nothing."""
    allowed = {**tier.storage_classes, **tenant.storage_classes}
    hard = {name + CLASS_SUFFIX: allowed.get(name, "0") for name in [*storage_classes, *allowed]}
    return {**hard, **tier.quota, **tenant.quota}


def headroom(hard: Mapping[str, str], used: Mapping[str, str]) -> dict[str, str]:
    """What is left of each limit; negative where more is in use than is allowed."""
    return {resource: _quantity.show(_quantity.parse(amount) - _quantity.parse(used.get(resource, "0")), _quantity.is_memory_like(resource))
            for resource, amount in hard.items()}


def share(hard: Mapping[str, str], used: Mapping[str, str]) -> dict[str, float]:
    """The part of each limit that is used, without those of zero."""
    return {resource: round(float(_quantity.parse(used.get(resource, "0")) / limit), 4)
            for resource, amount in hard.items() if (limit := _quantity.parse(amount))}


def below_use(hard: Mapping[str, str], used: Mapping[str, str], before: Mapping[str, str] | None = None) -> list[str]:
    """Limits that are below what is in use, and lower than before: one sentence each."""
    found = []
    for resource, amount in hard.items():
        in_use, wanted = used.get(resource), _quantity.parse(amount)
        if in_use is None or _quantity.parse(in_use) <= wanted:
            continue
        if before is not None and resource in before and wanted >= _quantity.parse(before[resource]):
            continue
        found.append(f"{resource} would be {amount}, and {in_use} are in use")
    return found


# --- overcommitment ------------------------------------------------------------------------------------------------------
def allocatable(nodes: Iterable[Mapping]) -> dict[str, Fraction]:
    """What the schedulable nodes offer together."""
    total: dict[str, Fraction] = {}
    for node in nodes:
        if (node.get("spec") or {}).get("unschedulable"):
            continue
        for resource, amount in ((node.get("status") or {}).get("allocatable") or {}).items():
            total[resource] = total.get(resource, Fraction(0)) + _quantity.parse(amount)
    return total


def promised(quotas: Iterable[Mapping[str, str]], resource: str) -> Fraction:
    """The sum of a resource over quotas; requests.<resource> where a quota has it, else <resource>."""
    total = Fraction(0)
    for hard in quotas:
        total += _quantity.parse(hard.get(f"requests.{resource}", hard.get(resource, "0")))
    return total


def commitment(quotas: Sequence[Mapping[str, str]], capacity: Mapping[str, Fraction], ratios: Mapping[str, float]) -> tuple[dict, list[str]]:
    """For each resource with a declared ratio: what is promised, offered and allowed; and a sentence for each that is beyond."""
    report, beyond = {}, []
    for resource, ratio in ratios.items():
        offered, binary = capacity.get(resource, Fraction(0)), _quantity.is_memory_like(resource)
        total, limit = promised(quotas, resource), offered * _quantity.parse(ratio)
        report[resource] = {
            "promised": _quantity.show(total, binary), "allocatable": _quantity.show(offered, binary), "ratio": float(ratio),
            "actual_ratio": round(float(total / offered), 3) if offered else None}
        if total > limit:
            beyond.append(f"{resource}: the tenants are promised {_quantity.show(total, binary)}, and {_quantity.show(offered, binary)} allocatable "
                          f"at a ratio of {ratio} allow {_quantity.show(Fraction(int(limit)) if limit > 1 else limit, binary)}")
    return report, beyond
