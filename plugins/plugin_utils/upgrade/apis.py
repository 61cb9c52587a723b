# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who still uses APIs that the version to come does not serve. Pure.

An object is served in every version that there is; in which one somebody wrote it stands in its managedFields, and in
the annotation of `kubectl apply`. Manifests that were rendered say it themselves, and of requests the API server counts
(`apiserver_requested_deprecated_apis`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from .findings import Finding, Object, named
from .removals import REMOVALS, Removal

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_METRIC = re.compile(r"^apiserver_requested_deprecated_apis\{(.*)\} (\S+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def of_manifests(objects: Iterable[Object], target: int) -> list[Finding]:
    """Of objects as they were rendered."""
    found = []
    for obj in _flat(objects):
        row = REMOVALS.get((str(obj.get("apiVersion")), str(obj.get("kind"))))
        if row and row.deprecated <= target:
            found.append(_finding(row, target, f"the manifest of {named(obj)} is {row.api_version}"))
    return _once(found)


def of_objects(objects: Iterable[Object], running: int, target: int) -> list[Finding]:
    """Of objects in the cluster: by whom they were written in a version that goes after the minor that runs. What that
    does not serve itself nobody writes any more: only a trace of it is left."""
    found = []
    for obj in objects:
        for api_version, who in _written(obj):
            row = REMOVALS.get((api_version, str(obj.get("kind"))))
            if row and row.removed > running and row.deprecated <= target:
                found.append(_finding(row, target, f"{named(obj)} was written as {api_version} by {who}"))
    return _once(found)


def of_metrics(text: str, target: int) -> list[Finding]:
    """Of what the API server says that it was asked for since its start."""
    found = []
    for labels, count in _METRIC.findall(text):
        asked = dict(_LABEL.findall(labels))
        removed = re.fullmatch(r"1\.(\d+)", asked.get("removed_release", ""))
        if float(count) and asked.get("version"):
            api_version = f"{asked.get('group', '')}/{asked['version']}".lstrip("/")
            kinds = "/".join(filter(None, [asked.get("resource"), asked.get("subresource")]))
            row = Removal(api_version, kinds, 0, int(removed[1]) if removed else 10**6, _instead(api_version))
            found.append(_finding(row, target, f"somebody asks for {kinds} as {api_version}"))
    return _once(found)


def watched(running: int, target: int) -> list[tuple[str, str]]:
    """Group and kind of what must be read for of_objects: that of which a version goes."""
    rows = (row for row in REMOVALS.values() if row.removed > running and row.deprecated <= target)
    return sorted({(row.api_version.rpartition("/")[0], row.kind) for row in rows})


def _finding(row: Removal, target: int, what: str) -> Finding:
    instead = f"write it as {row.instead}" if row.instead else "leave it out: it has no successor"
    if row.removed <= target:
        return Finding("apis", True, f"{what}, which 1.{row.removed} does not serve any more. Remedy: {instead}")
    when = f"which is deprecated and goes with 1.{row.removed}" if row.removed < 10**6 else "which is deprecated"
    return Finding("apis", False, f"{what}, {when}. Remedy: {instead}")


def _written(obj: Object) -> Iterator[tuple[str, str]]:
    meta = obj["metadata"]
    for entry in meta.get("managedFields") or ():
        yield str(entry.get("apiVersion")), str(entry.get("manager") or "somebody")
    try:
        applied = json.loads((meta.get("annotations") or {}).get(LAST_APPLIED) or "{}")
    except ValueError:
        return
    if isinstance(applied, Mapping) and "apiVersion" in applied:
        yield str(applied["apiVersion"]), "kubectl apply"


def _instead(api_version: str) -> str:
    found = {row.instead for (version, _kind), row in REMOVALS.items() if version == api_version}
    return found.pop() if len(found) == 1 else ""


def _flat(objects: Iterable[Object]) -> Iterator[Object]:
    """Lists are what they hold."""
    for obj in objects:
        if isinstance(obj.get("items"), list) and str(obj.get("kind", "")).endswith("List"):
            yield from _flat(obj["items"])
        elif isinstance(obj.get("metadata"), Mapping):
            yield obj


def _once(findings: Iterable[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))
