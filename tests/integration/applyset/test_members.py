# Copyright (c) 2026 GreenLang. All rights reserved.
"""What belongs to a set: no label makes a member by itself, no verb crosses the border to another set, and nothing is
pruned that the rest of the set needs."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.membership import PART_OF, set_id
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError, InputError

from tests.helpers import PATIENCE, eventually
from tests.integration.applyset.objects import config_map, made

FORCE = {"applyset.greenlang.io/force-conflicts": "true"}


def service(namespace):
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": namespace}, "spec": spec}


def pod(namespace):
    spec = {"containers": [{"name": "main", "image": "example/web:1"}]}
    meta = {"name": "web", "namespace": namespace, "labels": {"app": "web"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def endpoints(namespace):
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "external", "namespace": namespace},
        "subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}],
    }


def endpoint_slice(namespace):
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "external", "namespace": namespace},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.1"]}],
        "ports": [{"port": 80}],
    }


def labelled(client, namespace, api_version, kind):
    """Names of the objects with the label of set `s`."""
    found = client.list(api_version, kind, namespace, f"{PART_OF}={set_id('s', namespace)}")
    return {obj["metadata"]["name"] for obj in found}


# --- the label alone -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by_hand", [endpoints, endpoint_slice])
def test_what_a_controller_copied_the_label_to_is_no_member(apply, client, namespace, by_hand):
    own = by_hand(namespace)
    version, kind = own["apiVersion"], own["kind"]
    objects = [service(namespace), own]
    apply_set(client, [pod(namespace)], ApplyOptions())
    apply(objects)
    eventually(lambda: labelled(client, namespace, version, kind) - {"external"}, "no controller copied the label")
    copies = labelled(client, namespace, version, kind)
    apply(objects)
    for check, limit in itertools.product((True, False), (0, 20)):
        result = apply(objects, prune=True, prune_limit=limit, check=check)
        assert not result.changed
        assert not result.skipped
        assert any("is no member and is not deleted" in warning for warning in result.warnings)
    assert labelled(client, namespace, version, kind) == copies
    # What an apply made is a member as before, also when nothing else of its kind is left.
    assert apply([service(namespace)], prune=True).pruned == [f"{kind} {namespace}/external"]
    deleted = delete_set(client, None, ApplyOptions(name="s", namespace=namespace))
    assert deleted.deleted == [f"Service {namespace}/web"]


WRITERS = {
    "a label": ("label", "configmap", "other", "{label}"),
    "a forced label": ("label", "--overwrite", "configmap", "other", "{label}"),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_label_that_no_apply_wrote_makes_no_member(apply, client, namespace, kubectl, writer):
    apply([config_map(namespace, "a")])
    kubectl("-n", namespace, "create", "configmap", "other")
    label = f"{PART_OF}={set_id('s', namespace)}"
    kubectl("-n", namespace, *[part.format(label=label) for part in WRITERS[writer]])
    result = apply([config_map(namespace, "a")], prune=True, prune_limit=0)
    assert not result.changed
    assert f"ConfigMap {namespace}/other carries the set's label" in result.warnings[0]
    assert "no apply wrote its label" in result.warnings[0]
    assert client.get("v1", "ConfigMap", "other", namespace)


def test_what_something_else_controls_is_not_deleted(apply, client, namespace):
    apply([config_map(namespace, "a"), config_map(namespace, "adopted")])
    owner = client.get("v1", "ConfigMap", "a", namespace)["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": owner, "controller": True}
    body = {"metadata": {"ownerReferences": [reference]}}
    path = f"/api/v1/namespaces/{namespace}/configmaps/adopted"
    client.request("PATCH", path, body=body, content_type="application/merge-patch+json")
    for check in (True, False):
        result = apply([config_map(namespace, "a")], prune=True, prune_limit=0, check=check)
        assert not result.changed
        assert "ConfigMap a controls it" in result.warnings[0]
    assert client.get("v1", "ConfigMap", "adopted", namespace)


def test_members_that_kubectl_applied_on_its_side_are_members(apply, client, namespace, kubectl):
    items = {"apiVersion": "v1", "kind": "List", "items": [config_map(namespace, "a"), config_map(namespace, "b")]}
    kubectl("-n", namespace, "apply", "--prune", "--applyset=configmap/s", "-f", "-", given=items)
    assert apply([config_map(namespace, "a")], prune=True, force_conflicts=True).pruned == [f"ConfigMap {namespace}/b"]


# --- the border to other sets ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [None, "s", "other"])
@pytest.mark.parametrize("verb", [apply_set, delete_set])
def test_a_manifest_that_brings_the_label_is_refused(client, namespace, verb, name):
    obj = config_map(namespace, "a", labels={PART_OF: set_id("s", namespace)})
    for check in (True, False):
        with pytest.raises(InputError, match=rf"file.yml: ConfigMap {namespace}/a brings the label"):
            verb(client, [(obj, "file.yml")], ApplyOptions(name=name, namespace=namespace, check=check))


@pytest.mark.parametrize("name", [None, "two"])
@pytest.mark.parametrize("verb", [apply_set, delete_set])
@pytest.mark.parametrize("check", [True, False])
def test_no_verb_touches_an_object_of_another_set(apply, client, namespace, verb, name, check):
    apply([config_map(namespace, "x")], name="one")
    before = client.get("v1", "ConfigMap", "x", namespace)
    options = {"name": name, "namespace": namespace, "check": check}
    with pytest.raises(ApplyError, match=rf"belongs to another set, {namespace}/one \(") as caught:
        verb(client, [config_map(namespace, "x", "2"), config_map(namespace, "new")], ApplyOptions(**options))
    assert [failure["object"] for failure in caught.value.failures] == [f"ConfigMap {namespace}/x"]
    assert client.get("v1", "ConfigMap", "x", namespace) == before
    if not check:
        assert client.get("v1", "ConfigMap", "new", namespace) is None
    forced = [
        verb(client, [config_map(namespace, "x", "2")], ApplyOptions(**options, force_conflicts=True)),
    ]
    assert forced[0].changed


@pytest.mark.parametrize("verb", [apply_set, delete_set])
def test_a_single_object_may_be_taken(apply, client, namespace, verb):
    apply([config_map(namespace, "x")], name="one")
    options = ApplyOptions(name="two", namespace=namespace)
    assert verb(client, [config_map(namespace, "x", annotations=FORCE)], options).changed


def definition(group, *versions):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = []
    for version in versions:
        stored = version == versions[0]
        served.append({"name": version, "served": True, "storage": stored, "schema": {"openAPIV3Schema": schema}})
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "versions": served,
        },
    }


def widget(group, namespace, version, **meta):
    metadata = {"name": "w", "namespace": namespace, **meta}
    return {"apiVersion": f"{group}/{version}", "kind": "Widget", "metadata": metadata}


def test_an_object_whose_version_the_set_itself_brings_is_not_taken(apply, client, namespace):
    group = f"{namespace}.example.org"
    apply([definition(group, "v1")], name="definitions")
    try:
        apply([widget(group, namespace, "v1")], name="one")
        both = [definition(group, "v1", "v2"), widget(group, namespace, "v2")]
        for check in (True, False):
            with pytest.raises(ApplyError, match=rf"Widget.{group} {namespace}/w belongs to another set"):
                apply(both, name="two", check=check)
        # Of the same set it is there already, in another version.
        apply([definition(group, "v1", "v2")], name="definitions")
        assert apply([widget(group, namespace, "v2")], name="one").configured
    finally:
        client.request("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}")


# --- what remains ----------------------------------------------------------------------------------------------------
def test_a_set_of_which_nothing_is_left_is_not_pruned(apply, client, namespace):
    apply([config_map(namespace, "a")])
    for check in (True, False):
        with pytest.raises(InputError, match=r"nothing is left of set s.*use state: absent"):
            apply([], prune=True, check=check)
    assert client.get("v1", "ConfigMap", "a", namespace)
    assert not apply([]).changed
    with pytest.raises(InputError, match="prune needs the name of the set"):
        apply([config_map(namespace, "a")], name=None, prune=True)


def test_a_namespace_that_is_in_use_is_not_pruned(apply, client, namespace):
    other = f"{namespace}-other"
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}
    apply([place, config_map(other, "a"), config_map(namespace, "b")])
    named = (f"Namespace/{other}",)
    for check in (True, False):
        result = apply([config_map(other, "a")], prune=True, prune_named=named, check=check)
        assert result.pruned == [f"ConfigMap {namespace}/b"]
        assert result.skipped == [f"Namespace {other}"]
        assert f"not deleted: ConfigMap {other}/a is in it" in result.warnings[0]
    # It is still the set's, and goes when nothing is in it.
    assert apply([config_map(namespace, "b")], prune=True, prune_named=named).pruned == [
        f"ConfigMap {other}/a",
        f"Namespace {other}",
    ]


@pytest.mark.parametrize("whole_set", [True, False])
def test_a_namespace_that_holds_what_is_kept_is_kept_too(apply, client, namespace, whole_set):
    other = f"{namespace}-other"
    place = made("v1", "Namespace", None, other)
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = made("v1", "PersistentVolumeClaim", other, "data", spec=spec)
    apply([place, claim, config_map(namespace, "b")])

    def gone(check, *named):
        options = {"prune_named": named, "check": check}
        if whole_set:
            return delete_set(client, None, ApplyOptions(name="s", namespace=namespace, **options))
        return apply([config_map(namespace, "b")], prune=True, **options)

    for check in (True, False):
        result = gone(check, f"Namespace/{other}")
        assert f"Namespace {other}" not in result.pruned + result.deleted
        assert sorted(result.skipped) == [f"Namespace {other}", f"PersistentVolumeClaim {other}/data"]
        assert any(f"PersistentVolumeClaim {other}/data would go with it" in text for text in result.warnings)
    assert not client.get("v1", "Namespace", other)["metadata"].get("deletionTimestamp")
    result = gone(False, f"Namespace/{other}", f"PersistentVolumeClaim/{other}/data")
    assert f"Namespace {other}" in result.pruned + result.deleted
    assert not result.skipped


def test_a_record_that_is_gone_is_said(apply, client, namespace):
    objects = [config_map(namespace, "a"), config_map(namespace, "b")]
    apply(objects)
    client.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/s")
    for check in (True, False):
        result = apply(objects[:1], prune=True, check=check)
        assert f"ConfigMap {namespace}/s, the set's record, is gone" in result.warnings[0]
    assert apply(objects[:1], prune=True).pruned == [f"ConfigMap {namespace}/b"]


def test_the_namespace_of_the_record_is_not_pruned(client, namespace):
    home = f"{namespace}-home"
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}}
    options = {"name": "s", "namespace": home, "prune_named": (f"Namespace/{home}",)}
    apply_set(client, [place, config_map(namespace, "a")], ApplyOptions(**options))
    result = apply_set(client, [config_map(namespace, "a")], ApplyOptions(**options, prune=True))
    assert not result.changed
    assert "the set's record is in it" in result.warnings[0]
    # With the whole set it goes.
    assert f"Namespace {home}" in delete_set(client, None, ApplyOptions(**options)).deleted


def test_a_definition_that_is_in_use_is_not_pruned(apply, client, namespace):
    group = f"{namespace}.example.org"
    named = (f"CustomResourceDefinition/widgets.{group}",)
    try:
        apply([definition(group, "v1"), widget(group, namespace, "v1")])
        for check in (True, False):
            kept = apply([widget(group, namespace, "v1")], prune=True, prune_named=named, check=check)
            assert not kept.changed
            assert f"it defines Widget.{group} {namespace}/w" in kept.warnings[0]
    finally:
        options = ApplyOptions(name="s", namespace=namespace, prune_named=named, wait=True, wait_timeout=PATIENCE)
        assert len(delete_set(client, None, options).deleted) == 2


def test_an_owner_of_what_is_wanted_is_not_pruned(apply, client, namespace):
    apply([config_map(namespace, "owner"), config_map(namespace, "owned")])
    uid = client.get("v1", "ConfigMap", "owner", namespace)["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    owned = config_map(namespace, "owned", ownerReferences=[reference])
    apply([config_map(namespace, "owner"), owned])
    for check in (True, False):
        result = apply([owned], prune=True, check=check)
        assert not result.changed
        assert f"it owns ConfigMap {namespace}/owned" in result.warnings[0]
