# Copyright (c) 2026 GreenLang. All rights reserved.
"""bad data → created in check mode → created → again → changed in check mode → changed → below use → orphaned."""

from __future__ import annotations

from tests.helpers import eventually

TIERS = {
    "small": {"quota": {"configmaps": 10, "requests.cpu": 1}, "limits": {"default": {"cpu": "100m"}}},
    "large": {"quota": {"configmaps": 20, "requests.cpu": 4}, "limits": {"default": {"cpu": "200m"}}},
    "tiny": {"quota": {"configmaps": 1, "requests.cpu": 1}, "limits": {"default": {"cpu": "100m"}}},
}


def tenants(prefix, *tiers, **changes):
    return [
        {"id": f"{prefix}-{number}", "name": f"Tenant {number}", "tier": tier, **changes}
        for number, tier in enumerate(tiers)
    ]


def test_a_life(quota, client, prefix):
    where = f"vcci-tenant-{prefix}-0"

    bad = quota(tiers=TIERS, tenants=[*tenants(prefix, "small"), {"id": "Bad"}])
    assert bad["failed"]
    assert len(bad["errors"]) == 3
    assert "nothing was written" in bad["msg"]
    assert client.get("v1", "Namespace", where) is None

    data = tenants(prefix, "small", "large", owners=[{"group": "people"}])
    predicted = quota("--check", tiers=TIERS, tenants=data)
    assert predicted["changed"]
    assert predicted["counts"]["created"] == 34
    assert client.get("v1", "Namespace", where) is None

    made = quota(tiers=TIERS, tenants=data)
    assert made["changed"]
    assert made["counts"] == predicted["counts"]
    assert made["written"] == predicted["written"]
    namespace = client.get("v1", "Namespace", where)
    created = namespace["metadata"]["annotations"]["tenant.vcci.io/created"]
    assert namespace["metadata"]["labels"]["tenant-tier"] == "small"
    hard = client.get("v1", "ResourceQuota", "tenant-quota", where)["spec"]["hard"]
    assert (hard["configmaps"], hard["requests.cpu"]) == ("10", "1")
    assert "invocation" not in made or "tenants" not in made["invocation"]["module_args"]

    again = quota(tiers=TIERS, tenants=data)
    assert not again["changed"]
    assert again["counts"]["unchanged"] == 34
    assert not quota("--check", tiers=TIERS, tenants=data)["changed"]

    data[0]["tier"] = "large"
    expected = quota("--check", "--diff", tiers=TIERS, tenants=data)
    assert expected["changed"]
    assert expected["counts"]["configured"] == 3
    assert "20" in str(expected["diff"])
    changed = quota(tiers=TIERS, tenants=data)
    assert changed["counts"] == expected["counts"]
    assert changed["written"] == expected["written"]
    assert client.get("v1", "Namespace", where)["metadata"]["annotations"]["tenant.vcci.io/created"] == created
    assert not quota(tiers=TIERS, tenants=data)["changed"]


def test_never_below_use_and_never_deleted(quota, client, prefix):
    where = f"vcci-tenant-{prefix}-0"
    data = tenants(prefix, "small", "small")
    quota(tiers=TIERS, tenants=data)
    for number in range(3):
        client.request(
            "POST",
            f"/api/v1/namespaces/{where}/configmaps",
            body={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"used-{number}"}},
        )

    def counted():
        return int(client.get("v1", "ResourceQuota", "tenant-quota", where)["status"]["used"]["configmaps"]) >= 3

    eventually(counted, "the quota controller does not count")

    data[0]["tier"] = "tiny"
    refused = quota(tiers=TIERS, tenants=data)
    assert refused["failed"]
    assert "configmaps would be 1" in refused["msg"]
    assert "allow_shrink" in refused["msg"]
    assert client.get("v1", "ResourceQuota", "tenant-quota", where)["spec"]["hard"]["configmaps"] == "10"
    forced = quota(tiers=TIERS, tenants=data, allow_shrink=True, only=[f"{prefix}-0"])
    assert forced["changed"]
    assert forced["tenants"][f"{prefix}-0"]["headroom"]["configmaps"].startswith("-")

    left = quota(tiers=TIERS, tenants=data[:1], allow_shrink=True)
    assert f"vcci-tenant-{prefix}-1" in left["orphaned"]
    assert client.get("v1", "Namespace", f"vcci-tenant-{prefix}-1")["status"]["phase"] == "Active"


def test_capacity(quota, prefix):
    beyond = quota(tiers=TIERS, tenants=tenants(prefix, "large"), capacity={"cpu": "100m"}, overcommit={"cpu": 2})
    assert beyond["failed"]
    assert "overcommitment of cpu" in beyond["msg"]
    assert quota(
        "--check",
        tiers=TIERS,
        tenants=tenants(prefix, "large"),
        assume_empty=True,
        capacity={"cpu": "1m"},
        overcommit={"cpu": 1},
    )["changed"]


def test_a_foreign_namespace_is_not_taken_over(quota, client, prefix):
    name = f"vcci-tenant-{prefix}-0"
    client.request(
        "POST",
        "/api/v1/namespaces",
        body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"tenant": "x"}}},
    )
    refused = quota(tiers=TIERS, tenants=tenants(prefix, "small"))
    assert refused["failed"]
    assert "belongs to something else" in refused["msg"]


def test_files_hosts_and_usage(quota, client, prefix, tmp_path):
    folder = tmp_path / "tenants"
    folder.mkdir()
    (folder / f"{prefix}-1.yml").write_text(
        f"id: {prefix}-1\nname: One\ntier: small\nhosts: [one.{prefix}.example]\nstorage_classes: {{fast: 1Gi}}\n"
    )
    taken = tenants(prefix, "small", hosts=[f"one.{prefix}.example"])
    assert "belongs to tenants[0]" in quota(tiers=TIERS, tenants=taken, directory=str(folder))["msg"]
    made = quota(tiers=TIERS, tenants=tenants(prefix, "small"), directory=str(folder), registries=["greenlang"])
    assert made["changed"]
    assert set(made["tenants"]) == {f"{prefix}-0", f"{prefix}-1"}
    annotations = client.get("v1", "Namespace", f"vcci-tenant-{prefix}-1")["metadata"]["annotations"]
    assert (annotations["tenant.vcci.io/hosts"], annotations["tenant.vcci.io/storage-classes"]) == (
        f"one.{prefix}.example",
        "fast",
    )

    told = quota(called="tenants_info", known=[f"{prefix}-0"], overcommit={"cpu": 2})
    assert not told["changed"]
    assert f"{prefix}-1" in told["orphaned"]
    assert f"{prefix}-0" not in told["orphaned"]
    assert told["tenants"][f"{prefix}-1"]["state"] == "active"
    assert told["tenants"][f"{prefix}-1"]["hard"]["configmaps"] == "10"
    assert told["commitment"]["cpu"]["ratio"] == 2
    assert "there is no tenant nobody" in quota(called="tier_quota_info", only=["nobody"])["msg"]  # its name before


def test_killed_in_the_middle(quota, client, prefix):
    """What is left undone is done by the next run, whatever was there."""
    data = tenants(prefix, "small", "small")
    quota(tiers=TIERS, tenants=data)
    for path in (
        f"/apis/networking.k8s.io/v1/namespaces/vcci-tenant-{prefix}-0/networkpolicies/default-deny",
        f"/api/v1/namespaces/vcci-tenant-{prefix}-1/resourcequotas/tenant-quota",
    ):
        client.request("DELETE", path)
    assert quota(tiers=TIERS, tenants=data)["counts"] == {"created": 2, "configured": 0, "unchanged": 32}


def test_only_new_tenants(quota, client, prefix):
    data = tenants(prefix, "small")
    quota(tiers=TIERS, tenants=data)
    data[0]["tier"] = "large"
    assert not quota(tiers=TIERS, tenants=data, new_only=True)["changed"]
    data += tenants(prefix, "small", "small")[1:]
    assert quota("--check", tiers=TIERS, tenants=data, new_only=True)["counts"]["created"] == 17
    made = quota(tiers=TIERS, tenants=data, new_only=True)
    assert made["counts"] == {"created": 17, "configured": 0, "unchanged": 0}
    assert list(made["tenants"]) == [f"{prefix}-1"]
    assert (
        client.get("v1", "ResourceQuota", "tenant-quota", f"vcci-tenant-{prefix}-0")["spec"]["hard"]["configmaps"]
        == "10"
    )
    assert quota(tiers=TIERS, tenants=data, new_only=True, only=[f"{prefix}-0"])["counts"]["configured"] == 3


def test_what_was_changed_by_hand(quota, client, prefix):
    """It stops and names the field; told so, it takes the field back."""
    data, path = tenants(prefix, "small"), f"/api/v1/namespaces/vcci-tenant-{prefix}-0/resourcequotas/tenant-quota"
    quota(tiers=TIERS, tenants=data)
    client.request(
        "PATCH",
        path,
        body={"spec": {"hard": {"configmaps": "11"}}},
        content_type="application/merge-patch+json",
        query={"fieldManager": "edit"},
    )
    stopped = quota(tiers=TIERS, tenants=data)
    assert stopped["failed"]
    assert "configmaps" in stopped["msg"]
    assert "force_conflicts" in stopped["msg"]
    assert quota(tiers=TIERS, tenants=data, force_conflicts=True)["counts"]["configured"] == 1
    assert client.request("GET", path)["spec"]["hard"]["configmaps"] == "10"
    assert not quota(tiers=TIERS, tenants=data)["changed"]
