# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether an object is as we left it, decided from its metadata alone. Pure.

Two facts together are exact:
- the digest annotation, written by our last apply, says which manifest that was;
- managedFields says which fields are still ours: whoever changes one takes it out of our entry.
If the digest is that of the manifest at hand and our entry still covers all of it, an apply would do nothing.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..kubernetes.kinds import group_of, is_built_in
from .manifests import DIGEST

_ABSENT = object()
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_NOBODYS = {
    "": ("apiVersion", "kind"),
    ".metadata": ("name", "namespace"),
}  # fields without an owner, by where they are
Object = Mapping[str, Any]


def digest_of(obj: Object) -> str:
    """Of the manifest as it is sent, without the digest itself."""
    return "v1." + hashlib.sha256(_ENCODER.encode(obj).encode()).hexdigest()[:32]


def our_entry(meta: Object, manager: str, api_version: str | None = None) -> Object | None:
    """Our fieldsV1: what the server recorded for server-side applies of this manager."""
    for entry in meta.get("managedFields") or []:
        if is_ours(entry, manager) and api_version in (None, entry.get("apiVersion")):
            return entry.get("fieldsV1") or {}
    return None


def is_ours(entry: Object, manager: str) -> bool:
    """Whether an entry of managedFields is that of server-side applies of this manager."""
    return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")


def is_unchanged(desired: Object, digest: str, meta: Object, manager: str) -> bool:
    """Whether applying `desired` (which holds its digest annotation) to the object with this metadata does nothing."""
    if (meta.get("annotations") or {}).get(DIGEST) != digest or meta.get("deletionTimestamp"):
        return False
    fields = our_entry(meta, manager, desired["apiVersion"])
    if fields is None or not covered(desired, fields, nulls=True):
        return False
    return is_built_in(group_of(desired["apiVersion"])) or not emptied(desired, fields, _others(meta, fields))


def was_written(before: Object, after: Object, manager: str) -> bool:
    """Whether an apply between these two states of an object's metadata changed anything of ours.

    resourceVersion would not do: status updates of others move it between our read and our write."""
    return (
        (before.get("annotations") or {}).get(DIGEST) != (after.get("annotations") or {}).get(DIGEST)
        or our_entry(before, manager) != our_entry(after, manager)
        or before.get("uid") != after.get("uid")
    )


def covered(desired: Object, fields: Object, nulls: bool = False) -> bool:
    """Whether every field of a manifest is in a fieldsV1 set; also those that it sets to null, if these count."""
    for key, value in desired.items():
        if key in _NOBODYS[""]:
            continue
        wanted = value
        if key == "metadata":
            wanted = {k: v for k, v in value.items() if k not in _NOBODYS[".metadata"]}
            if not wanted:
                continue
        if not _field_covered(wanted, fields.get("f:" + key), nulls):
            return False
    return True


def emptied(value: object, node: Object, others: Sequence[Object]) -> bool:
    """Whether a map of ours in a map (no built-in kind has one) lost all of its fields, which leaves a node without
    steps like that of a map that is owned as a whole. It is not owned so if one beside it is not, or if somebody else
    owns fields in it."""
    if isinstance(value, dict):
        apart = any("." in inner for inner in node.values())
        for key, member in value.items():
            inner, theirs = node.get("f:" + key), [other["f:" + key] for other in others if "f:" + key in other]
            if inner is None:
                continue
            if not inner and isinstance(member, dict) and member and (apart or any(map(_has_steps, theirs))):
                return True
            if inner and emptied(member, inner, theirs):
                return True
    elif isinstance(value, list) and node:
        steps = {id(inner): step for step, inner in node.items()}
        for item, match in zip(value, item_nodes(value, node), strict=True):
            if match:
                step = steps[id(match)]
                if emptied(item, match, [other[step] for other in others if step in other]):
                    return True
    return False


def _has_steps(node: Object) -> bool:
    return any(step != "." for step in node)


def _others(meta: Object, fields: Object) -> list[Object]:
    entries = meta.get("managedFields") or []
    return [entry["fieldsV1"] for entry in entries if entry.get("fieldsV1") and entry["fieldsV1"] is not fields]


def lost_fields(desired: Object, fields: Object) -> list[str]:
    """The paths of a manifest that a fieldsV1 set does not hold, for messages."""
    lost: list[str] = []
    _collect(desired, fields, "", lost)
    return lost


def _collect(value: object, node: Object, path: str, lost: list[str]) -> None:
    if isinstance(value, dict) and (node or not path):
        for key, member in value.items():
            if member is None or key in _NOBODYS.get(path, ()):
                continue
            inner = node.get("f:" + key)
            if inner is None:
                if key != "metadata" or path or set(member) - set(_NOBODYS[".metadata"]):
                    lost.append(f"{path}.{key}")
            else:
                _collect(member, inner, f"{path}.{key}", lost)
    elif isinstance(value, list) and node and not _list_covered(value, node):
        for item, match in zip(value, item_nodes(value, node), strict=True):
            if match is None:
                lost.append(f"{path}[{_item_name(item)}]")
            else:
                _collect(item, match, f"{path}[{_item_name(item)}]", lost)


def _item_name(item: object) -> str:
    return (
        str(item.get("name") or item.get("port") or item.get("key") or "…")
        if isinstance(item, dict)
        else json.dumps(item)
    )


def _field_covered(value: object, node: Object | None, nulls: bool) -> bool:
    if node is None:
        return value is None and not nulls
    # Without steps it is a leaf: a scalar, something empty, or a list or map that is owned as a whole.
    return not node or _value_covered(value, node, nulls)


def _value_covered(value: object, node: Object, nulls: bool) -> bool:
    if isinstance(value, dict):
        for key, member in value.items():
            inner = node.get("f:" + key)
            if inner is None:
                if nulls or member is not None:
                    return False
            elif inner and not _value_covered(member, inner, nulls):
                return False
        return True
    return not isinstance(value, list) or _list_covered(value, node, nulls)


def _list_covered(members: Sequence[object], node: Object, nulls: bool = False) -> bool:
    for item, match in zip(members, item_nodes(members, node), strict=True):
        if match is None or (match and isinstance(item, dict) and not _value_covered(item, match, nulls)):
            return False
    return True


def item_nodes(members: Sequence[object], node: Object) -> list[Object | None]:
    """For each member of a list its own entry in the node: no entry stands for two members."""
    kind, names, entries = _entries(node)
    if kind == "v":
        return [entries.pop(_comparable(item), None) for item in members]
    if kind != "k":
        return [None for _item in members]
    return [_keyed(item, names, entries) if isinstance(item, dict) else None for item in members]


def _entries(node: Object) -> tuple[str, tuple[str, ...], dict[Any, Object]]:
    """What the entries of a list are ("v" values, "k" keys), the fields of the keys, and the entries by their keys."""
    kind = ""
    names: tuple[str, ...] = ()
    entries: dict[Any, Object] = {}
    for text, inner in node.items():
        if text == ".":
            continue
        kind = text[:1]
        names, key = _key_of(text)
        entries[key] = inner
    return kind, names, entries


def _keyed(item: Object, names: tuple[str, ...], entries: dict[Any, Object]) -> Object | None:
    given = [item.get(name, _ABSENT) for name in names]
    if _ABSENT not in given:
        return entries.pop(tuple(map(_comparable, given)), None)
    # The server's defaults are part of the key (a port's protocol), and we do not know them. But the entry of an item
    # that was applied without a field lacks it: no other item's does, whatever else the two have in common.
    for key, inner in entries.items():
        pairs = zip(names, given, key, strict=True)
        if inner and all(_may_be(value, wanted, "f:" + name in inner) for name, value, wanted in pairs):
            return entries.pop(key)
    return None


def _may_be(value: object, wanted: object, owned: bool) -> bool:
    """Whether a field of an item is that of a key; `owned` tells whether the key's entry says that it was applied."""
    return not owned if value is _ABSENT else owned and _comparable(value) == wanted


def _comparable(value: object) -> object:
    """What is equal exactly if the JSON values are: to Python true is 1 as well."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return (value,) if isinstance(value, bool) else value


@functools.lru_cache(maxsize=4096)
def _key_of(text: str) -> tuple[tuple[str, ...], object]:
    """The names of a key's fields, and what item_nodes() finds it by."""
    if text[:2] not in ("k:", "v:"):
        return (), text
    value = json.loads(text[2:])
    if text[0] == "v":
        return (), _comparable(value)
    return tuple(value), tuple(map(_comparable, value.values()))
