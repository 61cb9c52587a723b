# Copyright (c) 2026 GreenLang. All rights reserved.
"""What an API server answered: checked where it is read, so that nobody has to doubt its form afterwards. Pure.

Between it and us there may be gateways that answer in its place, or end an answer in its middle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

# What callers rely on in an object's metadata, where it is there and not null.
_METADATA = {
    "name": str,
    "namespace": str,
    "uid": str,
    "resourceVersion": str,
    "deletionTimestamp": str,
    "labels": dict,
    "annotations": dict,
    "managedFields": list,
    "ownerReferences": list,
    "finalizers": list,
}
# /api/v1/… and /apis/<group>/<version>/…: below these are objects and lists; above them is discovery.
_OBJECTS = re.compile(r"/api/[^/]+/.|/apis/[^/]+/[^/]+/.")
_WARNING = re.compile(r'(\d{3})\s+(?:"[^"]*"|\S+)\s+"((?:[^"\\]|\\.)*)"')
_PLACE = re.compile(
    r"/(?:api/(?P<core>[^/]+)|apis/(?P<group>[^/]+/[^/]+))(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?"
)


class Broken(ValueError):
    """Not what an API server answers."""


def read(method: str, path: str, data: bytes) -> dict[str, Any]:
    """The object, list or status that a successful request was answered with. Broken when it is none of them."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise Broken("is empty" if not data.strip() else "is not JSON") from exc
    if not isinstance(answer, dict):
        raise Broken("is not an object")
    asked = method in ("GET", "PATCH", "PUT")  # for something, and not to do something
    if not answer or (answer.get("kind") == "Status" and (asked or answer.get("status") == "Failure")):
        raise Broken("is not what was asked for")
    if answer.get("kind") != "Status" and _OBJECTS.match(path):
        _check(answer, named=method != "POST")  # reviews have no name
    return answer


def _check(answer: dict[str, Any], named: bool) -> None:
    if "items" not in answer:
        _check_object(answer, named)
        return
    items = answer["items"]
    if not isinstance(answer.get("metadata") or {}, dict) or not isinstance(items or [], list):
        raise Broken("is no list")
    for item in items or ():
        if not isinstance(item, dict):
            raise Broken("is a list of what are no objects")
        _check_object(item, named=True)


def _check_object(obj: dict[str, Any], named: bool) -> None:
    """Of a long list this is a share of the time of reading it: types of JSON have no subclasses."""
    meta = obj.get("metadata")
    if meta.__class__ is not dict:
        raise Broken("is no object: it has no metadata")
    for name, value in meta.items():
        if name in _METADATA and value is not None and value.__class__ is not _METADATA[name]:
            raise Broken(f"is no object: its metadata.{name} is of the wrong type")
    if named and not meta.get("name"):
        raise Broken("is no object: it has no name")


def warnings(header: str) -> list[str]:
    """The texts of a Warning header of RFC 7234, of which there may be several, that an API server means for the user:
    those of code 299."""
    return [re.sub(r"\\(.)", r"\1", text) for code, text in _WARNING.findall(header) if code == "299"]


class Place(NamedTuple):
    """What object it is, as paths name it."""

    api_version: str
    plural: str
    namespace: str
    name: str


def place(path: str, sent: Mapping[str, Any]) -> Place | None:
    """What object a request is about: by its path, and by what was sent where an object is created."""
    found = _PLACE.match(path)
    if found is None:
        return None
    meta = sent.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    name, namespace = found["name"] or meta.get("name"), found["namespace"] or meta.get("namespace")
    return Place(found["core"] or found["group"], found["plural"], str(namespace or ""), str(name or ""))
