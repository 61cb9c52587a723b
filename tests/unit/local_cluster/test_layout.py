# Copyright (c) 2026 GreenLang. All rights reserved.
"""Names and addresses of a local cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import (
    Layout,
    expand_pools,
    parse_subnet,
)

POOLS = [{"name": "compute", "count": 2}, {"name": "gpu", "labels": {"workload-type": "gpu"}, "capacity": {"cpu": 8}}]


def layout(kind: str) -> Layout:
    return Layout("local", parse_subnet("10.77.0.0/16"), Path("/state"), kind, expand_pools(POOLS, kind))


@pytest.mark.parametrize(
    ("kind", "server", "api_cidr"),
    [
        ("real", "https://10.77.0.1:6443", "10.77.0.1/32"),
        ("simulated", "https://127.77.0.1:6443", "127.77.0.1/32"),
        ("none", "https://127.77.0.1:6443", "127.77.0.1/32"),
    ],
)
def test_where_the_api_server_is(kind: str, server: str, api_cidr: str) -> None:
    assert (layout(kind).server, layout(kind).api_cidr) == (server, api_cidr)


def test_the_division_of_the_subnet() -> None:
    real = layout("real")
    assert real.pod_cidr == "10.77.64.0/18"
    assert real.service_cidr == "10.77.128.0/20"
    assert real.service_address == "10.77.128.1"
    assert real.dns_address == "10.77.128.10"
    assert real.load_balancer_cidr == "10.77.1.0/24"
    assert [real.node_address(node) for node in real.nodes] == ["10.77.0.11", "10.77.0.12", "10.77.0.13"]
    assert [real.node_pods(node) for node in real.nodes] == ["10.77.65.0/24", "10.77.66.0/24", "10.77.67.0/24"]


def test_nodes_are_numbered_in_their_pool_and_placed_in_the_cluster() -> None:
    nodes = layout("simulated").nodes
    assert [(node.name, node.position, node.pool) for node in nodes] == [
        ("compute-1", 1, "compute"),
        ("compute-2", 2, "compute"),
        ("gpu-1", 3, "gpu"),
    ]
    assert nodes[2].labels == {"workload-type": "gpu"}
    assert nodes[2].capacity == {"cpu": "8"}
    assert layout("none").nodes == []


def test_names_fit_what_they_name() -> None:
    real = layout("real")
    assert all(len(real.link(node)) <= 15 for node in real.nodes)  # an interface's
    assert real.inside(real.nodes[0]) == [
        "nsenter",
        "--net=/run/netns/vcci-local-compute-1",
        "--mount=/run/greenlang-vcci/local/compute-1.mnt",
    ]
