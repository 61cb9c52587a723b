# Copyright (c) 2026 GreenLang. All rights reserved.
"""Manifests are the values that kubectl and the API server read; test_values.py of the integration asks them."""

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import manifests, plan, values
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.encoding import to_json
from hypothesis import given
from hypothesis import strategies as st

SCALARS = {
    # as it is written: (its value, what it is as a key)
    "y": (True, "true"),
    "Off": (False, "false"),
    "yEs": ("yEs", "yEs"),
    "=": ("=", "="),
    "!!str 12": ("12", "12"),
    "! 12": ("12", "12"),
    "! '12'": ("12", "12"),
    "! yes": ("yes", "yes"),
    "&x ! 0x1": ("0x1", "0x1"),
    "! &x ~": ("~", "~"),
    "'12'": ("12", "12"),
    "0": (0, "0"),
    "-0": (0, "0"),
    "012": (10, "10"),
    "08": (8, "8"),
    "0o644": (420, "420"),
    "0O17": (15, "15"),
    "0o8": ("0o8", "0o8"),
    "0x1F": (31, "31"),
    "-0x10": (-16, "-16"),
    "0b101": (5, "5"),
    "+12": (12, "12"),
    "1_000": (1000, "1000"),
    "_1": ("_1", "_1"),
    "9223372036854775807": (9223372036854775807, "9223372036854775807"),
    "0x1FFFFFFFFFFFFFFFF": ("0x1FFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFF"),
    "1.": (1, "1"),
    ".5": (0.5, "0.5"),
    "1e3": (1000, "1000"),
    "1.10": (1.1, "1.1"),
    "1e21": (1e21, "1e+21"),
    "1234567.0": (1234567, "1.234567e+06"),
    "1e-5": (1e-05, "1e-05"),
    "12345e789": ("12345e789", "12345e789"),
    "-1e400": ("-1e400", "-1e400"),
    "1e-400": (0, "0"),
    "inf": ("inf", "inf"),
    "NaN": ("NaN", "NaN"),
    "1:30": ("1:30", "1:30"),
    "190:20:30.15": ("190:20:30.15", "190:20:30.15"),
    "2026-01-02": ("2026-01-02", "2026-01-02"),
    "2026-01-02T10:00:00Z": ("2026-01-02T10:00:00Z", "2026-01-02T10:00:00Z"),
    "!!float 12": (12, "12"),
    "!!int '12'": (12, "12"),
    "!!bool 'no'": (False, "false"),
    "!!timestamp '2026-01-02'": ("2026-01-02", "2026-01-02"),
    "!!binary aGk=": ("hi", "hi"),
    '"ship \\U0001F680"': ("ship 🚀", "ship 🚀"),
}
NO_KEYS = {
    "~": None,
    "": None,
    "!!null ''": None,
    "18446744073709551615": 18446744073709552000,
    "18446744073709551616": 18446744073709552000,
}
COLLECTIONS = {
    "!!set {b, a}": {"b": None, "a": None},
    "!!omap [a: 1, b: 2]": [{"a": 1}, {"b": 2}],
    "[=, '!=', <<]": ["=", "!=", "<<"],
    "{<<: {a: 1}, b: 2}": {"a": 1, "b": 2},
    "{<<: {a: 1}, a: 0}": {"a": 0},
    "{a: 0, <<: {a: 1}}": {"a": 1},  # what comes later replaces what was before
    "{<<: [{a: 1, b: 1}, {a: 2, c: 2}]}": {"a": 1, "b": 1, "c": 2},
    "{'<<': {a: 1}}": {"<<": {"a": 1}},
    "{a: &x {p: 08}, b: {<<: *x, q: *x}}": {"a": {"p": 8}, "b": {"p": 8, "q": {"p": 8}}},
}
REFUSED = {
    ".nan": "line 5: not valid YAML: Thing a: spec.v[0].w: .nan is no JSON number; quote it",
    "-.INF": "-.INF is no JSON number",
    "!!int 1.5": "'1.5' is no int",
    "!!null x": "'x' is no null",
    "!!bool 1": "'1' is no bool",
    "!!binary '*'": "!!binary is not base64 of a text",
    "!!python/name:os.system ''": "nothing here knows the tag !!python/name:os.system",
    "!vault x": "nothing here knows the tag !vault",
    "{~: 1}": "null is no key",
    "{[a]: 1}": "a mapping or a list is no key",
    "{18446744073709551615: 1}": "too large for a key",
    "{y: 1, true: 2}": "key 'true' is given twice",
    "{1: a, '1': b}": "key '1' is given twice",
    "{<<: 1}": "<< needs a mapping",
    "&x {a: *x}": "an alias contains itself",
}


def spec(text):
    text = f"apiVersion: example.org/v1\nkind: Thing\nmetadata: {{name: a}}\nspec:\n  v: [{{w: {text} }}]\n"
    ((obj, _source),) = manifests.parse(text, "f.yml")
    return obj["spec"]["v"][0]["w"]


def same(value):
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("text", [*SCALARS, *NO_KEYS, *COLLECTIONS])
def test_values(text):
    value = SCALARS[text][0] if text in SCALARS else {**NO_KEYS, **COLLECTIONS}[text]
    assert same(spec(text)) == same(value)


@pytest.mark.parametrize("text", SCALARS)
def test_keys(text):
    assert spec(f"{{? {text} : v}}") == {SCALARS[text][1]: "v"}


@pytest.mark.parametrize("text", REFUSED)
def test_what_no_json_can_hold(text):
    with pytest.raises(InputError) as caught:
        spec(text)
    assert str(caught.value).startswith("f.yml, ")
    assert REFUSED[text] in str(caught.value)


def test_aliases_of_aliases_end():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 12):
        before = f"*a{number - 1}"
        lines.append(f"a{number}: &a{number} [{', '.join([before] * 10)}]")
    with pytest.raises(InputError, match="its aliases make more values than any object has"):
        manifests.parse("\n".join(lines), "f")


@pytest.mark.parametrize("text", ["[" * 100000, "{a: " * 20000, "- " * 50000, '{"a":' * 100000 + "1" + "}" * 100000])
def test_what_is_nested_without_end(text):
    with pytest.raises(InputError, match="f: not valid YAML: nested too deeply"):
        manifests.parse(text, "f")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1.0, "b": 1e2}', [{"a": 1, "b": 100}]),
        ('{"a": 1}\n{"b": 2}\n', [{"a": 1}, {"b": 2}]),
        ('{"a": NaN}', [{"a": "NaN"}]),
        ('\ufeff{"a": 1}', [{"a": 1}]),
        ("\ufeffa: 1", [{"a": 1}]),
        (b"\xef\xbb\xbfa: \xc3\xa4", [{"a": "ä"}]),
        ("a: ä".encode("utf-16"), [{"a": "ä"}]),
        ("a: 1\r\n---\r\nb: 2\r\n", [{"a": 1}, {"b": 2}]),
    ],
)
def test_texts(text, found):
    assert [obj for obj, _source in manifests.parse(text, "f")] == found


def test_lists_of_one_kind_as_the_api_writes_them():
    text = "apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}, {kind: Secret, metadata: {name: b}}]\n"
    first, second = (obj for obj, _source in manifests.parse(text, "f"))
    assert first == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert second == {"kind": "Secret", "metadata": {"name": "b"}}
    assert manifests.parse("apiVersion: v1\nkind: List\nitems:\n", "f") == []


@pytest.mark.parametrize("data", ["not found", ["not found"], "- not found", 'text: "a"\n---\nnot found'])
def test_a_text_that_is_no_object(data):
    with pytest.raises(InputError, match="an object is needed, this is the text 'not found'") as caught:
        list(manifests.expand(data, "definition"))
    assert len(str(caught.value)) < 300


UTC = datetime.UTC
GIVEN = {
    # what a playbook may give: what is sent
    "a date": (datetime.date(2026, 1, 2), "2026-01-02"),
    "a time in UTC": (datetime.datetime(2026, 1, 2, 10, tzinfo=UTC), "2026-01-02T10:00:00Z"),
    "a time of no zone": (datetime.datetime(2026, 1, 2, 10, 0, 0, 500000), "2026-01-02T10:00:00.500000"),  # noqa: DTZ001  as PyYAML makes it
    "a set": ({"b", "a"}, {"a": None, "b": None}),
    "bytes": (b"hi", "hi"),
    "a tuple": ((1, "a"), [1, "a"]),
    "keys": ({2: "a", True: "b", 1.5: "c"}, {"2": "a", "true": "b", "1.5": "c"}),
    "a float without fraction": (1.0, 1),
}
NOT_GIVEN = {
    "nan": (float("nan"), "nan is no JSON number"),
    "infinity": (float("inf"), "inf is no JSON number"),
    "a null key": ({None: 1}, "null is no key"),
    "an object": (object(), "a object is nothing that JSON can hold"),
    "half a character": ("\ud83d", "half a surrogate pair"),
    "bytes that are no text": (b"\xff", "no text in UTF-8"),
    "the same key twice": ({1: "a", "1": "b"}, "given twice"),
}


@pytest.mark.parametrize("case", GIVEN)
def test_what_playbooks_give(case):
    given_value, sent = GIVEN[case]
    assert same(values.pure({"a": [given_value]}, "x")) == same({"a": [sent]})


@pytest.mark.parametrize("case", NOT_GIVEN)
def test_what_playbooks_give_and_no_json_can_hold(case):
    value, message = NOT_GIVEN[case]
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": [value]}}
    with pytest.raises(InputError) as caught:
        plan.build([(obj, "task")], None)
    assert str(caught.value).startswith("task: ConfigMap a: data.x[0]")
    assert message in str(caught.value)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
def test_bodies_are_json_without_escaped_pairs(body):
    sent = to_json(body)
    assert json.loads(sent) == body
    assert b"\\ud83d" not in sent.replace(b"\\\\", b"")


def test_a_body_is_yaml_too():
    assert to_json({"a": "🚀\u0085\u2028\x7f\\ud83d\\ude80ä"}) == (
        '{"a":"🚀\\u0085\\u2028\\u007f\\\\ud83d\\\\ude80\\u00e4"}'.encode()
    )


ACCEPTED = {
    # name: (what is given, what becomes of it)
    "base64 in lines": (
        {"kind": "Secret", "data": {"a": "aGVs\nbG8=\n", "b": "aGVs\r\nbG8=", "c": None}},
        {"data": {"a": "aGVsbG8=", "b": "aGVsbG8=", "c": ""}},
    ),
    "clear text that is left out": ({"kind": "Secret", "stringData": {"a": None}}, {"data": {"a": ""}}),
    "labels without a value": (
        {"kind": "ConfigMap", "metadata": {"name": "a", "labels": {"b": None}, "annotations": {"c": None}}},
        {"metadata": {"name": "a", "labels": {"b": ""}, "annotations": {"c": ""}}},
    ),
    "no labels": ({"kind": "ConfigMap", "metadata": {"name": "a", "labels": None}}, {"metadata": {"name": "a"}}),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_every_other_tool_accepts(case):
    given_object, expected = ACCEPTED[case]
    obj = {"apiVersion": "v1", "metadata": {"name": "a"}, **given_object}
    manifests.check(obj, "f")
    cleaned, _switches = manifests.normalise(obj, "f")
    assert {key: cleaned[key] for key in expected} == expected


@pytest.mark.parametrize("value", ["a b", "YQ", "YQ==YQ==", "some text", 5, ["YQ=="], "é"])
def test_data_that_is_no_base64(value):
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": value}}
    with pytest.raises(InputError, match=r"f: Secret a: data.k is not base64; put clear text into stringData"):
        manifests.normalise(obj, "f")


@pytest.mark.parametrize("spec", ["text", 5, ["a"], None, {"names": 5, "versions": 5}, {"versions": ["v1"]}])
def test_parts_of_wrong_types_are_the_servers_to_refuse(spec):
    kinds = ("Deployment", "HorizontalPodAutoscaler", "CustomResourceDefinition")
    versions = ("apps/v1", "autoscaling/v2", "apiextensions.k8s.io/v1")
    objects = []
    for kind, version in zip(kinds, versions, strict=True):
        objects.append({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "spec": spec})
    assert len(plan.build(objects, "set")) == 3
