# Copyright (c) 2026 GreenLang. All rights reserved.
"""bad data → created in check mode → created → again → raised in check mode → raised → below use → allowed."""

from __future__ import annotations

import importlib

import pytest
import yaml

from tests.helpers import eventually, play

SMALL = {"quota": {"configmaps": 10, "requests.cpu": 1}, "limits": {"default": {"cpu": "100m"}, "max_volume": "1Gi"}}
TIERS = {
    "small": SMALL,
    "large": {**SMALL, "quota": {"configmaps": 20, "requests.cpu": 4}},
    "tiny": {**SMALL, "quota": {"configmaps": 2, "requests.cpu": 1}},
}


@pytest.fixture
def teams(client, prefix):
    """Two namespaces of somebody."""
    names = [f"{prefix}-blue", f"{prefix}-green"]
    for name in names:
        client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
    yield names
    for name in names:
        client.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def bound(quota, teams):
    """Run tier_quota over both namespaces, in these tiers."""

    def run(*arguments, blue="small", green="small", **options):
        namespaces = [{"name": teams[0], "tier": blue}, {"name": teams[1], "tier": green}]
        return quota(*arguments, called="tier_quota", **{"namespaces": namespaces, "tiers": TIERS, **options})

    return run


@pytest.fixture
def example(tmp_path, kubeconfig):
    """Run tasks as they are documented; the result of each."""
    connection = {"group/greenlang.vcci.k8s": {"kubeconfig": str(kubeconfig)}}

    def run(tasks, *flags):
        results, said = play(tmp_path, tasks, *flags, module_defaults=connection)
        assert len(results) == len(tasks), said
        assert not any(result.get("failed") for result in results), said
        return results

    return run


def hard_of(client, namespace):
    found = client.get("v1", "ResourceQuota", "tier-quota", namespace)
    return found and found["spec"]["hard"]


def use(client, namespace, count):
    """Make ConfigMaps until so many are counted."""
    there = len(client.list("v1", "ConfigMap", namespace))
    for number in range(there, count):
        client.request(
            "POST", f"/api/v1/namespaces/{namespace}/configmaps", body={"metadata": {"name": f"used-{number}"}}
        )

    def counted():
        status = client.get("v1", "ResourceQuota", "tier-quota", namespace).get("status") or {}
        return (status.get("used") or {}).get("configmaps") == str(count)

    eventually(counted, f"{count} ConfigMaps are counted")


def test_a_life(bound, client, teams):
    blue = teams[0]
    bad = bound(namespaces=[{"name": "Bad", "tier": "small"}, {"name": blue, "tier": "huge"}], capacity={"cpu": "many"})
    assert bad["failed"]
    assert [line.partition(":")[0] for line in bad["errors"]] == [
        "capacity.cpu",
        "namespaces[0].name",
        "namespaces[1].tier",
    ]
    assert "3 errors, nothing was written" in bad["msg"]

    predicted = bound("--check", "--diff")
    assert predicted["changed"]
    assert predicted["counts"]["created"] == 4
    assert hard_of(client, blue) is None

    made = bound()
    assert made["counts"] == predicted["counts"]
    assert made["written"] == predicted["written"]
    assert hard_of(client, blue) == {"configmaps": "10", "requests.cpu": "1"}
    limits = client.get("v1", "LimitRange", "tier-limits", blue)
    assert {entry["type"] for entry in limits["spec"]["limits"]} == {"Container", "PersistentVolumeClaim"}
    assert limits["metadata"]["labels"]["tier"] == "small"

    use(client, blue, 3)
    again = bound()
    assert not again["changed"]
    assert again["counts"]["unchanged"] == 4
    assert again["namespaces"][blue] == {
        "tier": "small",
        "hard": {"configmaps": "10", "requests.cpu": "1"},
        "used": {"configmaps": "3", "requests.cpu": "0"},
        "headroom": {"configmaps": "7", "requests.cpu": "1"},
    }
    assert not bound("--check")["changed"]

    expected = bound("--check", "--diff", blue="large")
    assert expected["counts"]["configured"] == 2
    assert "20" in str(expected["diff"])
    raised = bound(blue="large")
    assert raised["counts"] == expected["counts"]
    assert raised["written"] == expected["written"]
    assert raised["namespaces"][blue]["headroom"] == {"configmaps": "17", "requests.cpu": "4"}
    assert hard_of(client, blue)["configmaps"] == "20"
    assert not bound(blue="large")["changed"]

    for arguments in ((), ("--check",)):
        refused = bound(*arguments, blue="tiny")
        assert refused["failed"]
        line = f"namespace {blue}: configmaps would be 2, and 3 are in use; free it first, or set allow_shrink"
        assert refused["errors"] == [line]
        assert line in refused["msg"]
    assert hard_of(client, blue)["configmaps"] == "20"
    assert bound("--check", blue="tiny", allow_shrink=True)["counts"]["configured"] == 2
    shrunk = bound(blue="tiny", allow_shrink=True)
    assert shrunk["changed"]
    assert shrunk["namespaces"][blue]["headroom"]["configmaps"] == "-1"
    assert hard_of(client, blue)["configmaps"] == "2"
    assert not bound(blue="tiny")["changed"]  # it is over already, and shrinks no further


def test_another_quota_has_counted(bound, client, teams):
    """What somebody's own quota says is in use holds for the first one of ours too."""
    own = {"metadata": {"name": "own"}, "spec": {"hard": {"configmaps": "50"}}}
    client.request("POST", f"/api/v1/namespaces/{teams[0]}/resourcequotas", body=own)

    def used():
        return (client.get("v1", "ResourceQuota", "own", teams[0]).get("status") or {}).get("used") or {}

    eventually(lambda: "configmaps" in used(), "the quota counts")  # what is older may be counted late
    for number in range(4):
        client.request(
            "POST", f"/api/v1/namespaces/{teams[0]}/configmaps", body={"metadata": {"name": f"used-{number}"}}
        )
    eventually(lambda: int(used().get("configmaps", 0)) >= 4, "ConfigMaps are counted")
    refused = bound(blue="tiny")
    assert refused["failed"]
    assert "configmaps would be 2" in refused["msg"]
    assert hard_of(client, teams[0]) is None


def test_capacity(bound):
    beyond = bound(blue="large", capacity={"cpu": 2}, overcommit={"cpu": 2})
    assert beyond["failed"]
    assert "overcommitment of cpu: the namespaces are promised 5, and 2 allocatable" in beyond["msg"]
    allowed = bound(blue="large", capacity={"cpu": 2}, overcommit={"cpu": 2}, allow_overcommit=True)
    assert allowed["commitment"]["cpu"] == {"promised": "5", "allocatable": "2", "ratio": 2.0, "actual_ratio": 2.5}
    assert bound("--check", assume_empty=True, capacity={"cpu": "1m"}, overcommit={"cpu": 1})["counts"]["created"] == 4


def test_a_namespace_that_is_not_there(bound, prefix):
    missing = bound(namespaces=[{"name": f"{prefix}-red", "tier": "small"}])
    assert missing["errors"] == [f"namespace {prefix}-red: is not there; make it first"]


def test_what_was_changed_by_hand(bound, client, teams):
    bound()
    path = f"/api/v1/namespaces/{teams[0]}/resourcequotas/tier-quota"
    edit = {"spec": {"hard": {"configmaps": "11"}}}
    client.request(
        "PATCH", path, body=edit, content_type="application/merge-patch+json", query={"fieldManager": "edit"}
    )
    stopped = bound()
    assert stopped["failed"]
    assert "configmaps" in stopped["msg"]
    assert "force_conflicts" in stopped["msg"]
    assert bound(force_conflicts=True)["counts"]["configured"] == 1
    assert hard_of(client, teams[0])["configmaps"] == "10"


def test_a_fleet_is_told_where_it_is_now(quota):
    """Before anything else is said of its options, whose names are those of another plugin."""
    fleet = {
        "tenants": [{"id": "a", "name": "A", "tier": "small"}],
        "tiers": TIERS,
        "directory": "/srv/tenants",
        "only": ["a"],
    }
    moved = quota(called="tier_quota", **fleet)
    assert moved["failed"]
    assert moved["msg"] == moved["errors"][0]
    assert moved["msg"].startswith("directory, only, tenants: greenlang.vcci.tenants does that now; nothing was done.")
    assert "Remedy: write greenlang.vcci.tenants instead of greenlang.vcci.tier_quota" in moved["msg"]


@pytest.mark.parametrize("plugin", ["tier_quota", "tenants", "tenants_info"])
def test_the_examples_run(plugin, example, client):
    """As they are documented; what they make goes at the end."""
    module = importlib.import_module(f"ansible_collections.greenlang.vcci.plugins.modules.{plugin}")
    try:
        example(yaml.safe_load(module.EXAMPLES))
    finally:
        for name in ("team-blue", "team-green", "vcci-tenant-acme-corp"):
            if client.get("v1", "Namespace", name) is not None:
                client.request("DELETE", f"/api/v1/namespaces/{name}")


def test_examples_in_check_mode_before_anything_is_there(example, client):
    """The namespaces are planned by an earlier task of the same run."""
    names = ("team-blue", "team-green")
    eventually(lambda: not any(client.get("v1", "Namespace", name) for name in names), "another test's are gone")
    module = importlib.import_module("ansible_collections.greenlang.vcci.plugins.modules.tier_quota")
    made, bounded, *_rest = yaml.safe_load(module.EXAMPLES)
    assert all(result["changed"] for result in example([made, bounded], "--check"))
    assert client.get("v1", "Namespace", "team-blue") is None
