# Copyright (c) 2026 GreenLang. All rights reserved.
"""Stopping workloads, and making them what they were."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import workloads as w


def workload(kind, spec=None, annotations=None, **content):
    return {
        "kind": kind,
        "metadata": {
            "name": "x",
            "resourceVersion": "7",
            "annotations": annotations or {},
            **content.pop("metadata", {}),
        },
        "spec": spec or {},
        **content,
    }


def merged(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


RUNNING = [
    workload("Deployment", {"replicas": 3}),
    workload("Deployment"),
    workload("StatefulSet", {"replicas": 1}),
    workload("ReplicaSet", {"replicas": 2}),
    workload("CronJob", {"suspend": False}),
    workload("CronJob"),
    workload("Job", {"parallelism": 2}),
    workload("Job", metadata={"ownerReferences": [{"kind": "CronJob", "controller": True}]}),
    workload("DaemonSet", {"template": {"spec": {"containers": []}}}),
    workload("DaemonSet", {"template": {"spec": {"nodeSelector": {"workload-type": "gpu"}}}}),
]


@pytest.mark.parametrize("before", RUNNING, ids=lambda before: before["kind"])
def test_stopped_and_as_before(before):
    stopped = merged(before, w.suspend_patch(before))
    assert w.suspend_patch(stopped) is None  # what a run that was killed had done already
    assert stopped["metadata"]["annotations"][w.BEFORE]
    after = merged(stopped, w.resume_patch(stopped))
    assert w.resume_patch(after) is None
    for key, value in before["spec"].items():
        assert after["spec"][key] == value or (key == "template" and not after["spec"][key]["spec"]["nodeSelector"])
    assert after["spec"].get("replicas", 1) == before["spec"].get("replicas", 1)
    assert not after["spec"].get("suspend")
    assert w.BEFORE not in after["metadata"]["annotations"]


@pytest.mark.parametrize(
    "idle",
    [
        workload("Deployment", {"replicas": 0}),
        workload("CronJob", {"suspend": True}),
        workload(
            "ReplicaSet", {"replicas": 2}, metadata={"ownerReferences": [{"kind": "Deployment", "controller": True}]}
        ),
        workload("Job", status={"conditions": [{"type": "Complete", "status": "True"}]}),
    ],
)
def test_what_does_not_run_is_left_alone(idle):
    assert w.suspend_patch(idle) is None
    assert w.resume_patch(idle) is None


def test_who_scaled_it_meanwhile_knows_better():
    scaled = workload("Deployment", {"replicas": 5}, {w.BEFORE: "3"})
    assert w.resume_patch(scaled)["spec"] == {}
    again = merged(scaled, w.suspend_patch(copy.deepcopy(scaled)))
    assert again["spec"]["replicas"] == 0
    assert again["metadata"]["annotations"][w.BEFORE] == "5"
    assert w.resume_patch(workload("Deployment", {"replicas": 0}, {w.BEFORE: "many"}))["spec"] == {}


def test_a_replica_set_of_a_deployment_has_its_annotations():
    owned = workload(
        "ReplicaSet",
        {"replicas": 0},
        {w.BEFORE: "3"},
        metadata={"ownerReferences": [{"kind": "Deployment", "controller": True}]},
    )
    owned["metadata"]["annotations"] = {w.BEFORE: "3"}
    assert w.resume_patch(owned) is None


def test_pods():
    pods = [
        {"metadata": {"name": "alone"}},
        {"metadata": {"name": "done"}, "status": {"phase": "Succeeded"}},
        {
            "metadata": {"name": "of-a-set", "ownerReferences": [{"kind": "ReplicaSet", "controller": True}]},
            "status": {"phase": "Running"},
        },
    ]
    assert w.bare(pods) == ["alone"]
    assert len(w.running(pods)) == 2
