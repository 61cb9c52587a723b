# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a local cluster asks of the machine: commands, cgroups, mounts, interfaces and network namespaces.

Everything made here carries the cluster's name and is removed by it alone; each function may be repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import VcciError
from ..waiting import until

CGROUP_SECONDS = 60  # until processes that were ended must be gone; a loaded pid 1 is slow to reap them


def run(*argv: str, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command; when it fails, raise what it said."""
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as exc:
        raise VcciError(
            f"the command {argv[0]} is not installed. Remedy: `make setup` installs the packages of binaries/apt.txt."
        ) from exc
    if check and done.returncode:
        said = (done.stderr or done.stdout).strip()[-600:]
        raise VcciError(f"`{' '.join(argv)[:300]}` failed ({done.returncode}): {said}")
    return done


def mounts() -> list[tuple[str, str, str]]:
    """Mounted file systems as (mount point, type, options)."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [(parts[1].replace("\\040", " "), parts[2], parts[3]) for parts in map(str.split, lines)]


def is_mount(path: Path) -> bool:
    """Whether something is mounted just there."""
    return any(point == str(path) for point, _kind, _options in mounts())


def unmount(path: Path) -> bool:
    """Unmount all that is mounted just there; whether anything was."""
    found = False
    while is_mount(path):
        run("umount", str(path))
        found = True
    return found


# --- network ---------------------------------------------------------------------------------------------------------
def links(pattern: str | None = None) -> list[dict[str, Any]]:
    """Network interfaces, as `ip -json link` tells them; `pattern` is an interface's name."""
    done = run("ip", "-json", "link", "show", *(["dev", pattern] if pattern else []), check=False)
    found: list[dict[str, Any]] = [] if done.returncode else json.loads(done.stdout or "[]")
    return found


def namespaces() -> set[str]:
    """Names of the named network namespaces."""
    return {line.split()[0] for line in run("ip", "netns", "list").stdout.splitlines() if line.strip()}


# --- cgroups ---------------------------------------------------------------------------------------------------------
def hierarchies() -> tuple[list[Path], Path | None]:
    """The version 1 cgroup hierarchies and the version 2 one (None when it is not mounted)."""
    mounted = mounts()
    v1 = [Path(point) for point, kind, _options in mounted if kind == "cgroup"]
    v2 = [Path(point) for point, kind, _options in mounted if kind == "cgroup2" and point.startswith("/sys/fs/cgroup")]
    return list(dict.fromkeys(v1)), v2[0] if v2 else None


def weigh_cgroup(name: str, nodes: int) -> None:
    """Give a cluster's cgroup the processors' time of so many machines: otherwise all its pods together have as much
    as one program of the user, and probes and elections time out where that one is busy."""
    v1, v2 = hierarchies()
    weights = [(root / name / "cpu.shares", 1024 * nodes) for root in v1]
    if v2:
        weights.append((v2 / name / "cpu.weight", min(100 * nodes, 10_000)))
    for path, weight in weights:
        if path.exists():
            path.write_text(str(weight))


def bound_cgroup(name: str) -> None:
    """Leave the machine a quarter of its processes, whatever runs in a cgroup."""
    most = int(Path("/proc/sys/kernel/pid_max").read_text()) * 3 // 4
    v1, v2 = hierarchies()
    for root in [*v1, *([v2] if v2 else [])]:
        path = root / name / "pids.max"
        if path.exists():
            path.write_text(str(most))


def make_cgroup(name: str) -> Path | None:
    """Make a cgroup in every hierarchy; return its version 2 directory, to which controllers are passed down."""
    v1, v2 = hierarchies()
    for root in v1:
        directory = root
        for part in name.split("/"):
            directory = directory / part
            directory.mkdir(exist_ok=True)
            _fill_cpuset(directory)
    if v2 is None:
        return None
    (v2 / name).mkdir(parents=True, exist_ok=True)
    for parent in reversed(Path(name).parents):
        _delegate(v2 / parent)
    return v2 / name


def _fill_cpuset(directory: Path) -> None:
    """A new cpuset is empty and takes no process until it is filled."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        if (directory / setting).exists() and not (directory / setting).read_text().strip():
            (directory / setting).write_text((directory.parent / setting).read_text())


def _delegate(directory: Path) -> None:
    available = (directory / "cgroup.controllers").read_text().split()
    for controller in available:
        try:
            (directory / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError:  # a controller that this machine does not let pass (rt, or a busy root) is not needed below
            continue


def end_cgroup(name: str) -> int:
    """End every process below a cgroup, then remove it from every hierarchy; return how many processes were ended."""
    v2, roots = hierarchies()[1], cgroups(name)
    ended: set[int] = set()

    def are_gone() -> bool:
        living = processes(roots)
        ended.update(living)
        if living and v2 and (v2 / name / "cgroup.kill").exists():
            (v2 / name / "cgroup.kill").write_text("1")
        kill(living)
        return not living

    def late(_waited: int) -> VcciError:
        return VcciError(
            f"processes {sorted(processes(roots))} of cgroup {name} do not end. "
            f"Remedy: look at them with ps; run again when they are gone."
        )

    until(are_gone, CGROUP_SECONDS, late=late, longest=0.05)
    for root in roots:
        for directory in below(root, top_down=False):
            _remove_cgroup(directory)
    return len(ended)


def cgroups(name: str) -> list[Path]:
    """The directories of a cgroup, in each hierarchy that has it."""
    v1, v2 = hierarchies()
    return [root / name for root in [*v1, *([v2] if v2 else [])] if (root / name).is_dir()]


def processes(roots: Iterable[Path]) -> set[int]:
    """The processes in cgroups and below them."""
    living: set[int] = set()
    for root in roots:
        for directory in below(root):
            living.update(map(int, _words(directory / "cgroup.procs")))
    return living


def below(root: Path, top_down: bool = True) -> Iterator[Path]:
    """A directory and all below it; those that go meanwhile, as cgroups do, do not matter (they do to rglob)."""
    for folder, _directories, _files in os.walk(root, topdown=top_down):
        yield Path(folder)


def kill(pids: set[int]) -> None:
    """End processes at once; those that have ended already do not matter."""
    for pid in pids - {os.getpid()}:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue


def _remove_cgroup(directory: Path) -> None:
    def is_gone() -> bool:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return True
        except OSError:  # the kernel lets go of an emptied cgroup a moment later
            return False
        return True

    def late(_waited: int) -> VcciError:
        return VcciError(f"cgroup {directory} cannot be removed. Remedy: see which process is in its cgroup.procs.")

    until(is_gone, 2, late=late, pause=0.02, longest=0.02)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
