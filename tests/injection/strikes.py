# Copyright (c) 2026 GreenLang. All rights reserved.
"""The faults, STRIKES by name. Each hits all stores of a trial at once, and is over when it returns: the moment from
which the members can come back."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import NamedTuple

from tests.helpers import PATIENCE, daemon_pid, eventually, kill, power_off
from tests.injection.figures import Sample, reigns
from tests.injection.scene import Scene
from tests.injection.store import Store

AWAY = 30.0  # seconds
RECENT = 3.0  # seconds in which a server must have answered to be there
CUT = 60.0  # seconds
FROZEN = 40.0  # seconds
APART = 10.0  # seconds between two at once, at most
KILLS, KILLS_APART = 15, 20.0  # seconds, by half more or less


class Blow:
    """One trial: who led each store when it began, on which node, and what the members have told so far."""

    def __init__(
        self,
        scene: Scene,
        leaders: Mapping[Store, str],
        told: Mapping[Store, Sequence[Sample]],
        chance: random.Random,
    ) -> None:
        self.scene, self.leaders, self.told, self.chance = scene, leaders, told, chance
        self.begun = time.monotonic()
        self.node = scene.node(next(iter(leaders.values())))

    def replaced(self) -> None:
        """Wait until each store that is led has another leader."""

        def others() -> bool:
            return all(self.leader(store) not in ("", self.leaders[store]) for store in self.leaders if store.led)

        eventually(others, lambda: f"others than {sorted(self.leaders.values())} lead", every=0.1)

    def leader(self, store: Store) -> str:
        """Who took writes last, as far as is known."""
        known = reigns([sample for sample in self.told[store] if sample["asked"] >= self.begun])
        return known[-1].member if known else ""

    def running(self, store: Store, *members: str) -> set[int]:
        """The servers of these members, which have answered in the last seconds."""
        since = time.monotonic() - RECENT
        told = [sample for sample in self.told[store] if sample["asked"] > since]
        return {int(sample["pid"]) for sample in told if sample["member"] in members}

    def found(self, members: Mapping[Store, Sequence[str]]) -> set[int]:
        """Their servers, as soon as each store has one to be struck."""

        def servers() -> list[set[int]]:
            running = [self.running(store, *names) for store, names in members.items()]
            return running if all(running) else []

        return set[int]().union(*eventually(servers, lambda: f"{members.values()} answer", every=0.1))

    def of_leaders(self) -> set[int]:
        return self.found({store: [leader] for store, leader in self.leaders.items()})

    def servers(self) -> set[int]:
        return set[int]().union(*(self.running(store, *store.pods) for store in self.leaders))

    def ended(self, pids: Iterable[int]) -> None:
        """Wait until none of these servers is there any more."""
        doomed = set(pids)
        eventually(lambda: not doomed & self.servers(), lambda: f"servers {doomed} end", every=0.1)

    def others(self, store: Store) -> list[str]:
        return [pod for pod in store.pods if pod != self.leaders[store]]

    def kill(self, servers: Iterable[int]) -> float:
        """Every process of the containers of these servers at once."""
        begun, doomed = time.monotonic(), set(servers)
        kill(self.containers(doomed))
        self.ended(doomed)
        return begun

    def containers(self, servers: Iterable[int]) -> set[int]:
        """Their processes; a server that has just ended has none."""
        found = set[int]()
        for pid in servers:
            with contextlib.suppress(OSError):
                found |= self.scene.processes(pid)
        return found


def pod_deleted(blow: Blow) -> float:
    begun, doomed = time.monotonic(), blow.of_leaders()
    blow.scene.kubectl("delete", "pod", *blow.leaders.values(), "--wait=false")
    blow.ended(doomed)
    return begun


def server_killed(blow: Blow) -> float:
    """The server's first process alone; its children end with it, what started it lives."""
    begun, doomed = time.monotonic(), blow.of_leaders()
    kill(doomed)
    blow.ended(doomed)
    return begun


def container_killed(blow: Blow) -> float:
    return blow.kill(blow.of_leaders())


def all_killed(blow: Blow) -> float:
    return blow.kill(blow.found({store: store.pods for store in blow.leaders}))


def follower_killed(blow: Blow) -> float:
    return blow.kill(blow.found({store: blow.others(store)[:1] for store in blow.leaders}))


def frozen(blow: Blow) -> float:
    """The whole container of each leader: nobody ends a connection, the kernel still answers."""
    pids = blow.containers(blow.of_leaders())
    _signal(pids, signal.SIGSTOP)
    try:
        time.sleep(FROZEN)
    finally:
        _signal(pids, signal.SIGCONT)
    return time.monotonic()


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def node_killed(blow: Blow) -> float:
    with blow.scene.without(blow.node):
        blow.replaced()
    return time.monotonic()


def node_cut_off(blow: Blow) -> float:
    begun = time.monotonic()
    blow.scene.link(blow.node, "down")
    try:
        blow.replaced()
        time.sleep(max(begun + CUT - time.monotonic(), 0))
    finally:
        blow.scene.link(blow.node, "up")
    return time.monotonic()


def api_server_away(blow: Blow) -> float:
    with blow.scene.without("kube-apiserver"):
        time.sleep(AWAY)
    return time.monotonic()


def etcd_frozen(blow: Blow) -> float:
    pid = daemon_pid(blow.scene.state, "etcd")
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(AWAY)
    finally:
        os.kill(pid, signal.SIGCONT)
    return time.monotonic()


def node_drained(blow: Blow) -> float:
    clients = "--pod-selector=app!=vcci-worker"  # which nobody would start again, stay
    flags = ("--ignore-daemonsets", "--delete-emptydir-data", clients, f"--timeout={PATIENCE}s")
    try:
        blow.scene.kubectl("drain", blow.node, *flags)
        blow.replaced()
    finally:
        blow.scene.kubectl("uncordon", blow.node)
    return time.monotonic()


def all_restarted(blow: Blow) -> float:
    """Rolling, of all stores at once."""
    sets = [f"statefulset/{store.name}" for store in blow.leaders]
    blow.scene.kubectl("rollout", "restart", *sets)
    for one in sets:
        blow.scene.kubectl("rollout", "status", one, f"--timeout={PATIENCE}s")
    return time.monotonic()


def all_deleted(blow: Blow) -> float:
    """All pods at once, which come back with other addresses."""
    begun, doomed = time.monotonic(), blow.servers()
    pods = [pod for store in blow.leaders for pod in store.pods]
    blow.scene.kubectl("delete", "pod", *pods, "--wait=false")
    blow.ended(doomed)
    return begun


def machine_off(blow: Blow) -> float:
    """Nothing is left but files; then the cluster is started again."""
    power_off(blow.scene.state)
    begun = time.monotonic()
    blow.scene.hold()
    return begun


def killed_again_and_again(blow: Blow) -> float:
    """Whoever leads at that moment, whether all is whole again or not."""
    for _time in range(KILLS):
        time.sleep(blow.chance.uniform(KILLS_APART / 2, KILLS_APART * 3 / 2))
        blow.kill(blow.found({store: [blow.leader(store) or leader] for store, leader in blow.leaders.items()}))
    return time.monotonic()


class Strike(NamedTuple):
    """`node`: all stores are led from one node first, which is struck; `beside`: a client of each store is there, and
    stays there; `thaws`: what was frozen believes in itself for a moment afterwards, so that it counts as taking writes
    only while somebody confirms them; `around`: what must be so before clients begin, and is undone after their end."""

    what: str
    hit: Callable[[Blow], float]
    node: bool = False
    beside: bool = False
    thaws: bool = False
    around: Callable[[Scene, Sequence[Store]], AbstractContextManager[None]] | None = None


STRIKES = {
    "pod": Strike("leader's pod deleted", pod_deleted),
    "server": Strike("leader's server killed", server_killed),
    "container": Strike("leader's container killed", container_killed),
    "node": Strike("leader's node killed", node_killed, node=True),
    "cut": Strike(f"leader's node cut off {CUT:.0f} s, a client on it", node_cut_off, node=True, beside=True),
    "drain": Strike("leader's node drained", node_drained, node=True),
    "restart": Strike("rolling restart of all members", all_restarted),
    "api": Strike(f"API server dead {AWAY:.0f} s", api_server_away),
    "etcd": Strike(f"etcd frozen {AWAY:.0f} s", etcd_frozen),
    "frozen": Strike(f"leader frozen {FROZEN:.0f} s", frozen, thaws=True),
    "follower": Strike("another member's container killed", follower_killed),
    "all": Strike("all members' containers killed at once", all_killed),
    "pods": Strike("all pods deleted at once", all_deleted),
    "machine": Strike("machine loses its power, and starts again", machine_off),
    "kills": Strike(f"leader's container killed {KILLS} times, {KILLS_APART:.0f} s apart", killed_again_and_again),
}


def together(one: Strike, other: Strike) -> Strike:
    """Both, the second a moment after the first."""

    def hit(blow: Blow) -> float:
        with ThreadPoolExecutor() as pool:
            first = pool.submit(one.hit, blow)
            time.sleep(blow.chance.uniform(0, APART))
            second = pool.submit(other.hit, blow)
            return max(first.result(), second.result())

    return Strike(
        what=f"{one.what}; {other.what}",
        hit=hit,
        node=one.node or other.node,
        beside=one.beside or other.beside,
        thaws=one.thaws or other.thaws,
    )


# Those of `make test`, and the stores that they hit there.
QUICK = {
    "pod": ("redis", "postgresql"),
    "container": ("redis", "postgresql"),
    "node": ("redis", "postgresql", "weaviate"),
    "cut": ("redis", "postgresql"),
    "restart": ("redis", "postgresql"),
    "api": ("redis", "postgresql"),
}
