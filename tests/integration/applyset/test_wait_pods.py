# Copyright (c) 2026 GreenLang. All rights reserved.
"""Pods that do not start: what the wait says of them, when it ends, and how a former setting repairs a StatefulSet."""

from __future__ import annotations

import re
import time

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import WaitTimeout

from tests.helpers import PATIENCE, eventually, impersonating
from tests.integration.applyset.kubelet import Kubelet

LABELS = {"app": "web"}
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
def kubelet(client, namespace):
    with Kubelet(client, namespace) as played:
        yield played


def workload(kind, namespace, pod, replicas=1, **spec):
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": pod},
        **({"serviceName": "web"} if kind == "StatefulSet" else {}),
        **spec,
    }
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": namespace}, "spec": spec}


@pytest.fixture
def failure(apply):
    """The error with which an awaited run ends, and what was said meanwhile."""

    def run(objects, **options):
        said = []
        with pytest.raises(WaitTimeout) as caught:
            apply(objects, wait=True, say=said.append, **{"wait_timeout": 300, "wait_grace": 1, **options})
        return caught.value, said

    return run


def test_what_does_not_start_ends_the_wait_with_the_reason_first(apply, failure, kubelet, namespace):
    reason = "cannot pull example.invalid/app:missing (ImagePullBackOff: not found)"
    apply([workload("Deployment", namespace, kubelet.pod("good"))], wait=True, wait_timeout=PATIENCE)
    error, said = failure([workload("Deployment", namespace, kubelet.pod("missing"))], wait_grace=4)
    first = str(error).splitlines()[0]
    assert first.startswith(f"Deployment {namespace}/web cannot start: pod web-")
    assert reason in first
    assert "not ready after" not in first  # it ended before its time
    assert str(error).count(reason) == 1, error
    assert "Way back: run again with the former setting" in first
    assert error.result.configured == [f"Deployment {namespace}/web"]
    assert any(line.startswith("waiting (") and reason in line for line in said)
    again = apply([workload("Deployment", namespace, kubelet.pod("good"))], wait=True, wait_timeout=PATIENCE)
    assert again.configured


def test_what_may_still_start_is_waited_for(failure, kubelet, namespace):
    """One crash is none yet: what it depends on may be starting. How often a Job may crash is its own to say."""
    template = {"spec": kubelet.pod("crash", restartPolicy="OnFailure")}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": namespace}}
    objects = [workload("Deployment", namespace, kubelet.pod("crash-once")), {**job, "spec": {"template": template}}]
    error, _said = failure(objects, wait_timeout=15, wait_grace=1)
    ended = re.search(r"exit code 2 \(Error\), 1 restart; not ready after (\d+) s", str(error).splitlines()[0])
    assert ended
    assert int(ended[1]) >= 15
    assert len(error.pending) == 2


def test_no_room_ends_the_wait_unless_a_node_is_being_added(failure, client, namespace):
    pod = {"containers": [{"name": "main", "image": "example.invalid/a:1"}], "nodeSelector": {"no": "such-node"}}
    error, _said = failure([workload("Deployment", namespace, pod)])
    first = str(error).splitlines()[0]
    assert "cannot be placed: 0/3 nodes are available" in first
    assert "not ready after" not in first
    (found,) = client.list("v1", "Pod", namespace)
    meta = found["metadata"]
    event = {
        "metadata": {"generateName": "scale-up", "namespace": namespace},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "namespace": namespace},
        "reason": "TriggeredScaleUp",
        "type": "Normal",
        "message": "pod triggered scale-up",
        "lastTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    client.request("POST", f"/api/v1/namespaces/{namespace}/events", body=event)
    error, _said = failure([workload("Deployment", namespace, pod)], wait_timeout=15, wait_grace=1)
    assert "not ready after" in str(error)


def test_a_pod_that_waits_for_a_volume_shows_what_its_claim_says(failure, client, namespace):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": namespace},
        "spec": spec,
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    pod = {"containers": [{"name": "main", "image": "example.invalid/a:1"}], "volumes": volumes}
    error, _said = failure([claim, workload("Deployment", namespace, pod)], wait_grace=3)
    assert 'claim data: ProvisioningFailed: storageclass.storage.k8s.io "fast" not found' in str(error)


QUOTA = {"kind": "ResourceQuota", "apiVersion": "v1", "spec": {"hard": {"pods": "1"}}}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_quota_is_named_though_one_pod_runs(apply, failure, client, namespace, kind):
    apply([{**QUOTA, "metadata": {"name": "q", "namespace": namespace}}], name="quota")
    eventually(lambda: client.get("v1", "ResourceQuota", "q", namespace)["status"].get("used"), "it counts")
    pod = {"containers": [{"name": "main", "image": "example.invalid/a:1"}]}
    error, _said = failure([workload(kind, namespace, pod, 2)])
    first = str(error).splitlines()[0]
    assert "exceeded quota: q" in first
    assert "pods cannot be created" in first
    assert "not ready after" not in first
    assert str(error).count("exceeded quota") == 1, error


def test_a_former_setting_repairs_a_stateful_set(apply, failure, kubelet, client, namespace):
    """As does a right one after a first one that was wrong. Each pod is replaced once, healthy ones stay, and a budget
    that allows nothing is no hindrance."""
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": LABELS}},
    }

    def objects(tag):
        return [budget, workload("StatefulSet", namespace, kubelet.pod(tag), 2)]

    def run(tag):
        return apply(objects(tag), wait=True, wait_timeout=PATIENCE)

    failure(objects("crash"))
    fixed = run("good")
    assert fixed.replaced == [f"Pod {namespace}/web-0"]
    assert fixed.changed
    assert "1 replaced" in fixed.summary()
    failure(objects("missing"))
    healthy = client.get("v1", "Pod", "web-0", namespace)["metadata"]["uid"]
    assert run("good").replaced == [f"Pod {namespace}/web-1"]
    assert client.get("v1", "Pod", "web-0", namespace)["metadata"]["uid"] == healthy
    unchanged = run("good")
    assert not unchanged.changed
    assert unchanged.replaced == []


def test_who_may_not_delete_pods_is_told_the_command(apply, failure, kubelet, client, kubeconfig, namespace):
    apply([workload("StatefulSet", namespace, kubelet.pod("missing"))])
    eventually(lambda: client.get("v1", "Pod", "web-0", namespace), "its pod is there")
    rules = [
        {"apiGroups": ["apps", ""], "resources": ["statefulsets", "configmaps"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["get", "list"]},
    ]
    name, meta = f"{RBAC}/v1", {"name": "d", "namespace": namespace}
    user = {"kind": "User", "apiGroup": RBAC, "name": namespace}
    ref = {"apiGroup": RBAC, "kind": "Role", "name": "d"}
    access = [
        {"apiVersion": name, "kind": "Role", "metadata": meta, "rules": rules},
        {"apiVersion": name, "kind": "RoleBinding", "metadata": meta, "roleRef": ref, "subjects": [user]},
    ]
    apply(access, name="access")
    deployer = impersonating(kubeconfig, namespace, access)
    try:
        error, _said = failure(
            [workload("StatefulSet", namespace, kubelet.pod("good"))], client=deployer, wait_timeout=15
        )
    finally:
        deployer.close()
    assert f"kubectl delete pod web-0 -n {namespace}" in str(error).splitlines()[0]
