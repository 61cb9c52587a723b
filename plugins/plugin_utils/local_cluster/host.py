# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a local cluster asks of the machine: commands, cgroups, mounts, interfaces and network namespaces.

Everything made here carries the cluster's name and is removed by it alone; each function may be repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError


def run(*argv: str, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command; when it fails, raise what it said."""
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as exc:
        raise VcciError(f"the command {argv[0]} is not installed. Remedy: `make setup` installs the packages of binaries/apt.txt.") from exc
    if check and done.returncode:
        raise VcciError(f"`{' '.join(argv)[:300]}` failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-600:]}")
    return done


def mounts() -> list[tuple[str, str, str]]:
    """Mounted file systems as (mount point, type, options)."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [(parts[1].replace("\\040", " "), parts[2], parts[3]) for parts in (line.split() for line in lines)]


def hierarchies() -> tuple[list[Path], Path | None]:
    """The version 1 cgroup hierarchies and the version 2 one (None when it is not mounted)."""
    v1 = [Path(point) for point, kind, _options in mounts() if kind == "cgroup"]
    v2 = [Path(point) for point, kind, _options in mounts() if kind == "cgroup2" and point.startswith("/sys/fs/cgroup")]
    return list(dict.fromkeys(v1)), v2[0] if v2 else None


def make_cgroup(name: str) -> Path | None:
    """Make a cgroup in every hierarchy; return its version 2 directory. Controllers are passed down where version 2 has them."""
    v1, v2 = hierarchies()
    for root in v1:
        directory = root
        for part in name.split("/"):
            directory = directory / part
            directory.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):  # a new cpuset is empty and takes no process until it is filled
                if (directory / setting).exists() and not (directory / setting).read_text().strip():
                    (directory / setting).write_text((directory.parent / setting).read_text())
    if v2 is None:
        return None
    (v2 / name).mkdir(parents=True, exist_ok=True)
    directory = v2
    for part in name.split("/")[:-1]:
        _delegate(directory)
        directory = directory / part
    _delegate(directory)
    return v2 / name


def _delegate(directory: Path) -> None:
    available = (directory / "cgroup.controllers").read_text().split()
    for controller in available:
        try:
            (directory / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError:  # a controller that this machine does not let pass (rt, or a busy root) is not needed below
            continue


def end_cgroup(name: str, remove: bool = True) -> int:
    """End every process below a cgroup, then remove the cgroup from every hierarchy; return how many processes were ended."""
    v1, v2 = hierarchies()
    roots = [root / name for root in [*v1, *([v2] if v2 else [])] if (root / name).is_dir()]
    ended: set[int] = set()
    deadline = time.monotonic() + 20
    while True:
        living = {int(pid) for root in roots for procs in root.rglob("cgroup.procs") for pid in _lines(procs)}
        living |= {int(pid) for root in roots for pid in _lines(root / "cgroup.procs")}
        if not living:
            break
        if time.monotonic() > deadline:
            raise VcciError(f"processes {sorted(living)} of cgroup {name} do not end. Remedy: look at them with ps; run again when they are gone.")
        if v2 and (v2 / name / "cgroup.kill").exists():
            (v2 / name / "cgroup.kill").write_text("1")
        for pid in living - {os.getpid()}:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        ended |= living
        time.sleep(0.05)
    for root in roots if remove else ():
        for directory in sorted((path for path in [root, *root.rglob("*")] if path.is_dir()), key=lambda path: -len(path.parts)):
            _remove_cgroup(directory)
    return len(ended)


def _remove_cgroup(directory: Path) -> None:
    for _attempt in range(100):  # the kernel lets go of an emptied cgroup a moment later
        try:
            directory.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
    raise VcciError(f"cgroup {directory} cannot be removed. Remedy: see which process is in its cgroup.procs.")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def links(pattern: str | None = None) -> list[dict]:
    """Network interfaces, as `ip -json link` tells them; `pattern` is an interface's name."""
    done = run("ip", "-json", "link", "show", *(["dev", pattern] if pattern else []), check=False)
    return json.loads(done.stdout or "[]") if not done.returncode else []


def namespaces() -> set[str]:
    """Names of the named network namespaces."""
    return {line.split()[0] for line in run("ip", "netns", "list").stdout.splitlines() if line.strip()}


def is_mount(path: Path) -> bool:
    """Whether something is mounted just there."""
    return any(point == str(path) for point, _kind, _options in mounts())


def within(netns: str, mount: Path) -> Sequence[str]:
    """The prefix that runs a command in a node's network and mount namespaces."""
    # Not `ip netns exec`: it mounts /sys anew and so hides the cgroup hierarchies from the kubelet.
    return ["nsenter", f"--net=/run/netns/{netns}", f"--mount={mount}"]
