# Copyright (c) 2026 GreenLang. All rights reserved.
"""Simulated nodes: KWOK reports them Ready and their pods running."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..kubernetes.client import MERGE_PATCH, Client
from .daemon import Daemon
from .layout import Layout

STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")


def kwok(layout: Layout, parts: Mapping[str, Path]) -> Daemon:
    """The daemon that simulates all nodes; `parts` has the directories of programs."""
    flags = [
        f"--kubeconfig={layout.kubeconfig}",
        "--manage-all-nodes=true",
        "--node-lease-duration-seconds=200",
        f"--cidr={layout.pod_cidr}",
    ]
    for stage in STAGES:
        files = sorted((parts["kwok"] / "stages" / stage).glob("*.yaml"))
        flags += [f"--config={path}" for path in files if path.name != "kustomization.yaml"]
    return Daemon("kwok", [str(parts["kwok"] / "kwok"), *flags], [layout.kubeconfig])


def report_capacity(layout: Layout, client: Client) -> None:
    """Report what a kubelet would report of a node's size; a status is no part of a set of objects."""
    for node in layout.nodes:
        if node.capacity:
            status = {"capacity": dict(node.capacity), "allocatable": dict(node.capacity)}
            path = f"/api/v1/nodes/{node.name}/status"
            client.request("PATCH", path, body={"status": status}, content_type=MERGE_PATCH)
