# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whose entries in `managedFields` become ours before an object is applied. Pure.

Fields leave an object only if whoever applies owned them. What `kubectl apply` without --server-side wrote is owned by
its operation Update, which nothing ever withdraws: those entries are merged into ours, as kubectl does when it changes
over itself (client-go's csaupgrade). Entries in a version that is no longer served make every apply of a custom object
fail: they are moved to the version at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..kubernetes.kinds import group_of, is_core_group
from .copies import LAST_APPLIED
from .fields import union
from .membership import CLIENT_SIDE
from .owned import is_ours

Entry = Mapping[str, Any]


def is_client_side(entry: Entry) -> bool:
    """Whether an entry is what a client-side apply left: who writes the annotation is one, whatever its name (kubectl
    before 1.19, kubernetes.core.k8s with `apply`)."""
    if entry.get("operation") != "Update" or entry.get("subresource"):
        return False
    fields = entry.get("fieldsV1") or {}
    annotations = (fields.get("f:metadata") or {}).get("f:annotations") or {}
    return entry.get("manager") == CLIENT_SIDE or "f:" + LAST_APPLIED in annotations


def entries_of(meta: Mapping[str, Any]) -> list[Entry]:
    return list(meta.get("managedFields") or [])


def taken_over(
    meta: Mapping[str, Any], manager: str, api_version: str, is_served: Callable[[str], bool]
) -> list[Entry] | None:
    """The entries with which an object can be applied; None where they are so already."""
    entries = entries_of(meta)
    moved = _moved(entries, api_version, is_served)
    merged = _merged(moved, manager, api_version)
    return None if merged == entries else merged


def _moved(entries: list[Entry], api_version: str, is_served: Callable[[str], bool]) -> list[Entry]:
    """Those of custom objects in versions that are gone, to this one."""
    made: dict[tuple[Any, ...], Entry] = {}
    for number, entry in enumerate(entries):
        version = entry.get("apiVersion") or api_version
        gone = version != api_version and group_of(version) == group_of(api_version) and not is_core_group(version)
        if gone and not is_served(version):
            same = tuple(entry.get(name) or "" for name in ("manager", "operation", "subresource"))
            first = made.get(same) or {**entry, "apiVersion": api_version, "fieldsV1": {}}
            made[same] = _joined(first, [entry])
        else:
            made[number,] = entry
    return list(made.values())


def _merged(entries: list[Entry], manager: str, api_version: str) -> list[Entry]:
    """Those of client-side applies, in ours."""
    theirs = [entry for entry in entries if is_client_side(entry)]
    if not theirs:
        return entries
    base = next((entry for entry in entries if is_ours(entry, manager)), None)
    if base is None:
        first = next((entry for entry in theirs if entry.get("apiVersion") == api_version), theirs[0])
        base = {**first, "manager": manager, "operation": "Apply"}
    # Fields of another version cannot be joined with these: that entry stays as it is.
    taken = [entry for entry in theirs if entry.get("apiVersion") == base.get("apiVersion")]
    rest = [entry for entry in entries if entry not in taken and not is_ours(entry, manager)]
    return [*rest, _joined(base, taken)] if taken else entries


def _joined(entry: Entry, others: Iterable[Entry]) -> Entry:
    return {**entry, "fieldsV1": union(entry.get("fieldsV1") or {}, *(other.get("fieldsV1") or {} for other in others))}
