# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is wrong of a platform as it was read: against what its sets are to have, by the rules of readiness. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..applyset.manifests import Ref, ref_of
from ..applyset.membership import set_of
from ..kubernetes import kstatus
from . import strict
from .state import SITE, Fault, Object, Seen, Set

MANY = 40  # missing objects of a set from which on their number is told


def judge(seen: Seen) -> list[Fault]:
    """All faults, layer by layer as the sets are listed."""
    if not seen.sets:
        what = "no set of objects is recorded in this cluster: nothing of the platform was ever applied"
        return [Fault("platform", what, final=True)]
    by_id = {one.id: one for one in seen.sets}
    faults: list[Fault] = []
    for one in seen.sets:
        faults += _missing(seen, one)
    faults += _unrecorded(seen, by_id)
    for ref, obj in sorted(seen.objects.items()):
        found = by_id.get(set_of(obj["metadata"]))
        if found is not None and ref.namespace not in seen.leaving:
            faults += _of_object(seen, ref, obj, found.layer)
    faults += _others(seen)
    return faults


def _missing(seen: Seen, one: Set) -> Iterator[Fault]:
    """What the record of a set names and is not there; what is in a namespace that is missing is not told apart."""
    if one.names is None:
        yield from _kinds_missing(seen, one)
        return
    missing = sorted(ref for ref in one.names if ref not in seen.objects and not _is_excused(seen, ref))
    gone = {ref.name for ref in missing if (ref.group, ref.kind) == ("", "Namespace")}
    missing = [ref for ref in missing if ref.namespace not in gone]
    for ref in missing[:MANY]:
        yield Fault(ref.label, f"{_how_missing(seen, ref)} (set {one.name})", one.layer, True, ref)
    if len(missing) > MANY:
        what = f"{len(missing) - MANY} more of its objects are not there"
        yield Fault(f"set {one.namespace}/{one.name}", what, one.layer, True)


def _kinds_missing(seen: Seen, one: Set) -> Iterator[Fault]:
    """Of a record that names no objects: of each kind that it lists one at least is to be there."""
    there = {(ref.group, ref.kind) for ref, obj in seen.objects.items() if set_of(obj["metadata"]) == one.id}
    for group, kind in sorted(one.kinds - there):
        what = f"no {kind} of it is there, and its record lists that kind, but no names"
        yield Fault(f"set {one.namespace}/{one.name}", what, one.layer, True, Ref(group, kind, "", ""))


def _how_missing(seen: Seen, ref: Ref) -> str:
    if (ref.group, ref.kind) in seen.unserved:
        return "is not there, and its kind is not served: its definition is missing"
    return "is there, but the label of its set is gone" if ref in seen.strays else "is not there"


def _is_excused(seen: Seen, ref: Ref) -> bool:
    """Whether it went, or is going, with its tenant."""
    home = ref.name if (ref.group, ref.kind) == ("", "Namespace") else ref.namespace
    return home in seen.leaving


def _unrecorded(seen: Seen, by_id: dict[str, Set]) -> Iterator[Fault]:
    """Sets whose record is gone: from now on nobody would miss their objects."""
    lost: dict[str, list[Ref]] = {}
    for ref, obj in sorted(seen.objects.items()):
        if set_of(obj["metadata"]) not in by_id and strict.is_ours(obj):
            lost.setdefault(set_of(obj["metadata"]), []).append(ref)
    for refs in lost.values():
        what = f"its set, {len(refs)} objects, has no record any more"
        yield Fault(refs[0].label, what, SITE, True, refs[0])


def _of_object(seen: Seen, ref: Ref, obj: Object, layer: str) -> Iterator[Fault]:
    state, why = _state(seen, ref, obj)
    if state != kstatus.READY:
        yield Fault(ref.label, why, layer, state == kstatus.FAILED, ref)


def _state(seen: Seen, ref: Ref, obj: Object) -> tuple[str, str]:
    """By the rules of readiness; then by those that only count for what is to be at work."""
    state, why = kstatus.status(obj)
    if state == kstatus.IN_PROGRESS and strict.waits_for_consumer(seen, obj):
        state, why = kstatus.READY, ""
    rule = strict.RULES.get((ref.group, ref.kind))
    # What stands at 0, or whose roll-out is held, says so, and not how many pods it lacks.
    if rule is not None and state in (kstatus.READY, kstatus.IN_PROGRESS):
        found = rule(seen, obj)
        if found[0] == kstatus.FAILED or (state == kstatus.READY and found[0] != kstatus.READY):
            return found
    return state, why


def _others(seen: Seen) -> Iterator[Fault]:
    """Nodes, and the claims that workloads made."""
    for node in seen.nodes:
        obj = {**node, "apiVersion": "v1", "kind": "Node"}
        if ref_of(obj) not in seen.objects:
            yield from _of_object(seen, ref_of(obj), obj, "cluster")
    for claim in seen.claims:
        obj = {**claim, "apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        if ref_of(obj) not in seen.objects:
            yield from _of_object(seen, ref_of(obj), obj, SITE)
