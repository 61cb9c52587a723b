# Copyright (c) 2026 GreenLang. All rights reserved.
"""What may be recreated, what an object that is deleted gives back, and how a former one is created again."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import freed, recreatable
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import Ref
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.putback import former_manifest, is_as_it_was
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, api_error
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.kinds import BUILT_IN

ALLOWED = {
    "its annotation": (("batch", "Job"), (), True, True),
    "its kind": (("batch", "Job"), ("Job",), False, True),
    "its kind and group": (("batch", "Job"), ("Job.batch",), False, True),
    "another kind": (("batch", "Job"), ("CronJob",), False, False),
    "the same kind of others": (("example.com", "Job"), ("Job",), False, False),
    "a kind of others": (("example.com", "Job"), ("Job.example.com",), False, True),
    "a claim": (("", "PersistentVolumeClaim"), (), True, False),
    "a snapshot": (("snapshot.storage.k8s.io", "VolumeSnapshot"), (), True, False),
    "a node": (("", "Node"), (), True, False),
    "what others call a node": (("example.com", "Node"), ("Node.example.com",), False, True),
    "nothing said": (("batch", "Job"), (), False, False),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_may_be_recreated(case):
    (group, kind), words, annotated, allowed = ALLOWED[case]
    recreatable.check_words(words)
    assert recreatable.is_allowed(Ref(group, kind, "n", "x"), words, annotated) is allowed


@pytest.mark.parametrize("word", ["Namespace", "Node", "CustomResourceDefinition", "job", "Job/x", "", "*", "A b"])
def test_words_that_are_refused(word):
    with pytest.raises(InputError, match="recreate: "):
        recreatable.check_words([word])


def exceeded(requested, used, limited, status=403):
    text = f'pods "x" is forbidden: exceeded quota: q, requested: {requested}, used: {used}, limited: {limited}'
    return api_error(status, {"message": text}, "")


def asks(cpu, **more):
    return {"resources": {"requests": {"cpu": cpu}, **more}}


POD = {"spec": {"containers": [asks("500m"), asks("250m")], "initContainers": [asks("600m")]}}
LARGE_FIRST = {"spec": {"containers": [asks("100m")], "initContainers": [asks("2")]}}
DEVICE = "requests.nvidia.com/gpu"
GPU = {"spec": {"containers": [{"resources": {"requests": {"nvidia.com/gpu": "1"}}}]}}
BALANCER = {"spec": {"type": "LoadBalancer", "ports": [{"nodePort": 1}, {"nodePort": 2}, {}]}}
ONE = "count/jobs.batch=1"
FITS = {
    "a number": ("Job", {}, exceeded("count/jobs.batch=1", "count/jobs.batch=1", "count/jobs.batch=1"), True),
    "too many all the same": (
        "Job",
        {},
        exceeded("count/jobs.batch=1", "count/jobs.batch=2", "count/jobs.batch=1"),
        False,
    ),
    "of another kind": ("Job", {}, exceeded("count/pods=1", "count/pods=1", "count/pods=1"), False),
    "by the name of the kind": ("ConfigMap", {}, exceeded("configmaps=1", "configmaps=9", "configmaps=9"), True),
    "what its containers ask for": (
        "Pod",
        POD,
        exceeded("requests.cpu=750m", "requests.cpu=1", "requests.cpu=1"),
        True,
    ),
    "the short name": ("Pod", POD, exceeded("cpu=750m", "cpu=1", "cpu=1"), True),
    "more than that": ("Pod", POD, exceeded("requests.cpu=800m", "requests.cpu=1", "requests.cpu=1"), False),
    "what prepares it": ("Pod", LARGE_FIRST, exceeded("cpu=2", "cpu=2", "cpu=2"), True),
    "one of two": ("Pod", POD, exceeded("pods=1,limits.cpu=1", "pods=1,limits.cpu=1", "pods=1,limits.cpu=1"), False),
    "a balancer": (
        "Service",
        BALANCER,
        exceeded("services.loadbalancers=1", "services.loadbalancers=1", "services.loadbalancers=1"),
        True,
    ),
    "ports": (
        "Service",
        BALANCER,
        exceeded("services.nodeports=2", "services.nodeports=3", "services.nodeports=3"),
        True,
    ),
    "another refusal": ("Job", {}, api_error(403, {"message": "no"}, ""), False),
    "another status": (
        "Job",
        {},
        exceeded(ONE, ONE, ONE, 422),
        False,
    ),
    "an amount that is none": (
        "Job",
        {},
        exceeded("count/jobs.batch=x", ONE, ONE),
        False,
    ),
}
VERSIONS = {"Job": "batch/v1"}


@pytest.mark.parametrize("case", FITS)
def test_what_fits_when_the_old_object_is_gone(case):
    kind, old, error, fits = FITS[case]
    assert freed.would_fit(error, old, BUILT_IN[(VERSIONS.get(kind, "v1"), kind)]) is fits


def service(**spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec}


HELD = service(clusterIP="10.0.0.1", clusterIPs=["10.0.0.1"], ports=[{"port": 80, "nodePort": 30080}])
TAKEN = {
    "the address": (service(clusterIP="10.0.0.1"), service()),
    "the addresses": (service(clusterIPs=["10.0.0.1", "fd00::1"]), service()),
    "another address": (service(clusterIP="10.0.0.2"), service(clusterIP="10.0.0.2")),
    "none": (service(clusterIP="None"), service(clusterIP="None")),
    "the port": (service(ports=[{"port": 80, "nodePort": 30080}]), service(ports=[{"port": 80}])),
    "another port": (
        service(ports=[{"port": 80, "nodePort": 30081}]),
        service(ports=[{"port": 80, "nodePort": 30081}]),
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_only_the_old_service_holds_is_not_asked_for(case):
    desired, asked = TAKEN[case]
    assert freed.without_taken(desired, HELD) == asked


def test_a_former_job_is_created_without_what_its_controller_wrote():
    uid = {"controller-uid": "u", "batch.kubernetes.io/controller-uid": "u", "app": "a"}
    live = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "x", "uid": "u", "resourceVersion": "1", "labels": dict(uid), "managedFields": []},
        "spec": {"selector": {"matchLabels": {"controller-uid": "u"}}, "template": {"metadata": {"labels": uid}}},
        "status": {"active": 1},
    }
    assert former_manifest(live) == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "x", "labels": {"app": "a"}},
        "spec": {"template": {"metadata": {"labels": {"app": "a"}}}},
    }
    by_hand = {**live, "spec": {**live["spec"], "manualSelector": True}}
    assert former_manifest(by_hand)["spec"] == by_hand["spec"]


def served(value="1", digest="d", **meta):
    """A Job as the server gives it."""
    uid = {"controller-uid": meta.get("uid", "u"), "app": "a"}
    notes = {"applyset.greenlang.io/digest": digest, **meta.pop("annotations", {})}
    template = {"metadata": {"labels": uid}, "spec": {"containers": [{"image": value}]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "x", "uid": "u", "labels": dict(uid), "annotations": notes, **meta},
        "spec": {"selector": {"matchLabels": {"controller-uid": uid["controller-uid"]}}, "template": template},
        "status": meta,
    }


AGAIN = {
    "itself": (served(), True),
    "created again": (served(uid="v", resourceVersion="7", creationTimestamp="later"), True),
    "noted by a controller": (served(uid="v", annotations={"example.com/a": "b"}), True),
    "with another value": (served("2", uid="v"), False),
    "with another manifest": (served(uid="v", digest="e"), False),
    "with another label": (served(uid="v", labels={"app": "b"}), False),
}


@pytest.mark.parametrize("case", AGAIN)
def test_whether_it_is_what_was_put_back(case):
    live, same = AGAIN[case]
    assert is_as_it_was(live, served()) == same
