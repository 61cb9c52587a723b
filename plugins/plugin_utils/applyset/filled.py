# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the server filled in where a manifest said nothing, and is now in the way: of fields of which an object may have
one alone, an apply leaves the former there as long as nobody owns it. An update strategy gets `rollingUpdate`, which no
other strategy may have; a volume of no kind is an `emptyDir`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ApiError
from .context import Context
from .hidden import Hiding, owners
from .manifests import mapping
from .plan import Item
from .takeover import entries_of

_FIELD = re.compile(r"spec\.(?:strategy|updateStrategy)\.rollingUpdate|(?:[^\[\]]+\.)?volumes\[\d+\]\.\w+")
_ROLLING = "RollingUpdate"
_PODS = (("spec",), ("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"))
REMEDY = "remove it there, or set force_conflicts to have it go"
Manifest = Mapping[str, Any]


def found(run: Context, item: Item, exc: ApiError) -> list[Hiding]:
    """What is in the way of an object that was refused for nothing else."""
    causes = exc.causes
    if item.before is None or exc.status != 422 or not causes:
        return []
    if not all(_FIELD.fullmatch(str(cause.get("field") or "")) for cause in causes):
        return []
    live = run.client.request("GET", item.path)
    entries = entries_of(live["metadata"])
    ways = [
        Hiding(steps, tuple(sorted(owners(entries, steps))), path) for steps, path in in_the_way(live, item.desired)
    ]
    for cause in causes:
        theirs = [f"{way.path} belongs to {' and '.join(map(repr, way.managers))}" for way in ways if way.managers]
        if theirs:
            cause["message"] = f"{cause.get('message')}: {'; '.join(theirs)}; {REMEDY}"
    exc.details["causes"] = causes
    return ways


def in_the_way(live: Manifest, desired: Manifest) -> Iterator[tuple[tuple[str, ...], str]]:
    """Steps to each such field, as in fieldsV1, and its path for people."""
    for name in ("strategy", "updateStrategy"):
        there, wanted = (mapping(mapping(one.get("spec")).get(name)) for one in (live, desired))
        if "rollingUpdate" in there and "rollingUpdate" not in wanted and wanted.get("type") not in (None, _ROLLING):
            yield ("f:spec", f"f:{name}", "f:rollingUpdate"), f"spec.{name}.rollingUpdate"
    for path in _PODS:
        known = {volume.get("name"): volume for volume in _volumes(live, path)}
        for volume in _volumes(desired, path):
            called = volume.get("name")
            if "emptyDir" in known.get(called, {}) and "emptyDir" not in volume and len(volume) > 1:
                key = json.dumps({"name": called}, separators=(",", ":"))
                steps = (*(f"f:{step}" for step in path), "f:volumes", f"k:{key}", "f:emptyDir")
                yield steps, f"{'.'.join(path)}.volumes[{called}].emptyDir"


def _volumes(obj: Manifest, path: tuple[str, ...]) -> list[Manifest]:
    for step in path:
        obj = mapping(obj.get(step))
    volumes = obj.get("volumes")
    return [volume for volume in volumes if isinstance(volume, dict)] if isinstance(volumes, list) else []
