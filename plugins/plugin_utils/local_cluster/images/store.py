# Copyright (c) 2026 GreenLang. All rights reserved.
"""Images as containerd keeps them, unpacked once for all nodes of all clusters: a new node links the files.

A store is the root directory of a containerd that has loaded a set of archives and ended. What containerd keeps of
images is never written again: blobs and snapshots of an image are only read, and removed by unlinking. Hence nodes
share them as hard links, each with databases of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from ...errors import VcciError
from ...files import whole_folder
from ...waiting import until
from .. import host
from ..building import locked
from ..daemon import PATH, Daemon
from ..processes import Processes
from .room import make_room, stores

ANSWER_SECONDS = 30  # until a containerd must answer
# What of containerd's root directory is about images; all else is about containers, of which a store has none.
KEPT = (
    "io.containerd.content.v1.content",
    "io.containerd.metadata.v1.bolt",
    "io.containerd.snapshotter.v1.overlayfs",
)

CONFIG = """version = 3
root = "{store}"
state = "{work}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
  address = "{work}/containerd.sock"
"""


def provide(archives: Mapping[str, Path], containerd: Path, cache: Path, say: Callable[[str], None]) -> Path:
    """The store of these archives (image name -> file), made below `cache` where it is missing.

    `containerd` is the directory of its programs.
    """
    known = json.dumps([containerd.name, sorted(path.name for path in archives.values())])
    store = cache / f"store-{hashlib.sha256(known.encode()).hexdigest()[:16]}"
    with locked(cache / "store.lock", say, "it unpacks images"):
        if not store.exists():
            make_room(cache, stores)
            work = cache / f".{store.name}.partial"  # always the same name, so that what a killed run left is found
            _clear(work)
            work.mkdir(mode=0o700, parents=True)
            _fill(work / "root", work, archives, containerd, say)
            (work / "root").rename(store)
            _clear(work)
        os.utime(store)  # wanted now: see room.py
    return store


def link(store: Path, target: Path) -> None:
    """Make `target` a containerd root directory with the images of a store; it is there whole or not at all."""
    with whole_folder(target, alone=True) as draft:
        same_disk = store.stat().st_dev == draft.stat().st_dev
        host.run("cp", "--archive", *(["--link"] if same_disk else []), f"{store}/.", str(draft))
        for database in [path for path in draft.rglob("*.db") if path.is_file()]:
            copy = database.with_suffix(".copy")
            shutil.copy2(database, copy)
            copy.replace(database)


def _fill(root: Path, work: Path, archives: Mapping[str, Path], containerd: Path, say: Callable[[str], None]) -> None:
    """Have a containerd of its own load the archives into `root`."""
    config = work / "containerd.toml"
    config.write_text(CONFIG.format(store=root, work=work), encoding="utf-8")
    processes = Processes(work / "run", work / "logs", None)
    argv = [str(containerd / "containerd"), "--config", str(config), "--log-level", "warn"]
    inside = ["unshare", "--mount", "--propagation", "private"]
    ctr = [str(containerd / "ctr"), "--address", str(work / "containerd.sock"), "--namespace", "k8s.io"]
    processes.ensure(Daemon("containerd", argv, [config], {"PATH": f"{containerd}:{PATH}"}, inside))
    try:
        _await(ctr, processes)
        for count, (name, archive) in enumerate(sorted(archives.items()), 1):
            say(f"unpacking image {name} ({count} of {len(archives)})")
            done = host.run(*ctr, "images", "import", "--snapshotter=overlayfs", str(archive), check=False)
            if done.returncode:
                raise VcciError(
                    f"image {name} cannot be unpacked: {done.stderr.strip()[-400:]}. "
                    f"Remedy: free disk space if that is said; else remove {archive} and run again."
                )
    finally:
        processes.stop(["containerd"])
    for entry in [entry for entry in root.iterdir() if entry.name not in KEPT]:
        shutil.rmtree(entry)


def _await(ctr: list[str], processes: Processes) -> None:
    def fails(_waited: int) -> VcciError:
        return VcciError(
            f"containerd does not answer; its last words:\n{processes.last_lines('containerd')}\n"
            f"Remedy: look at the lines above (disk space, kernel), then run again."
        )

    def answers() -> bool:
        if host.run(*ctr, "version", check=False).returncode == 0:
            return True
        if not processes.pid("containerd"):
            raise fails(0)
        return False

    until(answers, ANSWER_SECONDS, late=fails, pause=0.1, longest=0.1)


def _clear(work: Path) -> None:
    """Remove what a run left that was killed, its containerd first."""
    if work.exists():
        Processes(work / "run", work / "logs", None).stop(["containerd"])
        shutil.rmtree(work)
