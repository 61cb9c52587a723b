# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which version may follow which, until when one is mended, which a chart supports, and what may be accepted."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade import charts, lifetimes, skew
from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade.findings import Finding, blocking


@pytest.mark.parametrize(
    ("current", "target", "says"),
    [
        ("v1.36.3", "1.37", None),
        ("v1.36.3", "v1.37.2", None),
        ("v1.36.3", "1.36", None),
        ("v1.36.3", "v1.36.4", None),
        ("v1.36.3", "v1.36.3", None),
        ("v1.36.3-eks-abc", "1.37", None),
        ("v1.36.3", "v1.36.2", "v1.36.2 is lower than the cluster's v1.36.3"),
        (
            "v1.37.2",
            "1.36",
            "1.36 is lower than the cluster's v1.37.2. Remedy: a lower version is only reached by cluster_rollback",
        ),
        ("v1.35.1", "1.37", "1.37 skips minors after the cluster's v1.35.1. Remedy: upgrade to 1.36 first"),
        ("v1.37.2", "1.38", "1.38 is not supported by this collection; 1.35 to 1.37 are"),
        ("v1.36.0", "1.40", "skips minors"),
    ],
)
def test_one_minor_at_a_time(current: str, target: str, says: str | None) -> None:
    found = skew.of_control_plane(current, target)
    assert [one.blocks for one in found] == ([True] if says else [])
    assert not says or says in found[0].what


@pytest.mark.parametrize(
    "version", ["", "1", "2.0", "latest", "1.x", "v1.37.2.3", "1.37 ", "\u0661.\u0663\u0667", 1.37, 1.3, 137, None, []]
)
def test_no_versions(version: object) -> None:
    with pytest.raises(InputError, match="Remedy: give one"):
        skew.parse(version)


def node(version: str, ready: str = "True", **spec: Any) -> dict[str, Any]:
    status = {"nodeInfo": {"kubeletVersion": version}, "conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": "n"}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("kubelet", "says"),
    [
        ("v1.36.3", None),
        ("v1.34.0", None),
        ("v1.33.9", "over 3 minors older than 1.37"),
        ("v1.38.0", "newer than the cluster"),
        ("v1.37.2", None),  # of an upgrade that was begun
        ("kwok-v0.7.0", None),
        ("", None),
    ],
)
def test_kubelets_in_reach(kubelet: str, says: str | None) -> None:
    found = skew.of_nodes([node(kubelet)], "v1.36.3", "1.37")
    assert (says in found[0].what) if says else not found


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (node("v1.36.3"), None),
        (node("v1.36.3", "False"), "is not Ready"),
        (node("v1.36.3", "Unknown"), "is not Ready"),
        ({"metadata": {"name": "n"}}, "is not Ready"),
        (node("v1.36.3", unschedulable=True), "takes no pods"),
    ],
)
def test_nodes_that_are_not_there(found: dict, says: str | None) -> None:
    told = skew.ready([found])
    assert (says in told[0].what) if says else not told


@pytest.mark.parametrize(
    ("minor", "day", "says"),
    [
        (36, "2026-11-26", "is mended until 2027-06-28, 214 days"),
        (35, "2026-12-26", "64 days. Remedy: plan the next upgrade"),
        (34, "2026-11-26", "has not been mended since 2026-10-27. Remedy: upgrade"),
        (27, "2026-11-26", "is older than the table"),
        (40, "2026-11-26", "is newer than the table of lifetimes, which ends with 1.37"),
    ],
)
def test_lifetimes(minor: int, day: str, says: str) -> None:
    found = lifetimes.of_kubernetes(minor, datetime.date.fromisoformat(day))
    assert says in found.what
    assert not found.blocks


def test_the_table_of_lifetimes_has_what_is_supported() -> None:
    assert set(skew.SUPPORTED) <= set(lifetimes.KUBERNETES)
    assert [row["version"] for row in lifetimes.table(datetime.date(2026, 11, 26))] == [
        "1.33",
        "1.34",
        "1.35",
        "1.36",
        "1.37",
    ]


@pytest.mark.parametrize(
    ("constraint", "allowed"),
    [
        (">= 1.22.0-0", True),
        (">=1.22.0", True),
        (">=1.38", False),
        (">=1.38.0-0", False),
        (">= 1.22.0-0 < 1.37.0-0", False),
        (">= 1.22.0, < 1.38.0", True),
        ("< 1.37.0 || >= 1.37.2", True),
        ("<1.37", False),
        ("<=1.37", True),
        ("<=1.36", False),
        (">1.37", False),
        (">1.36", True),
        ("~1.37", True),
        ("~1.36.0", False),
        ("^1.20.0", True),
        ("^2.0.0", False),
        ("1.37.x", True),
        ("1.36.x", False),
        ("1.x", True),
        ("1.37.2", True),
        ("=1.37.1", False),
        ("!=1.37.2", False),
        ("1.20 - 1.37", True),
        ("1.20 - 1.36", False),
        ("*", True),
        ("", True),
        ("v1.20.0 - v1.40.0", True),
        ("nonsense", None),
        (">= abc", None),
    ],
)
def test_what_charts_support(constraint: str, allowed: bool | None) -> None:
    assert charts.allows(constraint, 37, 2) is allowed


def test_charts() -> None:
    found = charts.of_charts({"a": ">=1.20", "b": "<1.37", "c": None, "d": "?"}, 37, 2)
    assert [(one.blocks, one.what.split()[1].rstrip(":")) for one in found] == [(True, "b"), (False, "d")]


def test_what_may_be_accepted() -> None:
    findings = [Finding("skew", True, "a"), Finding("apis", True, "b"), Finding("volumes", False, "c")]
    assert [one.what for one in blocking(findings, ["skew", "nodes", "apis"])] == ["a"]
    assert [one.what for one in blocking(findings, [])] == ["a", "b"]
