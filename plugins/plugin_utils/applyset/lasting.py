# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which objects the record of a set is to name when the set is given back."""

from __future__ import annotations

from ..errors import ApiError, NotFound, Unavailable
from ..kubernetes.kinds import Resource
from . import members, snapshot
from .context import Context
from .manifests import Ref
from .membership import group_kind


def plan_names(run: Context) -> None:
    """Those that are wanted, and, where nothing is pruned, those recorded before that are still there: some runs bring
    a part of a set only."""
    if run.record is None or run.options.check:
        return
    others = set() if run.options.prune else _recorded(run) - _wanted(run)
    run.record.names = members.encoded(_wanted(run) | _still_there(run, others))


def keep_unseen(run: Context) -> None:
    """Objects of kinds that cannot be read stay named, though nothing else does that left the set."""
    if run.record is not None and run.unseen and not run.options.check:
        unseen = {ref for ref in _recorded(run) if group_kind(ref) in run.unseen}
        run.record.names = members.encoded(_wanted(run) | unseen)


def keep_names(run: Context) -> None:
    """Whatever was recorded stays so beside what is planned: not all was done."""
    if run.record is not None:
        run.record.names = members.encoded(_wanted(run) | _recorded(run))


def drop_names(run: Context) -> None:
    """Without those that were deleted."""
    known = members.decoded(run.record.current) if run.record is not None else None
    if run.record is not None and known is not None:
        run.record.names = members.encoded(known - run.gone)


def _wanted(run: Context) -> set[Ref]:
    return {item.ref for item in run.items}


def _recorded(run: Context) -> set[Ref]:
    """Of a record that names none, as those of earlier versions, nothing."""
    return (members.decoded(run.record.current) if run.record is not None else None) or set()


def _still_there(run: Context, refs: set[Ref]) -> set[Ref]:
    """What cannot be read, or by whoever we are, is taken for being there."""
    resources: list[Resource] = []
    unseen: set[tuple[str, str]] = set()
    for group, kind in sorted({(ref.group, ref.kind) for ref in refs}):
        try:
            resources.append(run.client.preferred(group, kind))
        except NotFound:
            continue
        except Unavailable:
            unseen.add((group, kind))
    try:
        places = {ref.namespace for ref in refs if ref.namespace}
        found, lost = snapshot.members(run.client, resources, places, str(run.part_of), run.workers)
        unseen |= {(resource.group, resource.kind) for resource in lost}
        return {ref for ref in refs if ref in found or (ref.group, ref.kind) in unseen}
    except ApiError as exc:
        if exc.status != 403:
            raise
        return refs
