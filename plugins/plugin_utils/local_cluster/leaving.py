# Copyright (c) 2026 GreenLang. All rights reserved.
"""The end of nodes that leave a cluster which goes on: what runs in them, what is there of them, and their objects."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import NotFound
from ..kubernetes.client import Client
from . import namespaces, network, record
from .control_plane import ControlPlane
from .layout import Layout, Node
from .nodes import ORDER, Nodes
from .supervisor import Supervisor


def settle(layout: Layout, environment: str, control: ControlPlane) -> list[str]:
    """End the nodes that are recorded and not in the layout, and record which there are now; what was removed."""
    gone = record.leaving(layout)
    if gone and layout.kind == "real":
        end(layout, gone)
    with control.client() as client:
        for node in gone:
            forget(client, node)
    if gone:
        record.scaled(layout, environment)
    return [f"removed node {node.name}" for node in gone]


def end(layout: Layout, gone: Sequence[Node]) -> None:
    """Stop them, and remove their namespaces, links, routes and state. What volumes hold stays."""
    nodes = Nodes(layout, {}, Path())
    for node in gone:
        nodes.processes(node).stop(ORDER, grace=5)
        for daemon in ORDER:  # nor does a boot start it again
            Supervisor(layout.state).hold(f"{node.name}.{daemon}")
        namespaces.remove(layout, node)
        network.unroute(layout, node)
        shutil.rmtree(layout.node_state(node), ignore_errors=True)


def forget(client: Client, node: Node) -> None:
    """Delete the node's object; its pods are then collected."""
    with contextlib.suppress(NotFound):
        client.request("DELETE", client.resource("v1", "Node").path(None, node.name))
