# Copyright (c) 2026 GreenLang. All rights reserved.
"""The production inventory at its production sizes, on simulated nodes that are the reference document's pools."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import STATE, ansible, local_cluster
from tests.integration.secrets.controller import running

NAME, SUBNET = "rehearsal", "10.93.0.0/16"
GPU = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
POOLS = [
    {"name": "compute", "count": 3, "capacity": {"cpu": "4", "memory": "16Gi", "pods": "58"}},
    {"name": "memory", "count": 2, "labels": {"workload-type": "memory"}, "capacity": {"cpu": "4", "memory": "32Gi", "pods": "58"}},
    {"name": "gpu", "count": 1, "labels": {"workload-type": "gpu"}, "taints": [GPU],
     "capacity": {"cpu": "8", "memory": "61Gi", "pods": "58", "nvidia.com/gpu": "1"}},
]
FILES = f"{STATE}/{NAME}/files"
VALUES = {
    "cluster_rehearsal": True, "cluster_provider": "local", "cluster_local_name": NAME, "cluster_local_nodes": "simulated", "cluster_local_subnet": SUBNET,
    "cluster_api_server_cidrs": ["10.93.0.1/32"], "cluster_local_pools": POOLS, "cluster_kubeconfig": f"{STATE}/{NAME}/kubeconfig",
    "controllers_helm_binary": f"{STATE}/{NAME}/bin/helm",
    "controllers_sealed_secrets_chart": {"chart": f"{FILES}/sealed-secrets/chart"},
    "controllers_cert_manager_chart": {"chart": f"{FILES}/cert-manager/chart", "version": "v1.11.5"},
    "controllers_cert_manager_crds": [f"{FILES}/cert-manager/crds"],
    # Simulated pods answer nothing: no webhook is asked, and the controllers proper run beside the cluster.
    "controllers_cert_manager_without": ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"],
    "vault_openai_api_key": "rehearsal", "vault_anthropic_api_key": "rehearsal",
}


def kubectl(*arguments: str, given: str | None = None) -> str:
    command = [str(STATE / NAME / "bin" / "kubectl"), "--kubeconfig", str(STATE / NAME / "kubeconfig"), *arguments]
    return subprocess.run(command, text=True, capture_output=True, check=True, timeout=300, input=given).stdout


def volumes() -> str:
    """What a cloud would provide: classes, and volumes for the claims that this inventory makes."""
    objects = []
    for name, mode in (("fast-ssd", "ReadWriteOnce"), ("standard", "ReadWriteOnce"), ("nfs-storage", "ReadWriteMany")):
        objects.append({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
                        "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"})
        objects += [{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"{name}-{number}"},
                     "spec": {"capacity": {"storage": "1Ti"}, "accessModes": [mode], "storageClassName": name, "hostPath": {"path": "/nowhere"}}}
                    for number in range(8)]
    return "\n---\n".join(json.dumps(entry) for entry in objects)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    local_cluster(name=NAME, state="absent")
    yield STATE / NAME
    assert local_cluster(name=NAME, state="absent").returncode == 0


@contextlib.contextmanager
def cert_manager(work: Path) -> Iterator[None]:
    """cert-manager's controller as a process of this machine."""
    program = [str(STATE / NAME / "bin" / "cert-manager-controller"), "--kubeconfig", str(STATE / NAME / "kubeconfig"), "--leader-elect=false",
               "--cluster-resource-namespace=cert-manager", "--metrics-listen-address=127.93.0.1:9402"]
    with (work / "cert-manager.log").open("wb") as log:
        process = subprocess.Popen(program, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def play(values: Path, *arguments: str) -> str:
    return ansible("ansible-playbook", "site.yml", "-i", "inventories/production", "-e", f"@{values}", *arguments).stdout


def test_production_fits_the_reference_pools(cluster: Path, tmp_path: Path) -> None:
    values = tmp_path / "values.json"
    values.write_text(json.dumps(VALUES))
    started = ansible("ansible-playbook", "playbooks/cluster.yml", "-i", "inventories/production", "-e", f"@{values}").stdout
    assert "failed=0" in started, started[-3000:]
    kubectl("apply", "--server-side", "-f", "-", given=volumes())
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

    text = play(values, "--tags", "controllers", "-e", "controllers_wait=false")
    assert "failed=0" in text, text[-3000:]
    kubeconfig = STATE / NAME / "kubeconfig"
    with running(Client.from_params({"kubeconfig": str(kubeconfig)}), kubeconfig, STATE / NAME, tmp_path), cert_manager(tmp_path):
        text = play(values)
        assert "failed=0" in text, text[-5000:]
        again = play(values)
        assert "changed=0" in again, again[-3000:]
    kubectl("wait", "--for=condition=Ready", "pods", "--all", "-A", "--timeout=180s")
    pods = json.loads(kubectl("get", "pods", "-A", "-o", "json"))["items"]
    where = Counter((pod["metadata"]["labels"].get("app", ""), pod["spec"]["nodeName"].split("-")[0]) for pod in pods)
    assert where["redis", "memory"] == 3
    assert where["postgresql", "memory"] == 1
    assert not [app for app, pool in where if pool == "gpu"]  # nothing that needs no GPU is on the node that costs most
    assert sum(count for (app, _pool), count in where.items() if app == "vcci-backend-api") == 3
    assert sum(count for (app, _pool), count in where.items() if app == "vcci-worker") == 2


def test_another_environment_is_refused(cluster: Path, tmp_path: Path) -> None:
    values = tmp_path / "values.json"
    values.write_text(json.dumps({"cluster_kubeconfig": VALUES["cluster_kubeconfig"]}))
    refused = ansible("ansible-playbook", "playbooks/data.yml", "-i", "inventories/staging", "-e", f"@{values}")
    assert refused.returncode != 0
    assert "is the cluster of environment 'rehearsal-production', not of 'staging'" in " ".join(refused.stdout.split())
