# Copyright (c) 2026 GreenLang. All rights reserved.
"""The schema of tenants and tiers: what is accepted, and every way of being wrong, all at once."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import plan as _tenant_plan
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import tenant as _tenants
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems

TIERS = {
    "starter": {
        "quota": {"requests.cpu": 2, "requests.memory": "4Gi", "pods": "20"},
        "limits": {
            "default": {"cpu": "500m"},
            "default_request": {"cpu": "100m"},
            "max": {"cpu": 1},
            "max_volume": "5Gi",
        },
        "storage_classes": {"standard": "10Gi"},
    },
    "enterprise": {"quota": {"requests.cpu": 32}},
}
ACME = {"id": "acme-corp", "name": "ACME Corporation", "tier": "enterprise"}


def errors(tenants=(ACME,), tiers=None, **options):
    problems = Problems()
    _tenant_plan.parse_fleet(
        list(tenants) if isinstance(tenants, tuple) else tenants, TIERS if tiers is None else tiers, problems, **options
    )
    return problems.found


def tenant(**changes):
    return ({**ACME, **changes},)


def test_good_data():
    problems = Problems()
    tenants, tiers = _tenant_plan.parse_fleet(
        [
            {
                **ACME,
                "created": "2026-01-31T12:00:00Z",
                "owners": [{"group": "acme"}, {"user": "eve@acme.example", "role": "viewer"}, {"group": "acme"}],
                "egress": [{"cidr": "0.0.0.0/0", "ports": [443, {"port": 53, "protocol": "UDP"}]}],
                "hosts": ["acme.example", "*.acme.example"],
                "registries": ["greenlang", "registry.acme.example:5000/team/x"],
                "storage_classes": {"fast-ssd": "1Gi"},
                "overrides": {"quota": {"requests.nvidia.com/gpu": 1}, "limits": {"max": {"cpu": 8}}},
            }
        ],
        TIERS,
        problems,
        protected_cidrs=["10.0.0.0/8"],
        protected_hosts=["*.vcci.example"],
        only=["acme-corp"],
    )
    assert not problems.found
    assert tenants[0].namespace == "vcci-tenant-acme-corp"
    assert [(owner.kind, owner.name, owner.role) for owner in tenants[0].owners] == [
        ("Group", "acme", "admin"),
        ("User", "eve@acme.example", "viewer"),
    ]
    assert tenants[0].egress[0].ports == (("TCP", 443), ("UDP", 53))
    assert "169.254.0.0/16" in tenants[0].egress[0].excepted
    assert "10.0.0.0/8" in tenants[0].egress[0].excepted
    assert tiers["starter"].limits.container["defaultRequest"] == {"cpu": "100m"}
    assert tiers["starter"].limits.max_volume == "5Gi"


@pytest.mark.parametrize(
    ("tenants", "place", "text"),
    [
        ("x", "tenants:", "must be a list"),
        ((3,), "tenants[0]", "must be a dictionary"),
        (({},), "tenants[0].id", "not nothing"),
        (tenant(id="Acme"), "(Acme).id", "DNS label"),
        (tenant(id="-a"), ".id", "DNS label"),
        (tenant(id="a\n"), ".id", "DNS label"),
        (tenant(id=7), ".id", "int 7"),
        (tenant(id="a" * 52), ".id", "leaves room for 51"),
        (tenant(name=""), ".name", "1 to 256"),
        (tenant(name="a\nb"), ".name", "a line"),
        (tenant(tier="gold"), ".tier", "unknown tier 'gold'; known are starter, enterprise"),
        (tenant(tier=None), ".tier", "unknown tier None"),
        (tenant(tier=["x"]), ".tier", "unknown tier"),
        (tenant(created="yesterday"), ".created", "2026-01-31T12:00:00Z"),
        (tenant(colour="red"), "(acme-corp)", "unknown key 'colour'"),
        ((ACME, {**ACME}), "tenants[1]", "is taken by tenants[0]"),
        (tenant(owners={"a": 1}), ".owners", "must be a list"),
        (tenant(owners=[{}]), ".owners[0]", "either user or group"),
        (tenant(owners=[{"user": "a", "group": "b"}]), ".owners[0]", "either user or group"),
        (tenant(owners=[{"user": "a", "role": "god"}]), ".owners[0]", "unknown role"),
        (tenant(owners=[{"group": "system:masters"}]), ".owners[0]", "belongs to the system"),
        (tenant(owners=[{"group": " System:authenticated"}]), ".owners[0]", "belongs to the system"),
        (tenant(owners=[{"user": "system:serviceaccount:kube-system:default"}]), ".owners[0]", "belongs to the system"),
        (tenant(egress=[{"cidr": "169.254.169.254/32", "ports": [80]}]), ".egress[0].cidr", "no tenant may reach"),
        (tenant(egress=[{"cidr": "fd00:ec2::254/128", "ports": [80]}]), ".egress[0].cidr", "no tenant may reach"),
        (tenant(egress=[{"cidr": "8.8.8.8", "ports": []}]), ".egress[0].ports", "at least one port"),
        (tenant(egress=[{"cidr": "1.2.3.4/8", "ports": [1]}]), ".egress[0].cidr", "must be a network"),
        (tenant(egress=[{"cidr": 8, "ports": [1]}]), ".egress[0].cidr", "int 8"),
        (tenant(egress=[{"ports": [1]}]), ".egress[0].cidr", "must be a network"),
        (tenant(egress=[{"cidr": "8.8.8.8/32", "ports": [0]}]), ".ports[0]", "1 to 65535"),
        (tenant(egress=[{"cidr": "8.8.8.8/32", "ports": [True]}]), ".ports[0]", "1 to 65535"),
        (
            tenant(egress=[{"cidr": "8.8.8.8/32", "ports": [{"port": 1, "protocol": "ICMP"}]}]),
            ".ports[0]",
            "TCP, UDP or SCTP",
        ),
        (tenant(overrides={"quota": {"requests.cpu": "lots"}}), ".overrides.quota.requests.cpu", "is not a quantity"),
        (tenant(overrides={"quota": {"cpus": 1}}), ".overrides.quota.cpus", "is no resource"),
        (tenant(overrides={"quota": {"pods": -1}}), ".overrides.quota.pods", "negative"),
        (tenant(overrides={"storage_classes": {}}), ".overrides", "unknown key 'storage_classes'"),
        (tenant(overrides={"limits": {"maximum": {}}}), ".overrides.limits", "unknown key 'maximum'"),
        (
            tenant(tier="starter", overrides={"limits": {"default": {"cpu": 2}}}),
            ".overrides.limits",
            "default of cpu (2) is above max (1)",
        ),
        (tenant(storage_classes=["standard"]), ".storage_classes", "a dictionary of amounts"),
        (tenant(hosts="acme.example"), ".hosts", "must be a list"),
        (tenant(hosts=["acme"]), ".hosts[0]", "must be a host"),
        (tenant(hosts=["*"]), ".hosts[0]", "must be a host"),
        (tenant(hosts=["ACME.example"]), ".hosts[0]", "must be a host"),
        (tenant(hosts=["acme.example,evil.example"]), ".hosts[0]", "must be a host"),
        (tenant(hosts=["a." * 126 + "aa"]), ".hosts[0]", "must be a host"),
        (tenant(registries=["https://registry.example"]), ".registries[0]", "without a tag"),
        (tenant(registries=["registry.example/"]), ".registries[0]", "without a tag"),
        (tenant(registries=["acme/app:latest"]), ".registries[0]", "without a tag"),
        (tenant(registries=[""]), ".registries[0]", "not str ''"),
        (
            (ACME, {**ACME, "id": "b", "hosts": ["x.example"]}, {**ACME, "id": "c", "hosts": ["x.example"]}),
            "tenants[2] (c).hosts",
            "belongs to tenants[1] (b)",
        ),
        (
            ({**ACME, "hosts": ["*.example.com"]}, {**ACME, "id": "c", "hosts": ["a.b.example.com"]}),
            "(c).hosts",
            "is within *.example.com",
        ),
        (
            ({**ACME, "hosts": ["a.example.com"]}, {**ACME, "id": "c", "hosts": ["*.example.com"]}),
            "(acme-corp).hosts",
            "is within *.example.com",
        ),
        (tenant(egress=[{"cidr": "::ffff:169.254.169.254/128", "ports": [80]}]), ".egress[0].cidr", "write it as IPv4"),
        (tenant(egress=[{"cidr": "100.100.100.200/32", "ports": [80]}]), ".egress[0].cidr", "no tenant may reach"),
    ],
)
def test_bad_tenants(tenants, place, text):
    found = errors(tenants)
    assert any(place in line and text in line for line in found), found


@pytest.mark.parametrize(
    ("tiers", "place", "text"),
    [
        ({}, "tiers:", "at least one tier"),
        ([], "tiers:", "at least one tier"),
        ({"x": {}}, "tiers.x.quota", "is empty"),
        ({"X y": {"quota": {"pods": 1}}}, "tiers.X y", "DNS label"),
        ({"x": {"quota": {"pods": 1}, "colour": 1}}, "tiers.x", "unknown key 'colour'"),
        ({"x": {"quota": {"pods": 1}, "limits": {"maximum": {}}}}, "tiers.x.limits", "unknown key 'maximum'"),
        (
            {"x": {"quota": {"pods": 1}, "limits": {"default": {"cpu": 2}, "max": {"cpu": "500m"}}}},
            "tiers.x.limits",
            "default of cpu (2) is above max (500m)",
        ),
        (
            {"x": {"quota": {"pods": 1}, "limits": {"default_request": {"cpu": 2}, "max": {"cpu": 1}}}},
            "tiers.x.limits",
            "defaultRequest of cpu (2)",
        ),
        (
            {
                "x": {
                    "quota": {"pods": 1},
                    "limits": {"default_request": {"cpu": 2}, "default": {"memory": "1Gi"}, "max": {"cpu": 1}},
                }
            },
            "tiers.x.limits",
            "defaultRequest of cpu (2) is above max (1)",
        ),
        ({"x": {"quota": {"pods": 1}, "limits": {"max_volume": "big"}}}, "max_volume", "is not a quantity"),
        (
            {"x": {"quota": {"pods": 1}, "storage_classes": {"standard": []}}},
            "storage_classes.standard",
            "is not a quantity",
        ),
    ],
)
def test_bad_tiers(tiers, place, text):
    found = errors((), tiers)
    assert any(place in line and text in line for line in found), found


def test_all_errors_at_once():
    found = errors(
        ({"id": "A", "name": "", "tier": "x"}, {"id": "B"}),
        {"t": {"quota": {"pods": "y"}}},
        protected_cidrs=["nonsense"],
        only=["nobody"],
    )
    for place in (
        "tiers.t.quota.pods",
        "protected_cidrs",
        "tenants[0] (A).id",
        "tenants[0] (A).name",
        "tenants[0] (A).tier",
        "tenants[1] (B).id",
        "only",
    ):
        assert any(line.startswith(place) for line in found), place


def test_longest_id():
    assert not errors(tenant(id="a" * _tenants.ID_LENGTH))
    assert len("vcci-tenant-" + "a" * _tenants.ID_LENGTH) == 63
