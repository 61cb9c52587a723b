# Copyright (c) 2026 GreenLang. All rights reserved.
"""The write path: make the cluster equal to a set of objects.

    result = apply_set(client, objects, ApplyOptions(name="redis", check=True))

fetch (a few LISTs) → plan (pure, plan.py) → write (concurrent server-side apply, phase by phase) → prune → wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import ApplyError, InputError
from ..kubernetes.client import Client
from . import expectation, membership, plan, prune, recreatable, snapshot, wait
from .context import Context
from .manifests import Ref
from .options import ApplyOptions, Planned
from .outcome import conclude, failures, shown
from .plan import CREATE, REFUSED, Item
from .predict import predict, remember
from .prune import Doomed
from .result import Result
from .write import send_all, to_write, write_phases


def apply_set(client: Client | None, objects: Iterable[Any], options: ApplyOptions) -> Result:
    """Apply objects: dicts, or (dict, where it came from) pairs, for messages. Without a client, only what an empty
    cluster would get is predicted."""
    prune.check_named(options.prune_named)
    recreatable.check_words(options.recreate)
    part_of = membership.set_id(options.name, options.namespace) if options.name else None
    if client is None:
        return _all_created(plan.build(objects, part_of), options)
    run = Context(client, options)
    with run.timed("prepare"):
        items = plan.build(objects, part_of)
        expectation.check(options.wait_for, options.wait, (item.ref for item in items))
    with run.timed("read"):
        kinds = run.planned.kinds if options.check else None
        run.result.warnings += plan.resolve(items, client.resource, lenient=options.check, planned=kinds)
        _fetch(run, items)
    with run.timed("prune plan"):
        doomed = _prunable(run, items)
    if options.check:
        with run.timed("dry run"):
            predict(run, items)
            _conclude(run, items, doomed)
        return run.finish()
    with run.timed("write"):
        _conclude(run, items, _carry_out(run, items, doomed))
    if options.wait:
        with run.timed("wait"):
            wait.wait_ready(run, items)
    return run.finish()


def delete_set(client: Client | None, objects: Iterable[Any], options: ApplyOptions) -> Result:
    """Delete these objects, or without objects every member of the set and its record; limits as for pruning."""
    prune.check_named(options.prune_named)
    items = plan.build(objects, None)
    if client is None:
        return Result()
    if not items and not options.name:
        raise InputError("state absent needs objects, or the name of a set to delete")
    run = Context(client, options)
    if run.record:
        run.record.read()
    doomed = _delete(run, items)
    prune.list_deleted(run, doomed, run.result.deleted)
    prune.check_deleted(run)
    if options.wait and not options.check:
        prune.wait_deleted(run, doomed)
    return run.finish()


def _all_created(items: list[Item], options: ApplyOptions) -> Result:
    if not options.check:
        raise InputError("assume_empty predicts what an empty cluster would get: it is for check mode only")
    result, planned = Result(), options.planned or Planned()
    for item in items:
        remember(planned, item)
        item.outcome = "created"
    conclude(result, items, options.field_manager, options.diff)
    return result


# --- present ---------------------------------------------------------------------------------------------------------
def _fetch(run: Context, items: list[Item]) -> None:
    """Read what is there and decide about each object."""
    if run.record:
        run.record.read()
    options = run.options
    known = run.part_of if run.record and run.record.exists else None  # a set without a record has no members yet
    found = snapshot.read(run.client, items, known, run.workers, full=options.check and options.diff)
    for item in items:
        before = found.get(item.ref)
        item.action = plan.decide(item, before, run.part_of, options.field_manager, options.force_conflicts)


def _prunable(run: Context, items: list[Item]) -> list[Doomed]:
    return prune.prunable(run, items) if run.options.prune and run.record else []


def _carry_out(run: Context, items: list[Item], doomed: list[Doomed]) -> list[Doomed]:
    """Carry out the plan, or a newer one if somebody else was at work meanwhile; what was to be pruned by it."""
    record = run.record
    while not any(item.action == REFUSED for item in items):
        todo = to_write(items)
        if not (todo or doomed or _record_is_stale(run, items)):
            break
        early = _home_of_record(run, todo)
        if not send_all(run, early, "namespace"):
            break
        if record and not record.acquire(*_contained(items)):
            _fetch(run, items)
            doomed = _prunable(run, items)
            continue
        exact = False
        try:
            if write_phases(run, items, [item for item in todo if item not in early]):
                prune.delete_all(run, doomed)
                # Without pruning, or after a failure, members of other kinds may remain: the record keeps naming them.
                exact = run.options.prune and not (run.result.skipped or run.undeleted)
        finally:
            if record:
                record.release(*(_contained(items) if exact else (None, None)))
        break
    return doomed


def _home_of_record(run: Context, todo: list[Item]) -> list[Item]:
    """The namespace of the set's record, where the set itself brings it: it must be there before the record."""
    if run.record is None or run.record.exists:
        return []
    home = Ref("", "Namespace", "", run.options.namespace)
    return [item for item in todo if item.action == CREATE and item.ref == home]


def _contained(items: list[Item]) -> tuple[set[str], set[str]]:
    """Group-kinds and namespaces of the set's objects."""
    return (
        {membership.group_kind(item.ref) for item in items},
        {item.ref.namespace for item in items if item.ref.namespace},
    )


def _record_is_stale(run: Context, items: list[Item]) -> bool:
    if run.record is None:
        return False
    kinds, namespaces = _contained(items)
    if not run.options.prune or run.result.skipped:
        old_kinds, old_namespaces = run.record.contents()
        kinds, namespaces = kinds | old_kinds, namespaces | old_namespaces
    return not run.record.matches(kinds, namespaces)


def _conclude(run: Context, items: list[Item], doomed: list[Doomed]) -> None:
    """Enter into the result what came, or would come, of each; an error if something failed."""
    conclude(run.result, items, run.options.field_manager, run.options.diff)
    prune.list_deleted(run, doomed, run.result.pruned)
    failed = failures(items)
    if failed:
        title = f"set {run.options.name}: " if run.options.name else ""
        messages = shown([failure["message"] for failure in failed])
        raise ApplyError(f"{title}{len(failed)} of {len(items)} objects failed:\n{messages}", failed, run.finish())
    prune.check_deleted(run)


# --- absent ----------------------------------------------------------------------------------------------------------
def _delete(run: Context, items: list[Item]) -> list[Doomed]:
    """Delete the items, or the whole set and its record; what was to be deleted."""
    while True:
        record = run.record if run.record and run.record.exists else None
        found = _existing(run, items) if items else prune.members(run, [])
        doomed = prune.removable(run, found, limited=not items)
        whole_set = record is not None and not items
        if run.options.check or not (doomed or whole_set):
            return doomed
        if record and not record.acquire(set(), set()):
            run.result.skipped.clear()
            continue
        try:
            prune.delete_all(run, doomed)
        finally:
            if record and whole_set and len(run.gone) == len(doomed) and not run.result.skipped:
                record.delete()
            elif record:
                record.release()
        return doomed


def _existing(run: Context, items: list[Item]) -> prune.Existing:
    """Those of the items that are there. What the server does not serve is not."""
    known = []
    for item in items:
        try:
            plan.resolve([item], run.client.resource)
            known.append(item)
        except InputError:
            if "." not in item.desired["apiVersion"].partition("/")[0]:
                raise
    found = snapshot.read(run.client, known, None, run.workers)
    return {item.ref: (found[item.ref], item.resource) for item in known if item.ref in found}
