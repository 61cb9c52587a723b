# Copyright (c) 2026 GreenLang. All rights reserved.
"""The way back of an object that was deleted to be created again, and could not be, or the run was interrupted."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ..errors import ApiError, Conflict, NotFound, VcciError, WaitTimeout
from ..kubernetes.client import MERGE_PATCH, METADATA_ONLY
from ..kubernetes.kinds import is_core_group
from . import explain, plan, seen
from .context import Context
from .gone import until_gone
from .manifests import DIGEST, SERVER_METADATA
from .membership import set_of
from .plan import Item

INTERRUPTED = 5.0  # seconds for which an interrupted run waits until what it deleted is gone
Object = dict[str, Any]
# What the Job controller writes into a Job and its pods, and refuses in a new one.
_OF_JOB = ("controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name")


def undo(run: Context, item: Item, old: Object, exc: VcciError) -> None:
    """Put the former object back; the item's error says what is there now. Until then it is among the `deleted`."""
    why = explain.explain(exc, item).removeprefix(f"{item.label}: ") if isinstance(exc, ApiError) else str(exc)
    deleted = f"{item.label}: was deleted to be created again"
    if isinstance(exc, WaitTimeout):
        item.error = f"{deleted} and is not created, for it {why}; apply again when it is gone"
        return
    try:
        put_back(run, item, old)
    except VcciError as second:
        item.error = f"{deleted}, was not created ({why}), and could not be put back either ({second}): it is gone"
        return
    _is_back(run, item)
    item.error = f"{deleted}, was not created after all ({why}), and was put back as it was"


def interrupted(run: Context, item: Item, old: Object) -> None:
    """The same after an interrupt, in a short time, from whatever moment it came at."""
    uid = old["metadata"]["uid"]
    item.error = f"{item.label}: was deleted to be created again when the run was interrupted: it is gone; apply again"
    with contextlib.suppress(VcciError):
        there = _metadata(run, item, retry=False)
        if there and there["uid"] == uid and not there.get("deletionTimestamp"):
            run.result.deleted.remove(item.label)
            item.error = ""
            return
        until_gone(run, item.label, item.path, uid, INTERRUPTED)
        if _is_made(run, item):
            run.result.deleted.remove(item.label)
            item.error, item.outcome = "", "recreated"
            return
        put_back(run, item, old)
        _is_back(run, item)
        item.error = f"{item.label}: was deleted to be created again, and put back when the run was interrupted"


def _is_back(run: Context, item: Item) -> None:
    run.result.deleted.remove(item.label)
    run.result.recreated.append(item.label)


def _is_made(run: Context, item: Item) -> bool:
    """Whether the successor is there."""
    before, error, options = item.before, item.error, run.options
    try:
        live = run.client.request("GET", item.path, retry=False)
    except NotFound:
        return False
    made = plan.decide(item, live, run.part_of, options.field_manager, options.force_conflicts) == plan.UNCHANGED
    item.saw(before)
    item.error = error
    return made


def _metadata(run: Context, item: Item, retry: bool) -> Object | None:
    try:
        found: Object = run.client.request("GET", item.path, accept=METADATA_ONLY, retry=retry)["metadata"]
    except NotFound:
        return None
    return found


def put_back(run: Context, item: Item, old: Object) -> None:
    """Create it again. An answer may be lost and the request sent again: that is refused then, since it was done, in
    whatever words (of a Service because its address is taken)."""
    try:
        made = run.client.request("POST", item.path.rpartition("/")[0], body=former_manifest(old))
    except ApiError as exc:
        try:
            made = run.client.request("GET", item.path)
        except NotFound:
            raise exc from None
        if not is_as_it_was(made, old):
            raise
    with contextlib.suppress(ApiError):
        _give_fields_back(run, item, old, made["metadata"])


def _give_fields_back(run: Context, item: Item, old: Object, meta: Mapping[str, Any]) -> None:
    """Whose each field was is kept as well, or else the next run would meet a stranger's object."""
    entries = [entry for entry in old["metadata"].get("managedFields") or [] if entry.get("subresource") != "status"]
    for _try in range(seen.TRIES):
        if set_of(meta) != set_of(old["metadata"]):
            return
        body = {"metadata": {"managedFields": entries, "resourceVersion": meta["resourceVersion"]}}
        try:
            run.client.request("PATCH", item.path, body=body, content_type=MERGE_PATCH)
            return
        except Conflict:
            meta = run.client.request("GET", item.path, accept=METADATA_ONLY)["metadata"]


def is_as_it_was(live: Object, old: Object) -> bool:
    """Whether an object is the former one that was created again: whatever may not be told by controllers is equal."""
    one, other = former_manifest(live), former_manifest(old)
    if (one["metadata"].get("labels") or {}) != (other["metadata"].get("labels") or {}):
        return False
    digests = [(obj["metadata"].get("annotations") or {}).get(DIGEST) for obj in (one, other)]
    parts = (one.keys() | other.keys()) - {"metadata", "status"}
    return digests[0] == digests[1] and all(one.get(part) == other.get(part) for part in parts)


def former_manifest(old: Object) -> Object:
    """An object of the server as it may be created again."""
    meta = {key: value for key, value in old["metadata"].items() if key not in SERVER_METADATA}
    made = {**old, "metadata": meta}
    if is_core_group(old["apiVersion"]):  # of others it may be a field as any other
        made.pop("status", None)
    spec = dict(old.get("spec") or {})
    if old["kind"] == "Job" and not spec.get("manualSelector"):
        spec.pop("selector", None)
        template = spec.get("template") or {}
        labels = (template.get("metadata") or {}).get("labels") or {}
        kept = {key: value for key, value in labels.items() if key not in _OF_JOB}
        made["spec"] = {**spec, "template": {**template, "metadata": {**template.get("metadata", {}), "labels": kept}}}
        if meta.get("labels"):
            meta["labels"] = {key: value for key, value in meta["labels"].items() if key not in _OF_JOB}
    elif old["kind"] == "Pod":
        made["spec"] = {key: value for key, value in spec.items() if key != "nodeName"}
    return made
