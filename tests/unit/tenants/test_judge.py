# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who is refused, who is converged all the same, and what is only said."""

from __future__ import annotations

from fractions import Fraction

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cluster import Cluster, Namespace
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.plan import parse_fleet, plan_fleet
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.quota import Allowance
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.settings import Settings

SETTINGS = Settings("vcci", "vcci-platform", (), ())
GPU = "requests.nvidia.com/gpu"
TIERS = {
    "big": {"quota": {"requests.cpu": 8, GPU: 1, "pods": 10}},
    "small": {"quota": {"requests.cpu": 2, GPU: 0, "pods": 2}},
}


def live(tenant, tier=None, used=None, **more):
    hard = {name: str(amount) for name, amount in TIERS[tier]["quota"].items()} if tier else None
    said = {"tenant.vcci.io/id": tenant, "tenant.vcci.io/created": "2025-01-01T00:00:00Z"}
    return {f"vcci-tenant-{tenant}": Namespace(said, hard=hard, used=used or {}, **more)}


def planned(data, there=None, capacity=None, ratios=None, only=(), offboarding=None, **allowed):
    problems = Problems()
    tenants = [{"id": name, "name": name, "tier": tier} for name, tier in data.items()]
    fleet = parse_fleet(tenants, TIERS, problems)
    assert not problems.found
    offered = {resource: Fraction(amount) for resource, amount in (capacity or {}).items()}
    cluster = Cluster(there or {}, offboarding or {}, offered)
    allowance = Allowance(ratios or {}, variables="tenant_", **allowed)
    return plan_fleet(fleet, SETTINGS, cluster, "now", allowance, only=only)


def going(plan):
    return [tenant.id for tenant in plan.going()]


NODES = {"cpu": 10, "memory": 1}
RATIOS = {"cpu": 1, "nvidia.com/gpu": 1}


@pytest.mark.parametrize(
    ("case", "data", "there", "options", "converged", "says"),
    [
        ("no node has a GPU now", {"a": "big", "b": "small"}, {}, {"capacity": NODES}, "a b", ""),
        (
            "… and only another is asked for",
            {"a": "big", "b": "small"},
            {},
            {"capacity": NODES, "only": ["b"]},
            "b",
            "",
        ),
        ("one that has its GPU", {"a": "big", "b": "small"}, live("a", "big"), {"capacity": NODES}, "a b", ""),
        (
            "the GPUs that there were are in use",
            {"a": "big", "b": "small", "c": "big"},
            live("a", "big", {GPU: "1"}),
            {"capacity": {**NODES, "cpu": 99}},
            "a b",
            "overcommitment of nvidia.com/gpu: with tenant c (1) the tenants are promised 2",
        ),
        (
            "somebody said that there is none",
            {"a": "big", "b": "small"},
            {},
            {"capacity": {**NODES, "nvidia.com/gpu": 0}},
            "b",
            "or say what nodes to come offer (variable tenant_capacity)",
        ),
        (
            "two, and one GPU",
            {"a": "big", "b": "big", "c": "small"},
            {},
            {"capacity": {"cpu": 99, "nvidia.com/gpu": 1}},
            "a c",
            "raise the ratio (variable tenant_overcommit)",
        ),
        (
            "first come",
            {"a": "big", "b": "small", "c": "small"},
            {},
            {"capacity": NODES},
            "a b",
            "overcommitment of cpu",
        ),
        (
            "who fits",
            {"a": "small", "b": "big", "c": "small"},
            {},
            {"capacity": {**NODES, "cpu": 9}},
            "a c",
            "tenant b (8)",
        ),
        (
            "beyond already: who wants no more goes on",
            {"a": "big", "b": "small"},
            {**live("a", "big"), **live("b", "small")},
            {"capacity": {"cpu": 1, "nvidia.com/gpu": 9}},
            "a b",
            "",
        ),
        (
            "a smaller tier makes room",
            {"a": "big", "b": "small"},
            {**live("a", "small"), **live("b", "big")},
            {"capacity": {"cpu": 10, "nvidia.com/gpu": 1}},
            "a b",
            "",
        ),
        (
            "what nobody asks for stays out of it",
            {"a": "big", "b": "small"},
            {},
            {"capacity": {"cpu": 3, "nvidia.com/gpu": 0}, "only": ["b"]},
            "b",
            "",
        ),
        (
            "ratios may be exceeded",
            {"a": "big"},
            {},
            {"capacity": {"cpu": 1, "nvidia.com/gpu": 0}, "overcommit": True},
            "a",
            "",
        ),
        (
            "below use",
            {"a": "small", "b": "small"},
            live("a", "big", {"pods": "5"}),
            {"ratios": {}},
            "b",
            "pods would be 2, and 5 are in use; free it first, or set allow_shrink (variable tenant_allow_shrink)",
        ),
        (
            "… of another",
            {"a": "small", "b": "small"},
            live("a", "big", {"pods": "5"}),
            {"ratios": {}, "only": ["b"]},
            "b",
            "",
        ),
        (
            "offboarded",
            {"a": "small", "b": "small"},
            {},
            {"ratios": {}, "offboarding": {"a": "cordoned"}},
            "b",
            "is being offboarded",
        ),
        ("going", {"a": "small", "b": "small"}, live("a", going=True), {"ratios": {}}, "b", "is being deleted"),
    ],
)
def test_who_is_converged(case, data, there, options, converged, says):
    plan, wrong = planned(data, there, **{"ratios": RATIOS, **options})
    assert going(plan) == converged.split(), case
    assert bool(wrong) is bool(says)
    assert all(says in line for line in wrong)
    assert set(plan.verdict.refused) == {tenant.id for tenant in plan.asked} - set(going(plan))


@pytest.mark.parametrize(
    ("data", "there", "options", "says"),
    [
        ({"a": "big"}, {}, {"capacity": NODES}, "overcommitment of nvidia.com/gpu"),
        ({"a": "big"}, live("a", "big"), {"capacity": {"cpu": 1}}, "overcommitment of cpu"),
        (
            {"a": "small"},
            live("a", "big", {"pods": "5"}),
            {"ratios": {}, "shrink": True},
            "pods is 2, and 5 are in use",
        ),
        ({"a": "small"}, live("a", "small", {"pods": "5"}), {"ratios": {}}, "tenant a: pods is 2, and 5 are in use"),
        (
            {"a": "small"},
            live("a", "small", {"count/pods": "99"}),
            {"ratios": {}},
            "count/pods is 4, and 99 are in use",
        ),
    ],
)
def test_what_stops_nobody_is_said(data, there, options, says):
    plan, wrong = planned(data, there, **{"ratios": RATIOS, **options})
    assert wrong == []
    assert any(says in line for line in plan.verdict.warnings)


def test_a_limit_that_is_new_and_no_count_is_refused_below_use_as_ever():
    there = {"vcci-tenant-a": Namespace({"tenant.vcci.io/id": "a"}, hard={"requests.cpu": "2"}, used={"pods": "9"})}
    assert "pods would be 2" in planned({"a": "small"}, there)[1][0]
