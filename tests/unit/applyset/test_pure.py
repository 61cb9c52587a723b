# Copyright (c) 2026 GreenLang. All rights reserved.
"""Parsing, order, membership, diff and the words for refusals."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import (
    diff,
    explain,
    manifests,
    membership,
    plan,
)
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError, InputError, api_error
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.kinds import BUILT_IN, plural_of


def config_map(**more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, **more}


def test_yaml_is_read_as_the_api_server_reads_it():
    text = (
        "date: 2026-01-02\ntime: 1:30\noctal: 0644\nmode: 0o644\nyes: on\n"
        "float: 1e3\nint: 12\ntext: '12'\nnothing: ~\nversion: 1.10\n"
    )
    ((found, source),) = manifests.parse(text, "f.yml")
    assert found == {
        "date": "2026-01-02",
        "time": "1:30",
        "octal": 420,
        "mode": 420,
        "true": True,
        "float": 1000.0,
        "int": 12,
        "text": "12",
        "nothing": None,
        "version": 1.1,
    }
    assert source == "f.yml, document 1"


def test_documents_lists_and_empty_documents():
    text = "---\n# nothing\n---\na: 1\n---\nkind: ConfigMapList\nitems: [{b: 2}, {c: 3}]\n---\n- d: 4\n- - e: 5\n"
    assert [next(iter(o)) for o, _source in manifests.parse(text, "f")] == ["a", "b", "c", "d", "e"]
    assert manifests.parse('[{"a": 1}, {"b": 2}]', "f")[1] == ({"b": 2}, "f, item 2")
    assert manifests.parse("", "f") == []
    stream = '{"a": "\\ud83d\\ude00"}\n---\n{"b": "---"}\n--- \n\n---\n[{"c": 1}]{"d": 2}\n---'
    assert [o for o, _source in manifests.parse(stream, "f")] == [{"a": "😀"}, {"b": "---"}, {"c": 1}, {"d": 2}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\n- c", "f, line 2: not valid YAML"),
        ("a: 1\na: 2", "f, line 2: not valid YAML: key 'a' is given twice"),
        ('{"a": 1, "a": 2}', "f, value 1: not valid JSON: key 'a' is given twice"),
        ('{"a": {}}\n{"b": [{"c": 1, "d": 2, "c": 1}]}', "f, value 2: not valid JSON: key 'c' is given twice"),
        ('{"a": 1e400}', "f, value 1: not valid JSON: inf is no JSON number"),
        ('{"a": 1e400, b: [}', "not valid YAML"),
        ("just text", "f, document 1: not valid YAML|an object is needed|f"),
        ("a: !!python/object:os.system x", "not valid YAML"),
        ("{", "not valid YAML"),
        ("42", "an object is needed, this is a int"),
    ],
)
def test_broken_yaml(text, message):
    with pytest.raises((InputError, RecursionError), match=message):
        manifests.parse(text, "f")


def test_a_secret_is_encoded_and_server_fields_are_dropped():
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "stringData": {"a": "ä"},
        "data": {"b": "eA=="},
        "status": {},
        "metadata": {
            "name": "s",
            "namespace": "n",
            "uid": "1",
            "resourceVersion": "2",
            "annotations": {"applyset.greenlang.io/recreate": "true"},
        },
    }
    cleaned, switches = manifests.normalise(secret, "f")
    assert cleaned == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "n"},
        "data": {"a": "w6Q=", "b": "eA=="},
    }
    assert switches == manifests.Switches(force=False, recreate=True)
    for name, value, message in (
        ("recreate", "ja", 'recreate is \'ja\'; it takes "true" or "false"'),
        ("force-conflicts", "", 'it takes "true" or "false"'),
        ("recreat", "true", "applyset.greenlang.io/recreat is not known; known: "),
    ):
        wrong = {**secret["metadata"], "annotations": {f"applyset.greenlang.io/{name}": value}}
        with pytest.raises(InputError, match=message):
            manifests.normalise({**secret, "metadata": wrong}, "f")
    with pytest.raises(InputError, match=r"data.b is not base64; put clear text into stringData"):
        manifests.normalise({**secret, "data": {"b": "clear text"}}, "f")


def test_the_same_object_twice_is_refused_whatever_its_version():
    first = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "a", "namespace": "n"},
    }
    with pytest.raises(InputError, match="HorizontalPodAutoscaler n/a is given twice: one and two"):
        plan.build([(first, "one"), ({**first, "apiVersion": "autoscaling/v2"}, "two")], None)


def test_plurals():
    odd = {
        "Endpoints": "endpoints",
        "NetworkPolicy": "networkpolicies",
        "Ingress": "ingresses",
        "StorageClass": "storageclasses",
    }
    assert {k: plural_of(k) for k in odd} == odd
    assert BUILT_IN[("v1", "Service")].path("n", "a") == "/api/v1/namespaces/n/services/a"
    assert BUILT_IN[("apps/v1", "Deployment")].path() == "/apis/apps/v1/deployments"
    assert BUILT_IN[("v1", "Namespace")].path("ignored", "a") == "/api/v1/namespaces/a"


def test_the_record():
    assert membership.set_id("s", "n") == membership.set_id("s", "n") != membership.set_id("s", "m")
    record = membership.record_object("s", "n", {"Secret", "Role.rbac.authorization.k8s.io"}, {"n", "b", "a"})
    annotations = record["metadata"]["annotations"]
    assert annotations[membership.GROUP_KINDS] == "Role.rbac.authorization.k8s.io,Secret"
    assert annotations[membership.NAMESPACES] == "a,b"
    assert membership.recorded(record) == ({"Secret", "Role.rbac.authorization.k8s.io"}, {"a", "b"})
    membership.check_record(record, "s", "n")
    with pytest.raises(InputError, match="record of another set"):
        membership.check_record(record, "t", "n")


def test_secrets_are_masked_in_a_diff():
    old = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "annotations": {diff.LAST_APPLIED: "hunter2"}},
        "data": {"same": "aHVudGVyMg==", "other": "b2xk", "gone": "eA=="},
    }
    new = {**old, "data": {"same": "aHVudGVyMg==", "other": "bmV3", "added": "eQ=="}}
    entry = diff.entry("Secret n/s", old, new)
    text = entry["before"] + entry["after"]
    assert not any(value in text for value in ("aHVudGVyMg", "b2xk", "bmV3", "eA==", "eQ==", "hunter2"))
    assert "same: (unchanged)" in entry["before"]
    assert "same: (unchanged)" in entry["after"]
    assert "other: (masked, changed)" in entry["after"]
    assert "added: (masked, new)" in entry["after"]
    assert "gone: (masked)" in entry["before"]


def refusal(status, message="", reason="", **details):
    return api_error(status, {"message": message, "reason": reason, "details": details}, "")


REFUSALS = {
    "a conflict": (
        refusal(
            409,
            causes=[
                {
                    "reason": "FieldManagerConflict",
                    "field": ".spec.replicas",
                    "message": 'conflict with "hpa" with subresource "scale" using apps/v1',
                }
            ],
        ),
        ".spec.replicas is owned by 'hpa (scale)'",
        "force_conflicts",
    ),
    "an immutable field": (
        refusal(
            422,
            'Service "a" is invalid: spec.clusterIPs[0]: Invalid value: ["x"]: may not change once set',
            causes=[{"field": "spec.clusterIPs[0]", "message": "may not change once set"}],
        ),
        "spec.clusterIPs[0] cannot be changed",
        "applyset.greenlang.io/recreate",
    ),
    "a quota": (
        refusal(403, 'pods "a" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'),
        "exceeded quota: q",
        "raise the quota",
    ),
    "no permission": (
        refusal(403, 'User "u" cannot patch resource "configmaps"'),
        'User "u" cannot patch',
        "lack this permission",
    ),
    "no namespace": (
        refusal(404, 'namespaces "n" not found', kind="namespaces"),
        "namespace n does not exist",
        "create it first",
    ),
    "a terminating namespace": (
        refusal(403, "unable to create new content in namespace n because it is being terminated"),
        "is being deleted",
        "wait until it is gone",
    ),
    "a wrong value": (
        refusal(422, "x", causes=[{"field": "spec.a", "message": "must be positive"}]),
        "spec.a: must be positive",
        "",
    ),
    "a webhook": (refusal(400, 'admission webhook "w" denied the request: no'), "refused at admission", '"w"'),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_name_object_field_and_remedy(case):
    error, *expected = REFUSALS[case]
    (item,) = plan.build([config_map()], None)
    text = explain.explain(error, item)
    assert text.startswith("ConfigMap n/a: ")
    assert all(part in text for part in expected)


def test_what_holds_data_is_never_offered_to_be_recreated():
    (item,) = plan.build(
        [{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a", "namespace": "n"}}], None
    )
    text = explain.explain(
        refusal(422, "x is invalid: spec: Forbidden: spec is immutable after creation", causes=[{"field": "spec"}]),
        item,
    )
    assert "recreate" not in text
    assert "another name" in text


def test_the_tree_of_errors():
    assert isinstance(api_error(409, None, "x"), ApiError)
    assert api_error(500, None, "fallback").message == "fallback"
