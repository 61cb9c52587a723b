# Copyright (c) 2026 GreenLang. All rights reserved.
"""Deleting an object and creating it again, because an immutable field changes.

Nothing is deleted before the server has said that it would accept the successor. It is asked by a dry run that creates
the object under its own name: that there is one of this name is the last thing that the server looks at, after
validation, admission and quota, so "already exists" means that everything else is right. What only the deletion itself
cures is left aside (freed.py). If creating fails all the same, the former object is put back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ..errors import ApiError, Conflict, ConnectionFailed, NotFound, VcciError, WaitTimeout
from ..kubernetes.client import MERGE_PATCH
from ..kubernetes.kinds import is_core_group
from ..waiting import until
from . import explain, freed, plan, replicas
from .context import Context
from .gone import GONE_TIMEOUT, until_gone
from .manifests import SERVER_METADATA
from .plan import Item

QUOTA_RELEASE = 30.0  # seconds that a quota may take to notice that an object is gone
Object = dict[str, Any]
# What the Job controller writes into a Job and its pods, and refuses in a new one.
_OF_JOB = ("controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name")


def recreate(run: Context, item: Item, create: Callable[[int | None], Object], dry_run: bool) -> None:
    """Leave in the item what came of it. `create` sends the object, and is told with how many replicas it begins (None:
    with those of its manifest).

    ApiError or another VcciError: nothing was deleted. In a dry run that is all that is found out.
    """
    old = _former(run, item)
    if item.error:
        return
    number = _replicas(item, old)
    if old:
        _try(run, item, old, number)
        _delete(run, item, old, dry_run)
    if dry_run:
        item.after = item.desired
    else:
        try:
            if old:
                until_gone(run, item.label, item.path, old["metadata"]["uid"], GONE_TIMEOUT)
            item.after = _created(run, item, create, number)
        except VcciError as exc:
            item.error = _undo(run, item, old, exc)
            return
    item.outcome = "recreated" if old else "created"


def _former(run: Context, item: Item) -> Object | None:
    """The object as it is now: it may be another than the one that was read before."""
    try:
        old = run.client.request("GET", item.path)
    except NotFound:
        item.before = None
        return None
    options = run.options
    # Who it belongs to is decided anew: a refusal is left in the item.
    plan.decide(item, old, run.part_of, options.field_manager, options.force_conflicts)
    return old


def _replicas(item: Item, old: Object | None) -> int | None:
    """As many as there are, where others own the number. Who scaled it to none has switched its autoscaler off."""
    if old is None or not replicas.leaves_number(item.desired):
        return item.minimum or None
    number = int((old.get("spec") or {}).get("replicas", 1))
    return max(number, item.minimum) if number else 0


def _try(run: Context, item: Item, old: Object, number: int | None) -> None:
    """ApiError when the server would refuse the successor."""
    body = freed.without_taken(item.desired, old)
    if number is not None and replicas.leaves_number(body):
        body = replicas.with_number(body, number)
    query = {"fieldManager": run.options.field_manager, "fieldValidation": "Strict", "dryRun": "All"}
    try:
        run.client.request("POST", item.path.rpartition("/")[0], body=body, query=query)
    except Conflict as exc:
        if exc.reason != "AlreadyExists":
            raise
    except ApiError as exc:
        if not freed.would_fit(exc, old, item.resource):
            raise


def _delete(run: Context, item: Item, old: Object, dry_run: bool) -> None:
    """A StatefulSet leaves its pods (and so its volumes) alone: the new one adopts them."""
    policy = "Orphan" if (item.ref.group, item.ref.kind) == ("apps", "StatefulSet") else "Background"
    if not dry_run:
        run.say(f"{item.label}: deleted to be created again ({policy.lower()} deletion)")
    body: Object = {"propagationPolicy": policy, "preconditions": {"uid": old["metadata"]["uid"]}}
    try:
        run.client.request("DELETE", item.path, body={**body, "dryRun": ["All"]} if dry_run else body)
    except NotFound:
        return
    except ConnectionFailed as exc:
        raise VcciError(f"whether it was deleted to be created again is not known, for {exc}; apply again") from exc


def _created(run: Context, item: Item, create: Callable[[int | None], Object], number: int | None) -> Object:
    """The new object. A quota notices some time after it that the former one is gone."""
    refusal: ApiError | None = None

    def created() -> Object | None:
        nonlocal refusal
        try:
            return create(number)
        except ApiError as exc:
            if not freed.is_exceeded(exc):
                raise
            refusal = exc
            return None

    def late(_waited: int) -> VcciError:
        return refusal or VcciError("not created")

    return until(created, QUOTA_RELEASE, run.say, awaited=lambda: f"{item.label}: {refusal}", late=late)


def _undo(run: Context, item: Item, old: Object | None, exc: VcciError) -> str:
    """Put the former object back; the error, which says what is there now."""
    why = explain.explain(exc, item).removeprefix(f"{item.label}: ") if isinstance(exc, ApiError) else str(exc)
    if old is None:
        return f"{item.label}: {why}"
    deleted = f"{item.label}: was deleted to be created again"
    if isinstance(exc, WaitTimeout):
        run.result.deleted.append(item.label)
        return f"{deleted} and is not created, for it {why}; apply again when it is gone"
    try:
        _put_back(run, item, old)
    except VcciError as second:
        run.result.deleted.append(item.label)
        return f"{deleted}, was not created ({why}), and could not be put back either ({second}): it is gone"
    run.result.recreated.append(item.label)
    return f"{deleted}, was not created after all ({why}), and was put back as it was"


def _put_back(run: Context, item: Item, old: Object) -> None:
    run.client.request("POST", item.path.rpartition("/")[0], body=former_manifest(old))
    # Whose each field was is kept as well, or else the next run would meet a stranger's object.
    entries = [entry for entry in old["metadata"].get("managedFields") or [] if entry.get("subresource") != "status"]
    with contextlib.suppress(ApiError):
        body = {"metadata": {"managedFields": entries}}
        run.client.request("PATCH", item.path, body=body, content_type=MERGE_PATCH)


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
