# Copyright (c) 2026 GreenLang. All rights reserved.
"""Where a local cluster keeps its things and which addresses it uses. Pure."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import VcciError, brief

RUNTIME = Path("/run/greenlang-vcci")
API_PORT = 6443


@dataclass(frozen=True)
class Node:
    """One worker node: its name is `<pool>-<number>`; `position` (from 1) decides its addresses."""

    name: str
    position: int
    pool: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, str]] = ()
    capacity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """A cluster `name` in the /16 `subnet`, with its lasting state in `state`; `kind` is real, simulated or none.

    The subnet is divided so: nodes .0.0/24 (the host is .0.1), LoadBalancer addresses .1.0/24, pods .64.0/18 (a /24 a
    node), Services .128.0/20 (cluster DNS is .128.10). Host-only ports are on the loopback address whose second and
    third numbers are the subnet's.
    """

    name: str
    subnet: ipaddress.IPv4Network
    state: Path
    kind: str
    nodes: Sequence[Node]

    def address(self, offset: int) -> str:
        """The address at an offset in the subnet."""
        return str(self.subnet[offset])

    @property
    def loopback(self) -> str:
        """The loopback address of what only this machine may reach."""
        return f"127.{str(self.subnet).split('.')[1]}.0.1"

    @property
    def api_address(self) -> str:
        """Where the API server listens: the bridge's address where there are nodes to reach it, else loopback."""
        return self.address(1) if self.kind == "real" else self.loopback

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.api_address}:{API_PORT}"

    @property
    def api_cidr(self) -> str:
        """The API server's address as a network, for policies."""
        return f"{self.api_address}/32"

    @property
    def pod_cidr(self) -> str:
        return f"{self.subnet[64 << 8]}/18"

    @property
    def service_cidr(self) -> str:
        return f"{self.subnet[128 << 8]}/20"

    @property
    def load_balancer_cidr(self) -> str:
        return f"{self.subnet[1 << 8]}/24"

    @property
    def service_address(self) -> str:
        """The address of the Service `kubernetes`."""
        return self.address((128 << 8) + 1)

    @property
    def dns_address(self) -> str:
        """The address of the Service of the cluster's DNS."""
        return self.address((128 << 8) + 10)

    @property
    def bridge(self) -> str:
        """The bridge's interface name (at most 15 characters, so it carries the subnet and not the name)."""
        return f"vcci{str(self.subnet).split('.')[1]}"

    @property
    def alias(self) -> str:
        """What the bridge says of whose it is."""
        return f"greenlang-vcci {self.name}"

    @property
    def cgroup(self) -> str:
        """The cgroup, in every hierarchy, below which all of the cluster's processes are."""
        return f"vcci-{self.name}"

    @property
    def runtime(self) -> Path:
        return RUNTIME / self.name

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    # --- of one node -------------------------------------------------------------------------------------------------
    def node_address(self, node: Node) -> str:
        return self.address(10 + node.position)

    def node_pods(self, node: Node) -> str:
        return f"{self.subnet[(64 + node.position) << 8]}/24"

    def node_state(self, node: Node) -> Path:
        return self.state / "nodes" / node.name

    def node_cgroup(self, node: Node) -> str:
        """The cgroup of the node's pods; that of its daemons is `<it>.daemons`."""
        return f"{self.cgroup}/{node.name}"

    def netns(self, node: Node) -> str:
        return f"vcci-{self.name}-{node.name}"

    def mount_handle(self, node: Node) -> Path:
        """The file that keeps the node's mount namespace."""
        return self.runtime / f"{node.name}.mnt"

    def link(self, node: Node) -> str:
        """The interface that joins the node to the bridge."""
        return f"{self.bridge}-{node.position}"

    def inside(self, node: Node) -> list[str]:
        """The prefix that runs a command in the node's network and mount namespaces."""
        # Not `ip netns exec`: it mounts /sys anew and so hides the cgroup hierarchies from the kubelet.
        return ["nsenter", f"--net=/run/netns/{self.netns(node)}", f"--mount={self.mount_handle(node)}"]


def parse_subnet(text: str) -> ipaddress.IPv4Network:
    """Read the `subnet` option, which must be a private IPv4 /16 written as its network address."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as exc:
        raise VcciError(
            f"subnet: {brief(text)!r} is no IPv4 network ({brief(str(exc))}). "
            "Remedy: give a private /16 such as 10.77.0.0/16."
        ) from exc
    if network.prefixlen != 16 or not network.is_private or not str(network).startswith("10."):
        raise VcciError(f"subnet: {text!r} is not a /16 inside 10.0.0.0/8. Remedy: give one such as 10.77.0.0/16.")
    return network


def expand_pools(pools: Sequence[Mapping[str, Any]], kind: str, places: Mapping[str, int] | None = None) -> list[Node]:
    """Nodes of the pools, in order: `{name, count, labels, taints, capacity}` each.

    places  nodes that are there → their positions, which they keep; others get the lowest that are free.
    Refuses a count below 1 in total, or above 50 where nodes are real.
    """
    nodes: list[Node] = []
    for pool in pools:
        count = pool.get("count", 1)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            name = pool.get("name")
            raise VcciError(f"pools: count of pool {name!r} is {count!r}. Remedy: give a whole number from 0.")
        nodes += [_node(pool, number) for number in range(1, count + 1)]
    if kind == "none":
        return []
    nodes = _placed(nodes, places or {})
    if not nodes:
        raise VcciError(
            "pools: a cluster needs at least one node. "
            "Remedy: give a pool a count of 1 or more, or set nodes to none for a control plane alone."
        )
    if kind == "real" and len(nodes) > 50:
        raise VcciError(
            f"pools: {len(nodes)} real nodes on one machine. Remedy: at most 50, or set nodes to simulated."
        )
    return nodes


def _placed(nodes: Sequence[Node], places: Mapping[str, int]) -> list[Node]:
    """With their positions; none gets that of a node which is about to go: its address may still be in use."""
    free = (number for number in itertools.count(1) if number not in places.values())
    return [replace(node, position=places.get(node.name) or next(free)) for node in nodes]


def _node(pool: Mapping[str, Any], number: int) -> Node:
    return Node(
        name=f"{pool['name']}-{number}",
        position=0,
        pool=pool["name"],
        labels=pool.get("labels") or {},
        taints=tuple(pool.get("taints") or ()),
        capacity={key: str(value) for key, value in (pool.get("capacity") or {}).items()},
    )
