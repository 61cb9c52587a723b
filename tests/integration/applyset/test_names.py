# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of a set names the objects that it is to have, whatever came in between."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import members
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError


def config_map(namespace, name, **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, **more}


@pytest.fixture
def named(client, namespace):
    """The names that the record of set `s` has."""

    def look():
        found = members.decoded(client.get("v1", "ConfigMap", "s", namespace))
        return None if found is None else {ref.name for ref in found}

    return look


def test_what_is_wanted_is_named(apply, named, namespace) -> None:
    apply([config_map(namespace, name) for name in "ab"])
    assert named() == {"a", "b"}
    again = apply([config_map(namespace, name) for name in "ab"])
    assert not again.changed


def test_what_leaves_a_set_that_is_pruned_is_forgotten(apply, named, namespace) -> None:
    apply([config_map(namespace, name) for name in "ab"])
    apply([config_map(namespace, "a")], prune=True)
    assert named() == {"a"}


def test_a_part_of_a_set_leaves_the_others_named(apply, named, namespace) -> None:
    apply([config_map(namespace, name) for name in "ab"])
    apply([config_map(namespace, "c")])
    assert named() == {"a", "b", "c"}


def test_what_went_and_is_not_wanted_any_more_is_forgotten(apply, client, named, namespace) -> None:
    apply([config_map(namespace, name) for name in "ab"])
    client.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/b")
    assert named() == {"a", "b"}
    assert not apply([config_map(namespace, "a")]).changed
    assert named() == {"a"}


def test_what_is_deleted_as_asked_is_forgotten(apply, client, named, namespace) -> None:
    apply([config_map(namespace, name) for name in "ab"])
    delete_set(client, [config_map(namespace, "b")], ApplyOptions(name="s", namespace=namespace))
    assert named() == {"a"}


def test_what_could_not_be_written_is_named_all_the_same(apply, named, namespace) -> None:
    apply([config_map(namespace, "a")])
    with pytest.raises(ApplyError):
        apply([config_map(namespace, "b"), config_map(namespace, "c", data={"no": ["text"]})], prune=True)
    assert named() == {"a", "b", "c"}


def test_a_record_of_an_earlier_version_gets_the_names_and_nothing_else_changes(
    apply, client, named, namespace
) -> None:
    apply([config_map(namespace, "a")])
    path = f"/api/v1/namespaces/{namespace}/configmaps/s"
    client.request("PATCH", path, body={"data": None}, content_type="application/merge-patch+json")
    assert named() is None
    assert not apply([config_map(namespace, "a")]).changed
    assert named() == {"a"}


def test_check_mode_writes_no_names(apply, named, namespace) -> None:
    apply([config_map(namespace, "a")])
    apply([config_map(namespace, "b")], check=True)
    assert named() == {"a"}
