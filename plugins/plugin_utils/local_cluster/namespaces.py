# Copyright (c) 2026 GreenLang. All rights reserved.
"""The namespaces of a node, and its link to the bridge.

A node's mount namespace is kept by a bind mount of its handle, so that each daemon can be started again alone; what is
mounted inside (its own /run, its own BPF file system, Cilium's root, the pods' volumes) disappears with it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from . import host
from .layout import Layout, Node

# Runs once inside a new mount namespace. $1 Cilium's root file system, $2 the node's writable layer over it, $3
# Cilium's programs.
PREPARE = """set -eu
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/cilium /run/netns /run/cni/net.d /run/containerd /run/cilium-root /run/cilium-programs /run/lock
mkdir -p /sys/fs/bpf
umount /sys/fs/bpf 2>/dev/null || true
mount -t bpf bpf /sys/fs/bpf
# The agent writes beside its programs and into its root: the cache below both stays as it is.
layer() {
  mkdir -p "$2/upper" "$2/work"
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$3"
}
layer "$1" "$2/root" /run/cilium-root
layer "$3" "$2/programs" /run/cilium-programs
for directory in proc sys dev run var/lib/cilium; do mkdir -p "/run/cilium-root/$directory"; done
for directory in proc sys dev run; do mount --rbind "/$directory" "/run/cilium-root/$directory"; done
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
"""


def are_whole(layout: Layout, node: Node) -> bool:
    """Whether the node's namespaces, link and mounts are all there."""
    there = layout.netns(node) in host.namespaces() and host.is_mount(layout.mount_handle(node))
    return there and bool(host.links(layout.link(node)))


def ensure(layout: Layout, node: Node, cilium_root: Path, cilium: Path) -> bool:
    """Make what is missing of a node; whether anything was. `cilium` is the directory of Cilium's programs."""
    make_cgroups(layout, node)
    if are_whole(layout, node):
        return False
    remove(layout, node)
    make_cgroups(layout, node)  # removing a broken node's namespaces took its cgroups along
    _make_network(layout, node)
    handle = layout.mount_handle(node)
    handle.touch(mode=0o600)
    host.run("unshare", f"--mount={handle}", "--propagation", "private", "true")
    writable = layout.node_state(node) / "cilium"
    shutil.rmtree(writable, ignore_errors=True)
    arguments = [str(cilium_root), str(writable), str(cilium)]
    host.run(*layout.inside(node), "sh", "-c", PREPARE, "prepare", *arguments)
    return True


def cut(layout: Layout, node: Node) -> None:
    """End all that runs in a node, and its link, as when a machine loses its power; its namespaces and files stay."""
    switch(layout, node, on=False)
    for cgroup in (f"{layout.node_cgroup(node)}.daemons", layout.node_cgroup(node)):
        host.end_cgroup(cgroup)
    make_cgroups(layout, node)


def switch(layout: Layout, node: Node, *, on: bool) -> None:
    """Join the node's link to the bridge, or leave it cut."""
    if host.links(layout.link(node)):
        host.run("ip", "link", "set", layout.link(node), "up" if on else "down")


def make_cgroups(layout: Layout, node: Node) -> None:
    host.make_cgroup(layout.node_cgroup(node))
    host.make_cgroup(f"{layout.node_cgroup(node)}.daemons")


def _make_network(layout: Layout, node: Node) -> None:
    netns, link = layout.netns(node), layout.link(node)
    host.run("ip", "netns", "add", netns)
    host.run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", netns)
    host.run("ip", "link", "set", link, "master", layout.bridge, "up")
    commands = [
        "link set lo up",
        "link set eth0 up",
        f"address add {layout.node_address(node)}/24 dev eth0",
        f"route add default via {layout.api_address}",
    ]
    host.run("ip", "-netns", netns, "-batch", "-", text="\n".join(commands))


def remove(layout: Layout, node: Node) -> bool:
    """End what runs in a node and remove what is there of it; whether anything was."""
    ended = host.end_cgroup(f"{layout.node_cgroup(node)}.daemons") + host.end_cgroup(layout.node_cgroup(node))
    handle, netns, link = layout.mount_handle(node), layout.netns(node), layout.link(node)
    found = host.unmount(handle) or ended > 0
    handle.unlink(missing_ok=True)
    if netns in host.namespaces():
        host.run("ip", "netns", "delete", netns)
        found = True
    if host.links(link):
        host.run("ip", "link", "delete", link, check=False)  # it goes by itself with the namespace's end of it
        found = True
    for record in (layout.node_state(node) / "run").glob("*.json"):
        record.unlink()
    return found
