# Copyright (c) 2026 GreenLang. All rights reserved.
"""Drift by hand does not stop a preview: it shows every conflict and every difference, and fails at its end."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set

from tests.helpers import Client, ansible

TAGS = "platform_config,frontend"


def play(kubeconfig: Path, namespace: str, *flags: str, **variables: object) -> subprocess.CompletedProcess[str]:
    values = {"cluster_kubeconfig": str(kubeconfig), "platform_namespace": namespace, "apps_wait": False, **variables}
    given = ["-i", "inventories/local", "--tags", TAGS, "-e", json.dumps(values)]
    return ansible("ansible-playbook", "playbooks/apps.yml", *given, *flags)


@pytest.fixture
def local(client: Client) -> Iterator[None]:
    """The cluster is that of the environment `local`; then what it was before."""
    name, space = "vcci-cluster-identity", "kube-system"
    before = client.get("v1", "ConfigMap", name, space)

    def is_for(data: dict[str, str]) -> None:
        meta = {"name": name, "namespace": space}
        said = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        apply_set(client, [said], ApplyOptions(name=None, force_conflicts=True))

    is_for({"environment": "local"})
    yield
    if before:
        is_for(before["data"])
    else:
        client.request("DELETE", f"/api/v1/namespaces/{space}/configmaps/{name}")


@pytest.mark.usefixtures("local")
def test_a_preview_goes_on_after_a_conflict_and_fails_at_its_end(kubeconfig: Path, namespace: str, kubectl) -> None:
    made = play(kubeconfig, namespace)
    assert made.returncode == 0, made.stdout[-3000:]
    here = ("-n", namespace, "--type=merge", "-p")
    kubectl("patch", "configmap", "platform-config", *here, '{"data":{"ENVIRONMENT":"by-hand"}}')
    kubectl("patch", "hpa", "vcci-frontend-hpa", *here, '{"spec":{"minReplicas":1}}')
    changed = {"apps_frontend_image": "greenlang/vcci-frontend:v9"}
    seen = play(kubeconfig, namespace, "--check", "--diff", **changed)
    said = " ".join(seen.stdout.split())
    assert seen.returncode == 2, seen.stdout[-3000:]
    assert f"ConfigMap {namespace}/platform-config: .data.ENVIRONMENT is owned by" in said
    assert f"HorizontalPodAutoscaler {namespace}/vcci-frontend-hpa: .spec.minReplicas is owned by" in said
    assert "2 objects would be refused" in said
    assert "-e platform_force_conflicts=true" in said
    assert "image: greenlang/vcci-frontend:v9" in said  # the difference of what is not refused
    forced = play(kubeconfig, namespace, "--check", "--diff", **changed, platform_force_conflicts=True)
    assert forced.returncode == 0, forced.stdout[-3000:]
    assert "by-hand" in forced.stdout
