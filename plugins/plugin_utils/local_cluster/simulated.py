# Copyright (c) 2026 GreenLang. All rights reserved.
"""Simulated nodes: KWOK reports them Ready and their pods running."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
