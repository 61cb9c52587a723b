# Copyright (c) 2026 GreenLang. All rights reserved.
"""Secrets carry no digest of what they hold, and are noticed all the same."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import DIGEST
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import APPLY_PATCH

KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(namespace: str, name: str = "login", **change) -> dict:
    meta = {"name": name, "namespace": namespace, "labels": {"a": "1"}, **change.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"pin": "1234", "b": "x"}, **change}


def there(client, namespace: str, name: str = "login") -> dict:
    return client.get("v1", "Secret", name, namespace)


def apply_as(client, namespace: str, manager: str, **fields) -> None:
    """By server-side apply of another manager, by force."""
    body = {"apiVersion": "v1", "kind": "Secret", **fields, "metadata": {"name": "login", **fields.get("metadata", {})}}
    path, query = f"/api/v1/namespaces/{namespace}/secrets/login", {"fieldManager": manager, "force": "true"}
    client.request("PATCH", path, body=body, content_type=APPLY_PATCH, query=query)


def test_nothing_guessable_is_stored_and_a_second_run_writes_nothing(apply, client, namespace) -> None:
    """Ten thousand tries find a PIN from a digest."""
    given = [
        secret(namespace),
        secret(namespace, "empty", stringData={}),
        secret(namespace, "typed", type="example.org/t"),
    ]
    assert apply(given, check=True).created == apply(given).created
    everything = json.dumps(client.list("v1", "Secret", namespace) + client.list("v1", "ConfigMap", namespace))
    assert DIGEST not in json.dumps(client.list("v1", "Secret", namespace))
    for algorithm in ("md5", "sha1", "sha256"):
        for text in ("1234", encoded("1234")):
            assert hashlib.new(algorithm, text.encode()).hexdigest()[:16] not in everything
    for check in (True, False):
        again = apply(given, check=check, diff=check)
        assert (again.changed, len(again.unchanged), again.diff) == (False, 3, [])


CHANGES = {
    "a value": {"stringData": {"pin": "1235", "b": "x"}},
    "a value that is emptied": {"stringData": {"pin": "", "b": "x"}},
    "a key that comes": {"stringData": {"pin": "1234", "b": "x", "c": "y"}},
    "a key that goes": {"stringData": {"pin": "1234"}},
    "all keys": {"stringData": {}},
    "a label": {"metadata": {"labels": {"a": "2"}}},
    "a label that goes": {"metadata": {"labels": {}}},
    "an annotation": {"metadata": {"annotations": {"x": "y"}}},
    "immutable": {"immutable": True},
}


@pytest.mark.parametrize("case", CHANGES)
def test_each_change_of_ours_is_written_once(case: str, apply, client, namespace) -> None:
    apply([secret(namespace)])
    wanted = [secret(namespace, **CHANGES[case])]
    planned = apply(wanted, check=True, diff=True)
    assert [planned.configured, planned.changed] == [["Secret " + namespace + "/login"], True]
    assert "1235" not in str(planned.diff)
    assert encoded("1235") not in str(planned.diff)
    done = apply(wanted)
    assert (done.configured, done.unchanged) == (planned.configured, planned.unchanged)
    data = there(client, namespace).get("data") or {}
    assert data == {key: encoded(text) for key, text in wanted[0]["stringData"].items()}
    assert not apply(wanted).changed


def test_what_others_did_to_a_field_of_ours_is_noticed_and_what_they_added_is_not(
    apply, client, namespace, kubectl
) -> None:
    apply([secret(namespace)])
    edits = [{"data": {"pin": encoded("9999")}}, {"data": {"pin": None}}, {"data": {"pin": ""}}]
    for edit in edits:
        kubectl("patch", "secret", "login", "-n", namespace, "--type", "merge", "-p", json.dumps(edit))
        planned = apply([secret(namespace)], check=True, force_conflicts=True)
        done = apply([secret(namespace)], force_conflicts=True)
        assert (planned.configured, done.configured) == (done.configured, [f"Secret {namespace}/login"])
        assert there(client, namespace)["data"]["pin"] == encoded("1234")
    kubectl("patch", "secret", "login", "-n", namespace, "--type", "merge", "-p", json.dumps({"data": {"t": "eA=="}}))
    assert not apply([secret(namespace)]).changed
    assert there(client, namespace)["data"]["t"] == "eA=="
    kubectl("patch", "secret", "login", "-n", namespace, "--type", "merge", "-p", json.dumps(edits[0]))
    for check in (True, False):
        with pytest.raises(ApplyError) as caught:
            apply([secret(namespace)], check=check)
        assert "9999" not in str(caught.value)
        assert encoded("9999") not in str(caught.value)


@pytest.mark.parametrize("owner", ["greenlang.vcci", "velero"])
def test_the_digest_of_the_version_before_goes_once_and_nothing_else(owner: str, apply, client, namespace) -> None:
    """Whoever owns it by now: a restored Secret's is another tool's."""
    apply([secret(namespace)])
    theirs = {"metadata": {"annotations": {DIGEST: "v1.0123", "theirs": "1"}}, "data": {"t": "eA=="}}
    if owner == "velero":
        apply_as(client, namespace, owner, **theirs)
    else:
        ours = secret(namespace, metadata={"labels": {"a": "1"}, "annotations": {DIGEST: "v1.0123"}})
        label = there(client, namespace)["metadata"]["labels"]["applyset.kubernetes.io/part-of"]
        ours["metadata"]["labels"]["applyset.kubernetes.io/part-of"] = label
        apply_as(client, namespace, owner, **ours)
        apply_as(client, namespace, "velero", metadata={"annotations": {"theirs": "1"}}, data={"t": "eA=="})
    before = there(client, namespace)
    planned = apply([secret(namespace)], check=True, diff=True)
    done = apply([secret(namespace)])
    assert planned.configured == done.configured == [f"Secret {namespace}/login"]
    after = there(client, namespace)
    assert after["metadata"]["annotations"] == {"theirs": "1"}
    assert (after["data"], after["type"], after["metadata"]["uid"]) == (
        before["data"],
        before["type"],
        before["metadata"]["uid"],
    )
    assert not apply([secret(namespace)]).changed


def test_no_copy_of_a_secret_is_written_and_one_that_kubectl_left_goes(apply, client, namespace, kubectl) -> None:
    kubectl("apply", "-f", "-", given={**secret(namespace), "stringData": None, "data": {"pin": encoded("1234")}})
    exported = there(client, namespace)
    assert encoded("1234") in exported["metadata"]["annotations"][KUBECTL]
    for check in (True, False):
        done = apply([exported], check=check, diff=True)
        assert done.configured == [f"Secret {namespace}/login"]
        assert any("is not written" in warning for warning in done.warnings)
        assert encoded("1234") not in str(done.diff)
    assert KUBECTL not in there(client, namespace)["metadata"].get("annotations", {})
    assert not apply([exported]).changed


@pytest.mark.parametrize("name", ["s", None])
def test_an_unchanged_set_costs_at_most_one_request_a_secret(name: str | None, apply, client, namespace) -> None:
    """Of a named set one LIST; without a name each is asked for, beside others' large ones, which are not read."""
    given = [secret(namespace, f"many-{number}") for number in range(40)]
    apply(given, name=name)
    before = client.requests
    again = apply(given, name=name)
    assert (again.changed, len(again.unchanged)) == (False, 40)
    assert client.requests - before <= (8 if name else 48)
