# Copyright (c) 2026 GreenLang. All rights reserved.
"""Recreating an object loses nothing that names it as its owner: the garbage collector would delete it, some time after
a run that called it unchanged."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError

from tests.helpers import eventually
from tests.integration.applyset.objects import config_map, made, path_of

LABELS = {"app": "x"}
POD = {"containers": [{"name": "main", "image": "example.invalid/a:1"}]}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}


def fixed(kind):
    return lambda ns, value: {**made("v1", kind, ns), "immutable": True, "data": {"a": value * 4}}


def job(ns, value):
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": f"example.invalid/a:{value}"}]}
    return made("batch/v1", "Job", ns, spec={"template": {"spec": pod}})


def workload(kind, **more):
    def make(ns, value):
        labels = {**LABELS, "value": value}
        template = {"metadata": {"labels": labels}, "spec": POD}
        return made("apps/v1", kind, ns, spec={"selector": {"matchLabels": labels}, "template": template, **more})

    return make


def pod(ns, value):
    return made("v1", "Pod", ns, spec={"containers": [{"name": f"c{value}", "image": "example.invalid/a:1"}]})


def role_binding(ns, value):
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"r{value}"}
    return made("rbac.authorization.k8s.io/v1", "RoleBinding", ns, roleRef=ref)


# Those that are deleted with what they own, and those that leave it alone.
WITH = {
    "Job": job,
    "Deployment": workload("Deployment"),
    "DaemonSet": workload("DaemonSet"),
    "ReplicaSet": workload("ReplicaSet"),
    "Pod": pod,
}
WITHOUT = {
    "ConfigMap": fixed("ConfigMap"),
    "Secret": fixed("Secret"),
    "RoleBinding": role_binding,
    "StatefulSet": workload("StatefulSet", serviceName="x"),
}
DEPENDENTS = {
    "ConfigMap": lambda ns: config_map(ns, "owned"),
    "PersistentVolumeClaim": lambda ns: made("v1", "PersistentVolumeClaim", ns, "owned", spec=CLAIM),
    "Job": lambda ns: {**job(ns, "1"), "metadata": {"name": "owned", "namespace": ns}},
}


def owned_by(obj, live, **more):
    meta = live["metadata"]
    reference = {"apiVersion": live["apiVersion"], "kind": live["kind"], "name": meta["name"], "uid": meta["uid"]}
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": [{**reference, **more}]}}


@pytest.fixture
def refused(apply):
    """The message with which check mode and run refuse to recreate: it is the same."""

    def both(objects, kind, **options):
        messages = []
        for check in (True, False):
            with pytest.raises(ApplyError) as caught:
                apply(objects, recreate=(kind,), check=check, **options)
            assert not caught.value.result.changed
            messages.append(str(caught.value))
        assert messages[0] == messages[1]
        return messages[0]

    return both


@pytest.mark.parametrize("kind", {**WITH, **WITHOUT})
def test_the_owner_of_an_object_of_the_set_is_not_recreated(apply, client, refused, namespace, kind):
    """Its manifest names the uid: after a recreation it would be applied with an owner that is none."""
    make = {**WITH, **WITHOUT}[kind]
    apply([make(namespace, "1")])
    live = client.request("GET", path_of(client, make(namespace, "1")))
    owned = owned_by(config_map(namespace, "owned"), live)
    apply([make(namespace, "1"), owned])
    message = refused([make(namespace, "2"), owned], kind)
    assert f"{kind} {namespace}/x: would be deleted to be created again, but" in message
    assert f"ConfigMap {namespace}/owned" in message
    assert client.request("GET", path_of(client, live))["metadata"]["uid"] == live["metadata"]["uid"]


@pytest.mark.parametrize("dependent", DEPENDENTS)
@pytest.mark.parametrize("kind", ["Job", "Deployment", "Pod"])
def test_workloads_that_own_what_their_controller_did_not_make_stay(apply, client, refused, namespace, kind, dependent):
    make = WITH[kind]
    apply([make(namespace, "1")])
    live = client.request("GET", path_of(client, make(namespace, "1")))
    apply_set(client, [owned_by(DEPENDENTS[dependent](namespace), live)], ApplyOptions())
    assert f"{dependent} {namespace}/owned" in refused([make(namespace, "2")], kind)


@pytest.mark.parametrize("kind", ["Job", "Deployment", "DaemonSet", "ReplicaSet"])
def test_what_its_own_controller_made_hinders_no_workload(apply, client, namespace, kubectl, kind):
    make = WITH[kind]
    apply([make(namespace, "1")])
    made_by_it = "replicasets" if kind == "Deployment" else "pods"

    def there():
        return kubectl("-n", namespace, "get", made_by_it, "-o", "name")

    eventually(there, "its controller is at work")
    for check in (True, False):
        assert apply([make(namespace, "2")], recreate=(kind,), check=check).recreated == [f"{kind} {namespace}/x"]


def test_all_others_leave_alone_what_they_own(apply, client, namespace):
    """One of each kind at once, each the owner of a claim that nobody but its maker knows of."""
    kinds = {kind: WITHOUT[kind] for kind in ("ConfigMap", "Secret", "RoleBinding")}
    apply([make(namespace, "1") for make in kinds.values()])
    claims = []
    for kind, make in kinds.items():
        live = client.request("GET", path_of(client, make(namespace, "1")))
        claim = made("v1", "PersistentVolumeClaim", namespace, f"of-{kind.lower()}", spec=CLAIM)
        claims.append(owned_by(claim, live))
    apply_set(client, claims, ApplyOptions())
    wanted = [make(namespace, "2") for make in kinds.values()]
    for check in (True, False):
        assert len(apply(wanted, recreate=tuple(kinds), check=check).recreated) == len(kinds)
    there = [client.request("GET", path_of(client, claim))["metadata"] for claim in claims]
    assert not any(meta.get("ownerReferences") or meta.get("deletionTimestamp") for meta in there)


def test_the_record_of_a_set_is_not_recreated(apply, client, refused, namespace):
    apply([config_map(namespace, "member")], name="x")
    path = f"/api/v1/namespaces/{namespace}/configmaps/x"
    body = {"immutable": True, "data": {"a": "1"}}
    client.request("PATCH", path, body=body, content_type="application/merge-patch+json")
    assert "is the record of a set" in refused([fixed("ConfigMap")(namespace, "2")], "ConfigMap", force_conflicts=True)
