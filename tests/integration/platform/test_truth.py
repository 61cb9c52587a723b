# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is broken on a real API server is told, all of it at once, with why and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.workers import Workers
from ansible_collections.greenlang.vcci.plugins.plugin_utils.labels import MANAGED_BY, US
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.judge import judge
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.reasons import explain
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.state import Fault
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.survey import survey

from tests.helpers import eventually

OURS = {MANAGED_BY: US}
MERGE = "application/merge-patch+json"


def made(namespace, api_version, kind, name, **more):
    meta = {"name": name, "namespace": namespace, "labels": OURS}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **more}


def workload(namespace, kind, name, image="example/web:1", cpu="10m", **spec):
    labels = {"app": name}
    size = {"requests": {"cpu": cpu, "memory": "16Mi"}, "limits": {"cpu": cpu, "memory": "16Mi"}}
    pod = {"containers": [{"name": "main", "image": image, "resources": size}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return made(
        namespace, "apps/v1", kind, name, spec={"selector": {"matchLabels": labels}, "template": template, **spec}
    )


def everything(namespace):
    """One object of each kind that is judged and that this server has."""
    job = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example/web:1"}]}}}
    port = {"ports": [{"port": 80}]}
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "scaled"}
    return [
        workload(namespace, "Deployment", "web"),
        workload(namespace, "Deployment", "scaled"),
        made(
            namespace,
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "scaled",
            spec={"scaleTargetRef": scaled, "minReplicas": 2, "maxReplicas": 3},
        ),
        workload(namespace, "StatefulSet", "store", serviceName="store"),
        workload(namespace, "DaemonSet", "logs"),
        made(namespace, "v1", "Service", "web", spec={"selector": {"app": "web"}, **port}),
        made(namespace, "batch/v1", "CronJob", "dump", spec={"schedule": "0 2 * * *", "jobTemplate": {"spec": job}}),
        made(namespace, "v1", "ResourceQuota", "all", spec={"hard": {"requests.cpu": "4", "pods": "50"}}),
        made(namespace, "v1", "LimitRange", "one", spec={"limits": [{"type": "Container", "default": {"cpu": "1"}}]}),
        made(namespace, "networking.k8s.io/v1", "NetworkPolicy", "deny", spec={"podSelector": {}}),
        made(namespace, "policy/v1", "PodDisruptionBudget", "web", spec={"selector": {"matchLabels": {"app": "web"}}}),
        made(namespace, "v1", "ConfigMap", "settings", data={"a": "b"}),
    ]


Judged = Callable[[], dict[str, Fault]]


@pytest.fixture
def judged(client, namespace) -> Judged:
    """The faults in the test's own namespace, by their objects there."""

    def look() -> dict[str, Fault]:
        workers = Workers(8)
        seen = survey(client, workers)
        faults = [fault for fault in judge(seen) if f" {namespace}/" in fault.object]
        explain(client, workers, faults, seen, "local")
        return {fault.object.replace(f"{namespace}/", ""): fault for fault in faults}

    return look


@pytest.fixture
def platform(client, namespace, judged) -> Iterator[Callable[[list], None]]:
    """Apply objects as set `apps-x`; everything at first, and nothing of it is wrong."""

    def apply(objects):
        apply_set(client, objects, ApplyOptions(name="apps-x", namespace=namespace, prune=True))

    apply(everything(namespace))
    eventually(lambda: not judged(), lambda: {name: fault.wrong for name, fault in judged().items()}, every=1)
    return apply


def test_all_that_is_broken_is_told_at_once_and_put_back_by_a_run(client, namespace, platform, judged) -> None:
    def change(path, body):
        client.request("PATCH", f"/apis/{path}", body=body, content_type=MERGE)

    apps = f"apps/v1/namespaces/{namespace}"
    for path in (
        f"/apis/{apps}/statefulsets/store",
        f"/api/v1/namespaces/{namespace}/limitranges/one",
        f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/deny",
    ):
        client.request("DELETE", path)
    change(f"{apps}/deployments/scaled/scale", {"spec": {"replicas": 0}})
    change(f"{apps}/deployments/web", {"spec": {"paused": True}})
    change(f"{apps}/daemonsets/logs", {"spec": {"template": {"spec": {"schedulerName": "nobody"}}}})
    change(f"batch/v1/namespaces/{namespace}/cronjobs/dump", {"spec": {"suspend": True}})
    label = {"metadata": {"labels": {"applyset.kubernetes.io/part-of": None}}}
    client.request("PATCH", f"/api/v1/namespaces/{namespace}/configmaps/settings", body=label, content_type=MERGE)
    wrong = {
        "StatefulSet store": "is not there (set apps-x)",
        "LimitRange one": "is not there (set apps-x)",
        "NetworkPolicy deny": "is not there (set apps-x)",
        "Deployment scaled": "is scaled to 0 replicas by hand",
        "Deployment web": "its roll-out is paused by hand",
        "CronJob dump": "is suspended by hand",
        "ConfigMap settings": "is there, but the label of its set is gone (set apps-x)",
    }

    def found():
        return {name: fault.wrong for name, fault in judged().items() if name != "DaemonSet logs"}

    eventually(lambda: found() == wrong, found, every=1)
    faults = judged()
    assert "DaemonSet logs" in faults
    assert faults["StatefulSet store"].remedy == "ansible-playbook playbooks/apps.yml -i inventories/local"
    assert faults["Deployment scaled"].remedy == "ansible-playbook playbooks/apps.yml -i inventories/local"
    assert faults["Deployment web"].remedy == f"kubectl rollout resume deployment/web -n {namespace}"
    assert faults["CronJob dump"].remedy.startswith(f"kubectl patch cronjob dump -n {namespace} -p ")
    assert all(fault.remedy and fault.layer == "apps" for fault in faults.values())


def test_pods_that_cannot_be_made_have_their_reason(namespace, platform, judged) -> None:
    greedy = [workload(namespace, "Deployment", "greedy", cpu="5")]
    platform([*everything(namespace), *greedy])
    eventually(lambda: any("exceeded quota" in line for line in why(judged, "Deployment greedy")), judged, every=1)


def why(judged: Judged, name: str) -> list[str]:
    fault = judged().get(name)
    return [fault.wrong, *fault.reason] if fault else []


def test_a_last_run_that_failed_has_its_reason(client, namespace, platform, judged) -> None:
    owner = client.get("batch/v1", "CronJob", "dump", namespace)["metadata"]
    names = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "dump", "uid": owner["uid"], "controller": True}
    spec = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": 1,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "schedulerName": "nobody",
                "containers": [{"name": "main", "image": "example/web:1"}],
            }
        },
    }
    meta = {"name": "dump-1", "namespace": namespace, "ownerReferences": [names]}
    client.request("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", body={"metadata": meta, "spec": spec})
    eventually(lambda: "CronJob dump" in judged(), judged, every=1)
    fault = judged()["CronJob dump"]
    assert fault.wrong.startswith("its last run failed (DeadlineExceeded")
    assert any("DeadlineExceeded" in line for line in fault.reason), fault.reason
    assert "kubectl create job dump-again --from=cronjob/dump" in fault.remedy


def test_a_claim_without_a_class_has_its_reason(client, namespace, platform, judged) -> None:
    spec = {
        "storageClassName": "nowhere",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    platform([*everything(namespace), made(namespace, "v1", "PersistentVolumeClaim", "data", spec=spec)])
    assert why(judged, "PersistentVolumeClaim data")[0] == "phase Pending, not bound"
    eventually(
        lambda: any('"nowhere" not found' in line for line in why(judged, "PersistentVolumeClaim data")),
        judged,
        every=1,
    )


def test_a_set_whose_record_is_gone_is_told(client, namespace, platform, judged) -> None:
    client.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/apps-x")
    (fault,) = judged().values()
    assert "has no record any more" in fault.wrong


def test_what_a_tenant_writes_is_no_record_of_ours(client, namespace, platform, judged) -> None:
    """It would have the platform miss what it never was to have."""
    record = client.get("v1", "ConfigMap", "apps-x", namespace)
    client.request(
        "PATCH", f"/api/v1/namespaces/{namespace}", body={"metadata": {"labels": {"tenant": "x"}}}, content_type=MERGE
    )
    seen = survey(client, Workers(8))
    assert record["metadata"]["namespace"] == namespace
    assert namespace not in {one.namespace for one in seen.sets}


def test_the_plugin_tells_everything_and_fails(module, client, kubeconfig, namespace, platform) -> None:
    client.request("DELETE", f"/apis/apps/v1/namespaces/{namespace}/statefulsets/store")
    options = {"namespace": namespace, "api_host": "api.vcci.test", "kubeconfig": str(kubeconfig)}
    done = module("platform_check", **options, timeout=2)
    assert done["failed"]
    faults = {fault["object"]: fault for fault in done["faults"]}
    assert f"Service {namespace}/api-gateway" in faults
    assert faults[f"StatefulSet {namespace}/store"]["remedy"]
    assert len(done["errors"]) == len(done["faults"])
    assert {layer["layer"] for layer in done["layers"]} >= {"apps", "data", "tenant"}


def test_a_namespace_of_a_tenant_that_went_by_hand_is_missed_and_one_that_was_offboarded_is_not(
    client, namespace, kubectl
) -> None:
    tenant = f"vcci-tenant-{namespace}"
    labels = {**OURS, "tenant": namespace}
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": tenant, "labels": labels}},
        made(tenant, "v1", "LimitRange", "one", spec={"limits": [{"type": "Container", "default": {"cpu": "1"}}]}),
    ]
    apply_set(client, objects, ApplyOptions(name="tenants-0", namespace=namespace))
    kubectl("delete", "namespace", tenant)

    def found():
        return [fault.wrong for fault in judge(survey(client, Workers(8))) if tenant in fault.object]

    assert found() == ["is not there (set tenants-0)"]
    meta = {
        "name": "r",
        "namespace": namespace,
        "labels": {"app.kubernetes.io/component": "tenant-offboarding", **labels},
    }
    client.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body={"metadata": meta})
    assert found() == []
