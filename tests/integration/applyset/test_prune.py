# Copyright (c) 2026 GreenLang. All rights reserved.
"""What pruning may delete, and what it must never."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError, InputError, PruneRefused

from tests.integration.applyset.objects import config_map


def claim(namespace, name):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def present(client, namespace, kind="ConfigMap"):
    return {o["metadata"]["name"] for o in client.list("v1", kind, namespace)} - {"s", "kube-root-ca.crt"}


def test_nothing_is_pruned_unless_asked(apply, client, namespace):
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    result = apply([config_map(namespace, "a")])
    assert not result.changed
    assert present(client, namespace) == {"a", "b"}
    # ... and what was left behind is still known to the set when it is asked.
    assert apply([config_map(namespace, "a")], prune=True).pruned == [f"ConfigMap {namespace}/b"]


def test_check_mode_lists_what_the_run_prunes(apply, client, namespace):
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    predicted = apply([config_map(namespace, "a")], prune=True, check=True)
    assert present(client, namespace) == {"a", "b"}
    assert predicted.pruned == apply([config_map(namespace, "a")], prune=True).pruned == [f"ConfigMap {namespace}/b"]


def test_more_than_the_limit_is_refused_before_anything_changes(apply, client, namespace):
    apply([config_map(namespace, f"c{i}") for i in range(5)])
    with pytest.raises(PruneRefused, match=r"prune_limit=2.*nothing was changed") as caught:
        apply([config_map(namespace, "new")], prune=True, prune_limit=2)
    assert len(caught.value.names) == 5
    assert present(client, namespace) == {f"c{i}" for i in range(5)}


def test_claims_and_namespaces_go_only_when_named(apply, client, namespace, kubectl):
    other = namespace + "-ns"
    apply(
        [
            config_map(namespace, "a"),
            claim(namespace, "data"),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}},
        ]
    )
    kept = apply([config_map(namespace, "a")], prune=True)
    assert not kept.pruned
    assert sorted(kept.skipped) == [f"Namespace {other}", f"PersistentVolumeClaim {namespace}/data"]
    assert len(kept.warnings) == 2
    gone = apply(
        [config_map(namespace, "a")],
        prune=True,
        prune_named=[f"PersistentVolumeClaim/{namespace}/data", f"Namespace/{other}"],
    )
    assert sorted(gone.pruned) == [f"Namespace {other}", f"PersistentVolumeClaim {namespace}/data"]


def test_foreign_objects_are_never_pruned(apply, client, namespace, kubectl):
    kubectl("-n", namespace, "create", "configmap", "foreign")
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    apply([config_map(namespace, "a")], prune=True)
    assert present(client, namespace) == {"a", "foreign"}


def test_a_set_does_not_take_the_members_of_another(apply, namespace):
    apply([config_map(namespace, "a")], name="one")
    with pytest.raises(ApplyError, match="belongs to another set"):
        apply([config_map(namespace, "a")], name="two")
    with pytest.raises(ApplyError, match="belongs to another set"):
        apply([config_map(namespace, "a")], name="two", check=True)
    assert apply([config_map(namespace, "a")], name="two", force_conflicts=True).configured


def test_a_config_map_that_is_no_record_is_not_made_one(apply, namespace, kubectl):
    kubectl("-n", namespace, "create", "configmap", "s", "--from-literal=a=b")
    with pytest.raises(InputError, match="is no set's record"):
        apply([config_map(namespace, "a")])


def test_a_set_of_another_tool_is_left_alone(apply, namespace, kubectl):
    apply([config_map(namespace, "a")])
    kubectl("-n", namespace, "annotate", "--overwrite", "configmap", "s", "applyset.kubernetes.io/tooling=helm/v4")
    with pytest.raises(InputError, match="belongs to the tool 'helm/v4'"):
        apply([config_map(namespace, "a")])


def test_a_whole_set_is_deleted_and_its_record_last(apply, client, namespace):
    apply([config_map(namespace, "a"), claim(namespace, "data")])
    kept = delete_set(client, None, ApplyOptions(name="s", namespace=namespace))
    assert kept.deleted == [f"ConfigMap {namespace}/a"]
    assert kept.skipped == [f"PersistentVolumeClaim {namespace}/data"]
    assert client.get("v1", "ConfigMap", "s", namespace) is not None
    named = [f"PersistentVolumeClaim/{namespace}/data"]
    assert delete_set(
        client, None, ApplyOptions(name="s", namespace=namespace, prune_named=named, check=True)
    ).deleted == [f"PersistentVolumeClaim {namespace}/data"]
    assert delete_set(client, None, ApplyOptions(name="s", namespace=namespace, prune_named=named)).deleted == [
        f"PersistentVolumeClaim {namespace}/data"
    ]
    assert client.get("v1", "ConfigMap", "s", namespace) is None
    assert not delete_set(client, None, ApplyOptions(name="s", namespace=namespace)).changed


def test_given_objects_are_deleted_whatever_their_number(client, namespace):
    objects = [config_map(namespace, f"c{i}") for i in range(30)]
    apply_set(client, objects, ApplyOptions(name=None))
    result = delete_set(client, [*objects, config_map(namespace, "never was")], ApplyOptions(name=None))
    assert len(result.deleted) == 30
    assert not delete_set(client, objects, ApplyOptions(name=None)).changed
