# Copyright (c) 2026 GreenLang. All rights reserved.
"""The local cluster from caches: how soon it is there, and what it holds in memory when nothing happens."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import NAME, STATE, SUBNET, figures, line, local_cluster, no_cluster, values

GPU = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
POOLS = [
    {"name": "compute"},
    {"name": "memory", "labels": {"workload-type": "memory"}},
    {"name": "gpu", "labels": {"workload-type": "gpu"}, "taints": [GPU]},
]
SETTLE = 60  # seconds after which a fresh cluster has nothing left to do


@figures("control-plane-start")
def control_plane() -> Iterator[str]:
    """Twice: the first also makes certificates' directories and may read the programs from a cold disk."""
    took = []
    for _turn in range(2):
        with no_cluster():
            took.append(local_cluster(nodes="none", subnet=SUBNET))
    yield line("control-plane-start", min(took), "s", 6, f"runs={values(took)}")


@figures("nodes", "three-nodes-ready", "cluster-started-again", "cluster-idle-memory")
def nodes() -> Iterator[str]:
    with no_cluster():
        yield line("three-nodes-ready", local_cluster(nodes="real", pools=POOLS, subnet=SUBNET), "s", 45, "three nodes")
        time.sleep(SETTLE)
        again = local_cluster(nodes="real", pools=POOLS, subnet=SUBNET)
        yield line("cluster-started-again", again, "s", 2, "the same again: nothing to do")
        sizes = memory()
        note = f"{len(sizes)} processes, shared pages counted once"
        yield line("cluster-idle-memory", sum(sizes) / 2**30, "GiB", 2.5, note)


def memory() -> list[int]:
    """Bytes of each of the cluster's processes; what several share is divided among them (PSS)."""
    records = (STATE / NAME / "run").glob("*.json")
    recorded = {json.loads(path.read_text(encoding="utf-8"))["pid"] for path in records}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, StopIteration):  # it ended meanwhile, or is the kernel's
            if int(process.name) in recorded or belongs(process):
                found.append(resident(process))
    return found


def belongs(process: Path) -> bool:
    """Whether a process is in a cgroup of the cluster, or was started with files of it."""
    groups, command = (process / "cgroup").read_text(encoding="utf-8"), (process / "cmdline").read_bytes()
    return f"/vcci-{NAME}/" in groups or f"{STATE}/{NAME}/".encode() in command


def resident(process: Path) -> int:
    rollup = (process / "smaps_rollup").read_text(encoding="utf-8")
    return next(int(text.split()[1]) * 1024 for text in rollup.splitlines() if text.startswith("Pss:"))
