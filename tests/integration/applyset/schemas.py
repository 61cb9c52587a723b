# Copyright (c) 2026 GreenLang. All rights reserved.
"""Random manifests and drift by the server's own schemas, and what the server must then write into managedFields: a
model of structured-merge-diff that the tests hold against the server itself."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Node = dict[str, Any]
SERVERS_OWN = {
    "managedFields",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "uid",
}
SERVERS_OWN |= {"resourceVersion", "selfLink", "name", "namespace", "generateName", "finalizers", "ownerReferences"}
WORDS = ["a", "b", "c", "<&>", "ä", "d.e/f", "0"]
DEEP = 9


class Schema:
    """One part of a schema, with references followed."""

    def __init__(self, raw: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        self._known = known
        self.default = raw.get("default")
        while "$ref" in raw or len(raw.get("allOf") or ()) == 1:
            raw = known[raw["$ref"].rpartition("/")[2]] if "$ref" in raw else raw["allOf"][0]
        self.raw = raw
        self.list_type = raw.get("x-kubernetes-list-type") or "atomic"
        self.keys = tuple(raw.get("x-kubernetes-list-map-keys") or ())
        self.atomic = raw.get("x-kubernetes-map-type") == "atomic"
        self.kind = self._kind()

    def _kind(self) -> str:
        if "properties" in self.raw:
            return "struct"
        if "additionalProperties" in self.raw:
            return "map"
        if self.raw.get("type") == "array":
            return "list"
        scalar = self.raw.get("type") in ("string", "integer", "number", "boolean")
        return "scalar" if scalar else "opaque"

    def field(self, name: str) -> Schema:
        raw = self.raw["properties"][name] if self.kind == "struct" else self.raw["additionalProperties"]
        return Schema(raw, self._known)

    @property
    def item(self) -> Schema:
        return Schema(self.raw.get("items") or {}, self._known)

    def fields(self) -> list[str]:
        return [name for name in self.raw["properties"] if self.field(name).kind != "opaque"]

    def key_of(self, item: Mapping[str, Any]) -> str:
        """The step to an item of a list with keys; a field that is left out has its default."""
        key = {name: item.get(name, self.item.field(name).default) for name in sorted(self.keys)}
        return "k:" + _go(key)


def _go(value: object) -> str:
    """As Go writes JSON."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# --- manifests -------------------------------------------------------------------------------------------------------
class Maker:
    """Random values of a schema; `seen` counts the kinds of list."""

    def __init__(self, seed: int, seen: Counter[str]) -> None:
        self.random, self.seen = random.Random(seed), seen

    def value(self, schema: Schema, depth: int = 0) -> Any:
        if schema.kind == "scalar":
            return self.scalar(schema)
        if schema.kind == "struct":
            return self.struct(schema, depth)
        if schema.kind == "map":
            names = self.random.sample(WORDS, self.random.randint(0, 3))
            return {name: self.value(schema.field(name), depth + 1) for name in names}
        return self.items(schema, depth)

    def scalar(self, schema: Schema) -> Any:
        kind = schema.raw.get("type")
        if kind == "string":
            return self.random.choice(WORDS)
        return self.random.random() < 0.5 if kind == "boolean" else self.random.randint(0, 5)

    def struct(self, schema: Schema, depth: int) -> dict[str, Any]:
        names = schema.fields()
        wanted = self.random.sample(names, min(len(names), self.random.randint(0, 4))) if depth < DEEP else []
        # What lists hold is what this is about: prefer the way to them.
        deep = [name for name in names if schema.field(name).kind in ("struct", "list")]
        if deep and depth < DEEP:
            wanted.append(self.random.choice(deep))
        return {name: self.value(schema.field(name), depth + 1) for name in dict.fromkeys(wanted)}

    def items(self, schema: Schema, depth: int) -> list[Any]:
        made = {}
        for _number in range(self.random.randint(0, 3) if depth < DEEP else 0):
            item = self.value(schema.item, depth + 1) if schema.item.kind != "opaque" else "a"
            if schema.list_type == "map":
                item = self.keyed(schema, item)
                made[schema.key_of(item)] = item
            elif schema.list_type == "set":
                made[_go(item)] = item
            else:
                made[str(len(made))] = item
        if made:
            self.note(schema, list(made.values()))
        return list(made.values())

    def keyed(self, schema: Schema, item: dict[str, Any]) -> dict[str, Any]:
        """With all of its key, or without a part that has a default."""
        for name in schema.keys:
            field = schema.item.field(name)
            item[name] = self.scalar(field)
            if field.default:  # strings that are required have the empty one in the schemas of built-in kinds
                item[name] = self.random.choice([field.default, item[name]])
                if len(item) > 1 and self.random.random() < 0.5:
                    del item[name]
        return item

    def note(self, schema: Schema, items: list[Any]) -> None:
        self.seen[schema.list_type] += 1
        if schema.list_type == "map":
            self.seen["several keys"] += len(schema.keys) > 1
            self.seen["a default among keys"] += any(set(schema.keys) - set(item) for item in items)
            self.seen["nested"] += any(isinstance(value, list) for item in items for value in item.values())


# --- what the server writes ------------------------------------------------------------------------------------------
def applied(value: Any, schema: Schema) -> Node | None:
    """The fields of a value that is applied; None where the server writes nothing of it, as of an empty list of which
    only the items are owned."""
    if schema.kind == "scalar" or schema.atomic or value == {}:
        return {}
    if isinstance(value, dict):
        parts = {f"f:{name}": applied(member, schema.field(name)) for name, member in value.items()}
        if schema.kind == "map":
            parts = {step: _member(part) for step, part in parts.items()}
        return {step: part for step, part in parts.items() if part is not None} or None
    if schema.list_type == "map":
        return {schema.key_of(item): _member(applied(item, schema.item)) for item in value} or None
    return {f"v:{_go(item)}": {} for item in value} or None if schema.list_type == "set" else {}


def _member(node: Node | None) -> Node:
    return {".": {}, **node} if node else {}


def filled(value: Any, schema: Schema) -> Any:
    """A value as it is stored: with the defaults of keys."""
    if isinstance(value, dict):
        return {name: filled(member, schema.field(name)) for name, member in value.items()}
    if isinstance(value, list) and value and schema.item.kind != "opaque":
        made = [filled(item, schema.item) for item in value]
        if schema.list_type == "map":
            made = [{**json.loads(schema.key_of(item)[2:]), **item} for item in made]
        return made
    return value


def kept(node: Node, old: Any, new: Any, schema: Schema) -> Node | None:
    """Of our fields those that are still ours after somebody made `new` of `old`; None when nothing is."""
    if not node:
        whole = schema.kind == "scalar" or schema.atomic or schema.kind == "list"
        return node if old == new or not (whole or old) else None
    made = {}
    for step, inner in node.items():
        if step == ".":
            made[step] = inner
            continue
        before, after, part = _step(step, old, schema), _step(step, new, schema), _schema(step, schema)
        rest = kept(inner, before, after, part) if after is not None else None
        if rest is not None:
            made[step] = rest
    if list(made) == ["."]:
        return {}
    return made or None


def _schema(step: str, schema: Schema) -> Schema:
    return schema.field(step[2:]) if step[0] == "f" else schema.item


def _step(step: str, value: Any, schema: Schema) -> Any:
    if step[0] == "f":
        return value.get(step[2:])
    if step[0] == "k":
        return next((item for item in value if schema.key_of(item) == step), None)
    return next((item for item in value if "v:" + _go(item) == step), None)


# --- drift -----------------------------------------------------------------------------------------------------------
def drifted(live: Any, schema: Schema, maker: Maker) -> Any:
    """A copy in which one field or item is changed, removed or added."""
    made = copy.deepcopy(live)
    places = list(_places(made, schema))
    value, inside = maker.random.choice(places)
    if isinstance(value, dict):
        _change_field(value, inside, maker)
    else:
        _change_item(value, inside, maker)
    return made


def _places(value: Any, schema: Schema) -> Iterator[tuple[Any, Schema]]:
    if isinstance(value, dict):
        yield value, schema
        for name, member in value.items():
            yield from _places(member, schema.field(name))
    elif isinstance(value, list) and schema.item.kind != "opaque":
        yield value, schema
        for item in value:
            yield from _places(item, schema.item)


def _change_field(value: dict[str, Any], schema: Schema, maker: Maker) -> None:
    names = schema.fields() if schema.kind == "struct" else WORDS
    if not names:
        return
    name = maker.random.choice(list(value) if value and maker.random.random() < 0.7 else names)
    if maker.random.random() < 0.4:
        value.pop(name, None)
    else:
        value[name] = filled(maker.value(schema.field(name), DEEP - 2), schema.field(name))


def _change_item(value: list[Any], schema: Schema, maker: Maker) -> None:
    if value and maker.random.random() < 0.5:
        value.pop(maker.random.randrange(len(value)))
        return
    item = maker.value(schema.item, DEEP - 2)
    if schema.list_type == "map":
        item = filled([maker.keyed(schema, item)], schema)[0]
        value[:] = [old for old in value if schema.key_of(old) != schema.key_of(item)]
    elif item in value:
        return
    value.insert(maker.random.randint(0, len(value)), item)


def is_sound(value: Any, schema: Schema) -> bool:
    """Whether the items of each list can be told apart: a change may have taken a part of a key away."""
    if isinstance(value, dict):
        return all(is_sound(member, schema.field(name)) for name, member in value.items())
    if not isinstance(value, list) or schema.item.kind == "opaque":
        return True
    if schema.list_type == "map":
        keys = [schema.key_of(item) for item in value]
        if len(set(keys)) < len(keys) or any(set(schema.keys) - set(item) for item in value):
            return False
    return all(is_sound(item, schema.item) for item in value)
