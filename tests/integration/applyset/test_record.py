# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of a set: what cannot be read is refused, and the answer to any write of it may be lost."""

from __future__ import annotations

import json
import time
from urllib.parse import unquote

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import holder, membership, record
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError, InputError, SetLocked, VcciError

from tests import proxy as faults
from tests.integration.applyset.objects import config_map, secret

MERGE = "application/merge-patch+json"


def path_of(namespace):
    return f"/api/v1/namespaces/{namespace}/configmaps/s"


def annotate(client, namespace, **annotations):
    named = {key.replace("__", "/"): value for key, value in annotations.items()}
    body = {"metadata": {"annotations": named}}
    client.request("PATCH", path_of(namespace), body=body, content_type=MERGE)


def annotations(client, namespace):
    return client.get("v1", "ConfigMap", "s", namespace)["metadata"]["annotations"]


# --- reading ---------------------------------------------------------------------------------------------------------
UNREADABLE = {
    "no kinds": ({membership.GROUP_KINDS: None}, "is missing"),
    "kinds of an old kubectl": (
        {membership.GROUP_KINDS: None, membership.GROUP_RESOURCES: "configmaps,secrets"},
        "is missing",
    ),
    "kinds with blanks": ({membership.GROUP_KINDS: "ConfigMap, Secret"}, "cannot be read"),
    "a kind that no server has": ({membership.GROUP_KINDS: "ConfigMap,Secrets"}, "lists Secrets, which no server has"),
    "no tool": ({membership.TOOLING: None}, "not <tool>/<version>"),
    "a tool without a version": ({membership.TOOLING: "helm"}, "not <tool>/<version>"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_record_that_cannot_be_read_is_refused_and_not_narrowed(apply, client, namespace, case):
    changes, why = UNREADABLE[case]
    apply([config_map(namespace, "a"), secret(namespace)])
    client.request("PATCH", path_of(namespace), body={"metadata": {"annotations": changes}}, content_type=MERGE)
    before = client.get("v1", "ConfigMap", "s", namespace)
    for check in (True, False):
        with pytest.raises(InputError, match=rf"ConfigMap {namespace}/s.*{why}"):
            apply([config_map(namespace, "a"), config_map(namespace, "b")], prune=True, check=check)
        with pytest.raises(InputError, match=rf"ConfigMap {namespace}/s.*{why}"):
            delete_set(client, None, ApplyOptions(name="s", namespace=namespace, check=check))
    assert client.get("v1", "ConfigMap", "s", namespace) == before
    assert client.get("v1", "ConfigMap", "b", namespace) is None
    assert client.get("v1", "Secret", "c", namespace)


def test_without_the_list_of_namespaces_members_are_looked_for_in_all(apply, client, namespace, kubectl):
    other = f"{namespace}-other"
    kubectl("create", "namespace", other)
    try:
        apply([config_map(namespace, "a"), config_map(other, "b")])
        annotate(client, namespace, applyset_kubernetes_io__x=None, **{membership.NAMESPACES: None})
        assert apply([config_map(namespace, "a")], prune=True).pruned == [f"ConfigMap {other}/b"]
        assert annotations(client, namespace)[membership.NAMESPACES] == ""
    finally:
        kubectl("delete", "namespace", other, "--wait=false")


def test_an_object_outside_the_recorded_namespaces_is_no_member(apply, client, namespace, kubectl):
    other = f"{namespace}-other"
    kubectl("create", "namespace", other)
    try:
        apply([config_map(namespace, "a"), config_map(other, "b")])
        annotate(client, namespace, **{membership.NAMESPACES: ""})
        assert not apply([config_map(namespace, "a")], prune=True).pruned
    finally:
        kubectl("delete", "namespace", other, "--wait=false")


# --- lost answers ----------------------------------------------------------------------------------------------------
HARMS = {
    "the answer is lost": faults.LOST,
    "the gateway gives up after it was done": faults.GATEWAY_AFTER,
    "the connection is cut before": faults.CUT,
}


class Nth:
    """Harms the n-th write of the record, and counts them."""

    def __init__(self, namespace, number, harm):
        self.paths = (path_of(namespace), path_of(namespace).rpartition("/")[0])
        self.number, self.harm, self.count = number, harm, 0

    def __call__(self, request):
        if request.method == "GET" or unquote(request.path) not in self.paths:
            return None
        if request.method == "POST" and request.sent["metadata"]["name"] != "s":
            return None
        self.count += 1
        return self.harm if self.count == self.number else None


def first_run(client, namespace):
    return apply_set(client, [config_map(namespace, "a"), secret(namespace)], options(namespace))


def later_run(client, namespace):
    return apply_set(client, [config_map(namespace, "a", "2")], options(namespace, prune=True))


def whole_set(client, namespace):
    return delete_set(client, None, options(namespace))


def options(namespace, **more):
    return ApplyOptions(name="s", namespace=namespace, **{"lock_timeout": 20, **more})


RUNS = {first_run: 3, later_run: 2, whole_set: 2}  # and how often each writes the record
STEPS = [(run, number) for run, writes in RUNS.items() for number in range(1, writes + 1)]


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize(("run", "number"), STEPS)
def test_one_write_of_the_record_goes_wrong(front, client, namespace, run, number, harm):
    if run is not first_run:
        first_run(client, namespace)
    chosen = front.choose = Nth(namespace, number, HARMS[harm])
    done = run(front.client, namespace)
    assert chosen.count > number or harm == "the answer is lost" or run is whole_set
    assert len(front.passed) < 60
    found = client.get("v1", "ConfigMap", "s", namespace)
    if run is whole_set:
        assert len(done.deleted) == 2
        assert found is None
        return
    assert done.changed
    notes = found["metadata"]["annotations"]
    assert record.LOCK not in notes
    assert notes[membership.GROUP_KINDS] == ("ConfigMap,Secret" if run is first_run else "ConfigMap")
    again = run(client, namespace)
    assert not again.changed
    assert again.requests < 12


def test_the_runs_write_the_record_as_often_as_the_table_says(front, namespace):
    for run, writes in RUNS.items():
        front.choose = Nth(namespace, 0, None)
        run(front.client, namespace)
        assert front.choose.count == writes


def test_answers_to_renewals_are_lost(front, client, namespace, monkeypatch):
    monkeypatch.setattr(record, "RENEW_EVERY", 0.02)
    writes = Nth(namespace, 0, None)

    def lose(request):
        writes(request)
        renewal = request.method == "PATCH" and record.LOCK in json.dumps(request.sent)
        return faults.LOST if renewal and writes.count % 2 else None

    def slow(request):
        if request.method == "PATCH" and request.path.endswith("/c5"):
            time.sleep(0.5)
        return lose(request)

    front.choose = slow
    objects = [config_map(namespace, f"c{number}") for number in range(10)]
    assert len(apply_set(front.client, objects, options(namespace, concurrency=1)).created) == 10
    assert writes.count > 4
    assert record.LOCK not in annotations(client, namespace)


def test_a_set_that_others_change_all_the_time_is_given_up(front, client, namespace):
    first_run(client, namespace)
    numbers = iter(range(1000))

    def disturb(request):
        if request.method == "PATCH" and request.path == path_of(namespace):
            annotate(client, namespace, note=str(next(numbers)))

    front.choose = disturb
    with pytest.raises(SetLocked, match="others were at work on set s"):
        apply_set(
            front.client, [config_map(namespace, "a", "2")], ApplyOptions(name="s", namespace=namespace, lock_timeout=1)
        )


def test_a_run_of_this_process_that_could_not_give_its_set_back_is_not_waited_for(front, client, namespace):
    first_run(client, namespace)
    front.client.retry_for = 0.1

    def refuse(request):
        release = request.method == "PATCH" and request.path == path_of(namespace)
        return faults.FORBIDDEN if release and record.LOCK not in json.dumps(request.sent) else None

    front.choose = refuse
    with pytest.raises(ApplyError, match="the set's turn could not be given back") as caught:
        later_run(front.client, namespace)
    assert caught.value.result.configured == [f"ConfigMap {namespace}/a"]
    assert caught.value.result.pruned == [f"Secret {namespace}/c"]
    assert [failure["object"] for failure in caught.value.failures] == [f"ConfigMap {namespace}/s"]
    assert record.LOCK in annotations(client, namespace)
    assert apply_set(client, [config_map(namespace, "a", "3")], options(namespace, lock_timeout=0)).changed


def test_a_claim_that_makes_no_sense_counts_as_stale(client, namespace, monkeypatch):
    monkeypatch.setattr(record, "STALE_AFTER", 0.5)
    for text in ("5", '{"id": 5}'):
        first_run(client, namespace)
        annotate(client, namespace, **{record.LOCK: text})
        assert apply_set(client, [config_map(namespace, "a", text)], options(namespace)).configured
        assert record.LOCK not in annotations(client, namespace)


# --- losing a set ----------------------------------------------------------------------------------------------------
def test_a_run_that_lost_its_set_stops_and_says_so_once(front, client, namespace, monkeypatch):
    monkeypatch.setattr(record, "RENEW_EVERY", 0.05)
    claim = json.dumps({**holder.identity(), "host": "far", "machine": "another"})

    def take_over(request):
        if request.method == "PATCH" and request.path.endswith("/c5"):
            annotate(client, namespace, **{record.LOCK: claim})
            time.sleep(0.5)

    front.choose = take_over
    objects = [config_map(namespace, f"c{number}") for number in range(50)]
    with pytest.raises(ApplyError, match="another run has taken over the set s") as caught:
        apply_set(front.client, objects, options(namespace, concurrency=1))
    assert str(caught.value).count("taken over") == 1
    result = caught.value.result
    assert result.created == [f"ConfigMap {namespace}/c{number}" for number in range(6)]
    assert len(result.skipped) == 44
    # The other's claim stays.
    assert annotations(client, namespace)[record.LOCK] == claim


def test_a_run_that_slept_too_long_asks_whether_the_set_is_still_its_own(front, client, namespace, monkeypatch):
    """Nobody renews while a process is stopped: what it does after that must not rest on what was."""
    monkeypatch.setattr(record, "RENEW_EVERY", 3600)
    monkeypatch.setattr(record, "STALE_AFTER", 0.3)
    monkeypatch.setattr(record.turn, "POLL_EVERY", 0.05)

    def sleep_while_another_run_comes_and_goes(request):
        if (
            request.method == "PATCH"
            and request.path.endswith("/c2")
            and not client.get("v1", "ConfigMap", "other", namespace)
        ):
            other = ApplyOptions(name="s", namespace=namespace)
            apply_set(client, [config_map(namespace, "other")], other)

    front.choose = sleep_while_another_run_comes_and_goes
    monkeypatch.setattr(holder, "is_gone", lambda _holder: False)  # as it is on another machine
    objects = [config_map(namespace, f"c{number}") for number in range(5)]
    with pytest.raises(VcciError, match="taken over") as caught:
        apply_set(front.client, objects, options(namespace, concurrency=1))
    assert len(caught.value.result.created) == 3


def test_the_record_that_kubectl_drops_the_claim_of_is_claimed_again(front, client, namespace, kubectl, monkeypatch):
    """kubectl knows no claims: it writes the record without ours. That is not another run of ours."""
    monkeypatch.setattr(record, "RENEW_EVERY", 0.05)
    first_run(client, namespace)

    def kubectl_in_between(request):
        if request.method == "PATCH" and request.path.endswith("/c2"):
            given = {"apiVersion": "v1", "kind": "List", "items": [config_map(namespace, "a"), secret(namespace)]}
            apply = ["apply", "--server-side", "--prune", "--applyset=configmap/s", "--force-conflicts", "-f", "-"]
            kubectl("-n", namespace, *apply, given=given)

    front.choose = kubectl_in_between
    objects = [config_map(namespace, f"c{number}") for number in range(5)]
    apply_set(front.client, objects, options(namespace, concurrency=1))
    notes = annotations(client, namespace)
    assert record.LOCK not in notes
    assert notes[membership.GROUP_KINDS] == "ConfigMap,Secret"


def test_a_record_that_was_only_begun_is_gone_on_with(client, namespace):
    """A run that ended between the two requests that make a record."""
    body = membership.new_record("s", namespace)
    collection = path_of(namespace).rpartition("/")[0]
    client.request("POST", collection, body=body, query={"fieldManager": membership.RECORD_MANAGER})
    assert len(first_run(client, namespace).created) == 2
    managed = client.get("v1", "ConfigMap", "s", namespace)["metadata"]["managedFields"]
    owned = [entry["fieldsV1"]["f:metadata"].get("f:annotations") for entry in managed if entry["operation"] != "Apply"]
    assert not any(owned)
