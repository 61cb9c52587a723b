# Copyright (c) 2026 GreenLang. All rights reserved.
"""Manifests in, checked objects out: parsing, validation, naming. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import InputError
from ..kubernetes.kinds import group_of, is_built_in, is_core_group
from .copies import of_secret, stripped
from .reader import documents

# What the server writes into metadata; a manifest exported from a cluster has it, an apply must not.
SERVER_METADATA = (
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
CONTROL_PREFIX = "applyset.greenlang.io/"
DIGEST = CONTROL_PREFIX + "digest"
FORCE = CONTROL_PREFIX + "force-conflicts"
RECREATE = CONTROL_PREFIX + "recreate"
OPTIONAL = CONTROL_PREFIX + "optional"
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


class Ref(NamedTuple):
    """What makes two manifests the same object. The version is left out: it is only a way to look at it."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def label(self) -> str:
        """How messages and results name it."""
        kind = self.kind if is_built_in(self.group) else f"{self.kind}.{self.group}"
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


Sourced = tuple[dict[str, Any], str]  # an object and where it came from


class Switches(NamedTuple):
    """What the control annotations of one object ask for.

    optional  what is so without the object, where the server does not know its kind and it is left out; empty: it is
              needed.
    """

    force: bool
    recreate: bool
    optional: str = ""
    notes: tuple[str, ...] = ()  # warnings about the manifest


def mapping(value: object) -> Mapping[str, Any]:
    """A part of a manifest that should be a mapping; what else it may be is the server's to refuse."""
    return value if isinstance(value, dict) else {}


def ref_of(obj: Mapping[str, Any]) -> Ref:
    meta = obj["metadata"]
    return Ref(group_of(obj["apiVersion"]), obj["kind"], meta.get("namespace") or "", meta["name"])


# --- parsing ---------------------------------------------------------------------------------------------------------
def parse(text: str | bytes, source: str) -> list[Sourced]:
    """Every object of a YAML or JSON text, each with where it came from."""
    found: list[Sourced] = []
    for value, where in documents(text, source):
        found += _members(value, where)
    return found


def expand(data: object, source: str) -> Iterator[Sourced]:
    """The objects of what a playbook or a template gives: objects, lists of them, and texts of any number."""
    if isinstance(data, str):
        yield from parse(str(data), source)  # the C parser takes no subclass of str
    elif isinstance(data, (list, tuple)):
        for number, member in enumerate(data, 1):
            yield from expand(member, f"{source}, item {number}")
    else:
        yield from _members(data, source)


def _members(data: object, source: str) -> Iterator[Sourced]:
    """Lists of objects and `kind: List` become their members, empty documents nothing."""
    if isinstance(data, dict):
        items = _items(data)
        if items is None:
            yield data, source
            return
        data = [_named(member, data) for member in items]
    if isinstance(data, (list, tuple)):
        for number, member in enumerate(data, 1):
            yield from _members(member, f"{source}, item {number}")
    elif isinstance(data, str):
        raise InputError(f"{source}: an object is needed, this is the text {data[:40]!r}; files are named in src")
    elif data is not None:
        raise InputError(f"{source}: an object is needed, this is a {type(data).__name__}")


def _items(data: Mapping[str, Any]) -> Sequence[object] | None:
    """The members of a list, None for any other object."""
    kind = data.get("kind")
    if not isinstance(kind, str) or not kind.endswith("List"):
        return None
    items = data.get("items")
    if items is None and kind == "List":
        return ()
    return items if isinstance(items, (list, tuple)) else None


def _named(member: object, of: Mapping[str, Any]) -> object:
    """A member of a list of one kind, which the API writes without kind and apiVersion."""
    if not isinstance(member, dict) or of["kind"] == "List" or member.get("kind") or member.get("apiVersion"):
        return member
    return {**member, "apiVersion": of.get("apiVersion"), "kind": of["kind"].removesuffix("List")}


# --- checking --------------------------------------------------------------------------------------------------------
def check(obj: Mapping[str, Any], source: str) -> None:
    """That an object can be addressed at all. What its fields may hold is the server's to say."""
    for key in ("apiVersion", "kind"):
        if not isinstance(obj.get(key), str) or not obj[key]:
            of = f" in {obj['kind']}" if obj.get("kind") else ""
            raise InputError(f"{source}: {key} is missing{of}; every object needs apiVersion, kind and metadata.name")
    kind, meta = obj["kind"], obj.get("metadata")
    if not isinstance(meta, dict):
        raise InputError(f"{source}: {kind}: metadata is missing; every object needs metadata.name")
    name = meta.get("name")
    if meta.get("generateName") and not name:
        raise InputError(f"{source}: {kind}: generateName cannot be applied repeatedly; give metadata.name")
    if not isinstance(name, str) or not name:
        what = "missing" if name is None else f"not a text: {name!r}"
        raise InputError(f"{source}: {kind}: metadata.name is {what}")
    if not isinstance(meta.get("namespace") or "", str):
        raise InputError(f"{source}: {kind} {name}: metadata.namespace is not a text: {meta['namespace']!r}")
    for key in ("labels", "annotations"):
        _check_texts(meta.get(key) or {}, f"{source}: {kind} {name}: metadata.{key}")


def _check_texts(texts: object, what: str) -> None:
    if not isinstance(texts, dict):
        raise InputError(f"{what} is not a mapping")
    for name, value in texts.items():
        if not isinstance(value, str) and value is not None:
            raise InputError(f"{what}.{name} is {json.dumps(value)[:60]}, which is not a text; quote it")


def normalise(obj: Mapping[str, Any], source: str) -> tuple[dict[str, Any], Switches]:
    """A copy that may be applied, and the switches that its control annotations set."""
    obj, notes = _without_copies(obj)
    meta = {k: v for k, v in obj["metadata"].items() if k not in SERVER_METADATA}
    for key in ("labels", "annotations"):
        if key in meta and not meta[key]:
            del meta[key]
        elif None in meta.get(key, {}).values():
            meta[key] = _texts(meta[key])
    annotations = meta.get("annotations") or {}
    ours = [key for key in annotations if key.startswith(CONTROL_PREFIX)]
    unknown = [key for key in ours if key not in (DIGEST, FORCE, RECREATE, OPTIONAL)]
    if unknown:
        raise InputError(f"{source}: the annotation {unknown[0]} is not known; known: {FORCE}, {RECREATE}, {OPTIONAL}")
    force, recreate = _switch(annotations, FORCE, source), _switch(annotations, RECREATE, source)
    switches = Switches(force, recreate, annotations.get(OPTIONAL, "").strip(), tuple(notes))
    if ours:
        meta["annotations"] = {k: v for k, v in annotations.items() if not k.startswith(CONTROL_PREFIX)}
        if not meta["annotations"]:
            del meta["annotations"]
    result = {k: v for k, v in obj.items() if k != "metadata"}
    result["metadata"] = meta
    if is_core_group(obj["apiVersion"]):  # of others, plan.resolve knows whether their status is a field as any other
        result.pop("status", None)
    if is_secret(obj):
        _encode_secret(result, source)
    return result, switches


def _switch(annotations: Mapping[str, str], name: str, source: str) -> bool:
    word = annotations.get(name, "false").lower()
    if word not in (*_TRUE, *_FALSE):
        raise InputError(f'{source}: the annotation {name} is {word[:40]!r}; it takes "true" or "false"')
    return word in _TRUE


def is_secret(obj: Mapping[str, Any]) -> bool:
    return obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1"


def _without_copies(obj: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """A Secret, or what becomes one, without copies of itself in its annotations; a warning if it had some."""
    if not of_secret(obj):
        return obj, []
    made, names = stripped(dict(obj))
    told = [name for name in names if not name.startswith(CONTROL_PREFIX)]
    label = ref_of(obj).label
    what = f"{label}: {', '.join(told)}: holds a copy or a digest of the Secret, and is not written"
    return made, [what] if told else []


def _texts(given: Mapping[str, str | None]) -> dict[str, str]:
    """A value that is left out is the empty text to the API server."""
    return {key: value or "" for key, value in given.items()}


def _encode_secret(secret: dict[str, Any], source: str) -> None:
    """stringData is write-only: nobody could ever compare it, so it becomes data here."""
    what = f"{source}: Secret {secret['metadata']['name']}"
    data = {key: _base64(value, f"{what}: data.{key}") for key, value in _section(secret, "data", what).items()}
    for key, value in _section(secret, "stringData", what).items():
        if not isinstance(value, str):
            raise InputError(f"{what}: stringData.{key} is not a text; quote it")
        data[key] = base64.b64encode(value.encode()).decode()
    secret.pop("stringData", None)
    if data or "data" in secret:
        secret["data"] = data


def _section(secret: Mapping[str, Any], name: str, what: str) -> dict[str, Any]:
    section = secret.get(name) or {}
    if not isinstance(section, dict):
        raise InputError(f"{what}: {name} is not a mapping")
    return {key: "" if value is None else value for key, value in section.items()}


def _base64(value: object, what: str) -> str:
    """Without the line breaks that the command `base64` prints, which Go's decoder skips too."""
    try:
        if not isinstance(value, str):
            raise TypeError
        data = base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError, TypeError) as exc:
        raise InputError(f"{what} is not base64; put clear text into stringData") from exc
    return base64.b64encode(data).decode()  # as the server writes it
