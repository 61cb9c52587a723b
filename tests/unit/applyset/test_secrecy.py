# Copyright (c) 2026 GreenLang. All rights reserved.
"""Secrets: no digest, no copy; compared by their values."""

from __future__ import annotations

import base64
import gzip
import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import copies, diff, manifests, plan, secrecy
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError

KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "s", "namespace": "n", "labels": {"l": "1"}, "annotations": {"a": "b"}},
    "type": "Opaque",
    "data": {"pin": "MTIzNA=="},
}
FIELDS = {
    "f:metadata": {"f:labels": {".": {}, "f:l": {}}, "f:annotations": {".": {}, "f:a": {}}},
    "f:type": {},
    "f:data": {".": {}, "f:pin": {}},
}
WHOLE = json.dumps({"kind": "Secret", "apiVersion": "v1", "data": {"pin": "MTIzNA=="}})
BINARY = {"metadata": {}, "data": {"a": "b"}, "kind": "ConfigMap"}


def live(manager="m", operation="Apply", fields=None, **change) -> dict:
    entry = {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields or FIELDS}
    meta = {**SECRET["metadata"], "managedFields": [entry], **change.pop("metadata", {})}
    return {**SECRET, "metadata": meta, **change}


UNCHANGED = {
    "as we left it": (SECRET, live(), True),
    "a key of another": (SECRET, live(data={"pin": "MTIzNA==", "theirs": "eA=="}), True),
    "a label of another": (SECRET, live(metadata={"labels": {"l": "1", "t": "2"}}), True),
    "another value": (SECRET, live(data={"pin": "MTIzNQ=="}), False),
    "an emptied value": (SECRET, live(data={"pin": ""}), False),
    "a removed key": (SECRET, live(data={}), False),
    "no data at all": (SECRET, live(data=None), False),
    "another type": (SECRET, live(type="kubernetes.io/basic-auth"), False),
    "another label": (SECRET, live(metadata={"labels": {"l": "2"}}), False),
    "another annotation": (SECRET, live(metadata={"annotations": {"a": "c"}}), False),
    "a digest of the version before": (
        SECRET,
        live(metadata={"annotations": {"a": "b", manifests.DIGEST: "v1.0"}}),
        False,
    ),
    "being deleted": (SECRET, live(metadata={"deletionTimestamp": "now"}), False),
    "not ours": (SECRET, live(manager="x"), False),
    "an update of ours": (SECRET, live(operation="Update"), False),
    "no managed fields": (SECRET, live(metadata={"managedFields": None}), False),
    "a field that was taken from us": (SECRET, live(fields={**FIELDS, "f:data": {"f:x": {}}}), False),
    "a key that the manifest no longer has": (
        SECRET,
        live(fields={**FIELDS, "f:data": {".": {}, "f:pin": {}, "f:old": {}}}),
        False,
    ),
    "a label that it no longer has": ({**SECRET, "metadata": {"name": "s", "namespace": "n"}}, live(), False),
    "metadata alone are known": (SECRET, live(kind=secrecy.PARTIAL), False),
    "immutable is asked for": ({**SECRET, "immutable": True}, live(fields={**FIELDS, "f:immutable": {}}), False),
    "immutable as asked for": (
        {**SECRET, "immutable": True},
        live(fields={**FIELDS, "f:immutable": {}}, immutable=True),
        True,
    ),
    "a one for a true": ({**SECRET, "immutable": 1}, live(fields={**FIELDS, "f:immutable": {}}, immutable=True), False),
}


@pytest.mark.parametrize("case", UNCHANGED)
def test_a_secret_is_unchanged_by_its_values(case: str) -> None:
    desired, there, expected = UNCHANGED[case]
    assert secrecy.is_unchanged(desired, there, "m") is expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (SECRET, False),
        ({**SECRET, "data": {"pin": "MTIzNA==", "theirs": "eA=="}}, False),
        ({**SECRET, "data": {"pin": "MTIzNQ=="}}, True),
        ({**SECRET, "type": "x"}, True),
        ({**SECRET, "metadata": {**SECRET["metadata"], "labels": {}}}, True),
        ({**SECRET, "metadata": {**SECRET["metadata"], "resourceVersion": "2"}}, False),
    ],
)
def test_what_was_written_shows_in_our_fields(after: dict, expected: bool) -> None:
    assert secrecy.differs(SECRET, SECRET, after) is expected
    assert not secrecy.differs({**SECRET, "kind": "ConfigMap"}, SECRET, {})


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_only_what_is_no_secret_carries_a_digest(kind: str) -> None:
    [item] = plan.build([{**SECRET, "kind": kind}], None)
    assert (manifests.DIGEST in item.desired["metadata"]["annotations"]) is (kind != "Secret")
    plan.place_unasked([item], None)  # also where it was moved
    assert (manifests.DIGEST in item.desired["metadata"]["annotations"]) is (kind != "Secret")


def test_a_secret_without_annotations_may_be_moved() -> None:
    bare = {**SECRET, "metadata": {"name": "s"}}
    [item] = plan.build([bare], None)
    plan.place_unasked([item], "elsewhere")
    assert item.desired == {**bare, "metadata": {"name": "s", "namespace": "elsewhere"}}


def test_base64_is_written_as_the_server_writes_it() -> None:
    cleaned, _switches = manifests.normalise({**SECRET, "data": {"a": "YR==", "b": "YW\nI="}}, "f")
    assert cleaned["data"] == {"a": "YQ==", "b": "YWI="}


packed = base64.b64encode(gzip.compress(WHOLE.encode())).decode()
COPIES = {
    KUBECTL: "{}",
    "kubecfg.ksonnet.io/last-applied-configuration": "x",
    "kapp.k14s.io/original": "x",
    "kapp.k14s.io/original-diff-md5": "x",
    "objectset.rio.cattle.io/applied": "x",
    "banzaicloud.com/last-applied": "x",
    "kopf.zalando.org/last-handled-configuration": "x",
    "reconcile.external-secrets.io/data-hash": "x",
    manifests.DIGEST: "x",
    "of.a/new-tool": WHOLE,
    "of.a/yaml-tool": "apiVersion: v1\nkind: Secret\nstringData:\n  pin: '1234'\n",
    "of.a/packing-tool": base64.b64encode(WHOLE.encode()).decode(),
    "of.a/zipping-tool": packed,
}
HARMLESS = {
    "note": "last-applied by hand",
    "kapp.k14s.io/change-group": "x",
    "checksum/config": "abc",
    "of.a/reference": '{"kind": "Secret", "name": "other"}',
    "of.a/long": "A" * 400,
    "of.a/config": json.dumps(BINARY),
    "sealedsecrets.bitnami.com/managed": "true",
    "of.a/bytes": base64.b64encode(b"\x1f\x8b" + b"\0" * 60).decode(),
}


@pytest.mark.parametrize(("name", "text"), COPIES.items())
def test_copies_are_known(name: str, text: str) -> None:
    assert copies.is_copy(name, text)


@pytest.mark.parametrize(("name", "text"), HARMLESS.items())
def test_what_is_no_copy_stays(name: str, text: str) -> None:
    assert not copies.is_copy(name, text)


@pytest.mark.parametrize("sealed", [False, True])
def test_no_copy_is_applied_and_a_warning_says_so(sealed: bool) -> None:
    annotations = {**COPIES, **HARMLESS, manifests.FORCE: "true"}
    given = {**SECRET, "metadata": {"name": "s", "namespace": "n", "annotations": annotations}}
    if sealed:
        spec = {"encryptedData": {}, "template": {"metadata": {"annotations": annotations}}}
        given = {**given, "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "spec": spec}
    [item] = plan.build([given], None)
    assert {**item.desired["metadata"]["annotations"], manifests.DIGEST: ""} == {**HARMLESS, manifests.DIGEST: ""}
    if sealed:
        template = item.desired["spec"]["template"]["metadata"]["annotations"]
        assert {key: text for key, text in template.items() if key != manifests.FORCE} == HARMLESS
    [note] = item.notes
    assert "kapp.k14s.io/original" in note
    assert "is not written" in note
    assert "1234" not in note
    assert item.force


def test_others_manifests_keep_theirs() -> None:
    given = {**SECRET, "kind": "ConfigMap", "metadata": {"name": "s", "namespace": "n", "annotations": {KUBECTL: "{}"}}}
    [item] = plan.build([given], None)
    assert item.desired["metadata"]["annotations"][KUBECTL] == "{}"
    assert item.notes == []


def test_a_difference_shows_no_copy() -> None:
    before = {**SECRET, "metadata": {"name": "s", "annotations": COPIES}}
    shown = str(diff.entry("Secret s", before, {**SECRET, "data": {"pin": "eA=="}}))
    assert "MTIzNA" not in shown
    assert "kapp" not in shown
    assert packed not in shown


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("*hunter2", "undefined alias"),
        ("!hunter2 x", "the tag '…'"),
        ("!!int hunter2", "'…' is no"),
        ("!!float 'hunter2'", "'…' is no"),
        ('"\\q hunter2"', "escape character"),
        ("!vault x", "the tag !vault"),
    ],
)
def test_what_is_wrong_in_the_yaml_of_a_secret_is_told_without_it(value: str, said: str) -> None:
    text = "apiVersion: v1\nkind: {}\nmetadata: {{name: s}}\nstringData:\n  pin: {}\n"
    with pytest.raises(InputError) as caught:
        manifests.parse(text.format("Secret", value), "f")
    assert said in str(caught.value)
    assert "line 5" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(InputError):
        manifests.parse(text.format("ConfigMap", value), "f")
