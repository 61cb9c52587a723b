# Copyright (c) 2026 GreenLang. All rights reserved.
"""Writes that are bound to what was read: an object that somebody else has changed since is not written.

Who decides what an object is to be from what it was must not undo what came in between: a value that was rotated in
that time would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import Conflict, NotFound, VcciError
from ..kubernetes.client import JSON, METADATA_ONLY
from . import seen
from .context import Context
from .manifests import is_secret
from .plan import Item

ATTEMPTS = 5  # at an object whose status is written at the same moments


def is_bound(run: Context, item: Item) -> bool:
    return item.ref in run.options.bound


def write(run: Context, item: Item, apply: Callable[[], None], dry_run: bool) -> None:
    """Let `apply` write the object while it is as it was read; again where only what does not count was changed."""
    if dry_run or not is_bound(run, item):
        seen.kept_up(run, item, apply)
        return
    for attempt in range(1, ATTEMPTS + 1):
        check(run, item)
        try:
            apply()
        except Conflict:
            item.saw(_fetched(run, item))
            if is_same(run.options.bound[item.ref], item.before) and attempt == ATTEMPTS:
                raise
            continue
        return


def check(run: Context, item: Item) -> None:
    """VcciError when the object, as it was last seen, is not what was read."""
    if is_bound(run, item) and not is_same(run.options.bound[item.ref], item.before):
        item.overtaken = True
        raise VcciError("was changed by somebody else since it was read; nothing of it was written")


def is_same(read: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> bool:
    """Whether an object is what was read. Its generation counts all changes but those of metadata and of its status."""
    if read is None or now is None:
        return read is None and now is None
    before, after = read["metadata"], now["metadata"]
    if "generation" not in before or "generation" not in after:
        return bool(before.get("resourceVersion") == after.get("resourceVersion"))
    return all(before.get(name) == after.get(name) for name in ("uid", "generation", "labels", "annotations"))


def _fetched(run: Context, item: Item) -> dict[str, Any] | None:
    try:
        return run.client.request("GET", item.path, accept=JSON if is_secret(item.desired) else METADATA_ONLY)
    except NotFound:
        return None
