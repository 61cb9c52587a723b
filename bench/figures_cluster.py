# Copyright (c) 2026 GreenLang. All rights reserved.
"""The local cluster from caches: how soon it is there, and what it holds in memory when nothing happens."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.figure import NAME, STATE, SUBNET, figures, line, local_cluster, no_cluster, values
from tests.helpers import daemon_pid, kill, power_off, services, supervisors

GPU = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
POOLS = [
    {"name": "compute"},
    {"name": "memory", "labels": {"workload-type": "memory"}},
    {"name": "gpu", "labels": {"workload-type": "gpu"}, "taints": [GPU]},
]
PATIENCE = 300  # seconds after which what was killed does not count as healing any more
SETTLE = 60  # seconds after which a fresh cluster has nothing left to do


@figures("control-plane-start")
def control_plane() -> Iterator[str]:
    """Twice: the first also makes certificates' directories and may read the programs from a cold disk."""
    took = []
    for _turn in range(2):
        with no_cluster():
            took.append(local_cluster(nodes="none", subnet=SUBNET))
    yield line("control-plane-start", min(took), "s", 6, f"runs={values(took)}")


@figures(
    "nodes",
    "three-nodes-ready",
    "cluster-started-again",
    "cluster-idle-memory",
    "supervision-memory",
    "heal-daemon",
    "heal-all",
    "boot",
)
def nodes() -> Iterator[str]:
    with no_cluster():
        yield line("three-nodes-ready", local_cluster(nodes="real", pools=POOLS, subnet=SUBNET), "s", 45, "three nodes")
        time.sleep(SETTLE)
        again = local_cluster(nodes="real", pools=POOLS, subnet=SUBNET)
        yield line("cluster-started-again", again, "s", 2, "the same again: nothing to do")
        sizes = memory()
        note = f"{len(sizes)} processes, shared pages counted once"
        yield line("cluster-idle-memory", sum(sizes) / 2**30, "GiB", 2.5, note)
        ours = sum(resident(Path(f"/proc/{pid}")) for pid in supervisors(STATE / NAME))
        yield line("supervision-memory", ours / 2**20, "MiB", 20, f"of {len(services(STATE / NAME))} daemons")
        yield from healing()


def healing() -> Iterator[str]:
    """Each daemon is killed in turn, then all at once; healed is when all run and all nodes are Ready, as others see
    it: the API server answers, which it does not while it or etcd is down."""
    took = {name: heal([name]) for name in services(STATE / NAME)}
    slowest = max(took, key=lambda name: took[name])
    yield line("heal-daemon", took[slowest], "s", 10, f"the slowest of {len(took)}, killed in turn: {slowest}")
    yield line("heal-all", heal(list(took)), "s", 40, f"{len(took)} daemons killed at once")
    power_off(STATE / NAME)
    begun = time.monotonic()
    subprocess.run([STATE / NAME / "boot"], check=True)
    yield line(
        "boot", time.monotonic() - begun + until_healed({}), "s", 120, "after a reboot, until the API server is ready"
    )


def heal(names: list[str]) -> float:
    """Seconds from kill -9 of these daemons until all run again and the API server is ready."""
    before = {name: daemon_pid(STATE / NAME, name) for name in names}
    kill(before.values())
    return until_healed(before)


def until_healed(before: Mapping[str, int]) -> float:
    """Seconds until all daemons run, those of `before` as other processes, and the API server is ready."""
    begun = time.monotonic()
    while not healed(before):
        if time.monotonic() - begun > PATIENCE:
            raise RuntimeError(f"{', '.join(before) or 'all'} did not come back within {PATIENCE} s")
        time.sleep(0.05)
    return time.monotonic() - begun


def healed(before: Mapping[str, int]) -> bool:
    state = STATE / NAME
    pids = {name: daemon_pid(state, name) for name in services(state)}
    if not all(pids.values()) or any(pids[name] == pid for name, pid in before.items()):
        return False
    kubectl = [str(state / "bin/kubectl"), "--kubeconfig", str(state / "kubeconfig"), "--request-timeout=2s"]
    return subprocess.run([*kubectl, "get", "--raw", "/readyz"], capture_output=True, check=False).returncode == 0


def memory() -> list[int]:
    """Bytes of each of the cluster's processes; what several share is divided among them (PSS)."""
    state = STATE / NAME
    recorded = {*supervisors(state), *(daemon_pid(state, name) for name in services(state))}
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
