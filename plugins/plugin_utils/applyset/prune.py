# Copyright (c) 2026 GreenLang. All rights reserved.
"""Members of a set that are to go: which they are, whether they may, and their deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ApiError, ApplyError, InputError, NotFound, PruneRefused, WaitTimeout
from ..kubernetes.kinds import Resource
from ..labels import is_protected
from ..waiting import Deadline
from . import diff, membership, order, snapshot
from .context import Context
from .gone import until_gone
from .manifests import Ref
from .outcome import shown
from .plan import Item

NAMES_IN_PROGRESS, NAMES_IN_REFUSAL = 10, 20
Existing = Mapping[Ref, tuple[dict[str, Any], Resource]]


class Doomed(NamedTuple):
    """An object that is to be deleted, as it was listed."""

    ref: Ref
    resource: Resource
    meta: dict[str, Any]

    @property
    def path(self) -> str:
        return self.resource.path(self.ref.namespace, self.ref.name)

    @property
    def phase(self) -> int:
        return order.phase_of(self.ref.kind, self.ref.group)


def prunable(run: Context, items: list[Item]) -> list[Doomed]:
    """Members of the set that are not among its objects. Those that are kept all the same are in the result."""
    wanted = {item.ref for item in items}
    run.result.skipped.clear()
    found = members(run, items)
    return removable(run, {ref: found[ref] for ref in found if ref not in wanted})


def members(run: Context, items: list[Item]) -> Existing:
    """What the server has of the set: of the items' kinds and of those in its record."""
    if run.record is None or not run.record.exists:
        return {}
    resources = {item.resource for item in items if not item.planned_kind}
    known = {(resource.group, resource.kind) for resource in resources}
    for text in sorted(run.record.contents()[0]):
        group, kind = membership.parse_group_kind(text)
        if (group, kind) in known:
            continue
        try:
            resources.add(run.client.preferred(group, kind))
        except NotFound:
            run.result.warnings.append(f"the set's record lists {text}, which the server no longer serves")
    return snapshot.members(run.client, sorted(resources), run.part_of or "", run.workers)


def removable(run: Context, found: Existing, limited: bool = True) -> list[Doomed]:
    """Those that may be deleted: protected kinds must be named, and no more than the limit may go. Unless `limited`:
    then they were given one by one, which is being named."""
    options = run.options
    named = {_key(text) for text in options.prune_named}
    doomed = []
    for ref, (obj, resource) in sorted(found.items()):
        if obj["metadata"].get("deletionTimestamp"):
            continue
        if limited and is_protected(ref.group, ref.kind) and (ref.kind, ref.namespace, ref.name) not in named:
            run.result.skipped.append(ref.label)
            run.result.warnings.append(
                f"{ref.label} left the set but is not deleted: name it in prune_named if its contents may go"
            )
        else:
            doomed.append(Doomed(ref, resource, obj["metadata"]))
    if limited and 0 <= options.prune_limit < len(doomed):
        names = [entry.ref.label for entry in doomed]
        more = " …" if len(names) > NAMES_IN_REFUSAL else ""
        raise PruneRefused(
            f"{len(doomed)} objects would be deleted from set {options.name}, more than prune_limit="
            f"{options.prune_limit}; nothing was changed. If this is meant, raise prune_limit. "
            f"They are: {', '.join(names[:NAMES_IN_REFUSAL])}{more}",
            names,
            run.finish(),
        )
    return doomed


def check_named(names: tuple[str, ...]) -> None:
    for text in names:
        _key(text)


def _key(text: str) -> tuple[str, str, str]:
    """Kind, namespace and name of "Kind/name" or "Kind/namespace/name"."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise InputError(f"prune_named: {text!r} is neither Kind/name nor Kind/namespace/name")
    return parts[0], parts[1] if len(parts) == 3 else "", parts[-1]


def delete_all(run: Context, doomed: list[Doomed]) -> None:
    """Delete in the reverse of the order of creation, each only if it is still the very object that was listed."""
    if not doomed:
        return
    names = ", ".join(entry.ref.label for entry in doomed[:NAMES_IN_PROGRESS])
    run.say(f"pruning {len(doomed)}: {names}" + (" …" if len(doomed) > NAMES_IN_PROGRESS else ""))
    for phase in sorted({entry.phase for entry in doomed}, reverse=True):
        run.workers.map(lambda entry: _delete(run, entry), [entry for entry in doomed if entry.phase == phase])


def _delete(run: Context, entry: Doomed) -> None:
    condition = {"propagationPolicy": "Background", "preconditions": {"uid": entry.meta["uid"]}}
    try:
        run.client.request("DELETE", entry.path, body=condition)
    except NotFound:
        pass
    except ApiError as exc:
        run.undeleted.append({"object": entry.ref.label, "source": "", "message": f"{entry.ref.label}: {exc}"})
        return
    run.gone.add(entry.ref)


def check_deleted(run: Context) -> None:
    """An error if something could not be deleted."""
    messages = [failure["message"] for failure in run.undeleted]
    if messages:
        run.result.failed += messages
        raise ApplyError("could not be deleted:\n" + shown(messages), run.undeleted, run.finish())


def list_deleted(run: Context, doomed: list[Doomed], into: list[str]) -> None:
    """Enter what was deleted, or in check mode would be, into that list of the result."""
    for ref, _resource, meta in doomed:
        if run.options.check or ref in run.gone:
            into.append(ref.label)
            if run.options.diff:
                run.result.diff.append(diff.entry(ref.label, {"kind": ref.kind, "metadata": meta}, None))


def wait_deleted(run: Context, doomed: list[Doomed]) -> None:
    """Until all of them are gone, `wait_timeout` seconds at most."""
    deadline = Deadline(run.options.wait_timeout)
    for entry in doomed:
        try:
            until_gone(run, entry.ref.label, entry.path, entry.meta.get("uid"), deadline.left)
        except WaitTimeout as exc:
            raise WaitTimeout(f"{entry.ref.label} {exc}", exc.pending, run.finish()) from exc
