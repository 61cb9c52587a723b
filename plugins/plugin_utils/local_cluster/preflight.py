# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a machine must have for a local cluster: every lack is named, with its remedy, before anything is changed."""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

from ..errors import VcciError
from . import host, network, pki
from .layout import API_PORT, Layout
from .supervisor import COMMANDS as SUPERVISION

GIB = 1024**3
COMMANDS = ("ip", "nsenter", "unshare", "mount", "umount", "nft", "sysctl", "chroot")
FILE_SYSTEMS = ("overlay", "bpf", "cgroup2")
# Bytes: measured need of the platform with images and three nodes, with room for its data.
DISK, DISK_BUILD, MEMORY, MEMORY_SIMULATED = 6 * GIB, 18 * GIB, 5 * GIB, 1 * GIB
# inotify: measured need of a control plane and of a real node (the platform's pods on it), whose containerd and kubelet
# end without.
INSTANCES, INSTANCES_NODE, INSTANCES_LIMIT = 14, 10, "max_user_instances"
WATCHES, WATCHES_NODE, WATCHES_LIMIT = 100, 1200, "max_user_watches"
INOTIFY = Path("/proc/sys/fs/inotify")


def check(layout: Layout, to_build: list[str], running: bool, cache: Path) -> None:
    """Raise one error that lists all that is missing; of a running cluster neither memory nor ports and addresses."""
    lacks = _packages() + _commands() + _storage(layout, to_build, cache)
    if layout.kind == "real":
        lacks += _privileges()
    if not running:
        lacks += _room(layout) + _taken(layout) + (_watches(layout) if layout.kind == "real" else [])
    _refuse(layout, lacks)


def check_free(layout: Layout) -> None:
    """Raise when ports or addresses are taken; asked again just before the start: a build takes long."""
    _refuse(layout, _taken(layout))


def _refuse(layout: Layout, lacks: list[str]) -> None:
    if lacks:
        lines = "\n".join(f"  - {lack}" for lack in lacks)
        raise VcciError(f"this machine is not ready for the local cluster {layout.name!r}:\n{lines}", lacks)


def _packages() -> list[str]:
    if pki.MISSING is None:
        return []
    remedy = "pip install cryptography (`make setup` does), into the environment of ansible"
    return [f"the Python package cryptography ({pki.MISSING}). Remedy: {remedy}."]


def _commands() -> list[str]:
    absent = [command for command in (*SUPERVISION, "env", "find") if not shutil.which(command)]
    if not absent:
        return []
    remedy = "apt-get install s6 util-linux coreutils findutils (`make setup` does)"
    return [f"commands {', '.join(absent)}, for the supervision of daemons. Remedy: {remedy}."]


def _privileges() -> list[str]:
    lacks = []
    if os.geteuid() != 0:
        lacks.append("root: real nodes need it. Remedy: run as root, or set nodes to simulated.")
    absent = [command for command in COMMANDS if not shutil.which(command)]
    if absent:
        packages = "iproute2 util-linux nftables procps coreutils"
        lacks.append(f"commands {', '.join(absent)}. Remedy: apt-get install {packages} (`make setup` does).")
    known = Path("/proc/filesystems").read_text(encoding="utf-8").split()
    absent = [name for name in FILE_SYSTEMS if name not in known]
    if absent:
        options = "CONFIG_OVERLAY_FS, CONFIG_BPF_SYSCALL and CONFIG_CGROUPS"
        lacks.append(f"kernel file systems {', '.join(absent)}. Remedy: a kernel 5.15 or newer with {options}.")
    if host.hierarchies()[1] is None:
        folder = "/sys/fs/cgroup/unified"
        remedy = f"mkdir -p {folder} && mount -t cgroup2 none {folder}"
        lacks.append(f"a cgroup2 mount below /sys/fs/cgroup. Remedy: {remedy}.")
    release = os.uname().release
    if tuple(int(part) for part in release.split("-")[0].split(".")[:2]) < (5, 15):
        needed = "kernel 5.15 or newer for kube-proxy's nftables mode and Cilium"
        lacks.append(f"{needed} (this is {release}). Remedy: boot a newer kernel.")
    return lacks


def _storage(layout: Layout, to_build: list[str], cache: Path) -> list[str]:
    state = _disk(layout.state, DISK if layout.kind == "real" else GIB, "state", "state_dir")
    return state + (_disk(cache, DISK_BUILD, "build cache", "XDG_CACHE_HOME") if to_build else [])


def _disk(path: Path, need: int, what: str, setting: str) -> list[str]:
    existing = next(folder for folder in [path, *path.parents] if folder.exists())
    free = shutil.disk_usage(existing).free
    if free >= need:
        return []
    lack = f"{need // GIB} GiB free for the {what} at {path}; {free / GIB:.2f} GiB are"
    return [f"disk: {lack}. Remedy: free some, or set {setting} to a larger disk."]


def _room(layout: Layout) -> list[str]:
    need = MEMORY if layout.kind == "real" else MEMORY_SIMULATED
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
    available = int(lines["MemAvailable"].split()[0]) * 1024
    if available >= need:
        return []
    lack = f"{need // GIB} GiB available; {available / GIB:.2f} GiB are"
    return [f"memory: {lack}. Remedy: stop other programs, or use a larger machine."]


def _watches(layout: Layout) -> list[str]:
    """Which limits of inotify leave too little: programs that meet them end, or go on without what they should do."""
    nodes, lacks = len(layout.nodes), []
    instances, watches = INSTANCES + INSTANCES_NODE * nodes, WATCHES + WATCHES_NODE * nodes
    if not _may_watch(instances):
        lacks.append(_inotify(instances, "instances", INSTANCES_LIMIT))
    if _watched() + watches > int((INOTIFY / WATCHES_LIMIT).read_text()):
        lacks.append(_inotify(watches, "watches", WATCHES_LIMIT))
    return lacks


def _inotify(need: int, what: str, limit: str) -> str:
    now = int((INOTIFY / limit).read_text())
    name, enough = f"fs.inotify.{limit}", max(1024, 2 * now, now + need)
    lack = f"inotify: {need} {what} more than this user has; {name} ({now}) is too low for them"
    return f"{lack}. Remedy: stop other clusters, or sysctl -w {name}={enough}."


def _watched() -> int:
    """How many inotify watches this user's processes have."""
    user, count = os.geteuid(), 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if folder.stat().st_uid != user:
                continue
            for descriptor in (folder / "fd").iterdir():
                if str(descriptor.readlink()) == "anon_inode:inotify":
                    told = (folder / "fdinfo" / descriptor.name).read_text(encoding="utf-8")
                    count += told.count("inotify wd:")
    return count


def _may_watch(count: int) -> bool:
    """Whether this user may have so many inotify instances more, found by having them for a moment."""
    libc, taken = ctypes.CDLL(None), []
    try:
        for _number in range(count):
            descriptor = libc.inotify_init1(os.O_CLOEXEC)
            if descriptor < 0:
                return False
            taken.append(descriptor)
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return True


def _taken(layout: Layout) -> list[str]:
    return _ports(layout) + (_addresses(layout) if layout.kind == "real" else [])


def _ports(layout: Layout) -> list[str]:
    wanted = [2379, 2380, 10257, 10259] + ([] if layout.kind == "real" else [API_PORT])
    taken = [f"{layout.loopback}:{port}" for port in wanted if not _may_listen(layout.loopback, port)]
    remedy = "stop what listens there (ss -ltnp), or give another subnet"
    return [f"ports {', '.join(taken)}: taken. Remedy: {remedy}."] if taken else []


def _may_listen(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _addresses(layout: Layout) -> list[str]:
    """Refuse a subnet of which some part is in use by anything but this cluster's own bridge."""
    for route in json.loads(host.run("ip", "-json", "-4", "route", "show", "table", "main").stdout or "[]"):
        if route["dst"] == "default" or _is_ours(route, layout.bridge):
            continue
        if ipaddress.ip_network(route["dst"], strict=False).overlaps(layout.subnet):
            overlap = f"overlaps the route to {route['dst']} by {route.get('dev')}"
            return [f"subnet: {layout.subnet} {overlap}. Remedy: give another /16, such as 10.88.0.0/16."]
    taken = network.foreign(layout)
    return [taken] if taken else []


def _is_ours(route: dict[str, Any], bridge: str) -> bool:
    hops = route.get("nexthops", [{}])
    return route.get("dev") == bridge or all(hop.get("dev") == bridge for hop in hops)
