# Copyright (c) 2026 GreenLang. All rights reserved.
"""Deleting: what is refused, what is awaited, and what is said when something does not go."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, NotFound, WaitTimeout

from tests.helpers import PATIENCE

HOLD = "example.org/hold"
MERGE = "application/merge-patch+json"
RBAC = "rbac.authorization.k8s.io/v1"


def config_map(namespace, name, **meta):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace, **meta}}


def held(namespace, name):
    return config_map(namespace, name, finalizers=[HOLD])


def path_of(namespace, name):
    return f"/api/v1/namespaces/{namespace}/configmaps/{name}"


@pytest.fixture
def let_go(client, namespace):
    """Take the finalizers of ConfigMaps away, after some seconds if so wanted; all are gone at the end."""

    def run(*names, after=0.0):
        def work():
            time.sleep(after)
            for name in names:
                body = {"metadata": {"finalizers": None}}
                client.request("PATCH", path_of(namespace, name), body=body, content_type=MERGE)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    yield run
    for obj in client.list("v1", "ConfigMap", namespace):
        if obj["metadata"].get("finalizers"):
            run(obj["metadata"]["name"]).join()


# --- what is refused -------------------------------------------------------------------------------------------------
MISPLACED = {
    "a Role": {"apiVersion": RBAC, "kind": "Role", "metadata": {"name": "a"}, "rules": []},
    "a ConfigMap": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}},
    "an EndpointSlice": {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"}},
    "a kind that a built-in group does not have": {
        "apiVersion": "apps/v1",
        "kind": "Deploymnt",
        "metadata": {"name": "a", "namespace": "b"},
    },
}


@pytest.mark.parametrize("case", MISPLACED)
@pytest.mark.parametrize("check", [True, False])
def test_what_present_refuses_absent_refuses_in_the_same_words(client, case, check):
    told = []
    for verb in (apply_set, delete_set):
        with pytest.raises(InputError) as caught:
            verb(client, [(MISPLACED[case], "file.yml")], ApplyOptions(check=check))
        told.append(str(caught.value))
    assert told[0] == told[1]


def test_what_the_server_does_not_serve_is_not_there(client, namespace):
    thing = {"apiVersion": "nobody.example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": namespace}}
    for check in (True, False):
        assert not delete_set(client, [thing], ApplyOptions(check=check)).changed


def test_an_object_is_deleted_by_whatever_version_is_served(client, namespace):
    def scaler(version):
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        return {
            "apiVersion": f"autoscaling/{version}",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "a", "namespace": namespace},
            "spec": {"scaleTargetRef": target, "maxReplicas": 2},
        }

    apply_set(client, [scaler("v2")], ApplyOptions())
    for check in (True, False):
        deleted = delete_set(client, [scaler("v2beta2")], ApplyOptions(check=check)).deleted
        assert deleted == [f"HorizontalPodAutoscaler {namespace}/a"]


# --- what is awaited -------------------------------------------------------------------------------------------------
def test_wait_covers_what_is_pruned(apply, client, namespace, let_go):
    apply([config_map(namespace, "a"), held(namespace, "b")])
    with pytest.raises(WaitTimeout, match=rf"ConfigMap {namespace}/b is being deleted and not gone.*{HOLD}") as caught:
        apply([config_map(namespace, "a")], prune=True, wait=True, wait_timeout=1)
    assert caught.value.result.pruned == [f"ConfigMap {namespace}/b"]
    assert [entry["object"] for entry in caught.value.pending] == [f"ConfigMap {namespace}/b"]
    # It is being deleted already now, and awaited all the same.
    with pytest.raises(WaitTimeout, match=rf"ConfigMap {namespace}/b .*{HOLD}"):
        apply([config_map(namespace, "a")], prune=True, wait=True, wait_timeout=1)
    work = let_go("b", after=0.5)
    assert not apply([config_map(namespace, "a")], prune=True, wait=True, wait_timeout=PATIENCE).changed
    assert client.get("v1", "ConfigMap", "b", namespace) is None
    work.join()


@pytest.mark.parametrize("whole_set", [True, False])
def test_wait_covers_what_is_deleted(apply, client, namespace, let_go, whole_set):
    objects = [config_map(namespace, "a"), held(namespace, "b"), held(namespace, "c")]
    apply(objects)
    client.request("DELETE", path_of(namespace, "c"))
    options = ApplyOptions(name="s", namespace=namespace, wait=True, wait_timeout=1)
    with pytest.raises(WaitTimeout) as caught:
        delete_set(client, None if whole_set else objects, options)
    for name in "bc":
        assert f"ConfigMap {namespace}/{name} is being deleted and not gone after 1 s; held by {HOLD}" in str(
            caught.value
        )
    assert caught.value.result.deleted == [f"ConfigMap {namespace}/a", f"ConfigMap {namespace}/b"]
    let_go("b", "c").join()
    assert not delete_set(client, None if whole_set else objects, options).changed


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", ["s", None])
def test_no_objects_are_no_wish_to_delete_the_set(apply, client, namespace, name, check):
    """As a filter gives them that finds nothing."""
    apply([config_map(namespace, "a")])
    assert not delete_set(client, [], ApplyOptions(name=name, namespace=namespace, check=check)).changed
    assert client.get("v1", "ConfigMap", "a", namespace)


@pytest.fixture
def held_namespace(client, namespace):
    """A namespace that stays when it is deleted, and a function that lets it go."""
    name, path = f"{namespace}-held", f"/api/v1/namespaces/{namespace}-held"
    client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name, "finalizers": [HOLD]}})

    def let_go():
        client.request("PATCH", path, body={"metadata": {"finalizers": None}}, content_type=MERGE)

    yield name, let_go
    with contextlib.suppress(NotFound):
        let_go()
        client.request("DELETE", path)


def test_a_namespace_that_does_not_go_says_what_is_left_in_it(client, held_namespace):
    name, _let_go = held_namespace
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    left = "Some content in the namespace has finalizers remaining: x in 1 resource instances"
    condition = {"type": "NamespaceFinalizersRemaining", "status": "True", "reason": "x", "message": left}
    body = {"status": {"conditions": [condition]}}
    client.request("PATCH", f"/api/v1/namespaces/{name}/status", body=body, content_type=MERGE)
    with pytest.raises(WaitTimeout, match=f"Namespace {name} is being deleted.* held by {HOLD}; {left}"):
        delete_set(client, [place], ApplyOptions(wait=True, wait_timeout=0))


def test_the_namespace_of_the_record_is_awaited_when_it_is_wanted_again(client, namespace, held_namespace):
    """With the namespace go the record and all that is in it, though it may be there and unchanged when it is read."""
    home, let_go = held_namespace
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}}
    objects = [place, config_map(home, "a"), config_map(namespace, "b")]
    options = {"name": "s", "namespace": home}
    apply_set(client, objects, ApplyOptions(**options))
    uid = client.get("v1", "Namespace", home)["metadata"]["uid"]
    client.request("DELETE", f"/api/v1/namespaces/{home}")
    predicted = apply_set(client, objects, ApplyOptions(**options, check=True))
    thread = threading.Timer(1.0, let_go)
    thread.start()
    result = apply_set(client, objects, ApplyOptions(**options))
    thread.join()
    assert result.created == predicted.created == [f"Namespace {home}", f"ConfigMap {home}/a"]
    assert client.get("v1", "Namespace", home)["metadata"]["uid"] != uid
    assert client.get("v1", "ConfigMap", "a", home)
    assert not apply_set(client, objects, ApplyOptions(**options, prune=True)).changed
    delete_set(client, None, ApplyOptions(**options, prune_named=(f"Namespace/{home}",)))


def test_what_goes_and_why_is_said(apply, namespace):
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    for check, verb in ((True, "would delete"), (False, "deleting")):
        said = []
        apply([config_map(namespace, "a")], prune=True, check=check, say=said.append)
        assert f"{verb} 1 which left the set: ConfigMap {namespace}/b" in said
