# Copyright (c) 2026 GreenLang. All rights reserved.
"""Images as containerd keeps them, unpacked once for all nodes of all clusters: a new node links the files instead of unpacking every image again.

A store is the root directory of a containerd that has loaded a set of archives and ended. What containerd keeps of images is never written
again: blobs and snapshots of an image are only read, and removed by unlinking. Hence nodes share them as hard links, each with databases of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images import locked
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.processes import PATH, Daemon, Processes

Progress = Callable[[str], None]
KEEP_SECONDS = 14 * 86400  # how long a store stays that no cluster was made from
# What of containerd's root directory is about images; all else is about containers, of which a store has none.
KEPT = ("io.containerd.content.v1.content", "io.containerd.metadata.v1.bolt", "io.containerd.snapshotter.v1.overlayfs")

CONFIG = """version = 3
root = "{store}"
state = "{work}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
  address = "{work}/containerd.sock"
"""


def provide(archives: dict[str, Path], containerd: Path, cache: Path, progress: Progress) -> Path:
    """The store of these archives (image name -> file), made below `cache` where it is missing; `containerd` is the directory of its programs."""
    known = json.dumps([containerd.name, sorted(path.name for path in archives.values())])
    store = cache / f"store-{hashlib.sha256(known.encode()).hexdigest()[:16]}"
    with locked(cache / "store.lock"):
        if not store.exists():
            _prune(cache)
            partial = cache / f".{store.name}.partial"
            _clear(partial)
            partial.mkdir(mode=0o700, parents=True)
            _fill(partial / "root", partial, archives, containerd, progress)
            (partial / "root").rename(store)
            _clear(partial)
        os.utime(store)
    return store


def link(store: Path, target: Path) -> None:
    """Make `target` a containerd root directory with the images of a store; it is there whole or not at all."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    same_disk = store.stat().st_dev == target.parent.stat().st_dev
    host.run("cp", "--archive", *(["--link"] if same_disk else []), str(store), str(partial))
    for database in (path for path in partial.rglob("*.db") if path.is_file()):
        copy = database.with_suffix(".copy")
        shutil.copy2(database, copy)
        copy.replace(database)
    if target.exists():
        target.rmdir()
    partial.rename(target)


def _fill(root: Path, work: Path, archives: dict[str, Path], containerd: Path, progress: Progress) -> None:
    config = work / "containerd.toml"
    config.write_text(CONFIG.format(store=root, work=work), encoding="utf-8")
    processes = Processes(work / "run", work / "logs", None)
    daemon = Daemon("containerd", [str(containerd / "containerd"), "--config", str(config), "--log-level", "warn"], [config], {"PATH": f"{containerd}:{PATH}"},
                    ["unshare", "--mount", "--propagation", "private"])
    ctr = [str(containerd / "ctr"), "--address", str(work / "containerd.sock"), "--namespace", "k8s.io"]
    processes.ensure(daemon)
    try:
        _await(ctr, processes)
        for count, (name, archive) in enumerate(sorted(archives.items()), 1):
            progress(f"unpacking image {name} ({count} of {len(archives)})")
            done = subprocess.run([*ctr, "images", "import", "--snapshotter=overlayfs", str(archive)], capture_output=True, text=True, check=False)
            if done.returncode:
                raise VcciError(f"image {name} cannot be unpacked: {done.stderr.strip()[-400:]}. Remedy: free disk space if that is said; "
                                f"else remove {archive} and run again.")
    finally:
        processes.stop(["containerd"])
    for entry in root.iterdir():
        if entry.name not in KEPT:
            shutil.rmtree(entry)


def _await(ctr: list[str], processes: Processes) -> None:
    deadline = time.monotonic() + 30
    while subprocess.run([*ctr, "version"], capture_output=True, check=False).returncode:
        if time.monotonic() > deadline or not processes.pid("containerd"):
            raise VcciError(f"containerd does not answer; its last words:\n{processes.last_lines('containerd')}")
        time.sleep(0.1)


def _clear(partial: Path) -> None:
    """Remove what a run left that was killed, its containerd first."""
    if partial.exists():
        Processes(partial / "run", partial / "logs", None).stop(["containerd"])
        shutil.rmtree(partial)


def _prune(cache: Path) -> None:
    for store in cache.glob("store-*"):
        if store.stat().st_mtime < time.time() - KEEP_SECONDS:
            shutil.rmtree(store, ignore_errors=True)
