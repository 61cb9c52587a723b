# Copyright (c) 2026 GreenLang. All rights reserved.
"""What kubectl accepts is accepted and gives the same object: scalars, tags and keys as kubectl itself reads them, and
manifests as the world writes them."""

from __future__ import annotations

import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import manifests
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError

WORDS = [
    "y",
    "Y",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "true",
    "True",
    "TRUE",
    "tRUE",
    "on",
    "On",
    "ON",
    "n",
    "N",
    "no",
    "No",
    "NO",
    "false",
    "False",
    "FALSE",
    "off",
    "Off",
    "OFF",
    "null",
    "Null",
    "NULL",
    "nULL",
    "~",
    "=",
    "<<",
    "t",
    "f",
    "o",
    "T",
    "inf",
    "nan",
    "NaN",
    "Infinity",
    "..",
    "1:30",
    "1:30:45",
    "190:20:30.15",
    "0:0",
    "1,000",
    "1.2.3",
    "1d",
    "1f",
    "1e5x",
]
INTEGERS = [
    "0",
    "00",
    "01",
    "07",
    "08",
    "09",
    "0644",
    "0o644",
    "0O644",
    "0o8",
    "0o",
    "0x1F",
    "0X1f",
    "0x",
    "0xg",
    "0b101",
    "0B101",
    "0b2",
    "0b",
    "1_000",
    "1__0",
    "_1",
    "1_",
    "0_8",
    "0_7",
    "0x_1",
    "0o_7",
    "+12",
    "-12",
    "+0",
    "-0",
    "+0x10",
    "-0x10",
    "-0b11",
    "+0o7",
    "-0644",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "+9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "0xFFFFFFFFFFFFFFFF",
    "0x1FFFFFFFFFFFFFFFF",
    "-0x8000000000000001",
    "0777777777777777777777777",
]
FLOATS = [
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1e400",
    "-1e400",
    "12345e789",
    "1e-400",
    "1.5",
    "1.",
    ".5",
    "-.5",
    "+.5",
    ".5e3",
    ".e5",
    "1.e3",
    "1.0",
    "1.10",
    "-0.0",
    "0e0",
    "1.5_0",
    "1_0.5",
    "._5",
    ".5_0",
    "0x1p3",
    "1e21",
    "1e20",
    "123456789012345678901",
    "1.7976931348623157e308",
    "4.9e-324",
    "0.1",
    "1e6",
    "1234567.0",
    "1e-5",
    "16777217.0",
    "00.5",
    "08.5",
    ".iNf",
    "+inf",
]
DATES = [
    "2026-01-02",
    "2026-1-2",
    "2026-01-02T10:00:00Z",
    "2026-01-02t10:00:00Z",
    "2026-13-01",
    "20260102",
    "2026-01-02 10:00:00",
]
TAGS = ("str", "int", "float", "bool", "null", "timestamp")
TAGGED = [
    *(f"!!{tag} {text}" for tag in TAGS for text in ("12", "'12'", "1.5", "yes", "''", "x")),
    *(f"{mark} {text}" for mark in ("!", "&x !", "! &x") for text in ("12", "'12'", "yes", "''", "x", "~")),
    "!!timestamp 2026-01-02",
    "!!binary aGk=",
    "'y'",
    '"~"',
    "ship 🚀",
]
COLLECTIONS = [
    "!!set {a, b}",
    "!!omap [a: 1, b: 2]",
    "!!pairs [a: 1]",
    "[=, '!=', <<]",
    "{<<: {a: 1}, b: 2}",
    "{a: 0, <<: {a: 1}}",
    "{<<: {a: 1}, a: 0}",
    "{<<: [{a: 1, b: 1}, {a: 2, c: 2}]}",
    "{'<<': {a: 1}}",
    "{<<: {a: 1}, <<: {a: 2}}",
    "{a: &x {p: 08}, b: {<<: *x, q: *x}}",
    "{a, b: 1}",
    "[a:b, http://x]",
]
REFUSED = [
    ".nan",
    ".inf",
    "-.INF",
    "!!int 1.5",
    "!!bool 1",
    "!!null x",
    "{~: 1}",
    "{[a]: 1}",
    "{18446744073709551615: 1}",
    "{<<: 1}",
]


def document(text, kind="ConfigMap"):
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\nv: {text}\n"


def ours(text):
    try:
        return manifests.parse(document(text), "f")[0][0]["v"]
    except InputError:
        return InputError


def read_by_kubectl(kubectl, text):
    command = ("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-")
    return json.loads(kubectl(*command, given=document(text)))["v"]


SCALARS = {"words": WORDS, "integers": INTEGERS, "floats": FLOATS, "dates": DATES, "tags": TAGGED}
WRITTEN = {
    **SCALARS,
    "collections": COLLECTIONS,
    **{f"{name} as keys": [f"{{? {text} : v}}" for text in group] for name, group in SCALARS.items()},
}


@pytest.mark.parametrize("group", WRITTEN)
def test_values_are_those_of_kubectl(kubectl, group):
    """Those that we read, all in one command."""
    read = [text for text in WRITTEN[group] if ours(text) is not InputError]
    theirs = read_by_kubectl(kubectl, "".join(f"\n- {text}" for text in read))
    for text, their_value in zip(read, theirs, strict=True):
        assert json.dumps(ours(text), sort_keys=True) == json.dumps(their_value, sort_keys=True), text


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_refused_by_kubectl(kubectl, text):
    assert ours(text) is InputError
    with pytest.raises(AssertionError, match="error"):
        read_by_kubectl(kubectl, text)


def meta(namespace, **more):
    return {"name": "a", "namespace": namespace, **more}


OBJECTS = {
    "characters beyond U+FFFF": lambda ns: {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta(ns, annotations={"a": "🚀"}),
        "data": {"a": "ship 🚀"},
    },
    "base64 in lines": lambda ns: {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": meta(ns),
        "data": {"tls.crt": "aGVs\nbG8=\n"},
    },
    "labels and data without a value": lambda ns: {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta(ns, labels={"a": None}, annotations={"note": None}),
        "data": {"a": None},
    },
    "nulls in a workload": lambda ns: {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta(ns, creationTimestamp=None),
        "spec": {
            "replicas": None,
            "strategy": None,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"creationTimestamp": None, "labels": {"a": "b"}},
                "spec": {"nodeSelector": None, "containers": [{"name": "c", "image": "i", "resources": None}]},
            },
        },
        "status": {},
    },
}


@pytest.mark.parametrize("case", OBJECTS)
def test_the_object_is_that_of_kubectl(apply, client, kubectl, namespace, case):
    obj = OBJECTS[case](namespace)
    predicted = apply([obj], check=True)
    apply([obj])
    made = client.get(obj["apiVersion"], obj["kind"], "a", namespace)
    assert predicted.created
    assert not apply([obj]).changed
    assert not apply([obj], check=True).changed
    client.request("DELETE", client.resource(obj["apiVersion"], obj["kind"]).path(namespace, "a"))
    kubectl("apply", "--server-side", "-f", "-", given=obj)
    theirs = client.get(obj["apiVersion"], obj["kind"], "a", namespace)
    sections = made.keys() - {"metadata", "status"}
    assert {key: made[key] for key in sections} == {key: theirs[key] for key in sections}


def test_characters_that_yaml_has_no_place_for(apply, client, namespace):
    """kubectl cannot send these by server-side apply: they must be escaped where the body is read as YAML."""
    text = "\u0085\u2028\ufeff\x7f🚀 \\ud83d"
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(namespace), "data": {"a": text}}
    apply([obj])
    assert client.get("v1", "ConfigMap", "a", namespace)["data"] == {"a": text}
    assert not apply([obj]).changed


def test_a_namespace_on_an_object_of_the_whole_cluster_is_ignored_with_a_warning(apply, client, namespace):
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"{namespace}-r", "namespace": namespace},
        "rules": [],
    }
    try:
        result = apply([role])
        assert result.created == [f"ClusterRole {namespace}-r"]
        assert [warning for warning in result.warnings if "metadata.namespace is ignored" in warning]
        assert not apply([role]).changed
        assert not apply([role], check=True).changed
        with pytest.raises(InputError, match="is given twice"):
            apply([role, {**role, "metadata": {"name": f"{namespace}-r", "namespace": "other"}}])
    finally:
        kind = client.resource(role["apiVersion"], "ClusterRole")
        client.request("DELETE", kind.path(None, f"{namespace}-r"))


def config_map(name, **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more}}


def test_objects_of_no_namespace_get_the_one_that_is_said(apply, client, namespace):
    objects = [config_map("a"), config_map("b", namespace=namespace)]
    for check in (True, False):
        result = apply(objects, check=check, objects_namespace=namespace)
        assert result.created == [f"ConfigMap {namespace}/a", f"ConfigMap {namespace}/b"]
    assert client.get("v1", "ConfigMap", "a", namespace)
    assert not apply(objects, objects_namespace=namespace).changed
    unasked = apply(objects, client=None, check=True, objects_namespace=namespace)
    assert unasked.created == [f"ConfigMap {namespace}/a", f"ConfigMap {namespace}/b"]
    with pytest.raises(InputError, match=f"is not in namespace {namespace}, which objects_namespace says"):
        apply([config_map("a", namespace="default")], objects_namespace=namespace)
    with pytest.raises(InputError, match="is given twice"):
        apply([config_map("a"), config_map("a", namespace=namespace)], objects_namespace=namespace)
    with pytest.raises(InputError, match=r"has no metadata\.namespace.*objects_namespace"):
        apply([config_map("a")])
    for check in (True, False):
        options = ApplyOptions(name="s", namespace=namespace, objects_namespace=namespace, check=check)
        gone = delete_set(client, [config_map("a")], options)
        assert gone.deleted == [f"ConfigMap {namespace}/a"]
    with pytest.raises(InputError, match=r"has no metadata\.namespace.*objects_namespace"):
        delete_set(client, [config_map("b")], ApplyOptions())
