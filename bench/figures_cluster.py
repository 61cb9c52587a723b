# Copyright (c) 2026 GreenLang. All rights reserved.
"""The local cluster from caches: how soon it is there, and what it holds in memory when nothing happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import NAME, STATE, SUBNET, figures, line, local_cluster, no_cluster

POOLS = [
    {"name": "compute"},
    {"name": "memory", "labels": {"workload-type": "memory"}},
    {"name": "gpu", "labels": {"workload-type": "gpu"}, "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}]},
]
SETTLE = 60  # seconds after which a fresh cluster has nothing left to do


@figures("control-plane-start")
def control_plane() -> Iterator[str]:
    """Twice: the first also makes certificates' directories and may read the programs from a cold disk."""
    took = []
    for _turn in range(2):
        with no_cluster():
            took.append(local_cluster(nodes="none", subnet=SUBNET))
    yield line("control-plane-start", min(took), "s", 6, f"runs=[{', '.join(f'{seconds:.1f}' for seconds in took)}]")


@figures("nodes", "three-nodes-ready", "cluster-started-again", "cluster-idle-memory")
def nodes() -> Iterator[str]:
    with no_cluster():
        yield line("three-nodes-ready", local_cluster(nodes="real", pools=POOLS, subnet=SUBNET), "s", 45, "three nodes")
        time.sleep(SETTLE)
        yield line("cluster-started-again", local_cluster(nodes="real", pools=POOLS, subnet=SUBNET), "s", 2, "the same again: nothing to do")
        sizes = memory()
        yield line("cluster-idle-memory", sum(sizes) / 2**30, "GiB", 2.5, f"{len(sizes)} processes, shared pages counted once")


def memory() -> list[int]:
    """Bytes of each of the cluster's processes; what several share is divided among them (PSS)."""
    recorded = {json.loads(path.read_text(encoding="utf-8"))["pid"] for path in (STATE / NAME / "run").glob("*.json")}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            groups, command = (process / "cgroup").read_text(encoding="utf-8"), (process / "cmdline").read_bytes()
            if int(process.name) in recorded or f"/vcci-{NAME}/" in groups or f"{STATE}/{NAME}/".encode() in command:
                rollup = (process / "smaps_rollup").read_text(encoding="utf-8")
                found.append(next(int(text.split()[1]) * 1024 for text in rollup.splitlines() if text.startswith("Pss:")))
        except (OSError, StopIteration):  # it ended meanwhile, or is the kernel's
            continue
    return found
