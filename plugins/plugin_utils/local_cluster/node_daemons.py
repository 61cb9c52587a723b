# Copyright (c) 2026 GreenLang. All rights reserved.
"""The daemons of a node, with their flags and configuration files. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .daemon import CIPHERS, PATH, Daemon
from .layout import Layout, Node

NAMES = ("containerd", "kubelet", "cilium-agent", "kube-proxy")  # in the order in which they start
SOCKET = "/run/containerd/containerd.sock"
# A node on one machine shares it with the others: each keeps this much from pods.
EVICTION = {"memory.available": "200Mi", "nodefs.available": "2%", "imagefs.available": "2%", "nodefs.inodesFree": "2%"}

# It ends when one of its required plugins cannot be had (no inotify instance left, for example): one that answers
# serves the kubelet's RuntimeService. It and the kubelet measure containers, and all processes of the machine, less
# often than by default (every 1 and 10 s): every node does so anew, and all are on one machine.
CONTAINERD = """version = 3
required_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime", "io.containerd.cri.v1.images"]
root = "{state}/containerd"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  stats_collect_period = 60
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{pause}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = {restrict}
  stats_collect_period = "15s"
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["{cilium}", "{portmap}"]
  conf_dir = "/run/cni/net.d"
  use_internal_loopback = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    BinaryName = "{runc}/runc"
    SystemdCgroup = false
"""

CILIUM = {
    "k8s-kubeconfig-path": "/run/cilium/kubeconfig",
    "cluster-name": "default",
    "ipam": "kubernetes",
    "k8s-require-ipv4-pod-cidr": "true",
    "routing-mode": "native",
    "auto-direct-node-routes": "true",
    "devices": "eth0",
    "enable-ipv4-masquerade": "false",
    "enable-ipv6": "false",
    "kube-proxy-replacement": "false",
    "bpf-lb-sock": "false",
    "identity-allocation-mode": "crd",
    "enable-policy": "default",
    "enable-l7-proxy": "false",
    "enable-envoy-config": "false",
    "enable-hubble": "false",
    "enable-health-checking": "false",
    "enable-endpoint-health-checking": "false",
    "cni-chaining-mode": "portmap",  # upstream's name for: itself, then the plugin of hostPort
    "cni-exclusive": "false",
    "write-cni-conf-when-ready": "/run/cni/net.d/05-cilium.conflist",
    "bpf-map-dynamic-size-ratio": "0.0025",
    "lib-dir": "/run/cilium-programs",
    "bpf-root": "/sys/fs/bpf",
    "state-dir": "/run/cilium",
}


def daemons(layout: Layout, node: Node, parts: Mapping[str, Path]) -> list[Daemon]:
    """One node's daemons in the order in which they start; `parts` has the directories of their programs."""
    return [
        _containerd(layout, node, parts),
        _kubelet(layout, node, parts),
        _cilium(layout, node),
        _kube_proxy(layout, node, parts),  # it ends when its node's first address appears: after the kubelet's report
    ]


def configuration(
    layout: Layout, node: Node, parts: Mapping[str, Path], pause: str, may_lower_oom_score: bool
) -> dict[str, str]:
    """The content of the node's configuration files by their names in its state directory; `pause` is the sandbox's."""
    state = layout.node_state(node)
    containerd = CONTAINERD.format(
        state=state,
        socket=SOCKET,
        pause=pause,
        cilium=parts["cilium"],
        portmap=parts["portmap"],
        runc=parts["runc"],
        restrict="false" if may_lower_oom_score else "true",
    )
    return {
        "containerd.toml": containerd,
        "resolv.conf": f"nameserver {layout.api_address}\n",
        "kubelet.json": json.dumps(_kubelet_configuration(layout, node), indent=1),
        "kube-proxy.json": json.dumps(_kube_proxy_configuration(layout, node), indent=1),
    }


def _path(parts: Mapping[str, Path]) -> dict[str, str]:
    return {"PATH": f"{parts['containerd']}:{parts['runc']}:{PATH}"}


def _containerd(layout: Layout, node: Node, parts: Mapping[str, Path]) -> Daemon:
    file = layout.node_state(node) / "containerd.toml"
    argv = [str(parts["containerd"] / "containerd"), "--config", str(file), "--log-level", "warn"]
    return Daemon("containerd", argv, [file], _path(parts), layout.inside(node))


def _kubelet(layout: Layout, node: Node, parts: Mapping[str, Path]) -> Daemon:
    state = layout.node_state(node)
    argv = [
        str(parts["kubernetes"] / "kubelet"),
        f"--config={state / 'kubelet.json'}",
        f"--kubeconfig={state / 'pki/kubelet.kubeconfig'}",
        f"--root-dir={state / 'kubelet'}",
        f"--cert-dir={state / 'pki'}",
        f"--hostname-override={node.name}",
        f"--node-ip={layout.node_address(node)}",
        "--housekeeping-interval=30s",
        "--v=1",
    ]
    inputs = [state / "kubelet.json", state / "pki/kubelet.kubeconfig", state / "pki/kubelet-server.crt"]
    return Daemon("kubelet", argv, inputs, _path(parts), layout.inside(node))


def _kubelet_configuration(layout: Layout, node: Node) -> dict[str, Any]:
    state = layout.node_state(node)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.node_address(node),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.node_cgroup(node)}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "clusterDNS": [layout.dns_address],
        "clusterDomain": "cluster.local",
        "resolvConf": str(state / "resolv.conf"),
        "enforceNodeAllocatable": ["pods"],
        "evictionHard": EVICTION,
        "imageGCHighThresholdPercent": 100,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "readOnlyPort": 0,
        "tlsMinVersion": "VersionTLS12",
        "tlsCipherSuites": list(CIPHERS),
        "tlsCertFile": str(state / "pki/kubelet-server.crt"),
        "tlsPrivateKeyFile": str(state / "pki/kubelet-server.key"),
        "seccompDefault": True,
        "nodeStatusUpdateFrequency": "5s",
        "maxPods": 200,
        "podPidsLimit": 1024,
        "enableControllerAttachDetach": True,
        "volumePluginDir": str(state / "kubelet/volume-plugins"),
        "podLogsDir": str(state / "pods"),
        "healthzBindAddress": "127.0.0.1",
        "kubeAPIQPS": 50,
        "kubeAPIBurst": 100,
    }


def _kube_proxy(layout: Layout, node: Node, parts: Mapping[str, Path]) -> Daemon:
    state = layout.node_state(node)
    argv = [str(parts["kubernetes"] / "kube-proxy"), f"--config={state / 'kube-proxy.json'}"]
    inputs = [state / "kube-proxy.json", state / "pki/kube-proxy.kubeconfig"]
    return Daemon("kube-proxy", argv, inputs, _path(parts), layout.inside(node))


def _kube_proxy_configuration(layout: Layout, node: Node) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "bindAddress": layout.node_address(node),
        "clientConnection": {"kubeconfig": str(layout.node_state(node) / "pki/kube-proxy.kubeconfig")},
        "hostnameOverride": node.name,
        "clusterCIDR": layout.pod_cidr,
        "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": "127.0.0.1:10256",
        # Connection tracking is the machine's, not the node's: leave it as it is.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def _cilium(layout: Layout, node: Node) -> Daemon:
    options = {**CILIUM, "ipv4-native-routing-cidr": layout.pod_cidr}
    flags = [f"--{name}={value}" for name, value in sorted(options.items())]
    argv = ["chroot", "/run/cilium-root", "/run/cilium-programs/cilium-agent", *flags]
    inputs = [layout.node_state(node) / "pki/cilium.kubeconfig"]
    # Its timers wake it hundreds of times a second, with or without work: one thread at a time costs a fifth less.
    environment = {"K8S_NODE_NAME": node.name, "PATH": PATH, "GOMAXPROCS": "1"}
    return Daemon("cilium-agent", argv, inputs, environment, layout.inside(node))
