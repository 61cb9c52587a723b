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

from .manifests import DIGEST

_ABSENT = object()
_NOBODYS = {
    "": ("apiVersion", "kind"),
    ".metadata": ("name", "namespace"),
}  # fields without an owner, by where they are
Object = Mapping[str, Any]


def digest_of(obj: Object) -> str:
    """Of the manifest as it is sent, without the digest itself."""
    text = json.dumps(obj, sort_keys=True, separators=(",", ":"))
    return "v1." + hashlib.sha256(text.encode()).hexdigest()[:32]


def our_entry(meta: Object, manager: str, api_version: str | None = None) -> Object | None:
    """Our fieldsV1: what the server recorded for server-side applies of this manager."""
    for entry in meta.get("managedFields") or []:
        if entry.get("manager") != manager or entry.get("operation") != "Apply" or entry.get("subresource"):
            continue
        if api_version is None or entry.get("apiVersion") == api_version:
            return entry.get("fieldsV1") or {}
    return None


def is_unchanged(desired: Object, digest: str, meta: Object, manager: str) -> bool:
    """Whether applying `desired` (which holds its digest annotation) to the object with this metadata does nothing."""
    if (meta.get("annotations") or {}).get(DIGEST) != digest or meta.get("deletionTimestamp"):
        return False
    fields = our_entry(meta, manager, desired["apiVersion"])
    return fields is not None and covered(desired, fields)


def was_written(before: Object, after: Object, manager: str) -> bool:
    """Whether an apply between these two states of an object's metadata changed anything of ours.

    resourceVersion would not do: status updates of others move it between our read and our write."""
    return (
        (before.get("annotations") or {}).get(DIGEST) != (after.get("annotations") or {}).get(DIGEST)
        or our_entry(before, manager) != our_entry(after, manager)
        or before.get("uid") != after.get("uid")
    )


def covered(desired: Object, fields: Object) -> bool:
    """Whether every field of a manifest is in a fieldsV1 set."""
    for key, value in desired.items():
        if key in _NOBODYS[""] or value is None:
            continue
        wanted = value
        if key == "metadata":
            wanted = {k: v for k, v in value.items() if k not in _NOBODYS[".metadata"]}
            if not wanted:
                continue
        node = fields.get("f:" + key)
        if node is None or not _value_covered(wanted, node):
            return False
    return True


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
                if key != "metadata" or set(member) - set(_NOBODYS[".metadata"]):
                    lost.append(f"{path}.{key}")
            else:
                _collect(member, inner, f"{path}.{key}", lost)
    elif isinstance(value, list) and node and not _list_covered(value, node):
        for item in value:
            match = _item_node(item, node)
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


def _value_covered(value: object, node: Object) -> bool:
    if not node:
        return True  # a leaf: a scalar, something empty, or a list or map that is owned as a whole
    if isinstance(value, dict):
        for key, member in value.items():
            if member is None:
                continue
            inner = node.get("f:" + key)
            if inner is None or (inner and not _value_covered(member, inner)):
                return False
        return True
    if isinstance(value, (list, tuple)):
        return _list_covered(value, node)
    return True


def _list_covered(members: Sequence[object], node: Object) -> bool:
    for item in members:
        match = _item_node(item, node)
        if match is None or (isinstance(item, dict) and not _value_covered(item, match)):
            return False
    return True


def _item_node(item: object, node: Object) -> Object | None:
    if not isinstance(item, dict):
        return node.get("v:" + json.dumps(item, separators=(",", ":"), ensure_ascii=False))
    best: Object | None = None
    defaulted = 99
    for key, inner in node.items():
        if not key.startswith("k:"):
            continue
        names = _key_of(key)
        missing = 0
        for name, wanted in names:
            given = item.get(name, _ABSENT)
            if given is _ABSENT:
                missing += 1  # the server's default is part of the key (a port's protocol)
            elif given != wanted:
                break
        else:
            if missing < defaulted:
                best, defaulted = inner, missing
    return best


@functools.lru_cache(maxsize=4096)
def _key_of(text: str) -> tuple[tuple[str, Any], ...]:
    return tuple(json.loads(text[2:]).items())
