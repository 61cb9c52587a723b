# Copyright (c) 2026 GreenLang. All rights reserved.
"""An empty cluster that is to take the platform: all that it lacks is told at once, and nothing is written."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import ansible, connect

LACKS = ("variables", "storage_classes", "metrics", "network_policies")


def test_production_on_an_empty_cluster(kubeconfig: Path) -> None:
    with_client = connect(kubeconfig)
    before = {one["metadata"]["name"] for one in with_client.list("v1", "Namespace")}
    values = ["-e", f"cluster_kubeconfig={kubeconfig}", "-e", "platform_namespace=of-preflight"]
    done = ansible("ansible-playbook", "playbooks/cluster.yml", "-i", "inventories/production", *values)
    assert done.returncode == 2, done.stdout[-2000:]
    said = " ".join(done.stdout.split())
    for check in LACKS:
        assert f"- {check}: " in said, said
    for name in ("cluster_api_server_cidrs", "platform_image_registry", "secrets_openai_api_key"):
        assert f"variables: {name} is not set. Remedy: " in said
    assert "StorageClass nfs-storage (ReadWriteMany)" in said
    assert "nothing was written" in said
    assert {one["metadata"]["name"] for one in with_client.list("v1", "Namespace")} - before == set()
    with_client.close()


def test_what_may_not_be_done_and_what_is_skipped(module, kubeconfig: Path, kubectl, namespace: str) -> None:
    kubectl("create", "serviceaccount", "weak", "-n", namespace)
    token = kubectl("create", "token", "weak", "-n", namespace).strip()
    config = connect(kubeconfig)
    weak = {"host": config.server, "api_key": token, "validate_certs": False}
    skip = ["storage_classes", "metrics", "network_policies", "nodes"]
    done = module("cluster_preflight", **weak, skip=skip)
    assert done["failed"]
    (error,) = done["errors"]
    assert error.startswith("rights: the credentials may not create or patch or delete namespaces")
    allowed = module("cluster_preflight", kubeconfig=str(kubeconfig), skip=skip)
    assert allowed["checks"] == ["variables", "programs", "version", "rights"]
    config.close()


def test_a_cluster_that_is_not_there_is_one_lack_among_others(module, tmp_path: Path) -> None:
    missing = [{"name": "key", "given": False, "remedy": "give it"}]
    done = module("cluster_preflight", kubeconfig=str(tmp_path / "none"), variables=missing)
    assert [error.partition(":")[0] for error in done["errors"]] == ["variables", "connection"]
