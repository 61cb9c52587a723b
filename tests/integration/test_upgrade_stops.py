# Copyright (c) 2026 GreenLang. All rights reserved.
"""A node that never gets Ready ends an upgrade in a state that is told, recorded, and gone on from.

Nodes are simulated: what simulates them may no longer say that one is Ready. Real ones: tests/soak/minor.py.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import ledger

from tests.helpers import connect, eventually, own_cluster, upgrade_to_itself

SIZES = {"cpu": "4", "memory": "8Gi", "pods": "110"}
POOLS = [{"name": "compute", "count": 2, "capacity": SIZES}]
NODE, OTHER = "compute-2", "compute-1"
SECONDS = 60  # for pods to go, and for nodes to be Ready
SAYS = {"reason": "KubeletNotReady", "message": "container runtime is down"}
MERGE = "application/strategic-merge-patch+json"
DENIED = "no longer"


@pytest.fixture
def cluster() -> Iterator[Path]:
    with own_cluster("stops", range(60, 64), nodes="simulated", pools=POOLS) as state:
        yield state


def say_ready(client: Client, ready: bool, **more: Any) -> None:
    condition = {"type": "Ready", "status": str(ready), **more}
    path = f"/api/v1/nodes/{NODE}/status"
    dry = {"dryRun": "All"} if ready else {}
    client.request("PATCH", path, body={"status": {"conditions": [condition]}}, query=dry, content_type=MERGE)


def refused_ready(client: Client) -> bool:
    try:
        say_ready(client, True)
    except ApiError as exc:
        return DENIED in str(exc)
    return False


@contextlib.contextmanager
def never_ready(client: Client) -> Iterator[None]:
    """Nobody may say of the node that it is Ready; what it said before stands."""
    name, kind = "never-ready", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    said = (
        "has(object.status.conditions) && object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')"
    )
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["nodes/status"]}
    policy = {
        "matchConstraints": {"resourceRules": [{**rule, "resourceNames": [NODE]}]},
        "validations": [{"expression": f"!({said})", "message": DENIED}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    for path, spec in ((f"{kind}ies", policy), (f"{kind}ybindings", binding)):
        client.request("POST", path, body={"metadata": {"name": name}, "spec": spec})
    eventually(lambda: refused_ready(client), "the policy holds")
    yield
    client.request("DELETE", f"{kind}ybindings/{name}")
    eventually(lambda: not refused_ready(client), "the policy is gone")


def keep_a_pod(client: Client) -> None:
    """A pod of the node that may not be evicted until the budget is gone: its other one never runs."""
    labels, pods = {"app": "kept"}, "/api/v1/namespaces/default/pods"
    spec = {"containers": [{"name": "main", "image": "none"}], "tolerations": [{"operator": "Exists"}]}
    for name, more in (("kept", {"nodeName": NODE}), ("waits", {"nodeSelector": {"there-is": "none"}})):
        client.request("POST", pods, body={"metadata": {"name": name, "labels": labels}, "spec": {**spec, **more}})
    budget = {"minAvailable": 1, "selector": {"matchLabels": labels}}
    body = {"metadata": {"name": "kept"}, "spec": budget}
    client.request("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", body=body)

    def holds() -> bool:
        found = client.get("policy/v1", "PodDisruptionBudget", "kept", "default") or {}
        status = found.get("status") or {}
        return (status.get("currentHealthy"), status.get("expectedPods")) == (1, 2)

    eventually(holds, "one of two pods runs")


def cordoned(client: Client) -> set[str]:
    return {one["metadata"]["name"] for one in client.list("v1", "Node") if one["spec"].get("unschedulable")}


def entry(client: Client) -> ledger.Entry:
    found = ledger.read(client.get("v1", "ConfigMap", "procedures-nodes", "kube-system"))
    return next(iter(found.entries.values()))


def test_a_node_that_never_gets_ready_ends_the_upgrade_which_then_goes_on(cluster: Path) -> None:
    client = connect(cluster / "kubeconfig")
    keep_a_pod(client)
    waiting = {"cluster_upgrade_wait_timeout": SECONDS}
    with ThreadPoolExecutor(1) as pool, never_ready(client):
        run = pool.submit(upgrade_to_itself, cluster, POOLS, **waiting)
        eventually(lambda: cordoned(client) == {NODE} or run.done(), f"{NODE} is being emptied")
        say_ready(client, False, **SAYS)
        client.request("DELETE", "/apis/policy/v1/namespaces/default/poddisruptionbudgets/kept")
        told = run.result().stdout
        assert cordoned(client) == {NODE}, told
        for says in (
            f"in step 'node {NODE}', at the task 'Start the local cluster'",
            f"nodes {NODE} are not Ready after",
            f"{NODE} says KubeletNotReady: container runtime is down",
            f"Done before, and not done again: look, snapshot, control plane, node {OTHER}.",
            f"cordoned: {NODE}",
            f"not Ready: {NODE} (KubeletNotReady: container runtime is down)",
            "Remedy: mend what is told above and run the same command; or go back, by playbooks/cluster_rollback.yml",
            f"it goes on with step 'node {NODE}'",
        ):
            assert says in told, f"{says!r} is not in:\n{told}"
        assert (entry(client).state, entry(client).step) == ("failed", f"node {NODE}")
    eventually(lambda: ready(client), f"{NODE} is Ready again")
    done = upgrade_to_itself(cluster, POOLS, **waiting)
    assert done.returncode == 0, done.stdout
    assert f"step node {OTHER}: was taken before" in done.stdout
    assert (entry(client).state, cordoned(client)) == ("done", set())


def ready(client: Client) -> bool:
    """What simulates it says so again; soon after it is asked to look once more."""
    body = {"metadata": {"annotations": {"look": uuid.uuid4().hex}}}
    client.request("PATCH", f"/api/v1/nodes/{NODE}", body=body, content_type=MERGE)
    [node] = [one for one in client.list("v1", "Node") if one["metadata"]["name"] == NODE]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"]["conditions"])
