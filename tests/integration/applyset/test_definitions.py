# Copyright (c) 2026 GreenLang. All rights reserved.
"""Definitions that change together with their objects: check mode predicts, and the run does not race with itself."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import planned
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import Planned
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import MERGE_PATCH
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.kinds import Resource

from tests.helpers import connect

TEXT = {"type": "string"}
UNASKED = "its definition changes first"


class Boxes:
    """A group of the test's own with one kind."""

    def __init__(self, namespace):
        self.namespace, self.group = namespace, f"{namespace}.example.org"

    def definition(self, properties, *versions, served=(), storage=None, **others):
        """`others` are the properties of other versions."""
        made = []
        for version in versions or ("v1",):
            spec = {"type": "object", "properties": others.get(version, properties)}
            schema = {"type": "object", "properties": {"spec": spec}}
            made.append(
                {
                    "name": version,
                    "served": not served or version in served,
                    "storage": version == (storage or (versions or ("v1",))[0]),
                    "schema": {"openAPIV3Schema": schema},
                }
            )
        names = {"kind": "Box", "plural": "boxes"}
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"boxes.{self.group}"},
            "spec": {"group": self.group, "names": names, "scope": "Namespaced", "versions": made},
        }

    def box(self, version="v1", name="one", **spec):
        meta = {"name": name, "namespace": self.namespace}
        return {"apiVersion": f"{self.group}/{version}", "kind": "Box", "metadata": meta, "spec": spec}

    def label(self, name="one"):
        return f"Box.{self.group} {self.namespace}/{name}"


@pytest.fixture
def boxes(client, namespace):
    made = Boxes(namespace)
    yield made
    kind = client.resource("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    client.request("DELETE", kind.path(None, f"boxes.{made.group}"))


NARROW, WIDE = {"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["a", "b"]}
CHANGES = {
    # name: the definition and the spec of the object before and after
    "another value": ({"m": NARROW}, {"m": "a"}, {"m": WIDE}, {"m": "b"}),
    "a new field": ({"m": TEXT}, {"m": "a"}, {"m": TEXT, "n": TEXT}, {"m": "a", "n": "x"}),
    "another type": ({"m": TEXT}, {"m": "5"}, {"m": {"x-kubernetes-int-or-string": True}}, {"m": 5}),
}


@pytest.mark.parametrize("case", CHANGES)
def test_an_object_that_only_the_new_definition_accepts(apply, boxes, case):
    old_schema, old, new_schema, new = CHANGES[case]
    apply([boxes.definition(old_schema), boxes.box(**old)])
    objects = [boxes.definition(new_schema), boxes.box(**new), boxes.box(name="two", **new)]
    predicted = apply(objects, check=True)
    done = apply(objects)
    assert (predicted.created, predicted.configured) == (done.created, done.configured)
    assert predicted.created == [boxes.label("two")]
    assert boxes.label() in predicted.configured
    assert predicted.diff == done.diff
    assert sorted(warning for warning in predicted.warnings if UNASKED in warning)
    assert not apply(objects).changed


def test_an_object_that_is_there_in_another_version_is_configured(apply, client, boxes):
    apply([boxes.definition({"m": TEXT}, "v1beta1"), boxes.box("v1beta1", m="a")])
    objects = [boxes.definition({"m": TEXT}, "v1beta1", "v1"), boxes.box("v1", m="b")]
    with pytest.raises(ApplyError, match="belongs to another set"):
        apply([*objects[1:], boxes.definition({"m": TEXT}, "v1beta1", "v1")], name="other")
    predicted = apply(objects, check=True)
    done = apply(objects)
    assert predicted.created == done.created == []
    assert boxes.label() in predicted.configured
    assert predicted.configured == done.configured
    assert predicted.diff == done.diff
    assert not apply(objects).changed


@pytest.mark.parametrize("who", ["another manager", "we alone"])
def test_entries_in_a_version_that_is_gone_are_moved(apply, client, kubectl, boxes, who):
    items = {"type": "array", "items": {"type": "object", "properties": {"name": TEXT}}}
    defaulted = {"type": "object", "properties": {"name": TEXT, "policy": {"type": "string", "default": "Keep"}}}
    apply([boxes.definition({"items": items}, "v1beta1"), boxes.box("v1beta1", items=[{"name": "a"}])])
    if who == "another manager":
        given = boxes.box("v1beta1", items=[{"name": "a"}])
        kubectl("apply", "--server-side", "--field-manager=hand", "-f", "-", given=given)
    objects = [
        boxes.definition(
            {"items": {**items, "items": defaulted}}, "v1", "v1beta1", served=["v1"], v1beta1={"items": items}
        ),
        boxes.box("v1", items=[{"name": "a"}]),
    ]
    apply(objects[:1])
    # Whoever writes it next stores it with the default, of which the entry in v1beta1 knows nothing.
    kubectl("annotate", "-n", boxes.namespace, f"boxes.{boxes.group}", "one", "written=1")
    assert client.get(f"{boxes.group}/v1", "Box", "one", boxes.namespace)["spec"]["items"][0]["policy"] == "Keep"
    predicted = apply(objects, check=True, force_conflicts=True)
    done = apply(objects, force_conflicts=True)
    assert predicted.configured == done.configured == [boxes.label()]
    assert predicted.diff == done.diff
    assert not apply(objects).changed


def test_a_definition_that_changes_does_not_race_with_its_objects(apply, boxes):
    properties = {}
    for number in range(8):
        properties[f"f{number}"] = TEXT
        several = [boxes.box(name=f"b{item}", **dict.fromkeys(properties, "x")) for item in range(4)]
        result = apply([boxes.definition(properties), *several])
        assert len(result.created + result.configured) == 5


def test_every_served_version_can_be_found_when_a_definition_is_applied(apply, boxes, kubeconfig):
    apply([boxes.definition({"m": TEXT}, "v1", "v2", "v3", served=["v1", "v3"])])
    other = connect(kubeconfig)
    for version in ("v1", "v3"):
        assert other.resource(f"{boxes.group}/{version}", "Box").plural == "boxes"
    other.close()


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("subresource", [True, False])
def test_a_status_that_is_a_field_as_any_other_is_applied(apply, client, boxes, subresource, together):
    definition, box = boxes.definition({"m": TEXT}), boxes.box(m="a")
    version = definition["spec"]["versions"][0]
    status = {"type": "object", "properties": {"phase": TEXT}}
    version["schema"]["openAPIV3Schema"]["properties"]["status"] = status
    if subresource:
        version["subresources"] = {"status": {}}
    box["status"] = {"phase": "new"}
    if not together:
        apply([definition], name="t")
    objects = [definition, box] if together else [box]
    predicted, done = apply(objects, check=True), apply(objects)
    assert predicted.created == done.created
    assert predicted.diff == done.diff

    def found():
        return client.get(box["apiVersion"], "Box", "one", boxes.namespace).get("status")

    assert found() == (None if subresource else {"phase": "new"})
    assert not apply(objects).changed
    if not subresource:
        path = client.resource(box["apiVersion"], "Box").path(boxes.namespace, "one")
        client.request("PATCH", path, body={"status": {"phase": "old"}}, content_type=MERGE_PATCH)
        predicted, done = apply(objects, check=True, force_conflicts=True), apply(objects, force_conflicts=True)
        assert predicted.diff == done.diff
        assert "phase: old" in done.diff[0]["before"]
        assert found() == {"phase": "new"}


def test_names_that_are_taken_end_the_wait_with_their_reason(apply, client, boxes):
    apply([boxes.definition({"m": TEXT})])
    second = boxes.definition({"m": TEXT})
    second["metadata"]["name"] = f"crates.{boxes.group}"
    second["spec"]["names"] = {"kind": "Box", "plural": "crates"}
    try:
        with pytest.raises(ApplyError, match=f"crates.{boxes.group}.*refused: .*already in use"):
            apply([second], name="t")
    finally:
        kind = client.resource("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        client.request("DELETE", kind.path(None, f"crates.{boxes.group}"))


def test_what_is_planned_is_added_to_what_others_planned(tmp_path):
    """Hosts side by side, and several clusters in one play."""
    kind = Resource("example.org/v1", "Box", "boxes", True)
    for server, names in {"one": ["a", "b"], "two": ["c"]}.items():
        for name in names:
            planned.save(str(tmp_path), server, Planned({name}, {("example.org/v1", name): kind._replace(kind=name)}))
    assert planned.load(str(tmp_path), "one").namespaces == {"a", "b"}
    assert set(planned.load(str(tmp_path), "one").kinds) == {("example.org/v1", "a"), ("example.org/v1", "b")}
    assert planned.load(str(tmp_path), "two").namespaces == {"c"}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"one": 5}', '"x"'])
def test_what_is_planned_and_cannot_be_read_is_nothing(tmp_path, content):
    (tmp_path / planned.FILE).write_text(content, encoding="utf-8")
    assert planned.load(str(tmp_path), "one") == Planned()
    planned.save(str(tmp_path), "one", Planned({"a"}))
    assert planned.load(str(tmp_path), "one").namespaces == {"a"}
