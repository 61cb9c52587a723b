# Copyright (c) 2026 GreenLang. All rights reserved.
"""The write path: make the cluster equal to a set of objects.

    result = apply_set(client, objects, ApplyOptions(name="redis", check=True))

fetch (a few LISTs) → plan (pure, plan.py) → write (concurrent server-side apply, phase by phase) → prune → wait.

Whatever ends a run, an interrupt as well: its result holds what was done until then, and an error has it as `result`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import ApplyError, InputError, Overtaken, VcciError
from ..kubernetes.client import Client
from ..waiting import Deadline
from . import absent, borders, containers, expectation, lasting, membership, plan, prune, recreatable, snapshot, wait
from .context import Context
from .gone import until_all_gone
from .manifests import Ref
from .options import ApplyOptions, Planned
from .outcome import conclude, failures, shown
from .plan import CREATE, REFUSED, UNRESOLVED, Item
from .predict import predict, remember
from .result import Result
from .write import send_all, to_write, write_phases


def apply_set(client: Client | None, objects: Iterable[Any], options: ApplyOptions) -> Result:
    """Apply objects: dicts, or (dict, where it came from) pairs, for messages. Without a client, only what an empty
    cluster would get is predicted."""
    prune.check_named(options.prune_named)
    recreatable.check_words(options.recreate)
    part_of = membership.set_id(options.name, options.namespace) if options.name else options.member_of
    if client is None:
        items = plan.build(objects, part_of)
        notes = plan.place_unasked(items, options.objects_namespace)
        borders.refuse_own_record(items, part_of)
        _check_pruning(items, options)
        return _all_created(items, options, notes)
    run = Context(client, options)
    with run.ending("pruned"):
        with run.timed("prepare"):
            run.items = plan.build(objects, part_of)
            _check_pruning(run.items, options)
            expectation.check(options.wait_for, options.wait, (item.ref for item in run.items))
        _apply(run)
    return run.result


def delete_set(client: Client | None, objects: Iterable[Any] | None, options: ApplyOptions) -> Result:
    """Delete these objects, or for None every member of the set and its record; limits as for pruning."""
    prune.check_named(options.prune_named)
    if objects is None and not options.name:
        raise InputError("state absent needs objects, or the name of a set to delete")
    items = plan.build(objects or (), None)
    if client is None or not (items or objects is None):
        return Result()  # a list of objects that is empty is no wish to delete the set
    run = Context(client, options)
    with run.ending("deleted"):
        _delete(run, items)
        _refuse_failures(run)
        if options.wait and not options.check:
            with run.timed("wait"):
                until_all_gone(run, [*run.doomed, *run.going], options.wait_timeout)
    return run.result


def _check_pruning(items: list[Item], options: ApplyOptions) -> None:
    if options.prune and not options.name:
        raise InputError("prune needs the name of the set: without it nobody knows what belongs to it")
    if options.prune and not items:
        raise InputError(
            f"nothing is left of set {options.name}, and prune would delete all that it has; nothing was changed. "
            "To delete it use state: absent"
        )


def _all_created(items: list[Item], options: ApplyOptions, warnings: list[str]) -> Result:
    if not options.check:
        raise InputError("assume_empty predicts what an empty cluster would get: it is for check mode only")
    result, planned = Result(warnings=warnings), options.planned or Planned()
    for item in items:
        remember(planned, item)
        item.outcome = "created"
    conclude(result, items, options.field_manager, options.diff)
    return result


# --- present ---------------------------------------------------------------------------------------------------------
def _apply(run: Context) -> None:
    with run.timed("read"):
        kinds = run.planned.kinds if run.options.check else None
        run.result.warnings += plan.resolve(
            run.items,
            run.client.resource,
            lenient=run.options.check,
            planned=kinds,
            namespace=run.options.objects_namespace,
        )
        borders.refuse_own_record(run.items, run.part_of)
        if run.record:
            run.record.read()
        _fetch(run)
    with run.timed("prune plan"):
        _plan_pruning(run)
    if run.options.check:
        with run.timed("dry run"):
            predict(run, run.items)
        prune.tell(run, "which left the set")
        _refuse_failures(run)
        return
    with run.timed("write"):
        _carry_out(run)
    _refuse_failures(run)
    if run.options.wait:
        with run.timed("wait"):
            deadline = Deadline(run.options.wait_timeout)
            wait.wait_ready(run, run.items)
            until_all_gone(run, [*run.doomed, *run.going], deadline.left)


def _fetch(run: Context) -> None:
    """Read what is there and decide about each object."""
    options = run.options
    known = run.part_of if run.record and run.record.exists else None  # a set without a record has no members yet
    full = options.check and options.diff
    items = [item for item in run.items if item.resource is not UNRESOLVED]
    found, lost = snapshot.read(run.client, items, known, run.workers, full=full, values=True)
    for item in items:
        before = found.get(item.ref)
        item.error, item.action = "", ""
        if item.ref in lost:
            item.saw(None)
            item.error = f"{item.label}: {lost[item.ref]}"
        else:
            item.action = plan.decide(item, before, run.part_of, options.field_manager, options.force_conflicts)
    if run.record and not run.record.exists and any(membership.set_of(item.live) == run.part_of for item in run.items):
        run.result.warnings.append(
            f"ConfigMap {options.namespace}/{options.name}, the set's record, is gone: what left the set meanwhile is "
            "not known in this run, only in the next"
        )
    borders.name_other_sets(run)
    borders.warn_of_records(run)
    containers.expect_to_vanish(run.items)
    lasting.plan_names(run)


def _plan_pruning(run: Context) -> None:
    if run.options.prune:
        run.doomed = prune.prunable(run, run.items)
        lasting.keep_unseen(run)


def _carry_out(run: Context) -> None:
    """Carry out the plan, or a newer one if somebody else was at work meanwhile."""
    record = run.record
    while not any(item.action == REFUSED for item in run.items):
        todo = to_write(run.items)
        if not (todo or run.doomed or _record_is_stale(run)):
            return
        kinds, namespaces = _contained(run.items)
        early = _home_of_record(run, todo)
        if early and record:
            old_kinds, old_namespaces = record.contents()
            if not send_all(run, early, "namespace"):
                return
            record.read()  # it went with a namespace that was being deleted, but what it said still holds
            kinds, namespaces = kinds | old_kinds, namespaces | old_namespaces
        if record and not record.acquire(kinds, namespaces):
            _fetch(run)
            _plan_pruning(run)
            continue
        _write(run, [item for item in todo if item not in early])
        return


def _write(run: Context, todo: list[Item]) -> None:
    kinds, namespaces, done = None, None, False

    def give_back() -> None:
        if run.record:
            if not done:
                lasting.keep_names(run)
            run.record.release(kinds, namespaces)

    with _giving_back(run, give_back):
        if write_phases(run, run.items, todo) and not failures(run.items):
            prune.tell(run, "which left the set")
            prune.delete_all(run)
            # Without pruning, or after a failure, members of other kinds may remain: the record keeps naming them.
            done = not (run.faults or run.stopped)
            if run.options.prune and not (run.kept or run.unseen) and done:
                kinds, namespaces = _contained(run.items)


def _home_of_record(run: Context, todo: list[Item]) -> list[Item]:
    """The namespace of the set's record, where the set itself brings it, or brings it back: it must be there before the
    record."""
    if run.record is None:
        return []
    home = Ref("", "Namespace", "", run.options.namespace)
    return [item for item in todo if item.ref == home and (item.action == CREATE or item.live.get("deletionTimestamp"))]


def _contained(items: list[Item]) -> tuple[set[str], set[str]]:
    """Group-kinds and namespaces of the set's objects."""
    return (
        {membership.group_kind(item.ref) for item in items},
        {item.ref.namespace for item in items if item.ref.namespace},
    )


def _record_is_stale(run: Context) -> bool:
    if run.record is None:
        return False
    kinds, namespaces = _contained(run.items)
    if not run.options.prune or run.kept or run.unseen:
        old_kinds, old_namespaces = run.record.contents()
        kinds, namespaces = kinds | old_kinds, namespaces | old_namespaces
    return not run.record.matches(kinds, namespaces)


def _refuse_failures(run: Context) -> None:
    """An error if something failed, or the run was stopped."""
    total = len(run.items) + len(run.doomed)
    failed = [*failures(run.items), *run.faults]
    heads = [f"{len(failed)} of {total} objects failed"] if failed else []
    if run.unseen:
        heads.append(f"{len(run.unseen)} could not be looked at")
        failed += [{"object": what, "source": "", "message": said} for what, said in run.unseen.items()]
    if run.stopped:
        left = sum(1 for item in to_write(run.items) if not (item.outcome or item.error))
        left += sum(1 for entry in run.doomed if entry.ref not in run.gone)
        heads.append(f"stopped before {left} of {total} objects were done" if left else "stopped")
        what = f"set {run.options.name}" if run.options.name else "objects"
        failed.append({"object": what, "source": "", "message": str(run.stopped)})
    if failed:
        title = f"set {run.options.name}: " if run.options.name else ""
        messages = shown([failure["message"] for failure in failed])
        kind = Overtaken if any(item.overtaken for item in run.items) else ApplyError
        raise kind(f"{title}{', '.join(heads)}:\n{messages}", failed) from run.stopped


# --- absent ----------------------------------------------------------------------------------------------------------
def _delete(run: Context, items: list[Item]) -> None:
    """Delete the items, or the whole set and its record."""
    record = run.record
    if record:
        record.read()
    while True:
        found = absent.existing(run, items) if items else prune.members(run)
        run.doomed = prune.removable(run, found, limited=not items)
        if run.faults:
            return
        prune.tell(run, "as asked" if items else "with their set")
        there = record is not None and record.exists
        if run.options.check or not (run.doomed or (there and not items)):
            return
        if record and there and not record.acquire(set(), set()):
            continue
        with _giving_back(run, lambda: _end_record(run, whole_set=not items)):
            prune.delete_all(run)
        return


def _end_record(run: Context, whole_set: bool) -> None:
    """Delete the record if nothing is left of the set, else give it back."""
    record = run.record
    if record is None or not record.held:
        return
    if whole_set and len(run.gone) == len(run.doomed) and not (run.kept or run.unseen):
        record.delete()
    else:
        lasting.drop_names(run)
        record.release()


@contextlib.contextmanager
def _giving_back(run: Context, give_back: Callable[[], object]) -> Iterator[None]:
    """Whatever ends the block, the set is given back. That this is impossible fails the run, but hides no other
    error."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(VcciError):
            give_back()
        raise
    try:
        give_back()
    except VcciError as exc:
        if run.stopped is None:
            what = f"ConfigMap {run.options.namespace}/{run.options.name}"
            run.fail(what, f"the set's turn could not be given back, another run may have to wait a while: {exc}")
