# Copyright (c) 2026 GreenLang. All rights reserved.
"""Between the deletion and the creation of an object that is recreated: whatever ends the run, the result says what is
there, and what can be put back is."""

from __future__ import annotations

import os
import signal

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import putback
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError

from tests.integration.applyset.objects import config_map, made, path_of
from tests.proxy import FAULTS, FORBIDDEN

RECREATE = {"applyset.greenlang.io/recreate": "true"}


def fixed(namespace, value, **meta):
    return {**config_map(namespace, "x", value, annotations=RECREATE, **meta), "immutable": True}


def service(namespace, value):
    spec = {"ports": [{"port": 80}], **({"clusterIP": "None"} if value == "2" else {})}
    return made("v1", "Service", namespace, meta={"annotations": RECREATE}, spec=spec)


def job(namespace, value):
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": f"example.invalid/a:{value}"}]}
    return made("batch/v1", "Job", namespace, meta={"annotations": RECREATE}, spec={"template": {"spec": pod}})


KINDS = {"ConfigMap": fixed, "Service": service, "Job": job}


class Steps:
    """Which of the requests of a recreation one is: deletion, creation, or putting back."""

    def __init__(self, path):
        self.path, self.deleted, self.faults = path, False, {}

    def __call__(self, request):
        step = ""
        if "dryRun" in request.query or b"dryRun" in request.body:
            return None
        if request.method == "DELETE" and request.path == self.path:
            self.deleted, step = True, "deletion"
        elif self.deleted and request.method == "PATCH" and request.path == self.path:
            step = "creation"
        elif self.deleted and request.method == "POST" and request.path == self.path.rpartition("/")[0]:
            step = "putting back"
        fault = self.faults.pop(step, None)
        return fault() if fault else None


@pytest.fixture
def recreation(apply, client, front, namespace):
    """Recreate an object of a kind with these faults; the error, and the object that is there."""

    def run(kind, **faults):
        first, second = (KINDS[kind](namespace, value) for value in ("1", "2"))
        apply([first])
        path = path_of(client, first)
        front.choose = steps = Steps(path)
        steps.faults = {name.replace("_", " "): fault for name, fault in faults.items()}
        with pytest.raises((ApplyError, KeyboardInterrupt)) as caught:
            apply([second], client=front.client)
        front.choose = lambda _request: None
        live = client.get(first["apiVersion"], kind, "x", namespace)
        return caught.value, live, lambda: apply([first])

    return run


# Not those that a client outlasts for five seconds only: a busy machine may need these for one answer.
LOST = ("lost answer", "502, after all", "504, after all")


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_answer_to_putting_back_is_told_as_what_it_is(recreation, namespace, kind, fault):
    error, live, again = recreation(kind, creation=lambda: FORBIDDEN, putting_back=lambda: FAULTS[fault])
    assert "was put back as it was" in str(error)
    assert error.result.recreated == [f"{kind} {namespace}/x"]
    assert not error.result.deleted
    assert live
    assert not again().changed


def test_what_somebody_else_created_is_not_what_was_put_back(recreation, client, namespace):
    def other():
        client.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=config_map(namespace, "x", "9"))
        return FORBIDDEN

    error, live, _again = recreation("ConfigMap", creation=other)
    assert "could not be put back either" in str(error)
    assert error.result.deleted == [f"ConfigMap {namespace}/x"]
    assert live["data"] == {"value": "9"}


def interrupt():
    # The signal comes to the main thread, which waits for an answer.
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def interruptible():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def lost_interrupt():
    """The server does it, and the run does not hear of it."""

    def fault(pass_on):
        pass_on()
        interrupt()

    return fault


def early_interrupt():
    """The server does not hear of it."""

    def fault(_pass_on):
        interrupt()

    return fault


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("kind", KINDS)
def test_what_an_interrupted_run_deleted_is_put_back(recreation, namespace, kind):
    error, live, again = recreation(kind, creation=early_interrupt)
    assert isinstance(error, KeyboardInterrupt)
    assert error.result.recreated == [f"{kind} {namespace}/x"]
    assert not error.result.deleted
    assert error.result.failed == [
        f"{kind} {namespace}/x: was deleted to be created again, and put back when the run was interrupted"
    ]
    assert live
    assert not again().changed


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_before_the_server_heard_of_the_deletion(recreation, namespace):
    error, live, again = recreation("ConfigMap", deletion=early_interrupt)
    assert isinstance(error, KeyboardInterrupt)
    assert not error.result.changed
    assert error.result.skipped == [f"ConfigMap {namespace}/x"]
    assert live
    assert not again().changed


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_before_the_deletion_is_answered(recreation, namespace):
    error, live, again = recreation("ConfigMap", deletion=lost_interrupt)
    assert isinstance(error, KeyboardInterrupt)
    assert error.result.recreated == [f"ConfigMap {namespace}/x"]
    assert live["data"] == {"value": "1"}
    assert not again().changed


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_before_the_creation_is_answered(recreation, namespace):
    error, live, _again = recreation("ConfigMap", creation=lost_interrupt)
    assert isinstance(error, KeyboardInterrupt)
    assert error.result.recreated == [f"ConfigMap {namespace}/x"]
    assert not error.result.failed
    assert live["data"] == {"value": "2"}


@pytest.mark.usefixtures("interruptible")
def test_what_cannot_be_put_back_in_a_short_time_is_told(apply, client, front, namespace, monkeypatch):
    """A finalizer holds it."""
    monkeypatch.setattr(putback, "INTERRUPTED", 0.5)
    first, second = (fixed(namespace, value, finalizers=["example.com/stay"]) for value in ("1", "2"))
    apply([first])
    path = path_of(client, first)
    held = []

    def choose(request):
        if request.method == "DELETE" and b"dryRun" not in request.body:
            held.append(request)
        elif len(held) == 1 and request.method == "GET" and request.path == path:
            held.append(request)
            interrupt()

    front.choose = choose
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            apply([second], client=front.client)
        assert caught.value.result.deleted == [f"ConfigMap {namespace}/x"]
        assert "it is gone; apply again" in caught.value.result.failed[0]
    finally:
        body = {"metadata": {"finalizers": None}}
        client.request("PATCH", path, body=body, content_type="application/merge-patch+json")
