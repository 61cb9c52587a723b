# Copyright (c) 2026 GreenLang. All rights reserved.
"""Manifests in, checked objects out: parsing, validation, naming. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from ..errors import InputError
from ..kubernetes.kinds import group_of, is_built_in

try:
    from yaml import CSafeLoader as YamlLoader
except ImportError:  # PyYAML without libyaml reads the same, ten times as slowly
    from yaml import SafeLoader as YamlLoader  # type: ignore[assignment]

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
_TRUE = ("true", "yes", "1")


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
    """What the control annotations of one object ask for."""

    force: bool
    recreate: bool


def ref_of(obj: Mapping[str, Any]) -> Ref:
    meta = obj["metadata"]
    return Ref(group_of(obj["apiVersion"]), obj["kind"], meta.get("namespace") or "", meta["name"])


# --- parsing ---------------------------------------------------------------------------------------------------------
_INT, _FLOAT, _TIMESTAMP, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp", "merge"))


class _ManifestLoader(YamlLoader):
    """YAML as the API server reads it: timestamps and 1:30 stay text, a key given twice is an error."""

    def __init__(self, stream: str | bytes) -> None:
        super().__init__(stream)
        self._tags: dict[tuple[str, tuple[bool, bool]], str] = {}

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        # Manifests repeat the same few words; matching each against the patterns is a third of the time of reading.
        kept = kind is yaml.ScalarNode and len(value) <= 40
        tag = self._tags.get((value, implicit)) if kept else None
        if tag is None:
            tag = str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]  # left out of its stubs
            if kept:
                self._tags[value, implicit] = tag
        return tag

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _value in node.value:
            if key.tag != _MERGE and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            seen.add(key.value if isinstance(key.value, str) else id(key))
        return super().construct_mapping(node, deep)


def _without(resolvers: dict[str, list[Any]], tags: tuple[str, ...]) -> dict[str, list[Any]]:
    kept = {}
    for first, pairs in resolvers.items():
        kept[first] = [(tag, pattern) for tag, pattern in pairs if tag not in tags]
    return kept


_ManifestLoader.yaml_implicit_resolvers = _without(YamlLoader.yaml_implicit_resolvers, (_TIMESTAMP, _INT, _FLOAT))
_ManifestLoader.add_implicit_resolver(
    _INT,
    re.compile(r"^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?(?:0|[1-9][0-9_]*))$"),
    list("-+0123456789"),
)
_ManifestLoader.add_implicit_resolver(
    _FLOAT,
    re.compile(
        r"^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?)$"
    ),
    list("-+0123456789."),
)


def parse(text: str | bytes, source: str) -> list[Sourced]:
    """Every object of a YAML or JSON text, each with where it came from."""
    stripped = text.lstrip()
    if stripped[:1] in ("{", "[", b"{", b"["):
        try:
            return list(expand(json.loads(text), source))
        except ValueError:
            pass  # flow-style YAML, or broken: the YAML parser says where
    found: list[Sourced] = []
    loader: Any = _ManifestLoader(text)
    try:
        number = 0
        while loader.check_data():
            number += 1
            found += expand(loader.get_data(), f"{source}, document {number}")
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{source}{where}: not valid YAML: {getattr(exc, 'problem', None) or exc}") from exc
    except (ValueError, TypeError, RecursionError) as exc:
        raise InputError(f"{source}: not valid YAML: {exc}") from exc
    finally:
        loader.dispose()
    return found


def expand(data: object, source: str) -> Iterator[Sourced]:
    """Lists of objects and `kind: List` become their members, empty documents nothing."""
    if data is None:
        return
    if isinstance(data, (list, tuple)):
        for number, member in enumerate(data, 1):
            yield from expand(member, f"{source}, item {number}")
    elif isinstance(data, str):
        yield from parse(str(data), source)  # the C parser takes no subclass of str
    elif not isinstance(data, dict):
        raise InputError(f"{source}: an object is needed, this is a {type(data).__name__}")
    elif str(data.get("kind", "")).endswith("List") and isinstance(data.get("items"), (list, tuple)):
        for number, member in enumerate(data["items"], 1):
            yield from expand(member, f"{source}, item {number}")
    else:
        yield data, source


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
        if not isinstance(value, str):
            raise InputError(f"{what}.{name} is {value!r}, which is not a text; quote it")


def normalise(obj: Mapping[str, Any], source: str) -> tuple[dict[str, Any], Switches]:
    """A copy that may be applied, and the switches that its control annotations set."""
    meta = {k: v for k, v in obj["metadata"].items() if k not in SERVER_METADATA}
    for key in ("labels", "annotations"):
        if key in meta and not meta[key]:
            del meta[key]
    annotations = meta.get("annotations") or {}
    switches = Switches(
        force=annotations.get(FORCE, "").lower() in _TRUE, recreate=annotations.get(RECREATE, "").lower() in _TRUE
    )
    if any(key.startswith(CONTROL_PREFIX) for key in annotations):
        meta["annotations"] = {k: v for k, v in annotations.items() if not k.startswith(CONTROL_PREFIX)}
        if not meta["annotations"]:
            del meta["annotations"]
    result = {k: v for k, v in obj.items() if k not in ("status", "metadata")}
    result["metadata"] = meta
    if obj["kind"] == "Secret" and obj["apiVersion"] == "v1":
        _encode_secret(result, source)
    return result, switches


def _encode_secret(secret: dict[str, Any], source: str) -> None:
    """stringData is write-only: nobody could ever compare it, so it becomes data here."""
    what = f"{source}: Secret {secret['metadata']['name']}"
    data = dict(secret.get("data") or {})
    for key, value in data.items():
        try:
            base64.b64decode(value or "", validate=True)
        except (binascii.Error, ValueError, TypeError) as exc:
            raise InputError(f"{what}: data.{key} is not base64; put clear text into stringData") from exc
    for key, value in (secret.pop("stringData", None) or {}).items():
        if not isinstance(value, (str, bytes)):
            raise InputError(f"{what}: stringData.{key} is not a text; quote it")
        data[key] = base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
    if data or "data" in secret:
        secret["data"] = data
