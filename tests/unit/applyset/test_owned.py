# Copyright (c) 2026 GreenLang. All rights reserved.
"""Deciding from metadata alone: digest and coverage by managedFields."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import owned
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import DIGEST

PORT_TCP = 'k:{"port":80,"protocol":"TCP"}'
PORT_UDP = 'k:{"port":80,"protocol":"UDP"}'

COVERAGE = {
    # name: (manifest, fieldsV1, covered)
    "one leaf": ({"data": {"a": "1"}}, {"f:data": {"f:a": {}}}, True),
    "a leaf that was lost": ({"data": {"a": "1", "b": "2"}}, {"f:data": {"f:a": {}}}, False),
    "a section that was lost": ({"data": {"a": "1"}}, {}, False),
    "fields beyond the manifest": ({"data": {"a": "1"}}, {"f:data": {"f:a": {}, "f:b": {}}}, True),
    "names are nobody's": (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}},
        {},
        True,
    ),
    "a label": ({"metadata": {"name": "a", "labels": {"x": "y"}}}, {"f:metadata": {"f:labels": {"f:x": {}}}}, True),
    "a label that was lost": (
        {"metadata": {"name": "a", "labels": {"x": "y"}}},
        {"f:metadata": {"f:labels": {"f:z": {}}}},
        False,
    ),
    "nulls are not sent": ({"spec": {"a": None, "b": 1}}, {"f:spec": {"f:b": {}}}, True),
    "an atomic list": ({"spec": {"args": ["a", "b"]}}, {"f:spec": {"f:args": {}}}, True),
    "an atomic map": ({"spec": {"selector": {"a": "b"}}}, {"f:spec": {"f:selector": {}}}, True),
    "an empty map": ({"spec": {"emptyDir": {}}}, {"f:spec": {"f:emptyDir": {}}}, True),
    "an empty map that was lost": ({"spec": {"emptyDir": {}}}, {"f:spec": {".": {}}}, False),
    "a set": ({"metadata": {"finalizers": ["a/b"]}}, {"f:metadata": {"f:finalizers": {'v:"a/b"': {}}}}, True),
    "a set without one of ours": (
        {"metadata": {"finalizers": ["a/b", "c/d"]}},
        {"f:metadata": {"f:finalizers": {'v:"a/b"': {}}}},
        False,
    ),
    "a keyed item": (
        {"env": [{"name": "A", "value": "1"}]},
        {"f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}}},
        True,
    ),
    "a field of a keyed item lost": (
        {"env": [{"name": "A", "value": "1"}]},
        {"f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}}}},
        False,
    ),
    "a keyed item lost": (
        {"env": [{"name": "A"}, {"name": "B"}]},
        {"f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}}}},
        False,
    ),
    "a key with a default": ({"ports": [{"port": 80}]}, {"f:ports": {PORT_TCP: {".": {}, "f:port": {}}}}, True),
    "the exact key before the defaulted": (
        {"ports": [{"port": 80, "protocol": "UDP", "name": "u"}]},
        {
            "f:ports": {
                PORT_TCP: {".": {}, "f:port": {}},
                PORT_UDP: {".": {}, "f:port": {}, "f:protocol": {}, "f:name": {}},
            }
        },
        True,
    ),
    "an item is not another that agrees in the rest": (
        {"ports": [{"port": 80, "name": "t"}, {"port": 80, "name": "u", "protocol": "UDP"}]},
        {"f:ports": {PORT_UDP: {".": {}, "f:port": {}, "f:protocol": {}, "f:name": {}}}},
        False,
    ),
    "no entry stands for two items": (
        {"ports": [{"port": 80}, {"port": 80}]},
        {"f:ports": {PORT_TCP: {".": {}, "f:port": {}}, PORT_UDP: {".": {}, "f:port": {}, "f:protocol": {}}}},
        False,
    ),
    "several keys with defaults": (
        {"l": [{"x": 1, "v": 1}, {"y": 1, "v": 2}]},
        {
            "f:l": {
                'k:{"x":1,"y":0}': {".": {}, "f:x": {}, "f:v": {}},
                'k:{"x":0,"y":1}': {".": {}, "f:y": {}, "f:v": {}},
            }
        },
        True,
    ),
    "several keys with defaults, one item lost": (
        {"l": [{"x": 1, "v": 1}, {"y": 1, "v": 2}]},
        {"f:l": {'k:{"x":1,"y":0}': {".": {}, "f:x": {}, "f:v": {}}, 'k:{"x":0,"y":0}': {".": {}, "f:v": {}}}},
        False,
    ),
    "all keys left out": ({"l": [{"v": 1}]}, {"f:l": {'k:{"x":0}': {".": {}, "f:v": {}}}}, True),
    "all keys left out, the rest lost": ({"l": [{"v": 1}]}, {"f:l": {'k:{"x":0}': {}}}, False),
    "an atomic item with its whole key": ({"l": [{"name": "a"}]}, {"f:l": {'k:{"name":"a"}': {}}}, True),
    "true is not 1": ({"l": [{"on": True}]}, {"f:l": {'k:{"on":1}': {".": {}, "f:on": {}}}}, False),
    "1.0 is 1": ({"l": [{"on": 1.0}]}, {"f:l": {'k:{"on":1}': {".": {}, "f:on": {}}}}, True),
    "a key as Go writes it": (
        {"l": [{"n": "<a&b>"}]},
        {"f:l": {'k:{"n":"\\u003ca\\u0026b\\u003e"}': {".": {}, "f:n": {}}}},
        True,
    ),
    "a value as Go writes it": ({"l": ["<a>"]}, {"f:l": {'v:"\\u003ca\\u003e"': {}}}, True),
    "a set of maps": ({"l": [{"b": 1, "a": 2}]}, {"f:l": {'v:{"a":2,"b":1}': {}}}, True),
    "a set of maps without one of ours": ({"l": [{"a": 2}, {"a": 3}]}, {"f:l": {'v:{"a":2}': {}}}, False),
    "nested lists": (
        {"c": [{"name": "m", "ports": [{"port": 80, "name": "t"}]}]},
        {
            "f:c": {
                'k:{"name":"m"}': {
                    ".": {},
                    "f:name": {},
                    "f:ports": {PORT_UDP: {".": {}, "f:port": {}, "f:protocol": {}}},
                }
            }
        },
        False,
    ),
    "another key": ({"ports": [{"port": 81}]}, {"f:ports": {PORT_TCP: {".": {}, "f:port": {}}}}, False),
    "text outside ASCII in a set": (
        {"metadata": {"finalizers": ["ä"]}},
        {"f:metadata": {"f:finalizers": {'v:"ä"': {}}}},
        True,
    ),
}


@pytest.mark.parametrize("case", COVERAGE)
def test_coverage(case):
    manifest, fields, expected = COVERAGE[case]
    assert owned.covered(manifest, fields) is expected
    assert bool(owned.lost_fields(manifest, fields)) is not expected


def metadata(digest="d", manager="m", operation="Apply", api_version="v1", fields=None, **more):
    entry = {
        "manager": manager,
        "operation": operation,
        "apiVersion": api_version,
        "fieldsV1": fields or {"f:data": {"f:a": {}}},
    }
    return {"annotations": {DIGEST: digest}, "managedFields": [entry], "uid": "1", **more}


DESIRED = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}}
UNCHANGED = {
    "as we left it": (metadata(), True),
    "another digest": (metadata(digest="e"), False),
    "our name, but an update": (metadata(operation="Update"), False),
    "another manager": (metadata(manager="x"), False),
    "applied in another version": (metadata(api_version="v2"), False),
    "a subresource of ours": (
        {**metadata(), "managedFields": [{**metadata()["managedFields"][0], "subresource": "status"}]},
        False,
    ),
    "no managed fields": ({**metadata(), "managedFields": []}, False),
    "no annotations": ({**metadata(), "annotations": None}, False),
    "being deleted": (metadata(deletionTimestamp="now"), False),
}


@pytest.mark.parametrize("case", UNCHANGED)
def test_unchanged(case):
    meta, expected = UNCHANGED[case]
    assert owned.is_unchanged(DESIRED, "d", meta, "m") is expected


MAPS = {
    "apiVersion": "example.org/v1",
    "spec": {"m": {"a": {"x": 1}, "b": {"x": 1}}, "l": [{"name": "n", "m": {"a": {"x": 1}}}]},
}
WHOLE, PART = {}, {".": {}, "f:x": {}}
EMPTIED = {
    # name: (nodes of m.a and m.b, the node of m in the item, the entry of another, whether something was lost)
    "all of it ours": (PART, PART, PART, {}, False),
    "owned as a whole": (WHOLE, WHOLE, WHOLE, {}, False),
    "one emptied beside another": (WHOLE, PART, PART, {}, True),
    "both emptied by another": (WHOLE, WHOLE, PART, {"f:spec": {"f:m": {"f:a": {"f:x": {}}}}}, True),
    "another owns the same as a whole": (WHOLE, WHOLE, WHOLE, {"f:spec": {"f:m": {"f:a": {}}}}, False),
    "one in an item of a list": (
        PART,
        PART,
        WHOLE,
        {"f:spec": {"f:l": {'k:{"name":"n"}': {"f:m": {"f:a": {"f:x": {}}}}}}},
        True,
    ),
}


@pytest.mark.parametrize("case", EMPTIED)
def test_a_map_that_lost_all_of_its_fields_is_not_one_that_is_owned_as_a_whole(case):
    first, second, inner, theirs, lost = EMPTIED[case]
    item = {".": {}, "f:name": {}, "f:m": {"f:a": inner}}
    fields = {"f:spec": {"f:m": {"f:a": first, "f:b": second}, "f:l": {'k:{"name":"n"}': item}}}
    meta = metadata(api_version="example.org/v1", fields=fields)
    meta["managedFields"].append({"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsV1": theirs})
    assert owned.is_unchanged(MAPS, "d", meta, "m") is not lost


def test_a_null_is_ours_like_any_value():
    """The server keeps that it was applied: whoever sets the field then takes it from us."""
    manifest = {**DESIRED, "data": {"a": "1", "b": None}}
    assert not owned.is_unchanged(manifest, "d", metadata(), "m")
    assert owned.is_unchanged(manifest, "d", metadata(fields={"f:data": {"f:a": {}, "f:b": {}}}), "m")


def test_what_counts_as_written():
    assert not owned.was_written(metadata(), metadata(resourceVersion="2"), "m")
    assert owned.was_written(metadata(), metadata(digest="e"), "m")
    assert owned.was_written(metadata(), metadata(fields={"f:data": {}}), "m")
    assert owned.was_written(metadata(), {**metadata(), "uid": "2"}, "m")


def test_the_digest_depends_on_content_alone():
    assert owned.digest_of({"a": 1, "b": [1, 2]}) == owned.digest_of({"b": [1, 2], "a": 1})
    assert owned.digest_of({"b": [1, 2]}) != owned.digest_of({"b": [2, 1]})
    # Written into objects of every user: a change of this value makes every object of theirs "configured" once.
    assert owned.digest_of(DESIRED) == "v1.d0ec102228d63699f623035228f2e076"
