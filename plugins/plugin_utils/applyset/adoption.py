# Copyright (c) 2026 GreenLang. All rights reserved.
"""Taking over what others own of an object before it is applied, by writing `managedFields` alone: no value changes
until the apply, which then does all at once. In check mode the server judges what would be left."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ApiError, Conflict, NotFound
from ..kubernetes.client import JSON, METADATA_ONLY
from . import explain, seen
from .context import Context
from .fields import Node, left_by, pruned, union, without
from .owned import our_entry
from .plan import Item
from .takeover import Entry, entries_of, is_client_side, taken_over
from .unasked import merged

JSON_PATCH = "application/json-patch+json"
ATTEMPTS = 5  # at entries that others write at the same moment


def wanted(run: Context, item: Item) -> list[Entry] | None:
    """The entries that an object must have before it is applied; None where it has them."""
    version = item.desired["apiVersion"]

    def is_served(other: str) -> bool:
        try:
            run.client.resource(other, item.ref.kind)
        except NotFound:
            return False
        return True

    return taken_over(item.live, run.options.field_manager, version, is_served)


def carry_out(run: Context, item: Item) -> bool:
    """Write the entries that an object must have; whether there was something to write."""
    for attempt in range(ATTEMPTS):
        entries = wanted(run, item)
        if entries is None:
            return attempt > 0
        try:
            write_entries(run, item, entries)
        except Conflict:
            if attempt + 1 == ATTEMPTS:
                raise
            fresh = run.client.request("GET", item.path, accept=METADATA_ONLY)
            seen.look(run, item, {**(item.before or {}), "metadata": fresh["metadata"]})
    return True


def write_entries(run: Context, item: Item, entries: list[Entry]) -> None:
    """Unless somebody else has written the object meanwhile: Conflict. `item.before` then has them."""
    change = [
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": item.live["resourceVersion"]},
    ]
    answer = _patch(run, item, change, METADATA_ONLY, {})
    item.saw({**(item.before or {}), "metadata": answer["metadata"]})


def foreseen(run: Context, item: Item, entries: list[Entry], apply: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the object would be if it had those entries when it is applied; `apply` is the dry run without them."""
    before, forced = item.before or {}, item.force
    theirs = [entry for entry in entries_of(item.live) if is_client_side(entry) and entry not in entries]
    item.before = {**before, "metadata": {**before["metadata"], "managedFields": entries}}
    try:
        after = apply()
    except Conflict as exc:
        _leave_out(exc, item.before, theirs)
        item.force = True
        after = apply()
    except ApiError as exc:
        if "not declared in schema" not in str(exc):
            raise
        live = run.client.request("GET", item.path)
        return dry_run(run, item, live, merged(live, item.desired, run.options.field_manager), entries)
    finally:
        item.before, item.force = before, forced
    if not run.options.diff:
        return after
    target = _without_stale(after, theirs, run.options.field_manager, item.desired)
    return after if target == after else dry_run(run, item, before, target)


def dry_run(
    run: Context,
    item: Item,
    before: Mapping[str, Any],
    target: Mapping[str, Any],
    entries: list[Entry] | None = None,
) -> dict[str, Any]:
    """What the server would make of an object, defaults included, if it was written like this."""
    change: list[dict[str, Any]] = []
    if entries is not None:
        change.append({"op": "replace", "path": "/metadata/managedFields", "value": entries})
    others = {"apiVersion", "kind", "metadata", *(["status"] if item.resource.reports else [])}
    for name in sorted({*before, *target} - others):
        change += _change(f"/{name}", before, target, name)
    for name in ("labels", "annotations", "finalizers"):
        change += _change(f"/metadata/{name}", before["metadata"], target["metadata"], name)
    return _patch(run, item, change, JSON, {"dryRun": "All"})


def _change(path: str, before: Mapping[str, Any], target: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    if name in target:
        return [{"op": "add", "path": path, "value": target[name]}]
    return [{"op": "remove", "path": path}] if name in before else []


def _patch(
    run: Context, item: Item, change: list[dict[str, Any]], accept: str, query: Mapping[str, str]
) -> dict[str, Any]:
    return run.client.request(
        "PATCH",
        item.path,
        body=json.dumps(change).encode(),
        content_type=JSON_PATCH,
        query={"fieldManager": run.options.field_manager, **query},
        accept=accept,
    )


def _leave_out(exc: ApiError, before: Mapping[str, Any], theirs: list[Entry]) -> None:
    """Raise what remains of a conflict without those whose entries are ours by then; nothing if nothing remains."""
    ours = {entry.get("manager") for entry in theirs}
    ours -= {entry.get("manager") for entry in entries_of(before["metadata"])}
    causes = [cause for cause in exc.causes if _owner(cause) not in ours]
    if causes or not theirs:
        exc.details["causes"] = causes or exc.causes
        raise exc


def _owner(cause: dict[str, Any]) -> str:
    owners = explain.conflicts(ApiError(409, "", "", {"causes": [cause]}))
    return owners[0][1] if owners else ""


def _without_stale(
    after: dict[str, Any], theirs: list[Entry], manager: str, desired: Mapping[str, Any]
) -> dict[str, Any]:
    """An object without those fields of theirs that are neither ours nor anybody else's. What came of another request
    than an apply has no entry of ours: then the manifest says what is ours."""
    others = [entry for entry in entries_of(after["metadata"]) if not is_client_side(entry)]
    ours = our_entry(after["metadata"], manager)
    stale = left_by(desired, _fields(theirs)) if ours is None else without(_fields(theirs), ours)
    result: dict[str, Any] = pruned(after, stale, _fields(others))
    return result


def _fields(entries: list[Entry]) -> Node:
    return union(*(entry.get("fieldsV1") or {} for entry in entries))
