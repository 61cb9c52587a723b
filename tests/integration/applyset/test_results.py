# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whatever ends a run: its result says what was done until then, and the error carries it."""

from __future__ import annotations

import os
import signal
import time

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import record, served
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import (
    ApiError,
    ApplyError,
    PruneRefused,
    SetLocked,
    VcciError,
    WaitTimeout,
)

from tests import proxy as faults
from tests.helpers import play
from tests.integration.applyset.objects import config_map, secret


def claim(namespace):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
    meta = {"name": "data", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def stuck_job(namespace):
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x"}], "nodeSelector": {"no": "where"}}
    meta = {"name": "stuck", "namespace": namespace}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": {"spec": spec}}}


@pytest.fixture
def front(front):
    front.client.retry_for = 0.2
    return front


def chosen(harm, method, part, body=""):
    """Harms requests of a method, to paths that end so, with that in their body or not (!)."""

    def choose(request):
        if request.method != method or not request.path.endswith(part):
            return None
        has = body.lstrip("!") in str(request.sent)
        return harm if has != body.startswith("!") else None

    return choose


RELEASE = ("PATCH", "/configmaps/s", f"!{record.LOCK}")
TAKE = ("PATCH", "/configmaps/s", record.LOCK)
# What happens, the error, what of the objects is created and pruned all the same, and which objects failed.
ENDS = {
    "a deletion is refused": (chosen(faults.FORBIDDEN, "DELETE", "/secrets/c"), ApplyError, "ab", "", ["Secret c"]),
    "a deletion is not answered": (chosen(faults.CUT, "DELETE", "/secrets/c"), ApplyError, "ab", "", ["set s"]),
    "an object is refused": (chosen(faults.FORBIDDEN, "PATCH", "/configmaps/b"), ApplyError, "a", "", ["ConfigMap b"]),
    "the record is not taken": (chosen(faults.FORBIDDEN, *TAKE), ApiError, "", "", None),
    "the record is not given back": (chosen(faults.FORBIDDEN, *RELEASE), ApplyError, "ab", "c", ["ConfigMap s"]),
    "the record cannot be read": (chosen(faults.FORBIDDEN, "GET", "/configmaps/s"), ApiError, "", "", None),
}


@pytest.mark.parametrize("case", ENDS)
def test_however_a_run_ends_it_says_what_it_did(apply, front, client, namespace, case):
    harm, error, created, pruned, failed = ENDS[case]
    apply([claim(namespace), secret(namespace)])
    front.choose = harm
    with pytest.raises(error) as caught:
        apply([config_map(namespace, "a"), config_map(namespace, "b")], prune=True, client=front.client)
    result = caught.value.result
    assert result.created == [f"ConfigMap {namespace}/{name}" for name in created]
    assert result.pruned == [f"Secret {namespace}/{name}" for name in pruned]
    assert result.changed == bool(created or pruned)
    assert result.requests > 0
    there = {obj["metadata"]["name"] for obj in client.list("v1", "ConfigMap", namespace)}
    assert there & {"a", "b"} == set(created)
    assert (client.get("v1", "Secret", "c", namespace) is None) == bool(pruned)
    if failed is not None:
        labels = [failure["object"].replace(f"{namespace}/", "") for failure in caught.value.failures]
        assert labels == failed
    if case != "the record cannot be read":
        assert any("prune_named" in warning for warning in result.answer(False)["warnings"])
    front.choose = lambda _request: None
    again = apply([config_map(namespace, "a"), config_map(namespace, "b")], prune=True)
    assert set(result.created) | set(again.created) == {f"ConfigMap {namespace}/a", f"ConfigMap {namespace}/b"}
    assert set(result.pruned) | set(again.pruned) == {f"Secret {namespace}/c"}


def test_a_deletion_that_fails_does_not_hide_the_others(apply, front, client, namespace):
    apply([config_map(namespace, name) for name in "abc"])
    front.choose = chosen(faults.FORBIDDEN, "DELETE", "/configmaps/b")
    with pytest.raises(ApplyError, match=r"1 of 3 objects failed") as caught:
        delete_set(front.client, None, ApplyOptions(name="s", namespace=namespace))
    assert caught.value.result.deleted == [f"ConfigMap {namespace}/a", f"ConfigMap {namespace}/c"]
    assert client.get("v1", "ConfigMap", "s", namespace)
    front.choose = chosen(faults.FORBIDDEN, "DELETE", "/configmaps/s")
    with pytest.raises(ApplyError, match="turn could not be given back") as caught:
        delete_set(front.client, None, ApplyOptions(name="s", namespace=namespace))
    assert caught.value.result.deleted == [f"ConfigMap {namespace}/b"]
    assert record.LOCK not in client.get("v1", "ConfigMap", "s", namespace)["metadata"]["annotations"]


def test_a_wait_that_ends_late(apply, namespace):
    with pytest.raises(WaitTimeout) as caught:
        apply([config_map(namespace, "a"), stuck_job(namespace)], wait=True, wait_timeout=1)
    assert caught.value.result.created == [f"ConfigMap {namespace}/a", f"Job {namespace}/stuck"]


def test_a_definition_that_is_not_established(apply, client, namespace, monkeypatch):
    def definition(plural):
        names = {"kind": "Widget", "plural": plural, "singular": plural[:-1], "listKind": "WidgetList"}
        schema = {"openAPIV3Schema": {"type": "object"}}
        version = {"name": "v1", "served": True, "storage": True, "schema": schema}
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{namespace}.example.org"},
            "spec": {"group": f"{namespace}.example.org", "scope": "Cluster", "names": names, "versions": [version]},
        }

    both = [definition("widgets"), definition("gadgets")]  # of one kind: the second one's name is taken
    try:
        apply(both[:1])
        monkeypatch.setattr(served, "ESTABLISH_TIMEOUT", 0.5)
        with pytest.raises(VcciError) as caught:
            apply([*both, config_map(namespace, "a")])
        assert caught.value.result.created == [f"CustomResourceDefinition gadgets.{namespace}.example.org"]
        assert caught.value.result.skipped == [f"ConfigMap {namespace}/a"]
    finally:
        delete_set(client, both, ApplyOptions(force_conflicts=True))


def test_a_limit_and_a_held_set_end_a_run_before_anything_is_done(apply, client, namespace):
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    with pytest.raises(PruneRefused) as refused:
        apply([config_map(namespace, "a")], prune=True, prune_limit=0)
    assert refused.value.result.unchanged == [f"ConfigMap {namespace}/a"]
    assert not refused.value.result.changed
    body = {"metadata": {"annotations": {record.LOCK: '{"id": "x", "host": "far", "pid": 1}'}}}
    path = f"/api/v1/namespaces/{namespace}/configmaps/s"
    client.request("PATCH", path, body=body, content_type="application/merge-patch+json")
    with pytest.raises(SetLocked) as locked:
        apply([config_map(namespace, "a", "2")], lock_timeout=1)
    assert not locked.value.result.changed


# --- interrupts ------------------------------------------------------------------------------------------------------
def test_an_interrupt_gives_the_set_back_and_has_a_result(apply, client, namespace):
    apply([config_map(namespace, "a"), config_map(namespace, "b")])

    def interrupt(line):
        if line.startswith("deleting"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        apply([config_map(namespace, "a"), config_map(namespace, "new")], prune=True, say=interrupt)
    assert caught.value.result.created == [f"ConfigMap {namespace}/new"]
    assert caught.value.result.pruned == []
    notes = client.get("v1", "ConfigMap", "s", namespace)["metadata"]["annotations"]
    assert record.LOCK not in notes


def test_a_signal_ends_a_run_soon(front, client, namespace):
    writes = []

    def slow(request):
        if request.method == "PATCH" and not request.path.endswith("/configmaps/s"):
            writes.append(request.path)
            if len(writes) == 10:
                os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

    front.choose = slow
    objects = [config_map(namespace, f"c{number}") for number in range(100)]
    # Python leaves this signal alone where its parent ignored it, as a shell does for what it starts beside itself.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            apply_set(front.client, objects, ApplyOptions(name="s", namespace=namespace, concurrency=2))
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(writes) < 100
    there = {f"ConfigMap {namespace}/{obj['metadata']['name']}" for obj in client.list("v1", "ConfigMap", namespace)}
    created = set(caught.value.result.created)
    assert created
    assert created == there & {f"ConfigMap {namespace}/c{number}" for number in range(100)}
    assert len(created) + len(caught.value.result.skipped) == 100


# --- a server that is gone -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("check", [True, False])
def test_a_server_that_goes_away_is_told_once(front, client, namespace, check):
    front.client.retry_for = 1
    first_run = apply_set(client, [config_map(namespace, "first")], ApplyOptions(name="s", namespace=namespace))
    assert first_run.created
    writes = []

    def go_away(request):
        if request.method == "PATCH" and not request.path.endswith("/configmaps/s"):
            writes.append(request.path)
        return faults.CUT if len(writes) > 20 else None

    front.choose = go_away
    objects = [config_map(namespace, "first"), *(config_map(namespace, f"c{number}") for number in range(200))]
    with pytest.raises(ApplyError, match=r"stopped before \d+ of 201 objects were done") as caught:
        apply_set(front.client, objects, ApplyOptions(name="s", namespace=namespace, check=check))
    assert len(set(writes)) < 100
    assert str(caught.value).count("does not answer") == 1
    assert len(caught.value.errors) == 1
    result = caught.value.result
    assert len(result.created) == 20
    assert len(result.created) + len(result.skipped) + len(result.unchanged) == 201
    if not check:
        there = {obj["metadata"]["name"] for obj in client.list("v1", "ConfigMap", namespace)}
        assert {label.rpartition("/")[2] for label in result.created} <= there
        # Who ended in this process holds nothing any more.
        again = apply_set(client, objects, ApplyOptions(name="s", namespace=namespace, lock_timeout=0))
        assert len(again.created) + len(result.created) + len(again.unchanged) >= 201


# --- what a difference is shown of -----------------------------------------------------------------------------------
@pytest.mark.parametrize("diff", [True, False])
def test_an_object_that_vanishes_between_plan_and_write_is_created(apply, front, client, namespace, diff):
    apply([config_map(namespace, "a")])

    def vanish(request):
        if request.method == "PATCH" and request.path.endswith("/configmaps/s"):
            client.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/a")
            front.choose = lambda _request: None

    front.choose = vanish
    assert apply([config_map(namespace, "a", "2")], client=front.client, diff=diff).created


def test_a_read_for_the_difference_fails_no_run(apply, front, namespace):
    apply([config_map(namespace, "a")])
    whole = chosen(faults.FORBIDDEN, "GET", "/configmaps/a")
    writing = []

    def harm(request):
        writing.append(request.method == "PATCH")
        return whole(request) if any(writing) else None

    front.choose = harm
    assert apply([config_map(namespace, "a", "2")], client=front.client, diff=True).configured


# --- in a task -------------------------------------------------------------------------------------------------------
def test_a_task_that_fails_or_runs_out_of_time_has_lists_and_warnings(apply, kubeconfig, namespace, tmp_path):
    apply([claim(namespace), config_map(namespace, "b")])
    options = {"kubeconfig": str(kubeconfig), "name": "s", "namespace": namespace, "prune": True}

    def task(value, **more):
        objects = [config_map(namespace, "a", value), stuck_job(namespace)]
        return {"greenlang.vcci.applyset": {**options, **more, "definition": objects}, "ignore_errors": True}

    tasks = [task("1", wait=True, wait_timeout=1), {**task("2", wait=True), "timeout": 10}]
    (late, timed_out), said = play(tmp_path, tasks)
    labels = [f"ConfigMap {namespace}/a", f"Job {namespace}/stuck"]
    assert (late["created"], late["pruned"]) == (labels, [f"ConfigMap {namespace}/b"]), said
    assert timed_out["configured"] == labels[:1], said
    assert "Timed out after 10" in timed_out["msg"]
    for result in (late, timed_out):
        assert result["failed"]
        assert result["changed"]
        assert "prune_named" in str(result["warnings"])


def test_what_the_server_warned_of_is_told_by_the_run_that_it_warned(apply, namespace):
    """A client may make several runs: each has its own warnings, once, with its own objects."""
    subsets = [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]

    def endpoints(name):
        meta = {"name": name, "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": subsets}

    def warned(objects, **options):
        lines = [line for line in apply(objects, **options).warnings if "deprecated" in line]
        return [line.partition(": ")[0] for line in lines]

    both = f"Endpoints {namespace}/x, Endpoints {namespace}/y"
    assert warned([endpoints("x"), endpoints("y")], check=True, concurrency=1) == [both]
    assert warned([endpoints("x")]) == [f"Endpoints {namespace}/x"]
    assert warned([endpoints("x")]) == []
    assert warned([config_map(namespace), endpoints("x"), endpoints("y")]) == [f"Endpoints {namespace}/y"]
    assert warned([config_map(namespace)]) == []
