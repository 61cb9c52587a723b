# Copyright (c) 2026 GreenLang. All rights reserved.
"""Tiers as data: {quota, limits?, storage_classes?} and the fields of contract.py; and overrides in one namespace:
{quota?, limits?} and these fields. Pure.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kubernetes import quantity
from .contract import FIELDS, Contract, parse_contract
from .problems import Problems

_COUNTED = (
    "cpu|memory|ephemeral-storage|storage|pods|secrets|configmaps",
    "services|services\\.loadbalancers|services\\.nodeports",
    "persistentvolumeclaims|replicationcontrollers|resourcequotas",
    "requests\\.[a-z0-9][a-z0-9./-]*|limits\\.[a-z0-9][a-z0-9./-]*|count/[a-z0-9][a-z0-9.-]*",
    "[a-z0-9][a-z0-9.-]*\\.storageclass\\.storage\\.k8s\\.io/(requests\\.storage|persistentvolumeclaims)",
)
RESOURCE = re.compile(rf"^({'|'.join(_COUNTED)})\Z")
_TIER = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_LIMIT_KEYS = {"default": "default", "default_request": "defaultRequest", "max": "max", "min": "min"}
_UPWARDS = ("min", "defaultRequest", "default", "max")


@dataclass(frozen=True)
class Limits:
    """Of a LimitRange: of containers, by its own keys, and of a volume."""

    container: dict[str, dict[str, str]] = field(default_factory=dict)
    max_volume: str | None = None

    def over(self, base: Limits) -> Limits:
        keys = dict.fromkeys((*base.container, *self.container))
        merged = {key: {**base.container.get(key, {}), **self.container.get(key, {})} for key in keys}
        return Limits(merged, base.max_volume if self.max_volume is None else self.max_volume)


@dataclass(frozen=True)
class Tier:
    quota: dict[str, str]
    limits: Limits
    storage_classes: dict[str, str]
    contract: Contract = field(default_factory=Contract)


@dataclass(frozen=True)
class Overrides:
    """What one namespace has instead of its tier's; `contract` has the fields that are given, and no others."""

    quota: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    contract: dict[str, Any] = field(default_factory=dict)


def parse_tiers(tiers: Any, problems: Problems) -> dict[str, Tier]:
    if not isinstance(tiers, Mapping) or not tiers:
        problems.add("tiers", "must be a dictionary with at least one tier")
        return {}
    parsed: dict[str, Tier] = {}
    for name, value in tiers.items():
        if not isinstance(name, str) or not _TIER.match(name):
            problems.add(f"tiers.{name}", "a tier's name must be a DNS label")
        else:
            parsed[name] = _parse_tier(value, f"tiers.{name}", problems)
    return parsed


def _parse_tier(value: Any, where: str, problems: Problems) -> Tier:
    value = problems.mapping(value, where, ("quota", "limits", "storage_classes", *FIELDS))
    quota = problems.quantities(value.get("quota"), f"{where}.quota", RESOURCE)
    if not value.get("quota"):
        problems.add(f"{where}.quota", "is empty: a tier without a quota limits nothing")
    limits = _parse_limits(value.get("limits"), f"{where}.limits", problems)
    _check_order(limits, f"{where}.limits", problems)
    classes = problems.quantities(value.get("storage_classes"), f"{where}.storage_classes")
    return Tier(quota, limits, classes, Contract().over(_parse_fields(value, where, problems)))


def parse_tier_name(value: Any, where: str, tiers: Mapping[str, Tier], problems: Problems) -> Tier | None:
    """The tier of that name, None where there is none."""
    if isinstance(value, str) and value in tiers:
        return tiers[value]
    problems.add(where, f"unknown tier {value!r}; known are {', '.join(tiers) or 'none'}")
    return None


def parse_overrides(value: Any, where: str, tier: Tier | None, problems: Problems) -> Overrides:
    """Overrides of a tier; None where the tier is unknown, so that nothing can be said of them together."""
    if not value:
        return Overrides()
    value = problems.mapping(value, where, ("quota", "limits", *FIELDS))
    limits = _parse_limits(value.get("limits"), f"{where}.limits", problems)
    if tier is not None and value.get("limits"):
        _check_order(limits.over(tier.limits), f"{where}.limits", problems)
    quota = problems.quantities(value.get("quota"), f"{where}.quota", RESOURCE)
    return Overrides(quota, limits, _parse_fields(value, where, problems))


def _parse_fields(value: Mapping[str, Any], where: str, problems: Problems) -> dict[str, Any]:
    return parse_contract({name: value[name] for name in FIELDS if name in value}, where, problems)


def _parse_limits(value: Any, where: str, problems: Problems) -> Limits:
    value = problems.mapping(value or {}, where, (*_LIMIT_KEYS, "max_volume"))
    given = {key: api for key, api in _LIMIT_KEYS.items() if value.get(key)}
    container = {api: problems.quantities(value[key], f"{where}.{key}") for key, api in given.items()}
    volume = {"max_volume": value["max_volume"]} if value.get("max_volume") is not None else {}
    return Limits(container, problems.quantities(volume, where).get("max_volume"))


def _check_order(limits: Limits, where: str, problems: Problems) -> None:
    """The API server would refuse a default above the maximum, in the middle of the writes."""
    container = limits.container
    for lower, upper in itertools.combinations([key for key in _UPWARDS if key in container], 2):
        for resource in container[lower].keys() & container[upper].keys():
            low, high = container[lower][resource], container[upper][resource]
            if quantity.parse(low) > quantity.parse(high):
                problems.add(where, f"{lower} of {resource} ({low}) is above {upper} ({high})")
