# Copyright (c) 2026 GreenLang. All rights reserved.
from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import kstatus
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.kstatus import (
    FAILED,
    IN_PROGRESS,
    READY,
    TERMINATING,
)

VERSIONS = {
    "apps/v1": ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"),
    "batch/v1": ("Job", "CronJob"),
    "policy/v1": ("PodDisruptionBudget",),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "apiextensions.k8s.io/v1": ("CustomResourceDefinition",),
    "apiregistration.k8s.io/v1": ("APIService",),
    "example.com/v1": ("Widget",),
    "bitnami.com/v1alpha1": ("SealedSecret",),
    "cert-manager.io/v1": ("Certificate", "ClusterIssuer"),
}


def version_of(kind):
    return next((version for version, kinds in VERSIONS.items() if kind in kinds), "v1")


def obj(kind, spec=None, status=None, generation=1, api_version=None, **meta):
    return {
        "apiVersion": api_version or version_of(kind),
        "kind": kind,
        "metadata": {"name": "x", "generation": generation, **meta},
        "spec": spec or {},
        "status": status or {},
    }


def condition(name, value="True", **more):
    return {"conditions": [{"type": name, "status": value, **more}]}


AVAILABLE = {"type": "Available", "status": "True"}
ROLLED_OUT = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
ROLLING = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}
REFUSED = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: q"}
UP = {
    "observedGeneration": 1,
    "replicas": 2,
    "updatedReplicas": 2,
    "readyReplicas": 2,
    "availableReplicas": 2,
    "conditions": [AVAILABLE],
}
SET_UP = {
    "observedGeneration": 1,
    "replicas": 2,
    "readyReplicas": 2,
    "currentReplicas": 2,
    "updatedReplicas": 2,
    "currentRevision": "a",
    "updateRevision": "a",
}
DAEMON = {
    "observedGeneration": 1,
    "desiredNumberScheduled": 3,
    "currentNumberScheduled": 3,
    "updatedNumberScheduled": 3,
    "numberAvailable": 3,
    "numberReady": 3,
}

CASES = {
    "being deleted": (obj("ConfigMap", deletionTimestamp="now"), TERMINATING),
    "ConfigMap": (obj("ConfigMap"), READY),
    "a change not yet seen": (obj("Deployment", {"replicas": 2}, UP, generation=2), IN_PROGRESS),
    "Deployment just created": (obj("Deployment", {"replicas": 2}), IN_PROGRESS),
    "Deployment up": (obj("Deployment", {"replicas": 2}, UP), READY),
    "Deployment scaled to none": (
        obj("Deployment", {"replicas": 0}, {"observedGeneration": 1, "conditions": [AVAILABLE]}),
        READY,
    ),
    "Deployment restored, its generation begins anew": (
        obj("Deployment", {"replicas": 2}, {**UP, "observedGeneration": 7}),
        IN_PROGRESS,
    ),
    "Deployment of which more still run": (
        obj("Deployment", {"replicas": 2}, {**UP, "replicas": 5, "updatedReplicas": 5, "availableReplicas": 5}),
        IN_PROGRESS,
    ),
    "Deployment that is not rolled out": (
        obj("Deployment", {"replicas": 2, "progressDeadlineSeconds": 600}, {**UP, "conditions": [AVAILABLE, ROLLING]}),
        IN_PROGRESS,
    ),
    "Deployment rolled out": (
        obj("Deployment", {"replicas": 2, "progressDeadlineSeconds": 9}, {**UP, "conditions": [AVAILABLE, ROLLED_OUT]}),
        READY,
    ),
    "Deployment that keeps no account of progress": (
        obj("Deployment", {"replicas": 2, "progressDeadlineSeconds": 2147483647}, UP),
        READY,
    ),
    "Deployment without the condition Available": (
        obj("Deployment", {"replicas": 2}, {**UP, "conditions": []}),
        IN_PROGRESS,
    ),
    "Deployment that is paused": (obj("Deployment", {"replicas": 3, "paused": True}, UP), READY),
    "Deployment with too few": (obj("Deployment", {"replicas": 3}, UP), IN_PROGRESS),
    "Deployment with an old pod": (obj("Deployment", {"replicas": 2}, {**UP, "replicas": 3}), IN_PROGRESS),
    "Deployment not available": (obj("Deployment", {"replicas": 2}, {**UP, "availableReplicas": 1}), IN_PROGRESS),
    "Deployment that gave up": (
        obj("Deployment", {}, {**UP, **condition("Progressing", "False", reason="ProgressDeadlineExceeded")}),
        FAILED,
    ),
    "StatefulSet up": (obj("StatefulSet", {"replicas": 2}, SET_UP), READY),
    "StatefulSet rolling": (
        obj("StatefulSet", {"replicas": 2}, {**SET_UP, "updateRevision": "b", "updatedReplicas": 1}),
        IN_PROGRESS,
    ),
    "StatefulSet partly ready": (obj("StatefulSet", {"replicas": 2}, {**SET_UP, "readyReplicas": 1}), IN_PROGRESS),
    "StatefulSet by hand": (obj("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}), READY),
    "StatefulSet with a pod too many": (obj("StatefulSet", {"replicas": 2}, {**SET_UP, "replicas": 3}), IN_PROGRESS),
    "StatefulSet not ready for long enough": (
        obj("StatefulSet", {"replicas": 2, "minReadySeconds": 9}, {**SET_UP, "availableReplicas": 1}),
        IN_PROGRESS,
    ),
    "StatefulSet partitioned": (
        obj(
            "StatefulSet",
            {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
            {**SET_UP, "updateRevision": "b", "updatedReplicas": 1},
        ),
        READY,
    ),
    "DaemonSet up": (obj("DaemonSet", {}, DAEMON), READY),
    "DaemonSet just created": (obj("DaemonSet"), IN_PROGRESS),
    "DaemonSet rolling": (obj("DaemonSet", {}, {**DAEMON, "updatedNumberScheduled": 1}), IN_PROGRESS),
    "DaemonSet by hand, not updated": (
        obj("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, {**DAEMON, "updatedNumberScheduled": 1}),
        READY,
    ),
    "DaemonSet by hand, not ready": (
        obj("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, {**DAEMON, "numberReady": 1}),
        IN_PROGRESS,
    ),
    "ReplicaSet whose pods are refused": (obj("ReplicaSet", {}, {"conditions": [REFUSED]}), IN_PROGRESS),
    "Job that will fail": (obj("Job", {}, condition("FailureTarget", reason="BackoffLimitExceeded")), FAILED),
    "Job without parallelism": (obj("Job", {"parallelism": 0}), READY),
    "CronJob": (obj("CronJob"), READY),
    "Job running": (obj("Job", {}, {"active": 1}), IN_PROGRESS),
    "Job complete": (obj("Job", {}, condition("Complete")), READY),
    "Job failed": (obj("Job", {}, condition("Failed", reason="BackoffLimitExceeded")), FAILED),
    "Job suspended": (obj("Job", {"suspend": True}), READY),
    "Pod ready": (obj("Pod", {}, {"phase": "Running", **condition("Ready")}), READY),
    "Pod done": (obj("Pod", {}, {"phase": "Succeeded"}), READY),
    "Pod failed": (obj("Pod", {}, {"phase": "Failed"}), FAILED),
    "Pod that cannot be placed": (
        obj("Pod", {}, {"phase": "Pending", **condition("PodScheduled", "False", reason="Unschedulable")}),
        IN_PROGRESS,
    ),
    "claim bound": (obj("PersistentVolumeClaim", {}, {"phase": "Bound"}), READY),
    "claim pending": (obj("PersistentVolumeClaim", {}, {"phase": "Pending"}), IN_PROGRESS),
    "claim whose volume is lost": (obj("PersistentVolumeClaim", {}, {"phase": "Lost"}), FAILED),
    "Pod behind gates": (
        obj(
            "Pod", {"schedulingGates": [{"name": "queue"}]}, {"phase": "Pending", **condition("PodScheduled", "False")}
        ),
        IN_PROGRESS,
    ),
    "Service": (obj("Service", {"type": "ClusterIP"}), READY),
    "LoadBalancer without address": (obj("Service", {"type": "LoadBalancer"}), IN_PROGRESS),
    "LoadBalancer with address": (
        obj("Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}),
        READY,
    ),
    "definition new": (obj("CustomResourceDefinition"), IN_PROGRESS),
    "definition established": (obj("CustomResourceDefinition", {}, condition("Established")), READY),
    "definition refused": (obj("CustomResourceDefinition", {}, condition("NamesAccepted", "False")), FAILED),
    "definition that waits": (
        obj("CustomResourceDefinition", {}, condition("Established", "False", reason="Installing")),
        IN_PROGRESS,
    ),
    "definition that cannot be": (obj("CustomResourceDefinition", {}, condition("Established", "False")), FAILED),
    "API service that nobody has looked at": (obj("APIService"), IN_PROGRESS),
    "API service": (obj("APIService", {}, condition("Available")), READY),
    "issuer without status": (obj("ClusterIssuer"), IN_PROGRESS),
    "issuer": (obj("ClusterIssuer", {}, condition("Ready")), READY),
    "certificate of before the change": (
        obj("Certificate", {}, condition("Ready", observedGeneration=1), 2),
        IN_PROGRESS,
    ),
    "sealed secret without status": (obj("SealedSecret"), IN_PROGRESS),
    "Service of Knative": (
        obj("Service", {}, condition("Ready", "False"), api_version="serving.knative.dev/v1"),
        IN_PROGRESS,
    ),
    "Service of Knative without status": (obj("Service", api_version="serving.knative.dev/v1"), IN_PROGRESS),
    "Role of ACK": (
        obj("Role", {}, condition("ACK.ResourceSynced", "False"), api_version="iam.services.k8s.aws/v1"),
        IN_PROGRESS,
    ),
    "Role of ACK that cannot be": (
        obj("Role", {}, condition("ACK.Terminal"), api_version="iam.services.k8s.aws/v1"),
        FAILED,
    ),
    "Deployment of others": (obj("Deployment", {"replicas": 3}, api_version="example.com/v1"), READY),
    "Job of others": (obj("Job", {}, condition("Ready", "False"), api_version="example.com/v1"), IN_PROGRESS),
    "task run that failed": (obj("TaskRun", {}, condition("Succeeded", "False"), api_version="tekton.dev/v1"), FAILED),
    "task run": (obj("TaskRun", {}, condition("Succeeded", "Unknown"), api_version="tekton.dev/v1"), IN_PROGRESS),
    "custom, suspended": (obj("Widget", {"suspend": True}, condition("Ready", "False")), READY),
    "custom, suspended and not seen": (obj("Widget", {"suspend": True}, {"observedGeneration": 1}, 2), READY),
    "custom, conditions of another shape": (obj("Widget", {}, {"conditions": {"Ready": "False"}}), READY),
    "built in, stalled": (obj("ConfigMap", {}, condition("Stalled")), FAILED),
    "custom, no conditions": (obj("Widget"), READY),
    "custom, ready": (obj("Widget", {}, condition("Ready")), READY),
    "custom, not ready": (obj("Widget", {}, condition("Ready", "False", reason="Issuing")), IN_PROGRESS),
    "custom, unknown": (obj("Widget", {}, condition("Ready", "Unknown")), IN_PROGRESS),
    "custom, synced": (obj("SealedSecret", {}, condition("Synced")), READY),
    "custom, reconciling": (obj("Widget", {}, condition("Reconciling")), IN_PROGRESS),
    "custom, stalled": (obj("Widget", {}, condition("Stalled")), FAILED),
    "budget not seen": (obj("PodDisruptionBudget"), IN_PROGRESS),
}


@pytest.mark.parametrize("case", CASES)
def test_status(case):
    given, expected = CASES[case]
    state, why = kstatus.status(given)
    assert state == expected
    assert bool(why) == (state != READY)


WORTH = {
    "ConfigMap": False,
    "Secret": False,
    "Namespace": False,
    "HorizontalPodAutoscaler": False,
    "Service": False,
    "Deployment": True,
    "Job": True,
    "APIService": True,
    "Widget": True,
}


def injected(kind, annotation="cert-manager.io/inject-ca-from-secret", **fields):
    return {"apiVersion": version_of(kind), "kind": kind, "metadata": {"annotations": {annotation: "a/b"}}, **fields}


CALLED = {"service": {"name": "s", "namespace": "n"}}
BUNDLES = {
    "a webhook without": (injected("X", webhooks=[{"clientConfig": CALLED}]), True),
    "one of two without": (
        injected("X", webhooks=[{"clientConfig": {**CALLED, "caBundle": "Y2E="}}, {"clientConfig": CALLED}]),
        True,
    ),
    "an empty one": (injected("X", webhooks=[{"clientConfig": {**CALLED, "caBundle": ""}}]), True),
    "all have one": (injected("X", webhooks=[{"clientConfig": {**CALLED, "caBundle": "Y2E="}}]), False),
    "by a Certificate": (
        injected("X", "cert-manager.io/inject-ca-from", webhooks=[{"clientConfig": CALLED}]),
        True,
    ),
    "nobody injects": (injected("X", "cert-manager.io/other", webhooks=[{"clientConfig": CALLED}]), False),
    "no webhooks": (injected("X"), False),
    "a conversion": (
        injected(
            "CustomResourceDefinition",
            spec={"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": CALLED}}},
            status={"conditions": [{"type": "Established", "status": "True"}]},
        ),
        True,
    ),
    "a definition without conversion": (
        injected("CustomResourceDefinition", status={"conditions": [{"type": "Established", "status": "True"}]}),
        False,
    ),
    "an APIService": (
        injected("APIService", spec=CALLED, status={"conditions": [{"type": "Available", "status": "True"}]}),
        True,
    ),
}


@pytest.mark.parametrize("case", BUNDLES)
def test_a_bundle_that_is_to_be_injected_is_waited_for(case):
    given, missing = BUNDLES[case]
    state, why = kstatus.status(given)
    assert (state, "CA bundle" in why) == ((IN_PROGRESS, True) if missing else (READY, False))
    assert kstatus.matters(given) is (missing or given["kind"] != "X")


@pytest.mark.parametrize("kind", WORTH)
def test_what_is_worth_waiting_for(kind):
    assert kstatus.matters(obj(kind)) is WORTH[kind]


def test_what_others_call_by_the_same_name_is_theirs():
    assert kstatus.matters(obj("Service", {"type": "LoadBalancer"}))
    assert kstatus.matters(obj("Service", api_version="serving.knative.dev/v1"))
    assert kstatus.matters(obj("Role", api_version="iam.services.k8s.aws/v1"))
    assert kstatus.matters(obj("ConfigMap", api_version="example.com/v1"))


def test_a_refused_pod_is_told_though_another_runs():
    status = {**UP, "updatedReplicas": 1, "conditions": [AVAILABLE, REFUSED]}
    assert kstatus.status(obj("Deployment", {"replicas": 2}, status)) == (
        IN_PROGRESS,
        "1/2 replicas updated: FailedCreate: exceeded quota: q",
    )


SILENT = {
    "no status": (obj("Widget"), True),
    "a phase only": (obj("Widget", {}, {"phase": "Pending"}), True),
    "a condition that nobody knows": (obj("Widget", {}, condition("Frobbed")), True),
    "suspended": (obj("Widget", {"suspend": True}, condition("Ready", "False")), True),
    "a condition": (obj("Widget", {}, condition("Ready")), False),
    "built in": (obj("ConfigMap"), False),
    "a known kind": (obj("ClusterIssuer"), False),
}


@pytest.mark.parametrize("case", SILENT)
def test_whether_anything_speaks_for_an_object(case):
    given, silent = SILENT[case]
    assert kstatus.is_silent(given) is silent
