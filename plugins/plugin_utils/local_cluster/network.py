# Copyright (c) 2026 GreenLang. All rights reserved.
"""The network between nodes and the machine: one bridge and routes over it; and the place of the nodes' handles.

These are made before any node, by one thread: nodes start side by side.
"""

from __future__ import annotations

import shutil

from ..errors import VcciError
from . import host
from .layout import Layout, Node


def ensure(layout: Layout) -> None:
    """Make the bridge, with the machine's address on it, and the private mount on which nodes keep their handles."""
    taken = foreign(layout)
    if taken:
        raise VcciError(taken)
    if not is_there(layout):
        # A host's own firewall is not for pods.
        host.run("ip", "link", "add", layout.bridge, "type", "bridge", "nf_call_iptables", "0")
        host.run("ip", "link", "set", layout.bridge, "alias", layout.alias, "up")
        host.run("ip", "address", "add", f"{layout.api_address}/24", "dev", layout.bridge)
    layout.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not host.is_mount(layout.runtime):  # a namespace's handle can only be kept on a private mount
        host.run("mount", "--bind", str(layout.runtime), str(layout.runtime))
        host.run("mount", "--make-private", str(layout.runtime))


def is_there(layout: Layout) -> bool:
    return bool(host.links(layout.bridge))


def foreign(layout: Layout) -> str | None:
    """What to say when the bridge is another cluster's."""
    links = host.links(layout.bridge)
    if not links or links[0].get("ifalias") == layout.alias:
        return None
    owner = links[0].get("ifalias") or "something else"
    return f"subnet: the interface {layout.bridge} belongs to {owner}. Remedy: give another /16 as subnet."


def route(layout: Layout) -> None:
    """Route from the machine to pods and LoadBalancer addresses: for the API server's webhooks and for the user."""
    vias = [f"via {layout.node_address(node)} dev {layout.bridge}" for node in layout.nodes]
    lines = [f"route replace {layout.node_pods(node)} {via}" for node, via in zip(layout.nodes, vias, strict=True)]
    hops = " ".join(f"nexthop {via}" for via in vias)
    host.run("ip", "-batch", "-", text="\n".join([*lines, f"route replace {layout.load_balancer_cidr} {hops}"]))


def unroute(layout: Layout, node: Node) -> None:
    """Take back the route to the pods of a node that left."""
    host.run("ip", "route", "delete", layout.node_pods(node), check=False)


def remove(layout: Layout) -> None:
    """Remove the bridge and the directory of handles, when they are this cluster's."""
    if is_there(layout) and not foreign(layout):
        host.run("ip", "link", "delete", layout.bridge)
    host.unmount(layout.runtime)
    shutil.rmtree(layout.runtime, ignore_errors=True)
    host.end_cgroup(layout.cgroup)
