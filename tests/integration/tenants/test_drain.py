# Copyright (c) 2026 GreenLang. All rights reserved.
"""A node is emptied whatever a tenant made; a disruption budget of anybody else keeps its pod, and is named.

But not where its machine is off for good, and somebody says so: then all go by force, and volumes are detached.
"""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError

from tests.helpers import eventually, play

CONTAINER = {
    "name": "main",
    "image": "greenlang/pause:v1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
RESTRICTED = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.fixture
def node(client):
    """A node of this test's own. It takes pods again, and then goes, at the end."""
    name = "drained"
    spec = {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}}
    client.request("POST", "/api/v1/nodes", body={"apiVersion": "v1", "kind": "Node", **spec})
    sizes = {"cpu": "8", "memory": "8Gi", "pods": "110"}
    status = {"status": {"capacity": sizes, "allocatable": sizes}}
    kind = "application/merge-patch+json"
    client.request("PATCH", f"/api/v1/nodes/{name}/status", body=status, content_type=kind)
    yield name
    client.request("DELETE", f"/api/v1/nodes/{name}")


def kept(client, where: str, node: str) -> None:
    """A workload on the node that its budget lets nobody evict."""
    pod = {"nodeSelector": {"kubernetes.io/hostname": node}, "containers": [CONTAINER]}
    pod["securityContext"] = RESTRICTED
    labels = {"app": "kept"}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}}
    spec["template"] = {"metadata": {"labels": labels, "finalizers": ["example.com/held"]}, "spec": pod}
    path = f"/apis/apps/v1/namespaces/{where}/replicasets"
    client.request("POST", path, body={"metadata": {"name": "kept"}, "spec": spec})
    budget = {"metadata": {"name": "never"}, "spec": {"maxUnavailable": 0, "selector": {"matchLabels": labels}}}
    client.request("POST", f"/apis/policy/v1/namespaces/{where}/poddisruptionbudgets", body=budget)
    eventually(lambda: len(there(client, where, node)) == 2, "pods on the node")

    def counted() -> bool:
        status = client.get("policy/v1", "PodDisruptionBudget", "never", where).get("status") or {}
        return status.get("currentHealthy") == 2

    eventually(counted, "the budget is counted")


def fewer(client, where: str) -> None:
    """None of the workload's pods is wanted any more, so that nobody makes others in the place of those that go."""
    path, none = f"/apis/apps/v1/namespaces/{where}/replicasets/kept", {"spec": {"replicas": 0}}
    client.request("PATCH", path, body=none, content_type="application/merge-patch+json")

    def heard() -> bool:
        status = client.get("apps/v1", "ReplicaSet", "kept", where)["status"]
        return status["replicas"] == 0

    eventually(heard, "its controller has let go of them")


def there(client, where: str, node: str) -> list[str]:
    pods = client.list("v1", "Pod", where)
    return [p["metadata"]["name"] for p in pods if p["spec"].get("nodeName") == node]


def free(client, where: str) -> None:
    """Remove the workload, with pods that nobody else would let go."""
    path = f"/apis/apps/v1/namespaces/{where}/replicasets/kept"
    client.request("DELETE", path, body={"propagationPolicy": "Orphan"})
    eventually(lambda: client.get("apps/v1", "ReplicaSet", "kept", where) is None, "the workload goes")
    for pod in client.list("v1", "Pod", where):
        path = f"/api/v1/namespaces/{where}/pods/{pod['metadata']['name']}"
        body = {"metadata": {"finalizers": None}}
        client.request("PATCH", path, body=body, content_type="application/merge-patch+json")
        client.request("DELETE", path, body={"gracePeriodSeconds": 0})
    eventually(lambda: client.list("v1", "Pod", where) == [], "its pods go")


def test_a_tenant_does_not_keep_a_node(quota, client, kubeconfig, prefix, namespace, node, tmp_path):
    tiers = {"any": {"quota": {"pods": 50}}}
    made = quota(tiers=tiers, tenants=[{"id": f"{prefix}-d", "name": "Drained", "tier": "any"}])
    assert not made.get("failed"), made
    where = f"vcci-tenant-{prefix}-d"
    eventually(lambda: client.get("v1", "ServiceAccount", "default", namespace), "account")
    kept(client, where, node)

    def drain(*flags: str, **options: object) -> dict:
        given = {"kubeconfig": str(kubeconfig), "name": node, "wait_timeout": 2, **options}
        results, _said = play(tmp_path, [{"greenlang.vcci.node_drain": given, "ignore_errors": True}], *flags)
        return results[0]

    predicted = drain("--check")
    assert predicted["changed"]
    assert len(predicted["changes"]) == 3
    assert "unschedulable" not in client.get("v1", "Node", node)["spec"]

    alone = {"spec": {"nodeName": node, "containers": [CONTAINER], "securityContext": RESTRICTED}}
    client.request("POST", f"/api/v1/namespaces/{where}/pods", body={"metadata": {"name": "alone"}, **alone})
    asked = drain()
    assert f"nothing would make again: {where}/alone" in asked["msg"]
    assert "unschedulable" not in client.get("v1", "Node", node)["spec"]

    done = drain(delete_pods=True)
    assert not done.get("failed"), done["msg"]
    assert there(client, where, node) == []
    assert any("deleted, since nothing else ended it" in line for line in done["forced"])
    assert not drain()["changed"]
    assert drain(state="schedulable")["changed"]
    assert not drain(state="schedulable")["changed"]

    free(client, where)

    # A budget of anybody else is heeded, and named.
    kept(client, namespace, node)
    refused = drain()
    assert "takes no new pods, and is not empty" in refused["msg"]
    assert "never" in refused["msg"]
    assert len(there(client, namespace, node)) == 2
    free(client, namespace)
    drain(state="schedulable")
    assert "there is no node nowhere; there are" in drain(name="nowhere")["msg"]


MERGE = "application/strategic-merge-patch+json"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
READY = "has(object.status.conditions) && object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')"


def say(client, node: str, status: str, seconds: int, **query: str) -> None:
    """What the control plane says of the node's kubelet, since so many seconds."""
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    condition = {"type": "Ready", "status": status, "lastTransitionTime": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
    body = {"status": {"conditions": [condition]}}
    client.request("PATCH", f"/api/v1/nodes/{node}/status", body=body, content_type=MERGE, query=query)


@pytest.fixture
def dead(client, node):
    """The node, of which nobody may say any more that it is Ready."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["nodes/status"]}
    policy = {
        "matchConstraints": {"resourceRules": [{**rule, "resourceNames": [node]}]},
        "validations": [{"expression": f"!({READY})", "message": "it is off"}],
    }
    binding = {"policyName": f"{node}-off", "validationActions": ["Deny"]}
    for path, spec in ((f"{POLICIES}ies", policy), (f"{POLICIES}ybindings", binding)):
        client.request("POST", path, body={"metadata": {"name": f"{node}-off"}, "spec": spec})

    def off() -> bool:
        try:
            say(client, node, "True", 0, dryRun="All")
        except ApiError as exc:
            return "it is off" in str(exc)
        return False

    eventually(off, "nobody says that it is Ready")
    yield node
    for path in (f"{POLICIES}ybindings", f"{POLICIES}ies"):
        client.request("DELETE", f"{path}/{node}-off")


def out(client, node: str) -> bool:
    taints = client.get("v1", "Node", node)["spec"].get("taints") or []
    return any(one["key"] == "node.kubernetes.io/out-of-service" for one in taints)


def test_what_is_begun_to_be_removed_is_removed(client, kubeconfig, namespace, node, request, tmp_path):
    """The collector of pods calls those of a node that is out of service failed, and deletes them; a finalizer may
    still hold them then."""
    eventually(lambda: client.get("v1", "ServiceAccount", "default", namespace), "account")
    kept(client, namespace, node)
    request.getfixturevalue("dead")
    say(client, node, "Unknown", 3600)
    fewer(client, namespace)
    for name in there(client, namespace, node):
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        failed = {"status": {"phase": "Failed"}}
        client.request("PATCH", f"{path}/status", body=failed, content_type="application/merge-patch+json")
        client.request("DELETE", path, body={"gracePeriodSeconds": 0})
    assert len(there(client, namespace, node)) == 2
    options = {"kubeconfig": str(kubeconfig), "name": node, "wait_timeout": 2, "gone": [node], "delete_pods": True}
    [done], said = play(tmp_path, [{"greenlang.vcci.node_drain": options}])
    assert not done.get("failed"), said
    assert len([line for line in done["forced"] if "with finalizers example.com/held" in line]) == 2
    assert there(client, namespace, node) == []
    free(client, namespace)


def test_a_node_that_is_gone_is_emptied_by_force(client, kubeconfig, namespace, node, request, tmp_path):
    eventually(lambda: client.get("v1", "ServiceAccount", "default", namespace), "account")
    kept(client, namespace, node)
    request.getfixturevalue("dead")
    say(client, node, "Unknown", 3600)
    same = {"kubeconfig": str(kubeconfig), "name": node, "wait_timeout": 2}

    def drain(*several: dict, check: bool = False) -> list[dict]:
        tasks = [{"greenlang.vcci.node_drain": {**same, **one}, "ignore_errors": True} for one in several]
        results, said = play(tmp_path, tasks, *(["--check"] if check else []))
        assert len(results) == len(several), said
        return results

    gone = {"gone": [node]}
    living = next(name for name in (one["metadata"]["name"] for one in client.list("v1", "Node")) if name != node)
    [predicted] = drain(gone, check=True)
    assert f"Node {node}: out of service" in predicted["changes"]
    assert not out(client, node)
    waits, other, lives = drain({}, {"gone": ["nowhere"]}, {"name": living, "gone": [living]})
    assert "is not empty" in waits["msg"]
    assert "if its machine is off for good, name it in gone" in waits["msg"]
    assert "gone: nowhere is not emptied here. Remedy: name some of" in other["msg"]
    assert f"the kubelet of node {living} reports, so that its pods may run" in lives["msg"]
    assert len(there(client, namespace, node)) == 2
    done, again = drain(gone, gone)
    assert not done.get("failed"), done["msg"]
    assert set(predicted["changes"]) - {f"Node {node}"} <= set(done["changes"])
    assert done["forced"]
    assert there(client, namespace, node) == []
    assert out(client, node)
    assert not again["changed"]
    back, once_more = drain({"state": "schedulable"}, {"state": "schedulable"})
    assert back["changes"] == [f"Node {node}: in service", f"Node {node}"]
    assert not out(client, node)
    assert not once_more["changed"]
    free(client, namespace)
