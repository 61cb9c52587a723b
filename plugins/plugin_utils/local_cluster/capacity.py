# Copyright (c) 2026 GreenLang. All rights reserved.
"""What nodes claim to have: all of a simulated one; of a real one extended resources, behind which there is no device.

A node's status is no part of a set of objects: it is patched, as upstream documents for extended resources. A kubelet
leaves those alone, also when it starts again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import VcciError, brief
from ..kubernetes.client import MERGE_PATCH, Client
from .control_plane import ControlPlane
from .held import Held
from .layout import Layout, Node

# A name with a domain that is not Kubernetes' own (https://kubernetes.io/docs/concepts/configuration/
# manage-resources-containers/#extended-resources), and a whole number of it.
EXTENDED = re.compile(r"(?!([^/]+\.)?kubernetes\.io/)[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?")


def check(layout: Layout) -> None:
    """Refuse that a real node claims what its machine decides."""
    for node in layout.nodes if layout.kind == "real" else ():
        for name, amount in node.capacity.items():
            if not EXTENDED.fullmatch(name) or not re.fullmatch(r"\d+", amount):
                raise VcciError(
                    f"pools: capacity of pool {node.pool!r} is {brief(f'{name}: {amount}')}. Remedy: name extended "
                    f"resources and whole numbers of them, such as nvidia.com/gpu: 1, or set nodes to simulated."
                )


def lacking(layout: Layout, nodes: Sequence[Mapping[str, Any]]) -> list[Node]:
    """Those of the layout that are there and do not claim what they should."""
    claimed = {node["metadata"]["name"]: node.get("status", {}).get("capacity") or {} for node in nodes}
    there = [node for node in layout.nodes if node.name in claimed]
    return [node for node in there if not node.capacity.items() <= claimed[node.name].items()]


def predict(layout: Layout, control: ControlPlane, held: Held) -> list[str]:
    """What `claim` would do on a cluster that runs, in words."""
    if not held.answers or not any(node.capacity for node in layout.nodes):
        return []
    with control.client() as client:
        return [f"claim the capacity of {node.name}" for node in lacking(layout, client.list("v1", "Node"))]


def claim(layout: Layout, client: Client) -> list[str]:
    """Have the nodes claim it; what was done, in words."""
    short = lacking(layout, client.list("v1", "Node"))
    for node in short:
        claimed = dict(node.capacity)
        # What of it pods may use is a kubelet's to say.
        status = {"capacity": claimed, **({} if layout.kind == "real" else {"allocatable": claimed})}
        path = f"/api/v1/nodes/{node.name}/status"
        client.request("PATCH", path, body={"status": status}, content_type=MERGE_PATCH)
    return [f"claimed the capacity of {node.name}" for node in short]
