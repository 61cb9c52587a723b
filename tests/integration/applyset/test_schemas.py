# Copyright (c) 2026 GreenLang. All rights reserved.
"""Drift is exact, by the server's own schemas: random manifests of every built-in kind and every type of list, one
field or item changed, removed or added by somebody else; noticed is just what is ours.

Most of it is pure: a model says what the server writes into managedFields, and the server itself is asked whether the
model is right. `make soak` does the same for longer."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import owned
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError

from tests.helpers import connect, eventually
from tests.integration.applyset import schemas
from tests.integration.applyset.schemas import Maker, Schema, applied, drifted, filled, is_sound, kept

EXAMPLES = int(os.environ.get("VCCI_TEST_DRIFT_EXAMPLES", "6000"))
ASKED = int(os.environ.get("VCCI_TEST_DRIFT_ASKED", "60"))
LISTS = {"atomic", "set", "map", "several keys", "a default among keys", "nested"}


def top_of(schema):
    """The schema of an object without what an apply never owns."""
    fields = {
        name: raw for name, raw in schema.raw["properties"].items() if name not in ("apiVersion", "kind", "status")
    }
    meta = schema.field("metadata").raw
    own = {name: raw for name, raw in meta["properties"].items() if name not in schemas.SERVERS_OWN}
    fields["metadata"] = {**meta, "properties": own}
    return {**schema.raw, "properties": fields}


@pytest.fixture(scope="module")
def kinds(kubeconfig):
    """The schemas of all kinds that the server itself has, by apiVersion and kind."""
    client, found = connect(kubeconfig), {}
    for path, entry in client.request("GET", "/openapi/v3")["paths"].items():
        if not path.startswith(("api/", "apis/")) or "example.org" in path:
            continue
        where, _mark, query = entry["serverRelativeURL"].partition("?")
        known = client.request("GET", where, query=dict([query.split("=", 1)]))["components"]["schemas"]
        for raw in known.values():
            for gvk in raw.get("x-kubernetes-group-version-kind") or []:
                schema = Schema(raw, known)
                if len(raw["x-kubernetes-group-version-kind"]) > 1 or schema.kind != "struct":
                    continue
                if "metadata" in raw["properties"] and "items" not in raw["properties"]:
                    version = "/".join(part for part in (gvk["group"], gvk["version"]) if part)
                    found[version, gvk["kind"]] = Schema(top_of(schema), known)
    client.close()
    return found


def test_what_is_noticed_is_what_is_ours(kinds):
    assert len(kinds) > 50
    seen, noticed = Counter(), Counter()
    for number in range(EXAMPLES):
        kind = sorted(kinds)[number % len(kinds)]
        maker = Maker(number, seen)
        desired = {name: value for name, value in maker.struct(kinds[kind], 0).items() if value or name != "metadata"}
        fields, live = applied(desired, kinds[kind]) or {}, filled(desired, kinds[kind])
        if not owned.covered(desired, fields, nulls=True):
            # In doubt the object is sent: whether an empty list was owned as a whole the server does not tell.
            assert has_untold(desired, kinds[kind]), (kind, number, owned.lost_fields(desired, fields))
            noticed["doubt"] += 1
            continue
        after = drifted(live, kinds[kind], maker)
        if not is_sound(after, kinds[kind]):
            continue
        left = kept(fields, live, after, kinds[kind]) or {}
        noticed[left != fields] += 1
        assert owned.covered(desired, left, nulls=True) is (left == fields), (kind, number, desired, after)
        assert bool(owned.lost_fields(desired, left)) is (left != fields), (kind, number)
    assert {name for name, count in seen.items() if count} >= LISTS
    assert min(noticed[True], noticed[False]) > EXAMPLES / 10
    assert noticed[True] + noticed[False] > EXAMPLES * 0.8


def has_untold(value, schema):
    """Whether the server writes nothing of a part of it."""
    if schema.kind in ("scalar", "opaque") or schema.atomic:
        return False
    if isinstance(value, dict):
        return any(has_untold(member, schema.field(name)) for name, member in value.items())
    return applied(value, schema) is None or any(has_untold(item, schema.item) for item in value)


def test_the_model_is_what_the_server_does_with_its_own_kinds(kinds, client, namespace):
    """Manifests that happen to be valid, as dry runs: most kinds refuse most random values."""
    agreed = Counter()
    for number in range(ASKED * 10):
        api_version, kind = sorted(kinds)[number % len(kinds)]
        desired = Maker(number, Counter()).struct(kinds[api_version, kind], 0)
        fields = applied(desired, kinds[api_version, kind]) or {}
        meta = {**desired.get("metadata", {}), "name": "a", "namespace": namespace}
        obj = {**desired, "apiVersion": api_version, "kind": kind, "metadata": meta}
        query = {"fieldManager": "m", "dryRun": "All", "fieldValidation": "Strict"}
        try:
            path = client.resource(api_version, kind).path(namespace, "a")
            made = client.request("PATCH", path, body=obj, query=query, content_type="application/apply-patch+yaml")
        except VcciError:
            continue
        fields = {step: inner for step, inner in fields.items() if inner or step != "f:metadata"}
        assert (owned.our_entry(made["metadata"], "m") or {}) == fields, (kind, number, desired)
        agreed[kind] += 1
    assert len(agreed) > 5


def lists():
    """A kind with every type of list and map, in each other."""
    text, number = {"type": "string"}, {"type": "integer"}
    pair = {"type": "object", "properties": {"a": text, "b": number}}

    def keyed(*keys, **fields):
        properties = {"v": text, **fields}
        item = {"type": "object", "properties": properties}
        item["required"] = [key for key in keys if "default" not in properties[key]]
        return {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [*keys]}

    protocol = {"type": "string", "default": "TCP"}
    ports = keyed("port", "protocol", port=number, protocol=protocol)
    properties = {
        "text": text,
        "pair": pair,
        "atomicPair": {**pair, "x-kubernetes-map-type": "atomic"},
        "map": {"type": "object", "additionalProperties": text},
        "maps": {"type": "object", "additionalProperties": pair},
        "atomicMap": {"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"},
        "atomic": {"type": "array", "items": pair, "x-kubernetes-list-type": "atomic"},
        "set": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
        "numbers": {"type": "array", "items": number, "x-kubernetes-list-type": "set"},
        "named": keyed(
            "name", name=text, ports=ports, set={"type": "array", "items": text, "x-kubernetes-list-type": "set"}
        ),
        "ports": ports,
        "defaulted": keyed("x", "y", x={**number, "default": 1}, y={**number, "default": 2}),
        "flags": keyed("on", on={"type": "boolean"}),
    }
    return {"type": "object", "properties": properties}


@pytest.fixture
def thing(client, namespace):
    """apiVersion and schema of such a kind."""
    group = f"{namespace}.example.org"
    schema = {"type": "object", "properties": {"spec": lists()}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Thing", "plural": "things"}
    definitions = client.resource("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    body = {"metadata": {"name": f"things.{group}"}}
    body["spec"] = {"group": group, "names": names, "scope": "Namespaced", "versions": [version]}
    client.request("POST", definitions.path(), body=body)
    yield f"{group}/v1", Schema(lists(), {})
    client.request("DELETE", definitions.path(None, f"things.{group}"))


CHANGES = {
    "a field of one": {"a": {"a": "y"}, "b": {"a": "x"}},
    "a field removed from one": {"a": {}, "b": {"a": "x"}},
    "one removed": {"b": {"a": "x"}},
    "fields of all": {"a": {"a": "y"}, "b": {"a": "y"}},
}


@pytest.mark.parametrize("case", CHANGES)
def test_maps_of_maps(apply, client, namespace, thing, case):
    api_version, _schema = thing
    eventually(lambda: served(client, api_version), "the kind is not served")
    meta = {"name": "a", "namespace": namespace}
    spec = {"maps": {"a": {"a": "x"}, "b": {"a": "x"}}, "atomicPair": {"a": "x"}}
    obj = {"apiVersion": api_version, "kind": "Thing", "metadata": meta, "spec": spec}
    apply([obj])
    assert not apply([obj]).changed
    path = client.resource(api_version, "Thing").path(namespace, "a")
    live = client.request("GET", path)
    live["spec"]["maps"] = CHANGES[case]
    client.request("PUT", path, body=live)
    assert apply([obj], check=True, force_conflicts=True).configured
    assert apply([obj], force_conflicts=True).configured
    assert client.request("GET", path)["spec"] == spec
    assert not apply([obj]).changed


def test_drift_by_the_server_itself(apply, client, namespace, thing):
    """The whole way: apply, a change by another, check mode and run, for as many as there is time for."""
    api_version, schema = thing
    eventually(lambda: served(client, api_version), "the kind is not served")
    path = client.resource(api_version, "Thing").path(namespace, "a")
    seen, noticed = Counter(), Counter()
    for number in range(ASKED):
        maker = Maker(number, seen)
        spec = {"text": "a", **maker.struct(schema, 0)}
        spec.pop("maps", None)  # these have a test of their own
        obj = {
            "apiVersion": api_version,
            "kind": "Thing",
            "metadata": {"name": "a", "namespace": namespace},
            "spec": spec,
        }
        apply([obj], force_conflicts=True)
        live = client.request("GET", path)
        fields = owned.our_entry(live["metadata"], "greenlang.vcci").get("f:spec") or {}
        assert fields == (applied(spec, schema) or {}), (number, spec)
        after = drifted(live["spec"], schema, maker)
        if not is_sound(after, schema):
            # Each begins anew: of a struct that is emptied, `{}` after fields, the server makes a null that it refuses.
            client.request("DELETE", path)
            continue
        client.request("PUT", path, body={**live, "spec": after}, query={"fieldManager": f"other{number}"})
        left = kept(fields, live["spec"], after, schema) or {}
        found = owned.our_entry(client.request("GET", path)["metadata"], "greenlang.vcci").get("f:spec") or {}
        assert found == left, (number, spec, after)
        predicted = apply([obj], check=True, force_conflicts=True)
        done = apply([obj], force_conflicts=True)
        assert predicted.changed is done.changed is (left != fields), (number, spec, after)
        assert predicted.diff == done.diff
        noticed[done.changed] += 1
        client.request("DELETE", path)
    assert min(noticed[True], noticed[False]) > ASKED / 10
    assert {name for name, count in seen.items() if count} >= LISTS


def served(client, api_version):
    client.forget_kinds()
    try:
        return client.resource(api_version, "Thing")
    except VcciError:
        return None
