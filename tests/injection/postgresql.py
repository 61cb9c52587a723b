# Copyright (c) 2026 GreenLang. All rights reserved.
"""Faults of PostgreSQL on real nodes, and what each does to clients: CASES, and `trial`, which tries one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.helpers import PATIENCE, daemon_pid, eventually, kill
from tests.injection.figures import Figures, Sample, figures, redundant, reigns
from tests.injection.ground import MEMBERS, Ground

AWAY = 30.0  # seconds
CUT = 60.0  # seconds


class Scene:
    """One trial: the primary when it began, and what its members have told so far."""

    def __init__(self, ground: Ground, samples: Sequence[Sample]) -> None:
        self.ground, self.samples, self.begun = ground, samples, time.monotonic()
        self.primary = ground.whole()
        self.node = ground.node(self.primary)

    def replaced(self) -> None:
        """Wait until another member is the primary."""

        def other() -> bool:
            known = reigns([sample for sample in self.samples if sample["asked"] >= self.begun])
            return bool(known) and known[-1].member != self.primary

        eventually(other, f"another than {self.primary} is the primary", every=0.1)

    def servers(self) -> set[int]:
        """That have answered in the last seconds."""
        return {sample["pid"] for sample in self.samples if sample["asked"] > time.monotonic() - 3}

    def restarted(self, before: set[int]) -> None:
        """Wait until one of these servers is no more."""
        eventually(lambda: not before <= self.servers(), "a server ends", every=0.1)


# Each is over when it returns; the moment from which the members can come back.


def pod_deleted(scene: Scene) -> float:
    begun = time.monotonic()
    scene.ground.kubectl("delete", "pod", scene.primary, "--wait=false")
    scene.replaced()
    return begun


def server_killed(scene: Scene) -> float:
    """The postmaster alone: its children end with it, Patroni lives."""
    begun = time.monotonic()
    kill([next(sample["pid"] for sample in reversed(scene.samples) if sample["member"] == scene.primary)])
    scene.replaced()
    return begun


def container_killed(scene: Scene) -> float:
    begun, before = time.monotonic(), scene.servers()
    kill(scene.ground.processes(scene.primary))
    scene.restarted(before)
    return begun


def all_killed(scene: Scene) -> float:
    begun, before = time.monotonic(), scene.servers()
    kill(set.union(*(scene.ground.processes(f"postgresql-{number}") for number in range(MEMBERS))))
    eventually(lambda: not before & scene.servers(), "all servers end", every=0.1)
    return begun


def replica_killed(scene: Scene) -> float:
    begun, before = time.monotonic(), scene.servers()
    replica = next(name for name in ("postgresql-0", "postgresql-1") if name != scene.primary)
    kill(scene.ground.processes(replica))
    scene.restarted(before)
    return begun


def node_killed(scene: Scene) -> float:
    scene.ground.hold(scene.node)
    scene.replaced()
    scene.ground.hold()
    return time.monotonic()


def node_cut_off(scene: Scene) -> float:
    begun = time.monotonic()
    scene.ground.link(scene.node, "down")
    try:
        scene.replaced()
        time.sleep(max(begun + CUT - time.monotonic(), 0))
    finally:
        scene.ground.link(scene.node, "up")
    return time.monotonic()


def api_server_away(scene: Scene) -> float:
    scene.ground.hold("kube-apiserver")
    time.sleep(AWAY)
    scene.ground.hold()
    return time.monotonic()


def etcd_frozen(scene: Scene) -> float:
    pid = daemon_pid(scene.ground.state, "etcd")
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(AWAY)
    finally:
        os.kill(pid, signal.SIGCONT)
    return time.monotonic()


def handed_over(scene: Scene) -> float:
    scene.ground.play("playbooks/data_switchover.yml")
    scene.replaced()
    return time.monotonic()


def node_drained(scene: Scene) -> float:
    flags = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={PATIENCE}s")
    try:
        scene.ground.kubectl("drain", scene.node, *flags)
        scene.replaced()
    finally:
        scene.ground.kubectl("uncordon", scene.node)
    return time.monotonic()


def all_restarted(scene: Scene) -> float:
    scene.ground.kubectl("rollout", "restart", "statefulset/postgresql")
    scene.ground.kubectl("rollout", "status", "statefulset/postgresql", f"--timeout={PATIENCE}s")
    return time.monotonic()


class Case(NamedTuple):
    """`beside`: another client is on the primary's node, and stays there."""

    what: str
    strike: Callable[[Scene], float]
    reach: str
    beside: bool = False


CASES = {
    "P1": Case("primary's pod deleted", pod_deleted, "writes ≤ 5 s"),
    "P2": Case("primary's server killed", server_killed, "writes ≤ 8 s"),
    "P3": Case("primary's container killed", container_killed, "writes ≤ 8 s"),
    "P4": Case("primary's node killed", node_killed, "writes ≤ 25 s"),
    "P5": Case(f"primary's node cut off {CUT:.0f} s, a client on it", node_cut_off, "writes ≤ 25 s", beside=True),
    "P6": Case("planned switchover (`data_switchover`)", handed_over, "writes ≤ 3 s"),
    "P7": Case("primary's node drained", node_drained, "writes ≤ 3 s"),
    "P8": Case("rolling restart of all members", all_restarted, "writes ≤ 3 s each, two changes"),
    "P9": Case(f"API server dead {AWAY:.0f} s", api_server_away, "writes ≤ 2 s, same primary"),
    "P10": Case(f"etcd frozen {AWAY:.0f} s", etcd_frozen, "writes ≤ 2 s, same primary"),
    "P16": Case("a replica's container killed", replica_killed, "writes ≤ 1 s"),
    "P22": Case("all members' containers killed at once", all_killed, "writes ≤ 60 s"),
}


def trial(ground: Ground, case: Case) -> Figures:
    """What clients and members see of it, until all follow one primary again."""
    beside = [ground.node(ground.whole())] if case.beside else []
    with ground.watching() as samples, ground.writing(*beside) as clients:
        scene = Scene(ground, samples)
        over = case.strike(scene)
        eventually(lambda: redundant(samples, over, MEMBERS - 1), "all members follow again")
        ground.whole()
    return figures(clients, samples, scene.begun, over, MEMBERS - 1)
