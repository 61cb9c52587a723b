# Copyright (c) 2026 GreenLang. All rights reserved.
"""Tiers as data: {quota, limits?, storage_classes?}. Pure."""
from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kubernetes import quantity as _quantity
from .problems import Problems

RESOURCE = re.compile(
    r"^(cpu|memory|ephemeral-storage|storage|pods|services|services\.loadbalancers|services\.nodeports|secrets|configmaps|"
    r"persistentvolumeclaims|replicationcontrollers|resourcequotas|requests\.[a-z0-9][a-z0-9./-]*|limits\.[a-z0-9][a-z0-9./-]*|"
    r"count/[a-z0-9][a-z0-9.-]*|[a-z0-9][a-z0-9.-]*\.storageclass\.storage\.k8s\.io/(requests\.storage|persistentvolumeclaims))\Z")
_TIER = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_LIMIT_KEYS = {"default": "default", "default_request": "defaultRequest", "max": "max", "min": "min"}


@dataclass(frozen=True)
class Limits:
    """Of a LimitRange: of containers, by its own keys, and of a volume."""

    container: dict[str, dict[str, str]] = field(default_factory=dict)
    max_volume: str | None = None

    def over(self, base: Limits) -> Limits:
        keys = [*base.container, *(key for key in self.container if key not in base.container)]
        merged = {key: {**base.container.get(key, {}), **self.container.get(key, {})} for key in keys}
        return Limits(merged, base.max_volume if self.max_volume is None else self.max_volume)


@dataclass(frozen=True)
class Tier:
    quota: dict[str, str]
    limits: Limits
    storage_classes: dict[str, str]


def read_tiers(tiers: Any, problems: Problems) -> dict[str, Tier]:
    if not isinstance(tiers, Mapping) or not tiers:
        problems.add("tiers", "must be a dictionary with at least one tier")
        return {}
    read = {}
    for name, value in tiers.items():
        if not isinstance(name, str) or not _TIER.match(name):
            problems.add(f"tiers.{name}", "a tier's name must be a DNS label")
        else:
            read[name] = _read_tier(value, f"tiers.{name}", problems)
    return read


def _read_tier(value: Any, where: str, problems: Problems) -> Tier:
    value = problems.mapping(value, where, ("quota", "limits", "storage_classes"))
    quota = problems.quantities(value.get("quota"), f"{where}.quota", RESOURCE)
    if not value.get("quota"):
        problems.add(f"{where}.quota", "is empty: a tier without a quota limits nothing")
    limits = read_limits(value.get("limits"), f"{where}.limits", problems)
    check_order(limits, f"{where}.limits", problems)
    return Tier(quota, limits, problems.quantities(value.get("storage_classes"), f"{where}.storage_classes"))


def read_limits(value: Any, where: str, problems: Problems) -> Limits:
    value = problems.mapping(value or {}, where, (*_LIMIT_KEYS, "max_volume"))
    container = {api: problems.quantities(value[key], f"{where}.{key}") for key, api in _LIMIT_KEYS.items() if value.get(key)}
    volume = problems.quantities({"max_volume": value["max_volume"]}, where) if value.get("max_volume") is not None else {}
    return Limits(container, volume.get("max_volume"))


def check_order(limits: Limits, where: str, problems: Problems) -> None:
    """The API server would refuse a default above the maximum, in the middle of the writes."""
    container = limits.container
    for lower, upper in itertools.pairwise(key for key in ("min", "defaultRequest", "default", "max") if key in container):
        for resource in container[lower].keys() & container[upper].keys():
            if _quantity.parse(container[lower][resource]) > _quantity.parse(container[upper][resource]):
                problems.add(where, f"{lower} of {resource} ({container[lower][resource]}) is above {upper} ({container[upper][resource]})")
