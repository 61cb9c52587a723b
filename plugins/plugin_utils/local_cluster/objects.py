# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects that a local cluster needs before nodes can join it, and what is read of nodes. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from .layout import Layout, Node

PAUSE = "docker.io/greenlang/pause:1.0.0"
READ = ["get", "list", "watch"]
RBAC = "rbac.authorization.k8s.io"
# The rules of the agent's ClusterRole in Cilium's own chart, 1.20
# (install/kubernetes/cilium/templates/cilium-agent/clusterrole.yaml).
CILIUM_WATCHED = [
    "ciliumloadbalancerippools",
    "ciliumbgpnodeconfigs",
    "ciliumbgpadvertisements",
    "ciliumbgppeerconfigs",
    "ciliumclusterwideenvoyconfigs",
    "ciliumclusterwidenetworkpolicies",
    "ciliumegressgatewaypolicies",
    "ciliumendpoints",
    "ciliumendpointslices",
    "ciliumenvoyconfigs",
    "ciliumidentities",
    "ciliumlocalredirectpolicies",
    "ciliumnetworkpolicies",
    "ciliumnodes",
    "ciliumnodeconfigs",
    "ciliumcidrgroups",
    "ciliuml2announcementpolicies",
    "ciliumpodippools",
    "ciliumdatapathplugins",
]
CILIUM_PATCHED = [
    "ciliumendpoints/status",
    "ciliumendpoints",
    "ciliuml2announcementpolicies/status",
    "ciliumbgpnodeconfigs/status",
]


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


CILIUM_RULES = [
    _rule("networking.k8s.io", ["networkpolicies"], READ),
    _rule("discovery.k8s.io", ["endpointslices"], READ),
    _rule("", ["namespaces", "services", "pods", "nodes"], READ),
    _rule("apiextensions.k8s.io", ["customresourcedefinitions"], READ),
    _rule("cilium.io", CILIUM_WATCHED, ["list", "watch"]),
    _rule("cilium.io", ["ciliumidentities", "ciliumendpoints", "ciliumnodes"], ["create"]),
    _rule("cilium.io", ["ciliumidentities"], ["update"]),
    _rule("cilium.io", ["ciliumendpoints"], ["get", "delete"]),
    _rule("cilium.io", ["ciliumnodes", "ciliumnodes/status"], ["get", "update"]),
    _rule("cilium.io", CILIUM_PATCHED, ["patch"]),
]
CLOUD_RULES = [
    _rule("", ["services", "nodes", "configmaps"], READ),
    _rule("discovery.k8s.io", ["endpointslices"], READ),
    _rule("", ["services", "services/status"], ["patch", "update"]),
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch", "update"]},
    _rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
    _rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
]


def bootstrap(layout: Layout, environment: str, metrics: tuple[str, str]) -> list[dict[str, Any]]:
    """Nodes, what Cilium's agents and the cloud controller may do, and the cluster's identity.

    `metrics` are the certificate and key (PEM) with which metrics-server serves.
    """
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "vcci-cluster-identity", "namespace": "kube-system"},
            "data": {"name": layout.name, "environment": environment, "provider": "local"},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "metrics-server-tls", "namespace": "kube-system"},
            "stringData": {"tls.crt": metrics[0], "tls.key": metrics[1]},
        },
        *(_node(layout, node) for node in layout.nodes),
        *([] if layout.kind == "none" else _grant("system:cloud-controller-manager", CLOUD_RULES)),
        *(_grant("vcci:cilium", CILIUM_RULES) if layout.kind == "real" else []),
    ]


def is_ready(node: dict[str, Any]) -> bool:
    """Whether a node's Ready condition is True."""
    return _ready(node).get("status") == "True"


def _ready(node: dict[str, Any]) -> dict[str, Any]:
    conditions = (node.get("status") or {}).get("conditions") or []
    return next((condition for condition in conditions if condition["type"] == "Ready"), {})


def has_reported(node: dict[str, Any], since: float) -> bool:
    """Whether a node is Ready by the word of a kubelet that was started at `since`, seconds since 1970: what an earlier
    one said stands for most of a minute after its end."""
    ready = _ready(node)
    told = ready.get("lastHeartbeatTime") or "1970-01-01T00:00:00Z"
    heard = datetime.datetime.fromisoformat(told).timestamp()  # whole seconds
    return ready.get("status") == "True" and heard > since - 1


def why_not_ready(node: dict[str, Any]) -> str:
    """What the node's condition says, in a line."""
    ready = _ready(node)
    if ready.get("status") == "True":
        last = ready.get("lastHeartbeatTime")
        return f"its kubelet has said nothing since it was started; the one before it did at {last}"
    return f"{ready.get('reason') or 'no condition Ready'}: {ready.get('message') or 'its kubelet never reported'}"


def facts(nodes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a result says of nodes: name, ready and address of each, by name."""
    return sorted(map(_facts, nodes), key=lambda fact: str(fact["name"]))


def address(node: dict[str, Any]) -> str | None:
    """The node's own address, once its kubelet has reported it."""
    addresses = node.get("status", {}).get("addresses", [])
    return next((entry["address"] for entry in addresses if entry["type"] == "InternalIP"), None)


def _facts(node: dict[str, Any]) -> dict[str, Any]:
    version = (node.get("status", {}).get("nodeInfo") or {}).get("kubeletVersion")
    name = node["metadata"]["name"]
    return {"name": name, "ready": is_ready(node), "address": address(node), "version": version}


def _node(layout: Layout, node: Node) -> dict[str, Any]:
    # Made before the kubelet registers, so that pod addresses are known (routes) and labels and taints are the
    # administrator's, which NodeRestriction would not let a kubelet set.
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "vcci.io/pool": node.pool,
        **node.labels,
    }
    annotations = {"kwok.x-k8s.io/node": "fake"} if layout.kind == "simulated" else {}
    pods = layout.node_pods(node)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": labels, "annotations": annotations},
        "spec": {"podCIDR": pods, "podCIDRs": [pods], "taints": [dict(taint) for taint in node.taints]},
    }


def _grant(user: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    version = f"{RBAC}/v1"
    return [
        {"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": user}, "rules": rules},
        {
            "apiVersion": version,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": user},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": user},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
        },
    ]
