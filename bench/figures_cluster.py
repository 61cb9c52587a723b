# Copyright (c) 2026 GreenLang. All rights reserved.
"""The local cluster from caches: how soon it is there, and what it holds in memory when nothing happens."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

from bench.figure import NAME, STATE, SUBNET, figures, line, local_cluster, no_cluster, values
from tests.helpers import daemon_pid, kill, power_off, services, supervisors

GPU = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
POOLS = [
    {"name": "compute"},
    {"name": "memory", "labels": {"workload-type": "memory"}},
    {"name": "gpu", "labels": {"workload-type": "gpu"}, "taints": [GPU]},
]
PATIENCE = 300  # seconds after which what was killed does not count as healing any more
EVERY = 0.05  # seconds between two questions
SETTLE = 60  # seconds after which a fresh cluster has nothing left to do


@figures("control-plane-start")
def control_plane() -> Iterator[str]:
    """Twice: the first also makes certificates' directories and may read the programs from a cold disk."""
    took = []
    for _turn in range(2):
        with no_cluster():
            took.append(local_cluster(nodes="none", subnet=SUBNET))
    yield line("control-plane-start", min(took), "s", 6, f"runs={values(took)}")


@figures("control-plane-gap", long=True)
def gap() -> Iterator[str]:
    """How long nobody can ask the API server while it moves to the next minor; the earlier one may be built first."""
    before, after = "1.36", "1.37"
    with no_cluster():
        local_cluster(nodes="none", subnet=SUBNET, version=before)
        with ThreadPoolExecutor(1) as pool:
            upgrade = pool.submit(local_cluster, nodes="none", subnet=SUBNET, version=after, upgrade=["control-plane"])
            longest = longest_silence(upgrade.done)
            upgrade.result()
        yield line("control-plane-gap", longest, "s", 5, f"{before} to {after}, /readyz asked every {EVERY} s")


def longest_silence(ended: Callable[[], bool]) -> float:
    """The longest time in seconds between two good answers of /readyz, until `ended` and another answer."""
    longest, last = 0.0, time.monotonic()
    while time.monotonic() - last < PATIENCE:
        over = ended()
        if ready():
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
            if over:
                return longest
        time.sleep(EVERY)
    raise RuntimeError(f"the API server did not come back within {PATIENCE} s")


def ready() -> bool:
    """Whether the API server answers that it is ready."""
    with contextlib.suppress(VcciError):
        kubeconfig = {"kubeconfig": str(STATE / NAME / "kubeconfig")}
        with contextlib.closing(Client.from_params(kubeconfig, retry_for=0, timeout=2)) as client:
            client.text("/readyz")
            return True
    return False


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
    return ready()


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
