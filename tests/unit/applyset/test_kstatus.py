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


def obj(kind, spec=None, status=None, generation=1, api_version="v1", **meta):
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "generation": generation, **meta},
        "spec": spec or {},
        "status": status or {},
    }


def condition(name, value="True", **more):
    return {"conditions": [{"type": name, "status": value, **more}]}


UP = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
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
    "Deployment scaled to none": (obj("Deployment", {"replicas": 0}, {"observedGeneration": 1}), READY),
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
    "Service": (obj("Service", {"type": "ClusterIP"}), READY),
    "LoadBalancer without address": (obj("Service", {"type": "LoadBalancer"}), IN_PROGRESS),
    "LoadBalancer with address": (
        obj("Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}),
        READY,
    ),
    "definition new": (obj("CustomResourceDefinition"), IN_PROGRESS),
    "definition established": (obj("CustomResourceDefinition", {}, condition("Established")), READY),
    "definition refused": (obj("CustomResourceDefinition", {}, condition("NamesAccepted", "False")), FAILED),
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


def test_what_is_worth_waiting_for():
    waits = [
        k
        for k in (
            "ConfigMap",
            "Secret",
            "Deployment",
            "Service",
            "Widget",
            "Namespace",
            "Job",
            "HorizontalPodAutoscaler",
        )
        if kstatus.matters({"kind": k, "spec": {}})
    ]
    assert waits == ["Deployment", "Widget", "Job"]
    assert kstatus.matters({"kind": "Service", "spec": {"type": "LoadBalancer"}})
