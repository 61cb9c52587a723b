# Copyright (c) 2026 GreenLang. All rights reserved.
"""Worker nodes: each a network and a mount namespace with containerd, the kubelet, kube-proxy and Cilium's agent, joined by one bridge.

A node's mount namespace is kept by a bind mount of its handle, so that each daemon can be started again alone; what is mounted inside (its own
/run, its own BPF file system, Cilium's root, the pods' volumes) disappears with it.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host, image_store
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout, Node
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.pki import Authority, kubeconfig, write_private
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.processes import PATH, Daemon, Processes

READY_SECONDS = 180
SOCKET = "/run/containerd/containerd.sock"
# A node on one machine shares it with the others: each keeps this much from pods.
EVICTION = {"memory.available": "200Mi", "nodefs.available": "2%", "imagefs.available": "2%", "nodefs.inodesFree": "2%"}

CONTAINERD = """version = 3
root = "{state}/containerd"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{pause}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = {restrict}
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["{cni}"]
  conf_dir = "/run/cni/net.d"
  use_internal_loopback = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    BinaryName = "{runc}/runc"
    SystemdCgroup = false
"""

# Runs once inside a new mount namespace. $1 Cilium's root file system, $2 the node's writable layer over it, $3 Cilium's programs.
PREPARE = """set -eu
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/cilium /run/netns /run/cni/net.d /run/containerd /run/cilium-root /run/cilium-programs /run/lock
mkdir -p /sys/fs/bpf
umount /sys/fs/bpf 2>/dev/null || true
mount -t bpf bpf /sys/fs/bpf
# The agent writes beside its programs and into its root: the cache below both stays as it is.
layer() { mkdir -p "$2/upper" "$2/work"; mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$3"; }
layer "$1" "$2/root" /run/cilium-root
layer "$3" "$2/programs" /run/cilium-programs
for directory in proc sys dev run var/lib/cilium; do mkdir -p "/run/cilium-root/$directory"; done
for directory in proc sys dev run; do mount --rbind "/$directory" "/run/cilium-root/$directory"; done
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
"""


class Nodes:
    """All worker nodes of a cluster."""

    def __init__(self, layout: Layout, parts: dict[str, Path], cilium_root: Path, pause: str) -> None:
        self._layout, self._parts, self._cilium_root, self._pause = layout, parts, cilium_root, pause

    # -- the network between nodes

    def ensure_bridge(self) -> bool:
        """Make the bridge, with the host's address on it; return whether it was made."""
        layout = self._layout
        if host.links(layout.bridge):
            return False
        host.run("ip", "link", "add", layout.bridge, "type", "bridge", "nf_call_iptables", "0")  # a host's own firewall is not for pods
        host.run("ip", "link", "set", layout.bridge, "alias", f"greenlang-vcci {layout.name}", "up")
        host.run("ip", "address", "add", f"{layout.api_address}/24", "dev", layout.bridge)
        return True

    def _link(self, node: Node) -> str:
        return f"{self._layout.bridge}-{node.position}"

    def _handle(self, node: Node) -> Path:
        return self._layout.runtime / f"{node.name}.mnt"

    def _state(self, node: Node) -> Path:
        return self._layout.state / "nodes" / node.name

    def _inside(self, node: Node) -> list[str]:
        return list(host.within(self._layout.netns(node), self._handle(node)))

    def processes(self, node: Node) -> Processes:
        """The daemons of one node, in the node's cgroup."""
        state = self._state(node)
        _v1, v2 = host.hierarchies()
        return Processes(state / "run", state / "logs", v2 / self._layout.cgroup / f"{node.name}.daemons" if v2 else None)

    def _whole(self, node: Node) -> bool:
        """Whether the node's namespaces, link and mounts are all there."""
        return (self._layout.netns(node) in host.namespaces() and host.is_mount(self._handle(node))
                and bool(host.links(self._link(node))))

    def _ensure_namespaces(self, node: Node) -> bool:
        if self._whole(node):
            return False
        self._remove_namespaces(node)
        layout, runtime = self._layout, self._layout.runtime
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not host.is_mount(runtime):  # a namespace's handle can only be kept on a private mount
            host.run("mount", "--bind", str(runtime), str(runtime))
            host.run("mount", "--make-private", str(runtime))
        netns, link = layout.netns(node), self._link(node)
        host.run("ip", "netns", "add", netns)
        host.run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", netns)
        host.run("ip", "link", "set", link, "master", layout.bridge, "up")
        host.run("ip", "-netns", netns, "-batch", "-", text="\n".join([
            "link set lo up", "link set eth0 up", f"address add {layout.node_address(node)}/24 dev eth0", f"route add default via {layout.api_address}"]))
        handle = self._handle(node)
        handle.touch(mode=0o600)
        host.run("unshare", f"--mount={handle}", "--propagation", "private", "true")
        writable = self._state(node) / "cilium"
        shutil.rmtree(writable, ignore_errors=True)
        host.run(*self._inside(node), "sh", "-c", PREPARE, "prepare", str(self._cilium_root), str(writable), str(self._parts["cilium"]))
        return True

    def _remove_namespaces(self, node: Node) -> bool:
        ended = host.end_cgroup(f"{self._layout.cgroup}/{node.name}.daemons") + host.end_cgroup(f"{self._layout.cgroup}/{node.name}")
        handle, netns = self._handle(node), self._layout.netns(node)
        found = bool(ended)
        while host.is_mount(handle):
            host.run("umount", str(handle))
            found = True
        handle.unlink(missing_ok=True)
        if netns in host.namespaces():
            host.run("ip", "netns", "delete", netns)
            found = True
        if host.links(self._link(node)):
            host.run("ip", "link", "delete", self._link(node), check=False)  # it goes by itself with the namespace's end of it
            found = True
        for record in (self._state(node) / "run").glob("*.json"):
            record.unlink()
        return found

    # -- daemons

    def _files(self, node: Node, authority: Authority) -> None:
        layout, state = self._layout, self._state(node)
        for directory in ("kubelet", "pki"):
            (state / directory).mkdir(mode=0o700, parents=True, exist_ok=True)
        address = layout.node_address(node)
        authority.issue(state / "pki/kubelet-server", f"system:node:{node.name}", "system:nodes", [node.name, address], server=True)
        users = {"kubelet": (f"system:node:{node.name}", "system:nodes"), "kube-proxy": ("system:kube-proxy", None), "cilium": ("vcci:cilium", None)}
        for name, (user, group) in users.items():
            certificate = authority.issue(state / f"pki/{name}", user, group)
            kubeconfig(state / f"pki/{name}.kubeconfig", layout.server, authority, certificate, layout.name)
        restrict = "true" if not _may_lower_oom_score() else "false"
        _write(state / "containerd.toml", CONTAINERD.format(
            state=state, socket=SOCKET, pause=self._pause, cni=self._parts["cilium"], runc=self._parts["runc"], restrict=restrict))
        _write(state / "resolv.conf", f"nameserver {layout.api_address}\n")
        _write(state / "kubelet.json", json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "address": address, "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{layout.cgroup}/{node.name}", "failCgroupV1": False, "failSwapOn": False,
            "containerRuntimeEndpoint": f"unix://{SOCKET}", "clusterDNS": [layout.dns_address], "clusterDomain": "cluster.local",
            "resolvConf": str(state / "resolv.conf"), "enforceNodeAllocatable": ["pods"], "evictionHard": EVICTION, "imageGCHighThresholdPercent": 100,
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": str(layout.pki / "ca.crt")}},
            "authorization": {"mode": "Webhook"}, "readOnlyPort": 0, "tlsMinVersion": "VersionTLS12",
            "tlsCertFile": str(state / "pki/kubelet-server.crt"), "tlsPrivateKeyFile": str(state / "pki/kubelet-server.key"),
            "seccompDefault": True, "nodeStatusUpdateFrequency": "5s", "maxPods": 200, "enableControllerAttachDetach": True,
            "volumePluginDir": str(state / "kubelet/volume-plugins"), "podLogsDir": str(state / "pods"), "healthzBindAddress": "127.0.0.1",
            "kubeAPIQPS": 50, "kubeAPIBurst": 100,
        }, indent=1))
        _write(state / "kube-proxy.json", json.dumps({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "nftables", "bindAddress": address,
            "clientConnection": {"kubeconfig": str(state / "pki/kube-proxy.kubeconfig")}, "hostnameOverride": node.name,
            "clusterCIDR": layout.pod_cidr, "metricsBindAddress": "127.0.0.1:10249", "healthzBindAddress": "127.0.0.1:10256",
            # Connection tracking is the machine's, not the node's: leave it as it is.
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }, indent=1))

    def daemons(self, node: Node) -> list[Daemon]:
        """One node's daemons in the order in which they start."""
        layout, state, inside = self._layout, self._state(node), self._inside(node)
        path = ":".join([str(self._parts["containerd"]), str(self._parts["runc"]), PATH])
        kubernetes = self._parts["kubernetes"]
        return [
            Daemon("containerd", [str(self._parts["containerd"] / "containerd"), "--config", str(state / "containerd.toml"), "--log-level", "warn"],
                   [state / "containerd.toml"], {"PATH": path}, inside),
            Daemon("kubelet", [str(kubernetes / "kubelet"), f"--config={state / 'kubelet.json'}", f"--kubeconfig={state / 'pki/kubelet.kubeconfig'}",
                               f"--root-dir={state / 'kubelet'}", f"--cert-dir={state / 'pki'}", f"--hostname-override={node.name}",
                               f"--node-ip={layout.node_address(node)}", "--v=1"],
                   [state / "kubelet.json", state / "pki/kubelet.kubeconfig", state / "pki/kubelet-server.crt"], {"PATH": path}, inside),
            Daemon("kube-proxy", [str(kubernetes / "kube-proxy"), f"--config={state / 'kube-proxy.json'}"],
                   [state / "kube-proxy.json", state / "pki/kube-proxy.kubeconfig"], {"PATH": path}, inside),
            self._cilium(node, inside),
        ]

    def _cilium(self, node: Node, inside: list[str]) -> Daemon:
        state = self._state(node)
        options = {
            "k8s-kubeconfig-path": "/run/cilium/kubeconfig", "cluster-name": "default", "ipam": "kubernetes", "k8s-require-ipv4-pod-cidr": "true",
            "routing-mode": "native", "ipv4-native-routing-cidr": self._layout.pod_cidr, "auto-direct-node-routes": "true", "devices": "eth0",
            "enable-ipv4-masquerade": "false", "enable-ipv6": "false", "kube-proxy-replacement": "false", "bpf-lb-sock": "false",
            "identity-allocation-mode": "crd", "enable-policy": "default", "enable-l7-proxy": "false", "enable-envoy-config": "false",
            "enable-hubble": "false", "enable-health-checking": "false", "enable-endpoint-health-checking": "false", "cni-exclusive": "false",
            "write-cni-conf-when-ready": "/run/cni/net.d/05-cilium.conflist", "bpf-map-dynamic-size-ratio": "0.0025",
            "lib-dir": "/run/cilium-programs", "bpf-root": "/sys/fs/bpf", "state-dir": "/run/cilium", "prometheus-serve-addr": "",
            "clustermesh-config": "", "config-dir": "",
        }
        argv = ["chroot", "/run/cilium-root", "/run/cilium-programs/cilium-agent", *(f"--{key}={value}" for key, value in sorted(options.items()) if value)]
        return Daemon("cilium-agent", argv, [state / "pki/cilium.kubeconfig"], {"K8S_NODE_NAME": node.name, "PATH": PATH}, inside)

    def stale(self, node: Node) -> list[str]:
        """What of a node is not there or does not run as it should, in words."""
        if not self._whole(node):
            return [f"{node.name}: namespaces"]
        processes = self.processes(node)
        return [f"{node.name}: {daemon.name}" for daemon in self.daemons(node) if not processes.current(daemon)]

    def start(self, node: Node, authority: Authority) -> list[str]:
        """Start what of a node does not run; return what was started."""
        self._files(node, authority)
        host.make_cgroup(f"{self._layout.cgroup}/{node.name}")
        host.make_cgroup(f"{self._layout.cgroup}/{node.name}.daemons")
        started = [f"{node.name}: namespaces"] if self._ensure_namespaces(node) else []
        host.make_cgroup(f"{self._layout.cgroup}/{node.name}")  # removing a broken node's namespaces takes its cgroups along
        host.make_cgroup(f"{self._layout.cgroup}/{node.name}.daemons")
        host.run(*self._inside(node), "install", "-m", "0600", str(self._state(node) / "pki/cilium.kubeconfig"), "/run/cilium/kubeconfig")
        processes = self.processes(node)
        for daemon in self.daemons(node):
            if processes.ensure(daemon):
                started.append(f"{node.name}: {daemon.name}")
            if daemon.name == "containerd":
                self._await_containerd(node)  # a kubelet that finds none gives up
        return started

    def routes(self) -> None:
        """Route from the host to pods and LoadBalancer addresses: for the API server's calls to webhooks and for the user."""
        layout, bridge = self._layout, self._layout.bridge
        lines = [f"route replace {layout.node_pods(node)} via {layout.node_address(node)} dev {bridge}" for node in layout.nodes]
        hops = " ".join(f"nexthop via {layout.node_address(node)} dev {bridge}" for node in layout.nodes)
        host.run("ip", "-batch", "-", text="\n".join([*lines, f"route replace {layout.load_balancer_cidr} {hops}"]))

    # -- images

    def seed(self, archives: dict[str, Path], cache: Path, progress: Callable[[str], None]) -> None:
        """Give new nodes the images of these archives (image name -> file) before their containerd starts."""
        new = [self._state(node) for node in self._layout.nodes if not (self._state(node) / "containerd").exists()]
        if not new:
            return
        store = image_store.provide(archives, self._parts["containerd"], cache, progress)
        for state in new:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            image_store.link(store, state / "containerd")
            _write(state / "images.json", json.dumps({name: str(path) for name, path in archives.items()}))

    def load(self, archives: dict[str, Path], progress: Callable[[str], None]) -> list[str]:
        """Load image archives (image name -> file) into every node that lacks them; return `<node>: <image>` for each."""
        def one(node: Node) -> list[str]:
            record = self._state(node) / "images.json"
            known = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
            wanted = {name: str(path) for name, path in archives.items()}
            lacking = [name for name, path in wanted.items() if known.get(name) != path]
            for count, name in enumerate(lacking, 1):
                progress(f"{node.name}: loading image {name} ({count} of {len(lacking)})")
                self._ctr(node, "images", "import", "--snapshotter=overlayfs", wanted[name])
                known[name] = wanted[name]
                _write(record, json.dumps(known))
            return [f"{node.name}: image {name}" for name in lacking]

        with ThreadPoolExecutor(len(self._layout.nodes) or 1) as pool:
            return [line for lines in pool.map(one, self._layout.nodes) for line in lines]

    def lacking_images(self, archives: dict[str, Path]) -> list[str]:
        """Which images some node lacks."""
        lacking = set()
        for node in self._layout.nodes:
            record = self._state(node) / "images.json"
            known = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
            lacking |= {name for name, path in archives.items() if known.get(name) != str(path)}
        return sorted(lacking)

    def _ctr(self, node: Node, *arguments: str) -> None:
        done = host.run(*self._ctr_command(node), *arguments, check=False)
        if done.returncode:
            raise VcciError(f"{node.name}: `ctr {' '.join(arguments)[:200]}` failed: {done.stderr.strip()[-400:]}")

    def _ctr_command(self, node: Node) -> list[str]:
        return [*self._inside(node), str(self._parts["containerd"] / "ctr"), "--address", SOCKET, "--namespace", "k8s.io"]

    def _await_containerd(self, node: Node) -> None:
        deadline = time.monotonic() + 30
        while host.run(*self._ctr_command(node), "version", check=False).returncode:
            if time.monotonic() > deadline:
                raise VcciError(f"containerd of {node.name} does not answer; its last words:\n{self.processes(node).last_lines('containerd')}")
            time.sleep(0.1)

    # -- the end

    def stop(self) -> list[str]:
        """Stop all nodes: daemons in order, then whatever still runs in them; namespaces, links and the bridge go too."""
        stopped = []
        for node in self._layout.nodes:
            self.processes(node).stop(["kubelet", "kube-proxy", "cilium-agent"], grace=5)
            if self._remove_namespaces(node):
                stopped.append(node.name)
        self.remove_network()
        return stopped

    def remove_network(self) -> None:
        """Remove the bridge and the runtime directory, when they are this cluster's."""
        layout = self._layout
        links = host.links(layout.bridge)
        if links and links[0].get("ifalias") == f"greenlang-vcci {layout.name}":
            host.run("ip", "link", "delete", layout.bridge)
        while host.is_mount(layout.runtime):
            host.run("umount", str(layout.runtime))
        shutil.rmtree(layout.runtime, ignore_errors=True)
        host.end_cgroup(layout.cgroup)


def _may_lower_oom_score() -> bool:
    """Whether this process has CAP_SYS_RESOURCE (24), without which runc cannot write a lower oom_score_adj."""
    effective = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff"))
    return bool(int(effective, 16) >> 24 & 1)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_private(path, text.encode())
