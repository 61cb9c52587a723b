# Copyright (c) 2026 GreenLang. All rights reserved.
"""Secrets, of which no digest is stored: their values are compared instead. Pure.

A digest of a manifest with its data beside these data's names would be a way to try guesses: annotations are shown by
`kubectl describe` and copied into tickets, where values are not, and a PIN of four digits is found in no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kubernetes.kinds import Resource
from .fields import left_by
from .manifests import DIGEST, is_secret
from .owned import covered, our_entry

PARTIAL = "PartialObjectMetadata"
_NOBODYS = ("apiVersion", "kind")
Object = Mapping[str, Any]


def is_of_secrets(resource: Resource) -> bool:
    return (resource.api_version, resource.kind) == ("v1", "Secret")


def is_whole(live: Object) -> bool:
    """Whether more is known of an object than its metadata."""
    return live.get("kind") != PARTIAL


def has_digest(obj: Object) -> bool:
    """Whether a Secret has the digest that versions before this one stored."""
    return DIGEST in ((obj.get("metadata") or {}).get("annotations") or {})


def is_unchanged(desired: Object, live: Object, manager: str) -> bool:
    """Whether applying a Secret to the one that the server has does nothing: each value is there, each field is ours,
    and nothing else is. Doubt is a no."""
    meta = live["metadata"]
    fields = our_entry(meta, manager, desired["apiVersion"])
    if fields is None or meta.get("deletionTimestamp") or has_digest(live) or not is_whole(live):
        return False
    mine = {key: value for key, value in desired.items() if key not in _NOBODYS}
    return covered(desired, fields, nulls=True) and not left_by(mine, fields) and _holds(live, mine)


def differs(desired: Object, before: Object, after: Object) -> bool:
    """Whether a field of a Secret's manifest has another value in one state of the object than in another."""
    return is_secret(desired) and any(_part(before, desired, key) != _part(after, desired, key) for key in desired)


def _part(live: Object, desired: Object, key: str) -> object:
    """Of a field of the object, what the manifest speaks of."""
    value, wanted = live.get(key), desired[key]
    if key in _NOBODYS:
        return None
    if key != "metadata":
        return {name: (value or {}).get(name) for name in wanted} if isinstance(wanted, dict) else value
    mine = {name: part for name, part in wanted.items() if name not in ("name", "namespace")}
    return {name: _part(value or {}, mine, name) for name in mine}


def _holds(live: object, desired: object) -> bool:
    if isinstance(desired, Mapping):
        return isinstance(live, Mapping) and all(
            key in live and _holds(live[key], value) for key, value in desired.items()
        )
    return live == desired and isinstance(live, bool) == isinstance(desired, bool)
