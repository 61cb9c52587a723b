# Copyright (c) 2026 GreenLang. All rights reserved.
"""Quotas, shrinking, overcommitment, orphans, and the objects of a tenant."""

from __future__ import annotations

from fractions import Fraction

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import quantity as _quantity
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import plan as _tenant_plan
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import quota as _tenant_quota
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cluster import Cluster, Namespace
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.settings import Settings

from .test_tenants import ACME, TIERS

SETTINGS = Settings(
    "vcci-scope3-platform", "vcci-platform", (("vcci-backend-api", 8000),), ("fast-ssd", "standard"), ("greenlang",)
)
NOW, THEN = "2026-11-23T10:00:00Z", "2025-01-01T00:00:00Z"
GLOBEX = {
    "id": "globex",
    "name": "Globex",
    "tier": "starter",
    "owners": [{"group": "globex-admins"}, {"user": "eve", "role": "viewer"}],
}


def namespace(tenant_id=None, created=None, **said):
    annotations = {"tenant.vcci.io/id": tenant_id, "tenant.vcci.io/created": created} if tenant_id else {}
    return Namespace(annotations, **said)


def planned(tenants=(ACME, GLOBEX), live=None, ratios=None, **allowed):
    problems = Problems()
    fleet = _tenant_plan.parse_fleet(list(tenants), TIERS, problems)
    assert not problems.found
    allowance = _tenant_quota.Allowance(ratios or {}, **allowed)
    return _tenant_plan.plan_fleet(fleet, SETTINGS, live or Cluster(), NOW, allowance)


def by_name(plan, only=None):
    return {
        (o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o
        for _number, members in plan.shares(only)
        for o in plan.objects(members)
    }


def test_objects_of_a_tenant():
    plan, wrong = planned()
    assert not wrong
    objects = by_name(plan)
    assert len(objects) == 34
    where = "vcci-tenant-globex"
    made = objects["Namespace", None, where]["metadata"]
    assert made["labels"]["tenant"] == "globex"
    assert made["labels"]["tenant-tier"] == "starter"
    assert made["labels"]["app.kubernetes.io/part-of"] == "vcci-scope3-platform"
    assert made["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert (
        made["annotations"].items()
        >= {
            "tenant.vcci.io/id": "globex",
            "tenant.vcci.io/name": "Globex",
            "tenant.vcci.io/tier": "starter",
            "tenant.vcci.io/created": NOW,
            "tenant.vcci.io/hosts": "",
            "tenant.vcci.io/registries": "greenlang",
            "tenant.vcci.io/storage-classes": "standard",
            "tenant.vcci.io/egress": "",
        }.items()
    )
    quota = objects["ResourceQuota", where, "tenant-quota"]
    assert quota["metadata"]["labels"]["tier"] == "starter"
    assert (
        quota["spec"]["hard"].items()
        >= {
            "requests.cpu": "2",
            "requests.memory": "4Gi",
            "pods": "20",
            "standard.storageclass.storage.k8s.io/requests.storage": "10Gi",
            "fast-ssd.storageclass.storage.k8s.io/requests.storage": "0",
        }.items()
    )
    assert objects["LimitRange", where, "tenant-limits"]["spec"]["limits"] == [
        {"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m"}, "max": {"cpu": "1"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "5Gi"}},
    ]
    assert objects["ServiceAccount", where, "default"]["automountServiceAccountToken"] is False
    assert objects["NetworkPolicy", where, "default-deny"]["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    assert objects["RoleBinding", where, "tenant-viewer"]["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve"}
    ]
    assert objects["RoleBinding", where, "tenant-developer"]["subjects"] == []


def test_tenants_cannot_change_their_own_bounds():
    objects = by_name(planned()[0])
    for role in ("admin", "developer", "viewer"):
        for rule in objects["Role", "vcci-tenant-globex", f"tenant-{role}"]["rules"]:
            for resource in ("resourcequotas", "limitranges", "networkpolicies", "roles", "rolebindings", "*"):
                assert resource not in rule["resources"] or set(rule["verbs"]) <= {"get", "list", "watch"}
            assert "*" not in rule["verbs"]
            assert role == "admin" or "secrets" not in rule["resources"]


def test_the_same_objects_whatever_the_data():
    rich = {
        **ACME,
        "owners": [{"group": "a"}],
        "egress": [{"cidr": "203.0.113.0/24", "ports": [443]}],
        "hosts": ["acme.example", "*.acme.example"],
        "registries": ["registry.acme.example/team", "greenlang"],
        "storage_classes": {"fast-ssd": "1Gi", "standard": 0},
        "overrides": {"quota": {"pods": 1}, "limits": {"default": {"memory": "1Gi"}, "max_volume": "2Gi"}},
    }
    objects = by_name(planned([rich])[0])
    assert objects.keys() == by_name(planned([ACME])[0]).keys()
    annotations = objects["Namespace", None, "vcci-tenant-acme-corp"]["metadata"]["annotations"]
    assert annotations["tenant.vcci.io/hosts"] == "acme.example,*.acme.example"
    assert annotations["tenant.vcci.io/registries"] == "greenlang,registry.acme.example/team"
    assert annotations["tenant.vcci.io/storage-classes"] == "fast-ssd"
    assert objects["LimitRange", "vcci-tenant-acme-corp", "tenant-limits"]["spec"]["limits"] == [
        {"type": "Container", "default": {"memory": "1Gi"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "2Gi"}},
    ]
    policy = by_name(planned([rich])[0])["NetworkPolicy", "vcci-tenant-acme-corp", "allow-declared-egress"]
    assert policy["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}], "ports": [{"port": 443, "protocol": "TCP"}]}
    ]


@pytest.mark.parametrize(
    ("live", "given", "wanted"),
    [(None, None, NOW), (THEN, None, THEN), (None, THEN, THEN), (THEN, "2024-01-01T00:00:00Z", THEN)],
)
def test_created_is_set_once(live, given, wanted):
    existing = Cluster({"vcci-tenant-acme-corp": namespace("acme-corp", live)}) if live else None
    plan, wrong = planned([{**ACME, "created": given} if given else ACME], existing)
    assert not wrong
    assert (
        by_name(plan)["Namespace", None, "vcci-tenant-acme-corp"]["metadata"]["annotations"]["tenant.vcci.io/created"]
        == wanted
    )


def test_only_some():
    plan, _wrong = planned()
    assert {key[1] or key[2] for key in by_name(plan, ["globex"])} == {"vcci-tenant-globex"}
    assert list(plan.report(["globex"])) == ["globex"]
    assert by_name(plan, []) == {}
    assert plan.report([]) == {}


def test_who_is_new():
    """Who has no namespace, or no quota in it: a run that was killed had not come so far."""
    assert planned()[0].new() == ["acme-corp", "globex"]
    live = Cluster(
        {
            "vcci-tenant-acme-corp": namespace("acme-corp", THEN, hard={"pods": "20"}),
            "vcci-tenant-globex": namespace("globex", THEN),
        }
    )
    assert planned(live=live)[0].new() == ["globex"]


@pytest.mark.parametrize(
    ("used", "before", "refused"),
    [
        ({"pods": "20"}, {"pods": "30"}, False),
        ({"pods": "21"}, {"pods": "30"}, True),
        ({"requests.cpu": "2001m"}, {"requests.cpu": "4"}, True),
        ({"requests.memory": "4097Mi"}, {}, True),
        (
            {"pods": "25"},
            {"pods": "20"},
            False,
        ),  # it is over already (made before the quota): setting the same limit again shrinks nothing
    ],
)
def test_below_use(used, before, refused):
    where = "vcci-tenant-globex"
    live = Cluster({where: namespace("globex", THEN, hard=before, used=used)})
    _plan, wrong = planned([GLOBEX], live)
    assert bool(wrong) is refused
    assert planned([GLOBEX], live, shrink=True)[1] == []
    assert not refused or all("tenant globex" in line and "in use" in line and "allow_shrink" in line for line in wrong)


def test_taken_namespaces():
    live = Cluster({"vcci-tenant-acme-corp": namespace(), "vcci-tenant-globex": namespace("other", THEN)})
    _plan, wrong = planned(live=live)
    assert len(wrong) == 2
    assert "belongs to something else" in wrong[0]
    assert "belongs to tenant other" in wrong[1]
    live = Cluster({"vcci-tenant-globex": namespace("globex", THEN, going=True)})
    assert "is being deleted" in planned(live=live)[1][0]


@pytest.mark.parametrize(
    ("phase", "text"),
    [("cordoned", "take it out of the data"), ("deleting", "is being offboarded"), ("deleted", "never made again")],
)
def test_an_offboarded_tenant_is_not_made_again(phase, text):
    wrong = planned(live=Cluster(offboarding={"globex": phase}))[1]
    assert len(wrong) == 1
    assert "tenant globex" in wrong[0]
    assert text in wrong[0]


def test_usage_needs_no_data():
    where = "vcci-tenant-globex"
    suspended = namespace("globex", THEN, hard={"pods": "4", "requests.cpu": "0"}, used={"pods": "3"}, suspended=True)
    told = _tenant_plan.usage_of_tenants(Cluster({where: suspended, "kube-system": namespace()}))
    assert list(told) == ["globex"]
    assert told["globex"] == {
        "namespace": where,
        "name": None,
        "tier": None,
        "created": THEN,
        "state": "suspended",
        "hard": {"pods": "4", "requests.cpu": "0"},
        "used": {"pods": "3", "requests.cpu": "0"},
        "headroom": {"pods": "1", "requests.cpu": "0"},
        "share": {"pods": 0.75},
    }


def test_overcommitment_counts_orphans_too():
    nodes = [
        {"status": {"allocatable": {"cpu": "4", "memory": "16Gi"}}},
        {"spec": {"unschedulable": True}, "status": {"allocatable": {"cpu": "99"}}},
        {"status": {"allocatable": {"cpu": "3900m"}}},
    ]
    capacity = _tenant_quota.allocatable(nodes)
    assert capacity["cpu"] == Fraction(79, 10)
    live = Cluster(
        {"vcci-tenant-gone": namespace("gone", THEN, hard={"requests.cpu": "6"}), "kube-system": namespace()},
        capacity=capacity,
    )
    plan, wrong = planned(live=live, ratios={"cpu": 5})
    assert plan.orphaned == ["vcci-tenant-gone"]
    assert plan.commitment["cpu"] == {"promised": "40", "allocatable": "7900m", "ratio": 5.0, "actual_ratio": 5.063}
    assert len(wrong) == 1
    assert "promised 40" in wrong[0]
    assert planned(live=live, ratios={"cpu": 5.1})[1] == []
    assert planned(live=live, ratios={"cpu": 5}, overcommit=True)[1] == []
    assert (
        "nvidia.com/gpu"
        in planned([{**ACME, "overrides": {"quota": {"requests.nvidia.com/gpu": 1}}}], ratios={"nvidia.com/gpu": 1})[1][
            0
        ]
    )


def test_headroom():
    assert _tenant_quota.headroom(
        {"requests.cpu": "2", "requests.memory": "4Gi", "pods": "3"}, {"requests.cpu": "500m", "requests.memory": "5Gi"}
    ) == {"requests.cpu": "1500m", "requests.memory": "-1Gi", "pods": "3"}


def test_thousands_of_tenants_stay_linear_and_unique():
    plan, wrong = planned(
        [{"id": f"t{n}", "name": f"Tenant {n}", "tier": "starter"} for n in range(2000)],
        ratios={"cpu": 1},
        live=Cluster(capacity={"cpu": Fraction(4000)}),
    )
    assert not wrong
    assert plan.commitment["cpu"]["promised"] == "4k"
    shares = dict(plan.shares())
    assert sum(1 for members in shares.values() for _object in plan.objects(members)) == 34000
    assert sorted(shares) == list(range(_tenant_plan.SHARES))
    assert max(map(len, shares.values())) < 400
    assert [tenant.id for members in shares.values() for tenant in members if tenant.id == "t7"] == ["t7"]
    assert _quantity.parse(plan.commitment["cpu"]["promised"]) == 4000
