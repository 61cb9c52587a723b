# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a machine must have before a local cluster is started on it: every lack is named, with its remedy, before anything is changed."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import socket
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host, pki
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import API_PORT, Layout

GIB = 1024**3
COMMANDS = ("ip", "nsenter", "unshare", "mount", "umount", "nft", "sysctl", "chroot")
FILE_SYSTEMS = ("overlay", "bpf", "cgroup2")
# Bytes: measured need of the platform with images and three nodes, with room for its data.
DISK, DISK_BUILD, MEMORY, MEMORY_SIMULATED = 6 * GIB, 18 * GIB, 5 * GIB, 1 * GIB


def check(layout: Layout, to_build: list[str], running: bool, cache: Path) -> None:
    """Raise one error that lists all that is missing. A cluster that runs already is not asked for free memory, ports and addresses."""
    lacks = _packages() + _storage(layout, to_build, cache)
    if layout.kind == "real":
        lacks += _privileges()
    if not running:
        lacks += _room(layout) + _ports(layout) + (_addresses(layout) if layout.kind == "real" else [])
    if lacks:
        raise VcciError(f"this machine is not ready for the local cluster {layout.name!r}:\n" + "\n".join(f"  - {lack}" for lack in lacks))


def _packages() -> list[str]:
    if pki.MISSING is None:
        return []
    return [f"the Python package cryptography ({pki.MISSING}). Remedy: pip install cryptography (`make setup` does), into the environment of ansible."]


def _privileges() -> list[str]:
    lacks = []
    if os.geteuid() != 0:
        lacks.append("root: real nodes need it. Remedy: run as root, or set nodes to simulated.")
    absent = [command for command in COMMANDS if not shutil.which(command)]
    if absent:
        lacks.append(f"commands {', '.join(absent)}. Remedy: apt-get install iproute2 util-linux nftables procps coreutils (`make setup` does).")
    known = Path("/proc/filesystems").read_text(encoding="utf-8").split()
    absent = [name for name in FILE_SYSTEMS if name not in known]
    if absent:
        lacks.append(f"kernel file systems {', '.join(absent)}. Remedy: a kernel 5.15 or newer with CONFIG_OVERLAY_FS, CONFIG_BPF_SYSCALL and CONFIG_CGROUPS.")
    if host.hierarchies()[1] is None:
        lacks.append("a cgroup2 mount below /sys/fs/cgroup. Remedy: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified.")
    release = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    if release < (5, 15):
        lacks.append(f"kernel 5.15 or newer for kube-proxy's nftables mode and Cilium (this is {os.uname().release}). Remedy: boot a newer kernel.")
    return lacks


def _free(path: Path) -> int:
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _storage(layout: Layout, to_build: list[str], cache: Path) -> list[str]:
    lacks = []
    for path, need, what in ((layout.state, DISK if layout.kind == "real" else GIB, "state"), (cache, DISK_BUILD if to_build else 0, "build cache")):
        if _free(path) < need:
            lacks.append(f"disk: {need // GIB} GiB free for the {what} at {path}; {_free(path) / GIB:.1f} GiB are. "
                         f"Remedy: free some, or set {'state_dir' if what == 'state' else 'XDG_CACHE_HOME'} to a larger disk.")
    return lacks


def _room(layout: Layout) -> list[str]:
    need = MEMORY if layout.kind == "real" else MEMORY_SIMULATED
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
    available = int(lines["MemAvailable"].split()[0]) * 1024
    if available < need:
        return [f"memory: {need // GIB} GiB available; {available / GIB:.1f} GiB are. Remedy: stop other programs, or use a larger machine."]
    return []


def _ports(layout: Layout) -> list[str]:
    wanted = [(layout.loopback, 2379), (layout.loopback, 2380), (layout.loopback, 10257), (layout.loopback, 10259)]
    if layout.kind != "real":
        wanted.append((layout.loopback, API_PORT))
    taken = []
    for address, port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                taken.append(f"{address}:{port}")
    return [f"ports {', '.join(taken)}: taken. Remedy: stop what listens there (ss -ltnp), or give another subnet."] if taken else []


def _addresses(layout: Layout) -> list[str]:
    """Refuse a subnet of which some part is in use by anything but this cluster's own bridge."""
    routes = json.loads(host.run("ip", "-json", "-4", "route", "show", "table", "main").stdout or "[]")
    for route in routes:
        if route["dst"] == "default" or route.get("dev") == layout.bridge or all(hop.get("dev") == layout.bridge for hop in route.get("nexthops", [{}])):
            continue
        if ipaddress.ip_network(route["dst"], strict=False).overlaps(layout.subnet):
            return [f"subnet: {layout.subnet} overlaps the route to {route['dst']} by {route.get('dev')}. Remedy: give another /16, such as 10.88.0.0/16."]
    links = host.links(layout.bridge)
    if links and links[0].get("ifalias") != f"greenlang-vcci {layout.name}":
        return [f"subnet: the interface {layout.bridge} belongs to {links[0].get('ifalias') or 'something else'}. Remedy: give another /16 as subnet."]
    return []
