# Copyright (c) 2026 GreenLang. All rights reserved.
"""Namespaces with a tier each: what the data may say, what bounds them, what forbids it, what is reported."""

from __future__ import annotations

from fractions import Fraction

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cluster import Cluster, Namespace
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.namespaces import judge, parse_namespaces, report
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.quota import Allowance

TIERS = {
    "small": {"quota": {"requests.cpu": 2, "pods": "20"}, "limits": {"default": {"cpu": "500m"}, "max": {"cpu": 1}}},
    "large": {"quota": {"requests.cpu": 8}, "storage_classes": {"standard": "10Gi"}},
}
BLUE = {"name": "team-blue", "tier": "small"}
GREEN = {"name": "team-green", "tier": "large"}


def bounded(*namespaces, tiers=None):
    problems = Problems()
    found = parse_namespaces(list(namespaces), TIERS if tiers is None else tiers, problems)
    assert problems.found == []
    return found


def judged(*namespaces, live=None, expected=(), capacity=None, ratios=None, **allowed):
    there = {entry["name"]: Namespace() for entry in namespaces} if live is None else live
    return judge(
        bounded(*namespaces), Cluster(there, capacity=capacity or {}), Allowance(ratios or {}, **allowed), expected
    )


def test_two_objects_a_namespace():
    blue, green = bounded({**BLUE, "overrides": {"quota": {"pods": 30}, "limits": {"max_volume": "5Gi"}}}, GREEN)
    quota, limits = blue.manifests()
    labels = {
        "app.kubernetes.io/managed-by": "greenlang.vcci",
        "app.kubernetes.io/component": "tier-quota",
        "tier": "small",
    }
    assert quota == {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "tier-quota", "namespace": "team-blue", "labels": labels},
        "spec": {"hard": {"requests.cpu": "2", "pods": "30"}},
    }
    assert limits["metadata"] == {"name": "tier-limits", "namespace": "team-blue", "labels": labels}
    assert limits["spec"]["limits"] == [
        {"type": "Container", "default": {"cpu": "500m"}, "max": {"cpu": "1"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "5Gi"}},
    ]
    quota, limits = (
        green.manifests()
    )  # a tier without limits has the object too: nothing is left over when it loses them
    assert quota["spec"]["hard"] == {
        "standard.storageclass.storage.k8s.io/requests.storage": "10Gi",
        "requests.cpu": "8",
    }
    assert limits["spec"]["limits"] == []


@pytest.mark.parametrize(
    ("namespaces", "line"),
    [
        ("team-blue", "namespaces: must be a list, not str 'team-blue'"),
        (["team-blue"], "namespaces[0]: must be a dictionary, not str 'team-blue'"),
        ([{"tier": "small"}], "namespaces[0].name: must be the name of a namespace, not nothing"),
        ([{**BLUE, "name": "Team"}], "namespaces[0].name: must be the name of a namespace, not str 'Team'"),
        ([{"name": "team-blue"}], "namespaces[0].tier: unknown tier None; known are small, large"),
        ([{**BLUE, "tier": "huge"}], "namespaces[0].tier: unknown tier 'huge'; known are small, large"),
        ([{**BLUE, "colour": 1}], "namespaces[0]: unknown key 'colour'; known are name, tier, overrides"),
        ([BLUE, BLUE], "namespaces[1]: namespace team-blue was given before"),
        (
            [{**BLUE, "overrides": {"quota": {"pods": "many"}}}],
            "namespaces[0].overrides.quota.pods: 'many' is not a quantity; write it as 500m, 2, 4Gi or 1e3",
        ),
        (
            [{**BLUE, "overrides": {"limits": {"default": {"cpu": 2}}}}],
            "namespaces[0].overrides.limits: default of cpu (2) is above max (1)",
        ),
    ],
)
def test_bad_namespaces(namespaces, line):
    problems = Problems()
    parse_namespaces(namespaces, TIERS, problems)
    assert line in problems.found


def test_all_errors_at_once():
    problems = Problems()
    parse_namespaces(
        [{"name": "A", "tier": "x"}, {"name": "b", "tier": "t", "overrides": {"quota": {"pods": -1}}}],
        {"t": {"quota": {"pods": "y"}}},
        problems,
    )
    for place in (
        "tiers.t.quota.pods",
        "namespaces[0].name",
        "namespaces[0].tier",
        "namespaces[1].overrides.quota.pods",
    ):
        assert any(line.startswith(f"{place}: ") for line in problems.found), place


@pytest.mark.parametrize(
    ("live", "expected", "wrong"),
    [
        ({"team-blue": Namespace()}, (), []),
        ({}, (), ["namespace team-blue: is not there; make it first"]),
        ({}, ("team-blue",), []),  # planned by an earlier task
        (
            {"team-blue": Namespace(going=True)},
            (),
            ["namespace team-blue: is being deleted; take it out of the list, or repeat when it is there again"],
        ),
        ({"team-blue": Namespace(hard={"pods": "30"}, used={"pods": "20"})}, (), []),
        (
            {"team-blue": Namespace(hard={"pods": "30"}, used={"pods": "21"})},
            (),
            ["namespace team-blue: pods would be 20, and 21 are in use; free it first, or set allow_shrink"],
        ),
        (
            {"team-blue": Namespace(used={"requests.cpu": "2001m"})},
            (),  # another quota has counted
            ["namespace team-blue: requests.cpu would be 2, and 2001m are in use; free it first, or set allow_shrink"],
        ),
        (
            {"team-blue": Namespace(hard={"pods": "20"}, used={"pods": "25"})},
            (),
            [],
        ),  # it is over already, and shrinks no further
    ],
)
def test_what_forbids_it(live, expected, wrong):
    assert judged(BLUE, live=live, expected=expected)[1] == wrong


def test_shrinking_is_allowed_when_it_is_meant():
    used = {"team-blue": Namespace(hard={"pods": "30"}, used={"pods": "21"})}
    assert judged(BLUE, live=used, shrink=True)[1] == []


def test_overcommitment():
    there = {"capacity": {"cpu": Fraction(4)}, "ratios": {"cpu": 2}}
    report_of, wrong = judged(BLUE, GREEN, **there)
    assert report_of == {"cpu": {"promised": "10", "allocatable": "4", "ratio": 2.0, "actual_ratio": 2.5}}
    assert wrong == [
        (
            "overcommitment of cpu: the namespaces are promised 10, and 4 allocatable at a ratio of 2 allow 8; "
            "add nodes, lower quotas, or raise the ratio"
        )
    ]
    assert judged(BLUE, GREEN, **there, overcommit=True)[1] == []
    assert judged(BLUE, **there)[1] == []


def test_what_is_counted_is_reported():
    live = {"team-blue": Namespace(hard={"pods": "30"}, used={"pods": "3"})}
    found = report(bounded(BLUE, GREEN), Cluster(live))
    assert found["team-blue"] == {
        "tier": "small",
        "hard": {"requests.cpu": "2", "pods": "20"},
        "used": {"pods": "3"},
        "headroom": {"pods": "17"},
    }
    assert found["team-green"]["used"] == found["team-green"]["headroom"] == {}
    assert found["team-green"]["hard"]["requests.cpu"] == "8"
