# Copyright (c) 2026 GreenLang. All rights reserved.
"""Nothing of a set is forgotten: its record is none of its objects, that of another set goes only when it is named, and
members whose `managedFields` a restore wiped stay on the record."""

from __future__ import annotations

import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.membership import ID, set_id
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError

from tests.integration.applyset.objects import config_map, path_of, secret


# --- records ---------------------------------------------------------------------------------------------------------
def unplaced(namespace):
    """The same object; objects_namespace says where it is."""
    obj = config_map(namespace, "s")
    del obj["metadata"]["namespace"]
    return obj


WAYS = {
    "by its namespace": (config_map, {}),
    "by objects_namespace": (lambda ns, _name: unplaced(ns), {"objects_namespace": True}),
    "of the set that it is added to": (config_map, {"name": None, "member_of": True}),
}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_the_own_record_is_refused_as_an_object(apply, client, namespace, way, exists, check):
    if exists:
        apply([config_map(namespace, "a")])
    make, more = WAYS[way]
    more = dict(more)
    if more.get("objects_namespace"):
        more["objects_namespace"] = namespace
    if more.get("member_of"):
        more["member_of"] = set_id("s", namespace)
    before = client.get("v1", "ConfigMap", "s", namespace)
    with pytest.raises(InputError, match=rf"object 2: ConfigMap {namespace}/s is the record of this very set"):
        apply([config_map(namespace, "b"), make(namespace, "s")], check=check, **more)
    assert client.get("v1", "ConfigMap", "s", namespace) == before
    assert client.get("v1", "ConfigMap", "b", namespace) is None


def test_it_is_refused_without_a_cluster_and_by_deletion(apply, client, namespace):
    own = config_map(namespace, "s")
    options = ApplyOptions(name="s", namespace=namespace, check=True)
    with pytest.raises(InputError, match="the record of this very set"):
        apply_set(None, [own], options)
    apply([config_map(namespace, "a")])
    with pytest.raises(InputError, match="the record of this very set"):
        delete_set(client, [own], ApplyOptions(name="s", namespace=namespace))


@pytest.mark.parametrize("obj", [secret, lambda ns, name: config_map(f"{ns}-other", name)])
def test_what_is_only_called_like_the_record_is_an_object(client, namespace, obj):
    options = ApplyOptions(name="s", namespace=namespace, check=True)
    assert apply_set(None, [obj(namespace, "s")], options).created


def test_the_record_of_another_set_is_warned_of_and_kept(apply, client, namespace):
    apply([config_map(namespace, "member")], name="other")
    both = [config_map(namespace, "other"), config_map(namespace, "a")]
    for check in (True, False):
        result = apply(both, check=check)
        assert any("ConfigMap" in line and "is the record of another set" in line for line in result.warnings)
    assert apply([config_map(namespace, "member")], name="other").unchanged  # it still is one
    for check in (True, False):
        result = apply([config_map(namespace, "a")], prune=True, check=check)
        assert (result.pruned, result.skipped) == ([], [f"ConfigMap {namespace}/other"])
        assert "the record of another set, which would be forgotten; name it in prune_named" in str(result.warnings)
    named = (f"ConfigMap/{namespace}/other",)
    assert apply([config_map(namespace, "a")], prune=True, prune_named=named).pruned == [f"ConfigMap {namespace}/other"]


def test_a_manifest_that_says_that_it_is_a_record_is_not_warned_of(apply, namespace):
    """Sets may be in sets."""
    apply([config_map(namespace, "member")], name="other")
    nested = config_map(namespace, "other", labels={ID: set_id("other", namespace)})
    assert not apply([nested], force_conflicts=True).warnings


# --- members whose fields nobody owns any more ------------------------------------------------------------------------
WIPES = {
    "nobody's": [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}],
    "nobody's, and written since": [
        {"op": "replace", "path": "/metadata/managedFields", "value": [{}]},
        {"op": "add", "path": "/metadata/annotations", "value": {"example.com/x": "y"}},
    ],
}


def wipe(client, obj, way):
    for step in WIPES[way]:
        body = json.dumps([step]).encode()
        client.request("PATCH", path_of(client, obj), body=body, content_type="application/json-patch+json")


@pytest.mark.parametrize("way", WIPES)
def test_wiped_members_stay_on_the_record(apply, client, namespace, way):
    gone = secret(namespace)
    apply([config_map(namespace, "a"), gone])
    wipe(client, gone, way)
    for check in (True, False, False):
        result = apply([config_map(namespace, "a")], prune=True, check=check)
        assert (result.pruned, result.skipped) == ([], [f"Secret {namespace}/c"])
        assert f"Secret {namespace}/c carries the set's label" in result.warnings[0]
    # `absent` says so as well, and keeps the record, so that the next run says it again.
    for _run in range(2):
        result = delete_set(client, None, ApplyOptions(name="s", namespace=namespace))
        assert f"Secret {namespace}/c carries the set's label" in result.warnings[0]
        assert client.get("v1", "ConfigMap", "s", namespace)
    # Once it is applied, it is a member as before.
    apply([gone])
    assert delete_set(client, None, ApplyOptions(name="s", namespace=namespace)).deleted == [f"Secret {namespace}/c"]
    assert client.get("v1", "ConfigMap", "s", namespace) is None


def test_what_a_controller_made_does_not_hold_a_record(apply, client, namespace):
    owner = config_map(namespace, "a")
    apply([owner, secret(namespace)])
    live = client.request("GET", path_of(client, owner))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": live["metadata"]["uid"]}
    body = {"metadata": {"ownerReferences": [{**reference, "controller": True}]}}
    path = path_of(client, secret(namespace))
    client.request("PATCH", path, body=body, content_type="application/merge-patch+json")
    delete_set(client, None, ApplyOptions(name="s", namespace=namespace))
    assert client.get("v1", "ConfigMap", "s", namespace) is None
