# Copyright (c) 2026 GreenLang. All rights reserved.
"""Deleting an object and creating it again, because an immutable field changes.

Nothing is deleted before the server has said that it would accept the successor. It is asked by a dry run that creates
the object under its own name: that there is one of this name is the last thing that the server looks at, after
validation, admission and quota, so "already exists" means that everything else is right. What only the deletion itself
cures is left aside (freed.py). If creating fails all the same, the former object is put back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..errors import ApiError, Conflict, ConnectionFailed, NotFound, VcciError
from ..kubernetes.client import METADATA_ONLY
from ..waiting import until
from . import bound, dependents, freed, putback, replicas, seen
from .context import Context
from .gone import GONE_TIMEOUT, until_gone
from .plan import Item

QUOTA_RELEASE = 30.0  # seconds that a quota may take to notice that an object is gone
Object = dict[str, Any]


def recreate(run: Context, item: Item, create: Callable[[int | None], Object], dry_run: bool) -> None:
    """Leave in the item what came of it. `create` sends the object, and is told with how many replicas it begins (None:
    with those of its manifest).

    ApiError or another VcciError: nothing was deleted. In a dry run that is all that is found out.
    """
    judged: Object | None = None
    for _try in range(seen.DELETIONS):
        old = _former(run, item)
        number = _replicas(item, old)
        if old is None:
            item.after = item.desired if dry_run else _created(run, item, create, number)
            item.outcome = "created"
            return
        if not bound.is_same(judged, old):  # what a controller reports of it changes nothing in the judgement
            dependents.check(run, item, old)
            _try_creation(run, item, old, number)
            judged = old
        if dry_run and _delete(run, item, old, dry_run):
            item.after, item.outcome = item.desired, "recreated"
            return
        if not dry_run and _exchange(run, item, old, functools.partial(_created, run, item, create, number)):
            return
    raise VcciError("is written by others again and again, so it was not deleted to be created again; apply again")


def _exchange(run: Context, item: Item, old: Object, create: Callable[[], Object]) -> bool:
    """Delete and create; false when somebody wrote it meanwhile, so that nothing was done. As long as it is not there
    again it is among the `deleted`, whatever ends the run."""
    deleted = run.result.deleted
    deleted.append(item.label)
    try:
        if not _delete(run, item, old, dry_run=False):
            deleted.remove(item.label)
            return False
    except VcciError:
        deleted.remove(item.label)
        raise
    except BaseException:
        putback.interrupted(run, item, old)
        raise
    try:
        until_gone(run, item.label, item.path, old["metadata"]["uid"], GONE_TIMEOUT)
        item.seen = None
        item.after = create()
    except VcciError as exc:
        putback.undo(run, item, old, exc)
        return True
    except BaseException:
        putback.interrupted(run, item, old)
        raise
    deleted.remove(item.label)
    item.outcome = "recreated"
    return True


def _former(run: Context, item: Item) -> Object | None:
    """The object as it is now: it may be another than the one that was read before, and another set's: Foreign."""
    try:
        old = run.client.request("GET", item.path)
    except NotFound:
        item.saw(None)
        return None
    seen.look(run, item, old)
    return old


def _replicas(item: Item, old: Object | None) -> int | None:
    """As many as there are, where others own the number; none where a procedure holds it there."""
    if old is None or not replicas.leaves_number(item.desired):
        return replicas.start(item.minimum)
    number = int((old.get("spec") or {}).get("replicas", 1))
    return max(number, item.minimum) if number or replicas.rests(item.desired, old, item.minimum) else 0


def _try_creation(run: Context, item: Item, old: Object, number: int | None) -> None:
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


def _delete(run: Context, item: Item, old: Object, dry_run: bool) -> bool:
    """Whether it was deleted: not when somebody has written it since it was read."""
    policy = dependents.policy(item)
    if not dry_run:
        run.say(f"{item.label}: deleted to be created again ({policy.lower()} deletion)")
    body: Object = {"propagationPolicy": policy, "preconditions": seen.conditions(old["metadata"])}
    try:
        run.client.request("DELETE", item.path, body={**body, "dryRun": ["All"]} if dry_run else body)
    except NotFound:
        return True
    except Conflict as exc:
        if not seen.is_stale(exc):
            raise
        return not dry_run and _is_going(run, item, old)
    except ConnectionFailed as exc:
        raise VcciError(f"whether it was deleted to be created again is not known, for {exc}; apply again") from exc
    return True


def _is_going(run: Context, item: Item, old: Object) -> bool:
    """Whether the deletion was done after all, and only its answer was lost."""
    try:
        meta = run.client.request("GET", item.path, accept=METADATA_ONLY)["metadata"]
    except NotFound:
        return True
    return bool(meta["uid"] == old["metadata"]["uid"] and meta.get("deletionTimestamp"))


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
