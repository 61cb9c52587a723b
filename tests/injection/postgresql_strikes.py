# Copyright (c) 2026 GreenLang. All rights reserved.
"""Faults that only PostgreSQL has: what is asked for, and a volume without space."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host

from tests.injection.postgresql_archive import AWAY, archive_away
from tests.injection.scene import Scene
from tests.injection.store import Store
from tests.injection.strikes import Blow, Strike

SIZE = 1 << 30  # bytes of the volume that is filled
FULL = 60.0  # seconds without space
USER = 999
FILLER = "filler"


def handed_over(blow: Blow) -> float:
    blow.scene.play("playbooks/data_switchover.yml")
    blow.replaced()
    return time.monotonic()


def manager_hung(blow: Blow) -> float:
    """The primary's Patroni alone is stopped: its server would go on, and nobody would tell it that another leads."""
    servers = blow.of_leaders()
    for pid in blow.containers(servers):
        with contextlib.suppress(OSError):
            if b"/usr/bin/patroni" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGSTOP)
    blow.ended(servers)  # the kubelet ends the container
    return time.monotonic()


@contextlib.contextmanager
def small_volume(scene: Scene, measured: Sequence[Store]) -> Iterator[None]:
    """A member whose volume is a file system of its own becomes the primary; at the end it has its former volume."""
    [store] = measured
    primary = store.whole()
    member, *_others = (pod for pod in store.pods if pod != primary)
    node, folder = scene.node(member), volume(scene, member)
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="vcci-full-") as place:
        image = Path(place, "volume")
        with image.open("wb") as file:
            file.truncate(SIZE)
        host.run("mkfs.ext4", "-q", "-m", "0", "-E", f"root_owner={USER}:{USER}", str(image))
        with scene.without(node):  # nobody has it open
            scene.inside(node, "mount", "-o", "loop", str(image), str(folder))
        try:
            store.whole()
            store.lead(node)
            yield
        finally:
            with scene.without(node):
                scene.inside(node, "umount", str(folder))
            store.whole()


def volume(scene: Scene, member: str) -> Path:
    """The folder of its data."""
    claim = scene.get("pvc", f"data-{member}")
    spec = scene.get("pv", claim["spec"]["volumeName"])["spec"]
    return Path((spec.get("hostPath") or spec["local"])["path"])


def volume_filled(blow: Blow) -> float:
    """Until it has been without space for a while: who needs the next file of its log first, finds none."""
    [(store, primary)] = blow.leaders.items()
    folder, begun = volume(blow.scene, primary), time.monotonic()
    blow.scene.inside(blow.node, "sh", "-c", f"dd if=/dev/zero of={folder}/{FILLER} bs=1M 2>/dev/null || true")
    try:
        while time.monotonic() < begun + FULL:
            if blow.leader(store) == primary:
                next_file(blow, primary)
            time.sleep(1)
    finally:
        blow.scene.inside(blow.node, "rm", f"{folder}/{FILLER}")
    return time.monotonic()


def next_file(blow: Blow, member: str) -> None:
    asked = ("psql", "-h", "/var/run/postgresql", "-U", "postgres", "-c", "SELECT pg_catalog.pg_switch_wal()")
    with contextlib.suppress(AssertionError):  # it has just lost its server
        blow.scene.kubectl("exec", member, "-c", "postgresql", "--", "env", "PGTARGETSESSIONATTRS=any", *asked)


POSTGRESQL_STRIKES = {
    "hung": Strike("leader's Patroni stopped, its server not", manager_hung),
    "switchover": Strike("planned switchover (`data_switchover`)", handed_over),
    "archive": Strike(f"the archive takes nothing for {AWAY:.0f} s, under load", archive_away),
    "full": Strike(f"leader's volume full {FULL:.0f} s", volume_filled, around=small_volume),
}
