# Copyright (c) 2026 GreenLang. All rights reserved.
"""Hundreds of tenants, on a control plane of their own with simulated nodes; thousands: bench/."""

from __future__ import annotations

import pytest

from tests.helpers import own_cluster

TIERS = {"small": {"quota": {"configmaps": 10, "requests.cpu": 1}, "limits": {"default": {"cpu": "100m"}}}}
COUNT, EACH = 300, 17


@pytest.fixture(scope="module")
def kubeconfig():
    """Instead of the shared cluster: hundreds of namespaces would keep its controllers busy long after."""
    with own_cluster("fleet", range(86, 90), nodes="simulated") as state:
        yield state / "kubeconfig"


@pytest.fixture
def prefix():
    """Nothing to remove: the cluster goes."""
    return "fleet"


def fleet(prefix, count=COUNT):
    return [
        {
            "id": f"{prefix}-{number}",
            "name": f"Tenant {number}",
            "tier": "small",
            "owners": [{"group": f"people-{number}"}],
        }
        for number in range(count)
    ]


def test_hundreds_of_tenants(quota, client, prefix):
    data = fleet(prefix)
    made = quota(tiers=TIERS, tenants=data)
    assert made["counts"] == {"created": COUNT * EACH, "configured": 0, "unchanged": 0}
    assert len(made["written"]) == 100
    assert "tenants" not in made

    # Unchanged: lists, however many there are, and no write.
    again = quota(tiers=TIERS, tenants=data)
    assert not again["changed"]
    assert again["counts"]["unchanged"] == COUNT * EACH
    assert again["requests"] < 100

    # One more among them.
    more = quota(tiers=TIERS, tenants=[*data, *fleet(f"{prefix}-more", 1)], only=[f"{prefix}-more-0"])
    assert more["counts"]["created"] == EACH
    assert more["requests"] < 60
    assert list(more["tenants"]) == [f"{prefix}-more-0"]

    # All that leave the data are orphans, and stay.
    left = quota(tiers=TIERS, tenants=data[:1])
    assert len(left["orphaned"]) == COUNT
    assert not left["changed"]

    told = quota(called="tenants_info")
    assert len(told["tenants"]) == COUNT + 1
    assert told["tenants"][f"{prefix}-7"]["hard"]["configmaps"] == "10"


def test_a_run_that_was_killed_is_finished_by_the_next(quota, client, prefix):
    count, data = 200, fleet("killed", 200)

    def there(kind, api_version="v1"):
        return sum(
            obj["metadata"]["namespace"].startswith("vcci-tenant-killed-") for obj in client.list(api_version, kind)
        )

    assert quota(name="killed", tiers=TIERS, tenants=data, kill_when=lambda: there("ResourceQuota") > 20) is None
    before = there("ResourceQuota") + there("NetworkPolicy", "networking.k8s.io/v1")
    finished = quota(name="killed", tiers=TIERS, tenants=data)
    assert finished["changed"]
    assert finished["counts"]["created"] < count * EACH, f"{before} quotas and policies were there"
    assert there("ResourceQuota") == 2 * count  # its tier's, and that of affinities
    assert not quota(name="killed", tiers=TIERS, tenants=data)["changed"]
