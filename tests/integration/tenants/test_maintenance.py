# Copyright (c) 2026 GreenLang. All rights reserved.
"""Everything that would keep a node is found at once, with pod, owner and budget; a pool is emptied as a whole."""

from __future__ import annotations

import pytest

from tests.helpers import PATIENCE, eventually, play
from tests.integration.tenants.test_drain import CONTAINER, RESTRICTED

LABELS = {"app": "kept"}
POOL = "upkeep"


@pytest.fixture
def nodes(client):
    """Two nodes of a pool of this test's own; they go at the end."""
    names = [f"{POOL}-{number}" for number in (1, 2)]
    sizes = {"cpu": "2", "memory": "8Gi", "pods": "110"}
    status = {"status": {"capacity": sizes, "allocatable": sizes}}
    for name in names:
        labels = {"kubernetes.io/hostname": name, "vcci.io/pool": POOL}
        body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        client.request("POST", "/api/v1/nodes", body=body)
        kind = "application/merge-patch+json"
        client.request("PATCH", f"/api/v1/nodes/{name}/status", body=status, content_type=kind)
    eventually(lambda: all(_ready(client, name) for name in names), "the nodes are Ready")
    yield names
    for name in names:
        client.request("DELETE", f"/api/v1/nodes/{name}")


@pytest.fixture(autouse=True)
def emptied(client, nodes) -> None:
    """Namespaces of earlier tests go by and by: until then their pods are on these nodes."""
    fields = [f"spec.nodeName={name}" for name in nodes]
    eventually(
        lambda: not any(client.list("v1", "Pod", field_selector=field) for field in fields), "the nodes are empty"
    )


def _ready(client, name: str) -> bool:
    conditions = (client.get("v1", "Node", name).get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def workload(client, where: str, replicas: int, **budget: object) -> None:
    pod = {"nodeSelector": {"vcci.io/pool": POOL}, "containers": [CONTAINER], "securityContext": RESTRICTED}
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}}
    spec["template"] = {"metadata": {"labels": LABELS}, "spec": pod}
    client.request(
        "POST", f"/apis/apps/v1/namespaces/{where}/deployments", body={"metadata": {"name": "web"}, "spec": spec}
    )
    body = {"metadata": {"name": "strict"}, "spec": {**budget, "selector": {"matchLabels": LABELS}}}
    client.request("POST", f"/apis/policy/v1/namespaces/{where}/poddisruptionbudgets", body=body)
    eventually(lambda: _healthy(client, where) == replicas, "its budget counts its pods")


def _healthy(client, where: str) -> int:
    budget = client.get("policy/v1", "PodDisruptionBudget", "strict", where)
    return (budget.get("status") or {}).get("currentHealthy", 0)


def on(client, where: str, nodes: list[str]) -> list[str]:
    return [pod["metadata"]["name"] for pod in client.list("v1", "Pod", where) if pod["spec"].get("nodeName") in nodes]


def test_what_keeps_a_pool_is_told_before_anything_is_changed(client, kubeconfig, namespace, nodes, tmp_path):
    eventually(lambda: client.get("v1", "ServiceAccount", "default", namespace), "account")
    workload(client, namespace, 1, minAvailable=1)
    same = {"kubeconfig": str(kubeconfig), "pool": POOL}
    looks = [
        {**same, "checks": ["budgets"]},
        {**same, "checks": ["budgets"], "accept": ["budgets"]},
        {**same, "checks": ["capacity"]},
        {**same, "checks": ["capacity"], "returns": False},
        {"kubeconfig": str(kubeconfig), "nodes": ["nowhere"]},
        {**same, "pool": "nowhere"},
        {**same, "accept": ["skew"]},
        {**same, "version": "1.36"},
        {**same, "version": "1.39"},
        {**same, "version": "latest"},
    ]
    tasks = [{"greenlang.vcci.upgrade_preflight": one, "ignore_errors": True} for one in looks]
    tasks.append({"greenlang.vcci.node_drain": {**same, "wait_timeout": PATIENCE}, "ignore_errors": True})
    results, said = play(tmp_path, tasks)
    kept, accepted, waits, lost, node, pool, accept, lower, skipped, none, drained = results
    budget = f"PodDisruptionBudget {namespace}/strict: it never allows a disruption (minAvailable is 1 of 1)"
    assert f"of Deployment web is kept by {budget}" in kept["msg"]
    assert "looking for them changed nothing" in kept["msg"]
    assert [one["check"] for one in accepted["findings"]] == ["budgets"]
    assert not waits.get("failed"), waits
    [room] = [one["what"] for one in waits["findings"]]
    for told in (room, lost["msg"]):  # all of the pool goes
        assert f"without nodes {', '.join(nodes)} no room is left for" in told
        assert f"{namespace}/web-" in told
    assert "there is no node nowhere; there are" in node["msg"]
    assert "there is no pool nowhere; there are" in pool["msg"]
    assert "skew cannot be accepted. Remedy: name some of" in accept["msg"]
    assert "is lower than the cluster's" in lower["msg"]
    assert "skips minors" in skipped["msg"]
    assert "'latest' is no version of Kubernetes" in none["msg"]
    assert "takes no new pods, and is not empty" in drained["msg"]
    assert budget in drained["msg"]
    assert f"stays: of Deployment web, kept by {budget}" in said  # at once: it does not wait for what never comes
    assert on(client, namespace, nodes)


def test_what_ends_the_emptying_of_a_pool_midway_is_told_before(client, kubeconfig, namespace, nodes, tmp_path):
    """Its pods have nowhere to go while all of it is away, and their budget lets some of them be away alone."""
    eventually(lambda: client.get("v1", "ServiceAccount", "default", namespace), "account")
    workload(client, namespace, 2, minAvailable=1)
    pod = {"nodeName": nodes[0], "containers": [CONTAINER], "securityContext": RESTRICTED}
    lonely = {"metadata": {"name": "lonely"}, "spec": pod}
    client.request("POST", f"/api/v1/namespaces/{namespace}/pods", body=lonely)
    same = {"kubeconfig": str(kubeconfig), "checks": ["pods", "budgets"]}
    looks = [
        {**same, "pool": POOL},
        {**same, "pool": POOL, "delete_pods": True},
        {**same, "nodes": nodes, "delete_pods": True},
    ]
    results, said = play(tmp_path, [{"greenlang.vcci.upgrade_preflight": one, "ignore_errors": True} for one in looks])
    both, together, one_by_one = results
    assert f"on node {nodes[0]} are pods that nothing would make again: {namespace}/lonely" in both["msg"], said
    for look in (both, together):
        assert f"PodDisruptionBudget {namespace}/strict lets 1 of {namespace}/web-" in look["msg"], said
    assert "lonely" not in together["msg"]
    assert not one_by_one.get("failed"), one_by_one


def test_a_pool_is_emptied_and_taken_back(client, kubeconfig, namespace, nodes, tmp_path):
    eventually(lambda: client.get("v1", "ServiceAccount", "default", namespace), "account")
    workload(client, namespace, 2, maxUnavailable="100%")
    drain = {"kubeconfig": str(kubeconfig), "pool": POOL, "wait_timeout": PATIENCE}
    back = {**drain, "state": "schedulable"}
    tasks = [{"greenlang.vcci.node_drain": one} for one in (drain, drain)]
    results, said = play(tmp_path, tasks)
    assert len(results) == 2, said
    first, second = results
    assert first["nodes"] == nodes, said
    assert {f"Node {name}" for name in nodes} <= set(first["changes"])
    assert not second["changed"], second
    assert on(client, namespace, nodes) == []
    wait = {"kubeconfig": str(kubeconfig), "nodes": nodes, "checks": ["nodes"], "wait_timeout": PATIENCE}
    results, _said = play(tmp_path, [{"greenlang.vcci.node_drain": back}, {"greenlang.vcci.upgrade_preflight": wait}])
    assert not results[1].get("failed"), results[1]
    eventually(lambda: len(on(client, namespace, nodes)) == 2, "its pods are back")
