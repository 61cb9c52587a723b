# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects that a local cluster needs before nodes can join it, and what is read of nodes."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout, Node

PAUSE = "docker.io/greenlang/pause:1.0.0"
READ = ["get", "list", "watch"]
# The rules of the agent's ClusterRole in Cilium's own chart, 1.20 (install/kubernetes/cilium/templates/cilium-agent/clusterrole.yaml).
CILIUM_WATCHED = [
    "ciliumloadbalancerippools", "ciliumbgpnodeconfigs", "ciliumbgpadvertisements", "ciliumbgppeerconfigs", "ciliumclusterwideenvoyconfigs",
    "ciliumclusterwidenetworkpolicies", "ciliumegressgatewaypolicies", "ciliumendpoints", "ciliumendpointslices", "ciliumenvoyconfigs",
    "ciliumidentities", "ciliumlocalredirectpolicies", "ciliumnetworkpolicies", "ciliumnodes", "ciliumnodeconfigs", "ciliumcidrgroups",
    "ciliuml2announcementpolicies", "ciliumpodippools", "ciliumdatapathplugins",
]
CILIUM_RULES = [
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": READ},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
    {"apiGroups": [""], "resources": ["namespaces", "services", "pods", "nodes"], "verbs": READ},
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": READ},
    {"apiGroups": ["cilium.io"], "resources": CILIUM_WATCHED, "verbs": ["list", "watch"]},
    {"apiGroups": ["cilium.io"], "resources": ["ciliumidentities", "ciliumendpoints", "ciliumnodes"], "verbs": ["create"]},
    {"apiGroups": ["cilium.io"], "resources": ["ciliumidentities"], "verbs": ["update"]},
    {"apiGroups": ["cilium.io"], "resources": ["ciliumendpoints"], "verbs": ["get", "delete"]},
    {"apiGroups": ["cilium.io"], "resources": ["ciliumnodes", "ciliumnodes/status"], "verbs": ["get", "update"]},
    {"apiGroups": ["cilium.io"], "resources": ["ciliumendpoints/status", "ciliumendpoints", "ciliuml2announcementpolicies/status",
                                               "ciliumbgpnodeconfigs/status"], "verbs": ["patch"]},
]


CLOUD_RULES = [
    {"apiGroups": [""], "resources": ["services", "nodes", "configmaps"], "verbs": READ},
    {"apiGroups": [""], "resources": ["services", "services/status"], "verbs": ["patch", "update"]},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch", "update"]},
    {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
]


def bootstrap(layout: Layout, environment: str, metrics: tuple[Path, Path]) -> list[dict]:
    """Nodes with their addresses, labels and taints, what Cilium's agents and the cloud controller may do, and the cluster's identity."""
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vcci-cluster-identity", "namespace": "kube-system"},
         "data": {"name": layout.name, "environment": environment, "provider": "local"}},
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "metrics-server-tls", "namespace": "kube-system"},
         "stringData": {"tls.crt": metrics[0].read_text(encoding="utf-8"), "tls.key": metrics[1].read_text(encoding="utf-8")}},
        *(_node(layout, node) for node in layout.nodes),
        *([] if layout.kind == "none" else _grant("system:cloud-controller-manager", CLOUD_RULES)),
        *(_grant("vcci:cilium", CILIUM_RULES) if layout.kind == "real" else []),
    ]


def _node(layout: Layout, node: Node) -> dict:
    # Made before the kubelet registers, so that pod addresses are known (routes) and labels and taints are the administrator's, which
    # NodeRestriction would not let a kubelet set.
    labels = {"kubernetes.io/hostname": node.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "vcci.io/pool": node.pool, **node.labels}
    annotations = {"kwok.x-k8s.io/node": "fake"} if layout.kind == "simulated" else {}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name, "labels": labels, "annotations": annotations},
        "spec": {"podCIDR": layout.node_pods(node), "podCIDRs": [layout.node_pods(node)], "taints": [dict(taint) for taint in node.taints]},
    }


def _grant(user: str, rules: list[dict]) -> list[dict]:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
    return [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": user}, "rules": rules},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": user}, "roleRef": role,
         "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]},
    ]


def is_ready(node: dict) -> bool:
    """Whether a node's Ready condition is True."""
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in node.get("status", {}).get("conditions", []))


def unpack(archive: Path, target: Path) -> None:
    """Unpack the layers of a docker archive, in order, into a directory that appears whole or not at all."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with tarfile.open(archive) as outer:
        manifest = outer.extractfile("manifest.json")
        if manifest is None:
            raise VcciError(f"{archive} is no docker archive: it has no manifest.json. Remedy: delete it; it is built again.")
        layers = json.load(manifest)[0]["Layers"]
        outer.extractall(partial / ".layers", members=[outer.getmember(layer) for layer in layers], filter="tar")
    for layer in layers:
        # A layer says with a `.wh.` file what it removes of those below.
        host.run("tar", "--extract", "--numeric-owner", "--directory", str(partial), "--file", str(partial / ".layers" / layer), "--exclude=.wh.*")
    shutil.rmtree(partial / ".layers")
    partial.rename(target)
