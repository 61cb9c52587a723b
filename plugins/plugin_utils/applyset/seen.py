# Copyright (c) 2026 GreenLang. All rights reserved.
"""Writes are bound to what was read: each is done only if the object is still the one that was decided about, or if
there is still none.

An apply whose manifest has a resourceVersion is refused, by a conflict that names no field, when the object has another
one; where there is no object it is created, whatever the resourceVersion. So NONE, which no object ever has, creates
and nothing else. After such a conflict the object is read again and decided about again: whoever wrote it (mostly a
controller its status), the set that it belongs to now may be another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import ApiError, Conflict, Foreign, NotFound
from ..kubernetes.client import JSON, METADATA_ONLY
from . import borders, explain, plan
from .context import Context
from .manifests import DIGEST, is_secret
from .membership import set_of
from .plan import Item

NONE = "1"  # the state of a storage before its first write
TRIES = 5  # of a write, while others write the object; then it is bound to be the same object only
DELETIONS = 20  # of a deletion, which nothing else can be bound to; it is a few milliseconds after the read
Object = dict[str, Any]


def manifest(item: Item, desired: Mapping[str, Any]) -> Object:
    """A manifest that the server takes for the object as it was last seen, and for no other."""
    meta = desired["metadata"]
    if item.seen is None:
        return {**desired, "metadata": {**meta, "resourceVersion": NONE}}
    same = conditions(item.seen)
    if item.loose:
        same.pop("resourceVersion", None)
    return {**desired, "metadata": {**meta, **same}}


def conditions(meta: Mapping[str, Any]) -> dict[str, str]:
    """What tells an object as it was read from any other, and from itself later: the preconditions of a deletion."""
    return {name: meta[name] for name in ("uid", "resourceVersion") if name in meta}


def is_stale(exc: ApiError) -> bool:
    """Whether a write may have been refused because the object is not as it was read."""
    return isinstance(exc, Conflict) and not explain.conflicts(exc)


def look(run: Context, item: Item, obj: Object | None) -> str:
    """What is decided about an object as it is now. Foreign when another set has taken it."""
    options = run.options
    action = plan.decide(item, obj, run.part_of, options.field_manager, options.force_conflicts)
    if action == plan.REFUSED:
        item.error = ""
        raise Foreign(borders.Names(run).refusal(item.label, item.live))
    return action


def kept_up(run: Context, item: Item, write: Callable[[], Any]) -> Any:
    """The answer of `write`, which is made again when others wrote the object since it was read. Should they do so all
    the time (a rollout, while a webhook thinks about each write), it is bound to be the same object only."""
    for _try in range(TRIES):
        try:
            return write()
        except ApiError as exc:
            if not is_stale(exc) or not _read_again(run, item):
                raise
    with loosely(item):
        return write()


@contextlib.contextmanager
def loosely(item: Item) -> Iterator[None]:
    """Within the block any state of the object that was seen will do."""
    item.loose = True
    try:
        yield
    finally:
        item.loose = False


def refuse_another(exc: ApiError) -> None:
    """Raise the conflict that a refusal is if there is another object by now: where no resourceVersion stood beside the
    uid, the server says that uids are immutable."""
    if exc.status == 422 and any(cause.get("field") == "metadata.uid" for cause in exc.causes):
        message = "it was deleted and created again by others while it was written; apply again"
        raise Conflict(409, "Conflict", message) from exc


def _read_again(run: Context, item: Item) -> bool:
    """Whether the object is another than was seen; then it has been decided about anew."""
    try:
        accept = JSON if is_secret(item.desired) else METADATA_ONLY
        fresh: Object | None = run.client.request("GET", item.path, accept=accept)
    except NotFound:
        fresh = None
    if (fresh and conditions(fresh["metadata"])) == (item.seen and conditions(item.seen)):
        return False
    before, was_sent = item.before, fresh is not None and _is_our_write(run, item, fresh["metadata"])
    if look(run, item, fresh) == plan.UNCHANGED or was_sent:
        item.before = before  # its answer was lost: what came of it is told from what was there before
    return True


def _is_our_write(run: Context, item: Item, meta: Mapping[str, Any]) -> bool:
    """Whether this is what we sent. None but the run that holds a set gives objects its label."""
    if item.before is None and run.record is not None and set_of(meta) == run.part_of:
        return True
    return bool(item.digest and (meta.get("annotations") or {}).get(DIGEST) == item.digest)
