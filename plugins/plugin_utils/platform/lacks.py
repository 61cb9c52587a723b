# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a cluster that somebody else made lacks for the platform, each with its remedy. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..kubernetes.rules import conditions

Object = Mapping[str, Any]
LEAST = (1, 30)  # versions before have no ValidatingAdmissionPolicy, and no pause before a container ends
MUTATING = (1, 36)  # from which on MutatingAdmissionPolicy is there without being switched on
# Provisioners of disks, which one node has at a time.
DISKS = (
    "ebs.csi.aws.com",
    "kubernetes.io/aws-ebs",
    "pd.csi.storage.gke.io",
    "kubernetes.io/gce-pd",
    "disk.csi.azure.com",
    "kubernetes.io/azure-disk",
    "cinder.csi.openstack.org",
    "csi.vsphere.vmware.com",
    "dobs.csi.digitalocean.com",
    "csi.hetzner.cloud",
    "rancher.io/local-path",
    "kubernetes.io/no-provisioner",
)
# Names of DaemonSets, and of containers in them, that enforce NetworkPolicies.
ENFORCERS = re.compile(
    r"cilium|anetd|calico-node|canal|antrea-agent|kube-router|weave-net|azure-npm|ovnkube-node|kube-ovn-cni|kindnet"
    r"|aws-network-policy-agent|aws-eks-nodeagent|romana"
)
BUILT_IN_ENFORCERS = ("+k3s", "+rke2")  # versions of distributions that bring one without a DaemonSet
METRICS = "v1beta1.metrics.k8s.io"


class Lack(NamedTuple):
    """`check` is the word by which it can be skipped."""

    check: str
    what: str
    remedy: str

    @property
    def line(self) -> str:
        return f"{self.check}: {self.what}. Remedy: {self.remedy}."


@dataclass(frozen=True)
class Wanted:
    """What the platform needs. `variables` have name, given and remedy each; `programs` name and variable;
    `storage_classes` name and access_mode; `node_selectors` are labels by pool."""

    variables: list[Object] = field(default_factory=list)
    programs: list[Object] = field(default_factory=list)
    storage_classes: list[Object] = field(default_factory=list)
    node_selectors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mutating_policies: bool = True


@dataclass
class Found:
    """What a cluster has."""

    version: Mapping[str, str] = field(default_factory=dict)
    nodes: list[Object] = field(default_factory=list)
    classes: list[Object] = field(default_factory=list)
    metrics: Object | None = None  # the APIService of METRICS
    daemon_sets: list[Object] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)  # what may not be done


def of_control_node(wanted: Wanted, missing: list[str]) -> list[Lack]:
    """What is told without asking a cluster; `missing` are programs that were not found."""
    unset = [one for one in wanted.variables if not one["given"]]
    lacks = [Lack("variables", f"{one['name']} is not set", one["remedy"]) for one in unset]
    for one in wanted.programs:
        if one["name"] in missing:
            remedy = f"install it on the control node, or set {one['variable']}"
            lacks.append(Lack("programs", f"{one['name']} is not found", remedy))
    return lacks


def of_cluster(wanted: Wanted, found: Found) -> list[Lack]:
    """Everything that it lacks."""
    return [
        *_version(wanted, found),
        *_rights(found),
        *_nodes(wanted, found),
        *_classes(wanted, found),
        *_metrics(found),
        *_policies(found),
    ]


def version_of(version: Mapping[str, str]) -> tuple[int, int] | None:
    """Clouds write a plus behind the minor version."""
    numbers = [re.match(r"\d+", version.get(part) or "") for part in ("major", "minor")]
    major, minor = numbers
    return (int(major[0]), int(minor[0])) if major and minor else None


def _version(wanted: Wanted, found: Found) -> Iterator[Lack]:
    known = version_of(found.version)
    told = found.version.get("gitVersion") or "unknown"
    if known is None or known < LEAST:
        least = ".".join(map(str, LEAST))
        yield Lack("version", f"the API server is of version {told}, and {least} is the least", "upgrade the cluster")
    elif wanted.mutating_policies and known < MUTATING:
        what = f"the API server is of version {told}, which has no MutatingAdmissionPolicy by itself"
        yield Lack("version", what, "set tenant_mutating_policies: false, or upgrade the cluster")


def _rights(found: Found) -> Iterator[Lack]:
    if found.denied:
        what = f"the credentials may not {', '.join(found.denied)}"
        yield Lack("rights", what, "use a kubeconfig with ClusterRole cluster-admin")


def _nodes(wanted: Wanted, found: Found) -> Iterator[Lack]:
    ready = [node for node in found.nodes if _is_true(node, "Ready")]
    if not ready:
        yield Lack("nodes", f"none of {len(found.nodes)} nodes is ready", "kubectl get nodes; add nodes")
        return
    for pool, labels in wanted.node_selectors.items():
        if labels and not any(_has(node, labels) for node in ready):
            named = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
            remedy = f"label nodes so, or set platform_node_selectors.{pool} to what they have ({{}}: anywhere)"
            yield Lack("nodes", f"no node that is ready has the labels {named} of pool {pool}", remedy)


def _is_true(obj: Object, name: str) -> bool:
    return conditions(obj.get("status") or {}).get(name, {}).get("status") == "True"


def _has(node: Object, labels: Mapping[str, str]) -> bool:
    has = node["metadata"].get("labels") or {}
    return all(has.get(key) == value for key, value in labels.items())


def _classes(wanted: Wanted, found: Found) -> Iterator[Lack]:
    there = {one["metadata"]["name"]: one for one in found.classes}
    names = ", ".join(sorted(there)) or "none"
    for one in wanted.storage_classes:
        name, mode = one["name"], one.get("access_mode") or "ReadWriteOnce"
        remedy = f"create it, or name another in cluster_storage_classes and in the variables *_storage_class ({names})"
        if name not in there:
            yield Lack("storage_classes", f"there is no StorageClass {name} ({mode})", remedy)
        elif mode == "ReadWriteMany" and there[name].get("provisioner") in DISKS:
            given = f"{there[name]['provisioner']} gives volumes to one node at a time"
            yield Lack("storage_classes", f"StorageClass {name} must give {mode} volumes, and {given}", remedy)


def _metrics(found: Found) -> Iterator[Lack]:
    if not _is_true(found.metrics or {}, "Available"):
        said = conditions((found.metrics or {}).get("status") or {}).get("Available", {}).get("message")
        why = f"does not answer ({said or 'no reason is given'})" if found.metrics else "is not there"
        yield Lack("metrics", f"the metrics API {why}: autoscalers would never scale", "install metrics-server")


def _policies(found: Found) -> Iterator[Lack]:
    """Whether NetworkPolicies are enforced cannot be asked of a cluster: who does so is known by name."""
    if any(mark in (found.version.get("gitVersion") or "") for mark in BUILT_IN_ENFORCERS):
        return
    names = [name for one in found.daemon_sets for name in _names(one)]
    if not any(ENFORCERS.search(name) for name in names):
        what = "nothing that is known to enforce NetworkPolicies runs: tenants would not be isolated"
        remedy = (
            "install a network that enforces them, or switch that on; if it does so under another name, and playbook "
            "verify shall prove it, set cluster_preflight_skip: [network_policies]"
        )
        yield Lack("network_policies", what, remedy)


def _names(daemon_set: Object) -> list[str]:
    pod = ((daemon_set.get("spec") or {}).get("template") or {}).get("spec") or {}
    switched_off = {
        one["name"]
        for one in pod.get("containers") or []
        if "--enable-network-policy=false" in [*(one.get("args") or []), *(one.get("command") or [])]
    }
    containers = [one["name"] for one in pod.get("containers") or [] if one["name"] not in switched_off]
    return [daemon_set["metadata"]["name"], *containers] if not switched_off else containers
