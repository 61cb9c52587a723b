# Copyright (c) 2026 GreenLang. All rights reserved.
"""Stopping workloads, and making them what they were."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import owning
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import workloads as w

API = {kind: api_version for api_version, kind in w.KINDS}


def workload(kind, spec=None, annotations=None, **content):
    return {
        "apiVersion": API[kind],
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


def owner(kind="Deployment", name="web", uid="u-web", api_version="apps/v1", controller=True):
    return {
        "ownerReferences": [
            {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid, "controller": controller}
        ]
    }


THERE = {
    "u-web": ("apps", "Deployment", "web"),
    "u-set": ("apps", "ReplicaSet", "set"),
    "u-night": ("batch", "CronJob", "night"),
    "u-job": ("batch", "Job", "job"),
}
RUNNING = [
    workload("Deployment", {"replicas": 3}),
    workload("Deployment"),
    workload("StatefulSet", {"replicas": 1}),
    workload("ReplicaSet", {"replicas": 2}),
    workload("CronJob", {"suspend": False}),
    workload("CronJob"),
    workload("Job", {"parallelism": 2}),
    workload("Job", metadata=owner("CronJob", "night", "u-night", "batch/v1")),
    # An owner that is not there, is another, or stops nothing of this kind: nobody else will stop it.
    workload("Deployment", {"replicas": 2}, metadata=owner("ConfigMap", "boss", "u-boss", "v1")),
    workload("Deployment", {"replicas": 2}, metadata=owner()),
    workload("StatefulSet", {"replicas": 2}, metadata=owner()),
    workload("ReplicaSet", {"replicas": 2}, metadata=owner(uid="u-gone")),
    workload("ReplicaSet", {"replicas": 2}, metadata=owner(uid="u-set")),
    workload("ReplicaSet", {"replicas": 2}, metadata=owner(name="other")),
    workload("ReplicaSet", {"replicas": 2}, metadata=owner(api_version="example.com/v1")),
    workload("ReplicaSet", {"replicas": 2}, metadata=owner(controller=False)),
    workload("ReplicaSet", {"replicas": 2}, metadata=owner("Rollout", api_version="argoproj.io/v1alpha1")),
    workload("ReplicationController", {"replicas": 2}, metadata=owner()),
    workload("DaemonSet", {"template": {"spec": {}}}, metadata=owner()),
    workload("CronJob", {}, metadata=owner()),
    workload("DaemonSet", {"template": {"spec": {"containers": []}}}),
    workload("DaemonSet", {"template": {"spec": {"nodeSelector": {"workload-type": "gpu"}}}}),
]


@pytest.mark.parametrize("before", RUNNING, ids=lambda before: before["kind"])
def test_stopped_and_as_before(before):
    stopped = merged(before, w.suspend_patch(before, THERE))
    assert w.suspend_patch(stopped, THERE) is None  # what a run that was killed had done already
    assert stopped["metadata"]["annotations"][w.BEFORE]
    assert w.odd(stopped, THERE) is None
    after = merged(stopped, w.resume_patch(stopped, THERE))
    assert w.resume_patch(after, THERE) is None
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
        workload("ReplicaSet", {"replicas": 2}, metadata=owner()),
        workload("Job", status={"conditions": [{"type": "Complete", "status": "True"}]}),
    ],
)
def test_what_does_not_run_is_left_alone(idle):
    assert w.suspend_patch(idle, THERE) is None
    assert w.resume_patch(idle, THERE) is None


def test_who_scaled_it_meanwhile_knows_better():
    scaled = workload("Deployment", {"replicas": 5}, {w.BEFORE: "3"})
    assert w.resume_patch(scaled, THERE)["spec"] == {}
    again = merged(scaled, w.suspend_patch(copy.deepcopy(scaled), THERE))
    assert again["spec"]["replicas"] == 0
    assert again["metadata"]["annotations"][w.BEFORE] == "5"


@pytest.mark.parametrize("kind", [kind for _api_version, kind in w.REPLICAS])
@pytest.mark.parametrize(
    ("value", "replicas"),
    [
        ("0", 0),
        ("3", 3),
        ("007", 7),
        ("2147483647", 2147483647),
        ("2147483648", None),
        ("9999999999", None),
        ("1" * 5000, None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1e3", None),
        ("1_0", None),
        ("²", None),
        ("\u0663", None),
        ("\uff13", None),
        (" 3", None),
        ("3\n", None),
        ("", None),
        ("runs", None),
        ("many", None),
    ],
)
def test_what_it_was_before_is_a_number_or_is_passed_over(kind, value, replicas):
    stopped = workload(kind, {"replicas": 0}, {w.BEFORE: value})
    patch = w.resume_patch(stopped, THERE)
    assert patch["metadata"]["annotations"] == {w.BEFORE: None}
    assert patch["spec"] == ({} if replicas is None else {"replicas": replicas})
    assert (w.odd(stopped, THERE) is None) is (replicas is not None)


def test_what_is_passed_over_is_said():
    told = w.odd(workload("Deployment", {"replicas": 0}, {w.BEFORE: "²"}), THERE)
    assert told == (
        "its annotation tenant.vcci.io/before-suspension is '²', which is no number from 0 to 2147483647: "
        "it keeps the replicas it has"
    )


def test_a_replica_set_of_a_deployment_has_its_annotations():
    owned = workload("ReplicaSet", {"replicas": 0}, metadata={**owner(), "annotations": {w.BEFORE: "3"}})
    assert w.resume_patch(owned, THERE) is None
    assert w.odd({**owned, "metadata": {**owned["metadata"], "annotations": {w.BEFORE: "x"}}}, THERE) is None
    assert w.resume_patch(owned, {})["spec"] == {"replicas": 3}  # its Deployment went meanwhile


def test_owners_are_those_that_are_there():
    deployment = workload("Deployment", metadata={"name": "web", "uid": "u-web"})
    controller = workload("ReplicationController", metadata={"name": "old", "uid": "u-old"})
    assert owning.owners([deployment, controller]) == {
        "u-web": ("apps", "Deployment", "web"),
        "u-old": ("", "ReplicationController", "old"),
    }


@pytest.mark.parametrize(
    ("meta", "status", "alone"),
    [
        ({}, {}, True),
        ({}, {"phase": "Pending"}, True),
        ({}, {"phase": "Unknown"}, True),
        ({}, {"phase": "Succeeded"}, False),
        ({}, {"phase": "Failed"}, False),
        ({"deletionTimestamp": "2026-11-23T10:00:00Z"}, {"phase": "Running"}, False),  # it is lost already
        (owner("ReplicaSet", "set", "u-set"), {}, False),
        (owner("Job", "job", "u-job", "batch/v1"), {}, False),
        (owner("ReplicaSet", "set", "u-set", controller=False), {}, True),
        (owner("ReplicaSet", "set", "u-other"), {}, True),
        (owner("ReplicaSet", "other", "u-set"), {}, True),
        (owner("ReplicaSet", "set", "u-set", "example.com/v1"), {}, True),
        (owner("Deployment", "web", "u-web"), {}, True),  # which makes no pods
        (owner("CronJob", "night", "u-night", "batch/v1"), {}, True),
        (owner("Node", "node-1", "u-node", "v1"), {}, True),
        (owner("ConfigMap", "boss", "u-boss", "v1"), {}, True),
        # Labels say nothing: its tenant writes them.
        (
            {"labels": {"app.kubernetes.io/managed-by": "greenlang.vcci", "app.kubernetes.io/component": "x"}},
            {},
            True,
        ),
    ],
)
def test_pods_that_nothing_would_make_again(meta, status, alone):
    pod = {"metadata": {"name": "x", **meta}, "status": status}
    assert owning.bare([pod], THERE) == ([pod] if alone else [])
