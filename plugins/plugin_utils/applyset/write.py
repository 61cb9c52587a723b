# Copyright (c) 2026 GreenLang. All rights reserved.
"""Server-side apply of the objects of a set: one by one, and phase by phase."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..errors import ApiError, Conflict, Foreign, NotFound, VcciError
from ..kubernetes.client import APPLY_PATCH, JSON, MERGE_PATCH, METADATA_ONLY
from ..waiting import Deadline
from . import adoption, bound, explain, filled, hidden, order, replicas, secrecy, seen, unasked
from .context import Context
from .gone import GONE_TIMEOUT, until_gone
from .immutable import is_immutable
from .manifests import DIGEST, is_secret
from .owned import was_written
from .plan import APPLY, CREATE, Item
from .recreatable import is_allowed
from .recreate import recreate
from .served import SCHEMA_PATIENCE, is_of_schema, sent_patiently, until_served

ARRIVAL = 15.0  # seconds for which what a controller makes (a namespace's account), or a cache, may be late
ARRIVAL_PAUSE = 0.3  # seconds


def to_write(items: list[Item]) -> list[Item]:
    return [item for item in items if item.action in (CREATE, APPLY)]


def write_phases(run: Context, items: list[Item], todo: list[Item]) -> bool:
    """Apply `todo`, of the set's `items`; false when a phase failed, and those after it were therefore not begun."""
    for phase in sorted({item.phase for item in todo}):
        members = [item for item in todo if item.phase == phase]
        if not send_all(run, members, order.PHASE_NAMES[phase]) and not _sent_again(run, items, members):
            return False
        if phase == order.FOUNDATION:
            until_served(run, items, members)
    return True


def send_all(run: Context, items: list[Item], what: str) -> bool:
    """Apply them at once; whether all went well."""
    total = len(items)
    run.workers.map(lambda item: send(run, item), items, lambda done: run.say(f"{what}: {done} of {total} applied"))
    return not any(item.error for item in items) and run.stopped is None


def _sent_again(run: Context, items: list[Item], sent: list[Item]) -> bool:
    """Whether all went well after those were sent again that were refused for want of what is on its way."""
    brought, deadline = {item.ref for item in items}, Deadline(ARRIVAL)
    while True:
        failed = [item for item in sent if item.error]
        if run.stopped:
            return False
        if deadline.passed or not all(order.is_on_its_way(item.error, item.ref, brought) for item in failed):
            return not failed
        time.sleep(ARRIVAL_PAUSE)
        for item in failed:
            item.error = ""
        if send_all(run, failed, "sent again"):
            return True


def send(run: Context, item: Item, dry_run: bool = False) -> None:
    """Apply one object; what came of it is left in the item. Nothing, if the run is to stop."""
    if not run.may_go_on():
        return
    try:
        try:
            bound.write(run, item, lambda: _write(run, item, dry_run), dry_run)
        except ApiError as exc:
            if dry_run and item.redefined and is_of_schema(exc):
                unasked.foresee(run, item)
                return
            if not (is_immutable(exc) and is_allowed(item.ref, run.options.recreate, item.recreate)):
                raise
            item.sealed_off = explain.is_of_admission(str(exc))

            def create(number: int | None) -> dict[str, Any]:
                made: dict[str, Any] = seen.kept_up(run, item, lambda: _create(run, item, number))
                return made

            recreate(run, item, create, dry_run)
    except Foreign as exc:
        item.error = str(exc)
    except ApiError as exc:
        if not run.is_over(exc):
            item.error = explain.explain(exc, item)
    except VcciError as exc:
        if not run.is_over(exc):
            item.error = f"{item.label}: {exc}"


def _write(run: Context, item: Item, dry_run: bool) -> None:
    if not dry_run and item.live.get("deletionTimestamp"):
        until_gone(run, item.label, item.path, item.live.get("uid"), GONE_TIMEOUT)
        item.saw(None)
    _read_wholly(run, item, dry_run)
    if item.before is not None:
        try:
            applied = _applied(run, item, dry_run)
            # Somebody was faster than us (the controller of accounts, in a new namespace): as it was foretold.
            item.outcome = "created" if item.action == CREATE else applied
            return
        except NotFound:  # it went since it was read; or its namespace did, which is said again
            item.saw(None)
    item.after = (
        _patch(run, item, item.desired, dry_run) if dry_run else _create(run, item, replicas.start(item.minimum))
    )
    item.outcome = "created"


def _outcome(run: Context, item: Item, after: Mapping[str, Any]) -> str:
    before, meta = item.live, after["metadata"]
    if before.get("uid") != meta.get("uid"):
        return "created"  # it was deleted since it was read
    written = was_written(before, meta, run.options.field_manager)
    return "configured" if written or secrecy.differs(item.desired, item.before or {}, after) else "unchanged"


def _read_wholly(run: Context, item: Item, dry_run: bool) -> None:
    """Read the object where more than its metadata is needed; it may be gone by now, or be another set's."""
    known = item.before
    if known is None or "spec" in known or secrecy.is_whole(known):
        return
    secret = is_secret(item.desired)  # whose values tell whether it was written
    if not (run.options.diff or secret or _hands_over(run, item, known)):
        return
    try:
        seen.look(run, item, run.client.request("GET", item.path))
    except NotFound:
        item.saw(None)
    except ApiError:
        if secret or _hands_over(run, item, known):
            raise  # what a difference is shown of never ends a run
    if not dry_run:
        bound.check(run, item)


def _hands_over(run: Context, item: Item, before: Mapping[str, Any]) -> bool:
    """Whether a number of replicas on the server is ours, and no longer wanted."""
    return replicas.leaves_number(item.desired) and replicas.number_is_ours(
        before["metadata"], run.options.field_manager
    )


def _applied(run: Context, item: Item, dry_run: bool) -> str:
    """Apply an object that is there; what came of it. Ownership that was taken over is written, too."""
    entries = adoption.wanted(run, item)
    taken = entries is not None
    if entries is not None and dry_run:
        item.after = adoption.foreseen(run, item, entries, lambda: _unhidden(run, item, dry_run)[0])
    else:
        taken = taken and adoption.carry_out(run, item)
        item.after, hid = _unhidden(run, item, dry_run)
        taken = taken or hid
    _drop_digest(run, item, item.after, dry_run)
    outcome = _outcome(run, item, item.after)
    return "configured" if (taken or item.rests) and outcome == "unchanged" else outcome


def _drop_digest(run: Context, item: Item, after: dict[str, Any], dry_run: bool) -> None:
    """The digest of a Secret, which versions before this one stored, goes whoever owns it now."""
    if not (is_secret(item.desired) and secrecy.has_digest(after)):
        return
    if dry_run:
        meta = after["metadata"]
        rest = {name: text for name, text in meta["annotations"].items() if name != DIGEST}
        item.after = {**after, "metadata": {**meta, "annotations": rest}}
        return
    body, query = {"metadata": {"annotations": {DIGEST: None}}}, {"fieldManager": run.options.field_manager}
    item.after = run.client.request("PATCH", item.path, body=body, content_type=MERGE_PATCH, query=query)


def _unhidden(run: Context, item: Item, dry_run: bool) -> tuple[dict[str, Any], bool]:
    """Apply an object that is there, if need be in place of what is in its way; whether that was needed."""
    try:
        return _update(run, item, item.before or {}, dry_run), False
    except ApiError as exc:
        hidings = hidden.found(run, item, exc)
        ways = hidings or filled.found(run, item, exc)
        nobodys = not hidings and not any(way.managers for way in ways)
        if not (ways and (nobodys or run.options.force_conflicts or item.force)):
            raise
        return hidden.replace(run, item, ways, dry_run) or _update(run, item, item.before or {}, dry_run), True


def _create(run: Context, item: Item, number: int | None) -> dict[str, Any]:
    """A workload that leaves the number of replicas to others begins with `number` of them, unless that is None."""
    if number is not None and replicas.leaves_number(item.desired):
        _patch(run, item, replicas.unfinished(replicas.with_number(item.desired, number)))
        item.outcome = "created"  # whatever comes of the rest
        with seen.loosely(item):  # it has our label, and its controller is at work on it
            _hand_over(run, item, number)
            return _patch(run, item, item.desired)
    return _patch(run, item, item.desired)


def _update(run: Context, item: Item, before: dict[str, Any], dry_run: bool) -> dict[str, Any]:
    """A number of replicas that we no longer want stays as it is, unless it is none; the server would reset it to
    one."""
    if item.rests:
        return _brought_back(run, item, dry_run)
    if not _hands_over(run, item, before):
        return _patch(run, item, item.desired, dry_run)
    number = _live_number(run, item, before)
    if dry_run:
        return _patch(run, item, replicas.with_number(item.desired, number), dry_run)
    _hand_over(run, item, number)
    item.outcome = "configured"  # whatever comes of the rest
    return _patch(run, item, item.desired)


def _brought_back(run: Context, item: Item, dry_run: bool) -> dict[str, Any]:
    """A workload at 0 gets the minimum of its autoscaler, which works again from then on. The number is nobody's."""
    number = item.minimum
    if dry_run:
        return replicas.with_number(_patch(run, item, item.desired, dry_run), number)
    _patch(run, item, item.desired)
    query = {"fieldManager": replicas.HANDOVER_MANAGER, "force": "true"}
    with seen.loosely(item):  # its controllers are at work on it
        return _apply(run, item, replicas.number_alone(item.desired, number), query)


def _live_number(run: Context, item: Item, before: dict[str, Any]) -> int:
    live = before if "spec" in before else run.client.request("GET", item.path)
    return int((live.get("spec") or {}).get("replicas", 1))


def _hand_over(run: Context, item: Item, number: int) -> None:
    """To a manager that owns nothing else. Where somebody has scaled it in between, the number is theirs already."""
    try:
        _apply(run, item, replicas.number_alone(item.desired, number), {"fieldManager": replicas.HANDOVER_MANAGER})
    except Conflict as exc:
        if seen.is_stale(exc):
            raise


def _patch(run: Context, item: Item, desired: Mapping[str, Any], dry_run: bool = False) -> dict[str, Any]:
    query = {"fieldManager": run.options.field_manager, "fieldValidation": "Strict"}
    forced = run.options.force_conflicts or item.force
    if forced and (item.live or not bound.is_bound(run, item)):  # what is not there has no owner to be forced
        query["force"] = "true"
    if dry_run:
        query["dryRun"] = "All"
    try:
        return sent_patiently(run, item, lambda: _apply(run, item, desired, query), 0 if dry_run else SCHEMA_PATIENCE)
    except Conflict as exc:
        # Our own other manager does not defend the number: the manifest has one again.
        if {manager for _field, manager in explain.conflicts(exc)} != {replicas.HANDOVER_MANAGER}:
            raise
        return _apply(run, item, desired, {**query, "force": "true"})


def _apply(run: Context, item: Item, desired: Mapping[str, Any], query: dict[str, str]) -> dict[str, Any]:
    accept = JSON if run.options.diff or is_secret(item.desired) else METADATA_ONLY
    dry_run = "dryRun" in query
    body = desired if dry_run and item.vanishes else seen.manifest(item, desired)
    try:
        answer = run.client.request("PATCH", item.path, body=body, content_type=APPLY_PATCH, query=query, accept=accept)
    except ApiError as exc:
        seen.refuse_another(exc)
        raise
    if not dry_run:
        item.seen = answer["metadata"]
    return answer
