# Copyright (c) 2026 GreenLang. All rights reserved.
"""Members of a set that are to go: which they are, whether they may, and their deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ApiError, Conflict, InputError, NotFound, PruneRefused, Unavailable, VcciError
from ..kubernetes.client import METADATA_ONLY
from ..kubernetes.kinds import Resource
from ..labels import is_protected
from . import borders, membership, seen, snapshot
from .containers import Needs, would_go_with
from .context import Context
from .doomed import Doomed
from .manifests import Ref
from .plan import Item
from .record import Record

NAMES_IN_PROGRESS, NAMES_IN_REFUSAL = 10, 20
Existing = Mapping[Ref, tuple[dict[str, Any], Resource]]


def prunable(run: Context, items: list[Item]) -> list[Doomed]:
    """Members of the set that are not among its objects. Those that are kept all the same are in the result."""
    wanted = {item.ref for item in items}
    found = members(run)
    return removable(run, {ref: found[ref] for ref in found if ref not in wanted})


def members(run: Context) -> Existing:
    """The members of the set: of the kinds in its record, in the namespaces that this names. Kinds that cannot be read
    are the run's `unseen`."""
    record = run.record
    if record is None or record.current is None:
        return {}
    resources = set()
    run.unseen = {}
    for text in sorted(record.contents()[0]):
        group, kind = membership.parse_group_kind(text)
        try:
            resources.add(run.client.preferred(group, kind))
        except NotFound as exc:
            if not group:
                raise InputError(
                    f"{_place(record)}: its annotation {membership.GROUP_KINDS} lists {text}, which no server has; "
                    "correct it by hand"
                ) from exc
            run.result.warnings.append(f"the set's record lists {text}, which the server no longer serves")
        except Unavailable as exc:
            run.unseen[text] = _unseen(text, exc)
    try:
        found, lost = snapshot.members(run.client, sorted(resources), record.places(), run.part_of or "", run.workers)
    except ApiError as exc:
        if exc.status != 403:
            raise
        where = f"{_place(record)} says that the set may have objects there ({membership.NAMESPACES})"
        raise ApiError(403, exc.reason, f"{exc}. {where}; if that namespace is gone, take it out", exc.details) from exc
    for resource, refusal in lost.items():
        text = membership.group_kind(resource)
        run.unseen[text] = _unseen(text, refusal)
    return found


def _unseen(text: str, why: ApiError) -> str:
    return f"{text}: objects of this kind in the set cannot be read, so none is deleted: {why}"


def _place(record: Record) -> str:
    return f"ConfigMap {record.namespace}/{record.name}"


def removable(run: Context, found: Existing, limited: bool = True) -> list[Doomed]:
    """Those that may be deleted: members in truth, of which protected kinds must be named, that nothing in the set
    needs, and no more of them than the limit. Unless `limited`: then they were given one by one, which is being named.
    """
    run.kept = []
    entries = [Doomed(ref, resource, obj["metadata"], not limited) for ref, (obj, resource) in sorted(found.items())]
    doomed = _permitted(run, _true_members(run, entries)) if limited else entries
    run.going = [entry for entry in doomed if entry.is_going]
    doomed = [entry for entry in doomed if not entry.is_going]
    if limited and 0 <= run.options.prune_limit < len(doomed):
        names = [entry.ref.label for entry in doomed]
        more = " …" if len(names) > NAMES_IN_REFUSAL else ""
        raise PruneRefused(
            f"{len(doomed)} objects would be deleted from set {run.options.name}, more than prune_limit="
            f"{run.options.prune_limit}; nothing was changed. If this is meant, raise prune_limit. "
            f"They are: {', '.join(names[:NAMES_IN_REFUSAL])}{more}",
            names,
        )
    return doomed


def _true_members(run: Context, entries: list[Doomed]) -> list[Doomed]:
    """Without those that only carry the label; a warning names the first."""
    others = [(entry, why) for entry in entries if (why := membership.why_no_member(entry.meta))]
    run.kept += [entry.ref.label for entry, _why in others if membership.is_doubtful(entry.meta) and not entry.is_going]
    if others:
        entry, why = others[0]
        more = f"; likewise {len(others) - 1} more" if len(others) > 1 else ""
        run.result.warnings.append(
            f"{entry.ref.label} carries the set's label, but is no member and is not deleted: {why}{more}"
        )
    none = {entry.ref for entry, _why in others}
    return [entry for entry in entries if entry.ref not in none]


def _permitted(run: Context, entries: list[Doomed]) -> list[Doomed]:
    """Without those that are kept, with a warning for each."""
    if not entries:
        return []
    named = {_key(text) for text in run.options.prune_named}
    needs = Needs(run.items, run.options.namespace if run.items else "")
    kept: dict[Ref, str] = {}
    for entry in entries:
        if not entry.is_going and (why := needs.why(entry) or _unnamed(entry, named) or _hides(run, entry)):
            kept[entry.ref] = why
    for entry in entries:
        held = [ref for ref in kept if entry.ref not in kept and not entry.is_going and would_go_with(ref, entry)]
        if held:
            kept[entry.ref] = f"{held[0].label} would go with it, and is to be kept: {kept[held[0]]}"
    for ref, why in kept.items():
        run.kept.append(ref.label)
        run.result.warnings.append(f"{ref.label} left the set but is not deleted: {why}")
    return [entry for entry in entries if entry.ref not in kept]


def _unnamed(entry: Doomed, named: set[tuple[str, str, str]]) -> str:
    ref = entry.ref
    if (ref.kind, ref.namespace, ref.name) in named:
        return ""
    if membership.is_record(entry.meta):
        return "it is the record of another set, which would be forgotten; name it in prune_named if it may go"
    return "name it in prune_named if its contents may go" if is_protected(ref.group, ref.kind) else ""


def _hides(run: Context, entry: Doomed) -> str:
    """What of the set might go with it unseen."""
    for text in run.unseen:
        group, kind = membership.parse_group_kind(text)
        if would_go_with(Ref(group, kind, entry.ref.name, ""), entry):
            return f"objects of {text} may go with it, which cannot be read"
    return ""


def check_named(names: tuple[str, ...]) -> None:
    for text in names:
        _key(text)


def _key(text: str) -> tuple[str, str, str]:
    """Kind, namespace and name of "Kind/name" or "Kind/namespace/name"."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts) or not parts[0][0].isupper():
        raise InputError(f"prune_named: {text!r} is neither Kind/name nor Kind/namespace/name")
    return parts[0], parts[1] if len(parts) == 3 else "", parts[-1]


def tell(run: Context, why: str) -> None:
    """Say what goes, or would go, and why."""
    doomed = run.doomed
    if doomed:
        names = ", ".join(entry.ref.label for entry in doomed[:NAMES_IN_PROGRESS])
        verb = "would delete" if run.options.check else "deleting"
        run.say(f"{verb} {len(doomed)} {why}: {names}" + (" …" if len(doomed) > NAMES_IN_PROGRESS else ""))


def delete_all(run: Context) -> None:
    """Delete in the reverse of the order of creation, each only if it is still the very object that was listed, and
    still the set's."""
    spared: set[Ref] = set()

    def delete(entry: Doomed) -> None:
        if not run.may_go_on():
            return
        try:
            (run.gone if _deleted(run, entry) else spared).add(entry.ref)
        except VcciError as exc:
            if not run.is_over(exc):
                run.fail(entry.ref.label, f"{entry.ref.label} could not be deleted: {exc}")

    for phase in sorted({entry.phase for entry in run.doomed}, reverse=True):
        run.workers.map(delete, [entry for entry in run.doomed if entry.phase == phase])
    run.doomed = [entry for entry in run.doomed if entry.ref not in spared]


def _deleted(run: Context, entry: Doomed) -> bool:
    """Whether it was deleted; not when it has left the set since it was listed."""
    meta = entry.meta
    for _try in range(seen.DELETIONS):
        body = {"propagationPolicy": "Background", "preconditions": seen.conditions(meta)}
        try:
            run.client.request("DELETE", entry.path, body=body)
            return True
        except NotFound:
            return True
        except Conflict as exc:
            try:
                fresh = run.client.request("GET", entry.path, accept=METADATA_ONLY)["metadata"]
            except NotFound:
                return True
            if seen.conditions(fresh) == seen.conditions(meta):
                raise VcciError(str(exc)) from exc
        meta = fresh
        if meta["uid"] == entry.meta["uid"] and meta.get("deletionTimestamp"):
            return True  # the answer to our deletion was lost, or somebody else was faster
        if not _is_still_doomed(run, entry, meta):
            return False
    raise VcciError(f"others wrote it {seen.DELETIONS} times while it was to be deleted; apply again")


def _is_still_doomed(run: Context, entry: Doomed, meta: Mapping[str, Any]) -> bool:
    """Whether an object that others have written since it was listed is to go all the same."""
    other = membership.set_of(meta)
    if entry.named:
        taken = other not in ("", run.part_of, membership.set_of(entry.meta)) and not run.options.force_conflicts
        if taken:
            raise VcciError(borders.Names(run).refusal(entry.ref.label, meta))
    elif other != run.part_of or membership.why_no_member(meta):
        why = membership.why_no_member(meta) if other == run.part_of else "its label is gone or names another set"
        run.result.warnings.append(f"{entry.ref.label} has left the set meanwhile and is not deleted: {why}")
        return False
    if meta["uid"] != entry.meta["uid"]:
        raise VcciError("others deleted it and created it again meanwhile; apply again")
    return True
