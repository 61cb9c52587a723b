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

from tests.helpers import PATIENCE, STATE, ansible, connect, eventually, kubectl, local_cluster
from tests.integration.secrets.controller import running

NAME, SUBNET = "rehearsal", "10.93.0.0/16"
GPU = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
POOLS = [
    {"name": "compute", "count": 3, "capacity": {"cpu": "4", "memory": "16Gi", "pods": "58"}},
    {
        "name": "memory",
        "count": 3,
        "labels": {"workload-type": "memory"},
        "capacity": {"cpu": "4", "memory": "32Gi", "pods": "58"},
    },
    {
        "name": "gpu",
        "count": 1,
        "labels": {"workload-type": "gpu"},
        "taints": [GPU],
        "capacity": {"cpu": "8", "memory": "61Gi", "pods": "58", "nvidia.com/gpu": "1"},
    },
]
KUBECONFIG = STATE / NAME / "kubeconfig"
FILES = f"{STATE}/{NAME}/files"
CLASSES = {"fast-ssd": "ReadWriteOnce", "standard": "ReadWriteOnce", "nfs-storage": "ReadWriteMany"}
REPLICAS = {"vcci-backend-api": 3, "vcci-worker": 2}
VALUES = {
    "cluster_rehearsal": True,
    "cluster_provider": "local",
    "cluster_local_name": NAME,
    "cluster_local_nodes": "simulated",
    "cluster_local_subnet": SUBNET,
    "cluster_api_server_cidrs": ["10.93.0.1/32"],
    "cluster_local_pools": POOLS,
    "cluster_kubeconfig": f"{STATE}/{NAME}/kubeconfig",
    "controllers_helm_binary": f"{STATE}/{NAME}/bin/helm",
    "controllers_sealed_secrets_chart": {"chart": f"{FILES}/sealed-secrets/chart"},
    "controllers_cert_manager_chart": {"chart": f"{FILES}/cert-manager/chart", "version": "v1.21.2"},
    # Simulated pods answer nothing: no webhook is asked, and the controllers proper run beside the cluster.
    "controllers_cert_manager_without": ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"],
    # Where production names an object store of its own, which nobody here could be asked for.
    "data_s3_server": "seaweedfs",
    "data_s3_endpoint": "seaweedfs:8333",
    "vault_openai_api_key": "rehearsal",
    "vault_anthropic_api_key": "rehearsal",
}


def volumes() -> str:
    """What a cloud would provide: classes, and volumes for the claims that this inventory makes."""
    found = [each for name, mode in CLASSES.items() for each in (storage_class(name), *volumes_of(name, mode))]
    return "\n---\n".join(json.dumps(each) for each in found)


def storage_class(name: str) -> dict:
    rules = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, **rules}


def volumes_of(name: str, mode: str) -> list[dict]:
    where = {"storageClassName": name, "hostPath": {"path": "/nowhere"}}
    spec = {"capacity": {"storage": "1Ti"}, "accessModes": [mode], **where}
    names = [f"{name}-{number}" for number in range(12)]
    return [{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": one}, "spec": spec} for one in names]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    local_cluster(name=NAME, state="absent")
    yield STATE / NAME
    assert local_cluster(name=NAME, state="absent").returncode == 0


@contextlib.contextmanager
def cert_manager(work: Path) -> Iterator[None]:
    """cert-manager's controller as a process of this machine."""
    program = [str(STATE / NAME / "bin" / "cert-manager"), "controller", f"--kubeconfig={KUBECONFIG}"]
    program += ["--leader-elect=false", "--cluster-resource-namespace=cert-manager"]
    program += ["--metrics-listen-address=127.93.0.1:9402"]
    program += ["--internal-healthz-listen-address=127.93.0.1:9403"]
    with (work / "cert-manager.log").open("wb") as log:
        process = subprocess.Popen(program, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)


def play(values: Path, *arguments: str, playbook: str = "site.yml") -> str:
    flags = ["-i", "inventories/production", "-e", f"@{values}"]
    return ansible("ansible-playbook", playbook, *flags, *arguments).stdout


def pods() -> list[dict]:
    """All that are not on their way out, but for those that stand for programs beside the cluster."""
    found = json.loads(kubectl(KUBECONFIG, "get", "pods", "-A", "-o", "json"))["items"]
    run = [pod for pod in found if pod["spec"].get("schedulerName") != "none"]
    return [pod for pod in run if "deletionTimestamp" not in pod["metadata"]]


def app_of(pod: dict) -> str:
    return pod["metadata"].get("labels", {}).get("app", "")


def ready(pod: dict) -> bool:
    conditions = {entry["type"]: entry["status"] for entry in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True"


def where() -> Counter[tuple[str, str]]:
    """How many pods of an application are in a pool."""
    return Counter((app_of(pod), pod["spec"].get("nodeName", "none").partition("-")[0]) for pod in pods())


def test_production_fits_the_reference_pools(cluster: Path, tmp_path: Path) -> None:
    values = tmp_path / "values.json"
    values.write_text(json.dumps(VALUES))
    started = play(values, playbook="playbooks/cluster.yml")
    assert "failed=0" in started, started[-3000:]
    kubectl(KUBECONFIG, "apply", "--server-side", "-f", "-", given=volumes())
    text = play(values, "--tags", "controllers", "-e", "controllers_wait=false")
    assert "failed=0" in text, text[-3000:]
    sealed_secrets = running(connect(KUBECONFIG), KUBECONFIG, cluster, tmp_path)
    with sealed_secrets, cert_manager(tmp_path):
        text = play(values)
        assert "failed=0" in text, text[-5000:]
        again = play(values)
        assert "changed=0" in again, again[-3000:]

    def settled() -> bool:
        """Nothing is on its way, and autoscalers have their minimum: they raise a Deployment only after they see it."""
        there = pods()
        sums = Counter(app_of(pod) for pod in there)
        return all(ready(pod) for pod in there) and all(sums[app] == count for app, count in REPLICAS.items())

    eventually(settled, lambda: json.dumps([str(entry) for entry in where().items()]), every=1)
    found = where()
    assert found["redis", "memory"] == 3
    assert found["postgresql", "memory"] == found["weaviate", "memory"] == 3  # each on a node of its own
    assert not [app for app, pool in found if pool == "gpu"]  # nothing that needs no GPU is on the node that costs most
    for app, count in REPLICAS.items():
        assert sum(number for (name, _pool), number in found.items() if name == app) == count


def test_another_environment_is_refused(cluster: Path, tmp_path: Path) -> None:
    values = tmp_path / "values.json"
    values.write_text(json.dumps({"cluster_kubeconfig": VALUES["cluster_kubeconfig"]}))
    refused = ansible("ansible-playbook", "playbooks/data.yml", "-i", "inventories/staging", "-e", f"@{values}")
    assert refused.returncode != 0
    assert "is the cluster of environment 'rehearsal-production', not of 'staging'" in " ".join(refused.stdout.split())
