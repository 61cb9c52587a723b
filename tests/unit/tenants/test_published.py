# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who reaches what a tenant publishes, by what its quota offers; and what counts as outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.policies import policies
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.settings import Settings, parse_inside
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.tenant import Tenant

SETTINGS = Settings("part", "vcci-platform", (), ())
INSIDE = ("10.0.0.0/8", "fc00::/7")
BALANCERS, INGRESSES = "services.loadbalancers", "count/ingresses.networking.k8s.io"
WORLD = [
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}},
    {"ipBlock": {"cidr": "::/0", "except": ["fc00::/7"]}},
]
CONTROLLER = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}},
    "podSelector": {"matchLabels": {}},
}


def published(hard: dict[str, str], **settings: Any) -> dict[str, Any]:
    tenant = Tenant("acme", "ACME", "starter")
    return dict(policies(tenant, hard, replace(SETTINGS, **settings)))["allow-published"]


@pytest.mark.parametrize(
    ("hard", "namespace", "sources"),
    [
        ({}, "", []),
        ({BALANCERS: "0", INGRESSES: "0"}, "ingress-nginx", []),
        ({BALANCERS: "0", INGRESSES: "5"}, "", []),  # nobody serves them
        ({BALANCERS: "0", INGRESSES: "1"}, "ingress-nginx", [CONTROLLER]),
        ({}, "ingress-nginx", [CONTROLLER]),  # as many as it wants, and no load balancer, which has to be offered
        ({BALANCERS: "1", INGRESSES: "0"}, "ingress-nginx", WORLD),
        ({BALANCERS: "2"}, "", WORLD),
        ({BALANCERS: "1k", INGRESSES: "50"}, "ingress-nginx", [*WORLD, CONTROLLER]),
    ],
)
def test_who_reaches_a_published_pod(hard: dict[str, str], namespace: str, sources: list[Any]) -> None:
    spec = published(hard, inside=INSIDE, ingress_namespace=namespace)
    assert spec["podSelector"] == {"matchLabels": {"tenant.vcci.io/published": "true"}}
    assert spec["policyTypes"] == ["Ingress"]
    # Without sources there is no rule: one that names none would let everybody in.
    assert spec["ingress"] == ([{"from": sources}] if sources else [])


@pytest.mark.parametrize(
    ("inside", "blocks"),
    [
        ((), [{"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}]),
        (("192.0.2.0/24",), [{"cidr": "0.0.0.0/0", "except": ["192.0.2.0/24"]}, {"cidr": "::/0"}]),
        (("2001:db8::/32",), [{"cidr": "0.0.0.0/0"}, {"cidr": "::/0", "except": ["2001:db8::/32"]}]),
    ],
)
def test_what_is_inside_is_left_out_of_its_own_version(inside: tuple[str, ...], blocks: list[Any]) -> None:
    rule = published({BALANCERS: "1"}, inside=inside)["ingress"][0]
    assert [source["ipBlock"] for source in rule["from"]] == blocks


def test_no_pod_of_the_cluster_is_a_source_but_the_controllers() -> None:
    rule = published({BALANCERS: "1"}, inside=INSIDE, ingress_namespace="ingress-nginx")["ingress"][0]
    selected = [source for source in rule["from"] if "ipBlock" not in source]
    assert selected == [CONTROLLER]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([], ()),
        (["10.0.0.0/8", "10.0.0.0/8", "fc00::/7"], ("10.0.0.0/8", "fc00::/7")),
        (["10.1.2.3"], ("10.1.2.3/32",)),
    ],
)
def test_networks_inside(given: Sequence[str], kept: tuple[str, ...]) -> None:
    assert parse_inside(given) == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["10.0.0.1/8"], "inside_cidrs[0]: must be a network such as 10.0.0.0/8, not str '10.0.0.1/8'"),
        (["10.0.0.0/8", "pods"], "inside_cidrs[1]: must be a network"),
        (["0.0.0.0/0"], "inside_cidrs[0]: 0.0.0.0/0 is everything: nobody would be outside"),
        (["::/0"], "inside_cidrs[0]: ::/0 is everything"),
    ],
)
def test_what_is_no_network_inside(given: Sequence[str], said: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_inside(given)
    assert said in str(refused.value)
