# Copyright (c) 2026 GreenLang. All rights reserved.
"""Namespaces with a tier each, of anybody: {name, tier, overrides?: {quota, limits}} → what bounds them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..kubernetes import quantity
from ..labels import labels
from .cluster import Cluster
from .problems import Problems, named
from .quota import (
    Allowance,
    below_use,
    commitment,
    excess,
    hard_limits,
    limit_range,
    promised,
    resource_quota,
    usage,
)
from .tiers import Limits, Overrides, Tier, parse_overrides, parse_tier_name, parse_tiers

COMPONENT = "tier-quota"
QUOTA, LIMITS = "tier-quota", "tier-limits"
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")


@dataclass(frozen=True)
class Bounds:
    """What bounds one namespace."""

    namespace: str
    tier: str
    hard: dict[str, str]
    limits: Limits

    def manifests(self) -> Iterator[dict[str, Any]]:
        ours = labels(COMPONENT, tier=self.tier)
        yield resource_quota({"name": QUOTA, "namespace": self.namespace, "labels": ours}, self.hard)
        yield limit_range({"name": LIMITS, "namespace": self.namespace, "labels": ours}, self.limits)


def parse_namespaces(namespaces: Any, tiers: Any, problems: Problems) -> list[Bounds]:
    """What the data says; what is wrong with it is among the problems."""
    known = parse_tiers(tiers, problems)
    parsed: dict[str, Bounds] = {}
    for index, entry in enumerate(problems.sequence(namespaces, "namespaces")):
        where = f"namespaces[{index}]"
        bounds = _parse_namespace(entry, where, known, problems)
        if bounds is not None and bounds.namespace in parsed:
            problems.add(where, f"namespace {bounds.namespace} was given before")
        elif bounds is not None:
            parsed[bounds.namespace] = bounds
    return list(parsed.values())


def _parse_namespace(entry: Any, where: str, tiers: Mapping[str, Tier], problems: Problems) -> Bounds | None:
    given = problems.mapping(entry, where, ("name", "tier", "overrides"))
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.match(name):
        problems.add(f"{where}.name", f"must be the name of a namespace, not {named(name)}")
    tier = parse_tier_name(given.get("tier"), f"{where}.tier", tiers, problems)
    overrides: Overrides = parse_overrides(given.get("overrides"), f"{where}.overrides", tier, problems)
    if tier is None:
        return None
    hard = hard_limits(tier, overrides, {})
    return Bounds(str(name), str(given["tier"]), hard, overrides.limits.over(tier.limits))


def judge(
    bounded: list[Bounds], cluster: Cluster, allowance: Allowance, expected: Collection[str]
) -> tuple[dict[str, Any], list[str]]:
    """How far the cluster is promised away, and what forbids to write; `expected` are namespaces that will be there."""
    wrong: list[str] = []
    for bounds in bounded:
        live = cluster.namespaces.get(bounds.namespace)
        who = f"namespace {bounds.namespace}"
        if live is None and bounds.namespace not in expected:
            wrong.append(f"{who}: is not there; make it first")
        if live is not None and live.going:
            wrong.append(f"{who}: is being deleted; take it out of the list, or repeat when it is there again")
        if not allowance.shrink:
            wrong += below_use(who, bounds.hard, live)
    quotas: list[Mapping[str, str]] = [bounds.hard for bounds in bounded]
    for resource, ratio in allowance.ratios.items() if not allowance.overcommit else ():
        offered, total = cluster.capacity.get(resource, Fraction(0)), promised(quotas, resource)
        if total > offered * quantity.parse(ratio):
            wrong.append(excess("namespaces", resource, total, offered, allowance))
    return commitment(quotas, cluster.capacity, allowance.ratios), wrong


def report(bounded: list[Bounds], cluster: Cluster) -> dict[str, dict[str, Any]]:
    """Of each namespace its tier and limits; use and headroom of what the API server has counted there."""
    found: dict[str, dict[str, Any]] = {}
    for bounds in bounded:
        live = cluster.namespaces.get(bounds.namespace)
        used = live.used if live is not None else {}
        counted = {resource: amount for resource, amount in bounds.hard.items() if resource in used}
        found[bounds.namespace] = {"tier": bounds.tier, **usage(counted, used), "hard": bounds.hard}
    return found
