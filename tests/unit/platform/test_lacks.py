# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a cluster that somebody else made is found to lack."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.lacks import (
    Found,
    Wanted,
    of_cluster,
    of_control_node,
    version_of,
)


def ready(name: str, status: str = "True", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "status": {"conditions": [{"type": "Ready", "status": status}]},
    }


def storage(name: str, provisioner: str = "nfs.csi.k8s.io") -> dict[str, Any]:
    return {"metadata": {"name": name}, "provisioner": provisioner}


def daemons(name: str, *containers: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"template": {"spec": {"containers": list(containers)}}}}


def metrics(status: str, message: str = "") -> dict[str, Any]:
    return {"status": {"conditions": [{"type": "Available", "status": status, "message": message}]}}


WANTED = Wanted(
    storage_classes=[{"name": "fast-ssd"}, {"name": "nfs-storage", "access_mode": "ReadWriteMany"}],
    node_selectors={"compute": {}, "memory": {"workload-type": "memory"}},
)
GOOD = Found(
    version={"major": "1", "minor": "37+", "gitVersion": "v1.37.2"},
    nodes=[ready("a"), ready("b", **{"workload-type": "memory"})],
    classes=[storage("fast-ssd", "ebs.csi.aws.com"), storage("nfs-storage")],
    metrics=metrics("True"),
    daemon_sets=[daemons("calico-node")],
)
AGENT = {"name": "aws-eks-nodeagent"}
OFF = {"name": "aws-eks-nodeagent", "args": ["--enable-network-policy=false"]}
FINE: dict[str, dict[str, Any]] = {
    "all that is wanted": {},
    "k3s": {"daemon_sets": [], "version": {"major": "1", "minor": "37", "gitVersion": "v1.37.1+k3s1"}},
    "Amazon's agent": {"daemon_sets": [daemons("aws-node", {"name": "aws-node"}, AGENT)]},
    "Google's": {"daemon_sets": [daemons("anetd")]},
    "OpenShift's": {"daemon_sets": [daemons("ovnkube-node")]},
}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "too old": (
        {"version": {"major": "1", "minor": "29", "gitVersion": "v1.29.4"}},
        r"version: the API server is of version v1\.29\.4, and 1\.30 is the least",
    ),
    "no version": ({"version": {}}, "version: the API server is of version unknown"),
    "without policies that mutate": (
        {"version": {"major": "1", "minor": "35", "gitVersion": "v1.35.0-gke.1"}},
        "v1.35.0-gke.1, which has no MutatingAdmissionPolicy by itself. Remedy: set tenant_mutating_policies: false",
    ),
    "rights": (
        {"denied": ["create or patch namespaces"]},
        "rights: the credentials may not create or patch namespaces. Remedy: use a kubeconfig",
    ),
    "no nodes": ({"nodes": []}, "nodes: none of 0 nodes is ready"),
    "no node is ready": ({"nodes": [ready("a", "False")]}, "nodes: none of 1 nodes is ready"),
    "no node of a pool": (
        {"nodes": [ready("a"), ready("b", "Unknown", **{"workload-type": "memory"})]},
        "nodes: no node that is ready has the labels workload-type=memory of pool memory",
    ),
    "no class": (
        {"classes": [storage("nfs-storage"), storage("gp3")]},
        r"storage_classes: there is no StorageClass fast-ssd \(ReadWriteOnce\).* \(gp3, nfs-storage\)",
    ),
    "disks are no shared volumes": (
        {"classes": [storage("fast-ssd"), storage("nfs-storage", "ebs.csi.aws.com")]},
        "StorageClass nfs-storage must give ReadWriteMany volumes, and ebs.csi.aws.com gives volumes to one node",
    ),
    "no metrics": ({"metrics": None}, "metrics: the metrics API is not there: autoscalers would never scale"),
    "metrics that do not answer": (
        {"metrics": metrics("False", "no endpoints")},
        r"metrics: the metrics API does not answer \(no endpoints\)",
    ),
    "no policies": ({"daemon_sets": [daemons("kube-flannel-ds")]}, "network_policies: nothing that is known"),
    "Amazon's network alone": ({"daemon_sets": [daemons("aws-node", {"name": "aws-node"})]}, "network_policies: "),
    "Amazon's agent is switched off": (
        {"daemon_sets": [daemons("aws-node", {"name": "aws-node"}, OFF)]},
        "network_policies: ",
    ),
}


def lines(**change: Any) -> list[str]:
    return [lack.line for lack in of_cluster(WANTED, dataclasses.replace(GOOD, **change))]


@pytest.mark.parametrize("name", FINE)
def test_a_cluster_that_has_all(name: str) -> None:
    assert lines(**FINE[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_a_cluster_lacks(name: str) -> None:
    change, message = WRONG[name]
    (line,) = lines(**change)
    assert re.search(message, line), line


def test_an_empty_cluster_lacks_everything_at_once() -> None:
    checks = [lack.check for lack in of_cluster(WANTED, Found(denied=["create namespaces"]))]
    assert checks == ["version", "rights", "nodes", "storage_classes", "storage_classes", "metrics", "network_policies"]


def test_what_is_told_without_a_cluster() -> None:
    variables = [
        {"name": "registry", "given": False, "remedy": "name it"},
        {"name": "key", "given": True, "remedy": "give it"},
    ]
    wanted = Wanted(variables=variables, programs=[{"name": "helm", "variable": "helm_binary"}])
    assert [lack.line for lack in of_control_node(wanted, ["helm"])] == [
        "variables: registry is not set. Remedy: name it.",
        "programs: helm is not found. Remedy: install it on the control node, or set helm_binary.",
    ]
    assert of_control_node(dataclasses.replace(wanted, variables=[]), []) == []


@pytest.mark.parametrize(
    ("minor", "version"), [("37", (1, 37)), ("29+", (1, 29)), ("", None), ("x", None)], ids=["", "a cloud", "none", "x"]
)
def test_versions(minor: str, version: tuple[int, int] | None) -> None:
    assert version_of({"major": "1", "minor": minor}) == version
