# Copyright (c) 2026 GreenLang. All rights reserved.
"""The objects of a run and what is decided about each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError, NotFound, Unavailable
from ..kubernetes.kinds import BUILT_IN, Resource, is_core_group
from . import secrecy
from .manifests import DIGEST, Ref, check, is_secret, mapping, normalise, ref_of
from .membership import PART_OF, refusal, set_of
from .order import phase_of
from .owned import digest_of, is_unchanged
from .replicas import leaves_number, minimums, rests, unfinished
from .values import pure

CREATE, APPLY, UNCHANGED, REFUSED = "create", "apply", "unchanged", "refused"
Lookup = Callable[[str, str], Resource]
Kinds = Mapping[tuple[str, str], Resource]  # by apiVersion and kind
UNRESOLVED = Resource("", "", "", False)


@dataclass
class Item:
    """One object of the set."""

    ref: Ref
    desired: dict[str, Any]
    source: str
    digest: str = ""
    force: bool = False
    recreate: bool = False
    phase: int = 0
    minimum: int = 0  # of its autoscaler: replicas that it is created with, and brought back to from 0
    rests: bool = False  # it is at 0 by hand
    resource: Resource = UNRESOLVED  # resolve() gives it its own, or refuses the set
    planned_kind: bool = False  # its kind, in this version, comes from a definition of this very set
    redefined: bool = False  # this run changes the definition of its kind
    optional: str = ""  # what is so without it, where the server does not know its kind and it is left out
    notes: list[str] = field(default_factory=list)  # warnings about the manifest
    before: dict[str, Any] | None = None
    seen: Mapping[str, Any] | None = None  # its metadata when it was last seen: what the next write is bound to
    loose: bool = False  # any state of the object that was seen will do
    vanishes: bool = False  # what is there now goes, with its namespace or definition, before it is created
    action: str = ""
    outcome: str = ""
    sealed_off: bool = False  # at admission no update of it is let through
    error: str = ""
    overtaken: bool = False  # somebody else changed it since that was read which it is bound to
    after: dict[str, Any] | None = None

    @property
    def label(self) -> str:
        return self.ref.label

    @property
    def live(self) -> dict[str, Any]:
        """Metadata of the object on the server, empty when it is not there."""
        return (self.before or {}).get("metadata") or {}

    @property
    def path(self) -> str:
        return self.resource.path(self.ref.namespace, self.ref.name)

    def saw(self, obj: dict[str, Any] | None) -> None:
        """The object is so on the server, or is not there."""
        self.before, self.seen = obj, obj and obj["metadata"]


def build(given: Iterable[Any], part_of: str | None) -> list[Item]:
    """Items from objects, or from (object, where it came from) pairs; refuses what cannot be addressed and what is
    there twice."""
    items: list[Item] = []
    for number, entry in enumerate(given, 1):
        obj, source = entry if isinstance(entry, tuple) else (entry, f"object {number}")
        items.append(_item(obj, source, part_of))
    _relate(items)
    return items


def _item(obj: Any, source: str, part_of: str | None) -> Item:
    obj = pure(obj, source)
    if not isinstance(obj, dict):
        raise InputError(f"{source}: an object is needed, this is a {type(obj).__name__}")
    check(obj, source)
    desired, switches = normalise(obj, source)
    ref, meta = ref_of(desired), desired["metadata"]
    if PART_OF in (meta.get("labels") or {}):
        raise InputError(f"{source}: {ref.label} brings the label {PART_OF}, which only a set may give; remove it")
    if leaves_number(desired) and "replicas" in mapping(desired.get("spec")):
        # A null would be ours all the same, and set whatever somebody else scales back to one.
        desired["spec"] = {key: value for key, value in desired["spec"].items() if key != "replicas"}
    if part_of:
        meta["labels"] = {**(meta.get("labels") or {}), PART_OF: part_of}
    item = Item(ref, desired, source, "", switches.force, switches.recreate, phase_of(ref.kind, ref.group))
    item.optional = switches.optional
    item.notes += switches.notes
    _seal(item)
    return item


def _seal(item: Item) -> None:
    """Write the digest of a manifest into it. A Secret's would be a way to guess its values: secrecy.py."""
    if is_secret(item.desired):
        return
    item.digest, meta = digest_of(item.desired), item.desired["metadata"]
    meta["annotations"] = {**(meta.get("annotations") or {}), DIGEST: item.digest}


def _relate(items: list[Item]) -> None:
    """What items are to each other: no two are the same object, and autoscalers know their workloads."""
    seen: dict[Ref, Item] = {}
    for item in items:
        first = seen.setdefault(item.ref, item)
        if first is not item:
            raise InputError(f"{item.label} is given twice: {first.source} and {item.source}")
    starts = minimums(item.desired for item in items)
    if starts:
        for item in items:
            item.minimum = starts.get(item.ref, 0)


def defined_kinds(items: Iterable[Item]) -> dict[tuple[str, str], Resource]:
    """The kinds that the CustomResourceDefinitions among the items will bring."""
    kinds = {}
    for item in items:
        if item.ref.kind != "CustomResourceDefinition":
            continue
        spec = mapping(item.desired.get("spec"))
        names = mapping(spec.get("names"))
        kind, plural = str(names.get("kind") or ""), str(names.get("plural") or "")
        namespaced = spec.get("scope") == "Namespaced"
        versions = spec.get("versions")
        for version in map(mapping, versions if isinstance(versions, list) else []):
            if version.get("served") is False:
                continue
            api_version = f"{spec.get('group')}/{version.get('name')}"
            reports = "status" in mapping(version.get("subresources"))
            kinds[(api_version, kind)] = Resource(api_version, kind, plural, namespaced, reports)
    return kinds


def resolve(
    items: list[Item],
    lookup: Lookup,
    lenient: bool = False,
    planned: Kinds | None = None,
    *,
    namespace: str | None = None,
) -> list[str]:
    """Give every item its resource and its place, or, where nobody answers for its kind, an error; the warnings.
    Optional ones of kinds that are not there go out of the list.

    lenient    (check mode) a kind that a definition may yet bring is only warned of.
    planned    the kinds that definitions of earlier tasks would bring.
    namespace  of the objects that live in one and do not say in which; they may name no other.
    """
    coming = {**(planned or {}), **defined_kinds(items)}
    problems, warnings = [], []
    left_out: dict[str, list[Item]] = {}
    for item in items:
        key = (item.desired["apiVersion"], item.ref.kind)
        try:
            item.resource = lookup(*key)
        except Unavailable as exc:
            item.error = f"{item.label}: {exc}"
        except NotFound as exc:
            if key in coming:
                item.resource, item.planned_kind = coming[key], True
            elif item.optional:
                left_out.setdefault(item.optional, []).append(item)
            elif lenient and not is_core_group(key[0]):
                item.resource = Resource(*key, item.ref.kind.lower() + "s", bool(item.ref.namespace or namespace))
                item.planned_kind = True
                warnings.append(
                    f"{item.label}: {exc}; predicted as created, which is right only if something brings its "
                    "definition first"
                )
            else:
                problems.append(
                    f"{item.source}: {item.label}: {exc}; "
                    "is its CustomResourceDefinition or operator missing, or apiVersion outdated?"
                )
                continue
    warnings += _leave_out(items, left_out)
    problems += _place([item for item in items if item.resource is not UNRESOLVED], namespace)
    if problems:
        raise InputError("\n".join(problems), problems)
    _relate(items)
    return warnings + [note for item in items for note in item.notes]


def _leave_out(items: list[Item], left_out: Mapping[str, list[Item]]) -> list[str]:
    """By what is so without them; a warning for each of that."""
    warnings: list[str] = []
    for without, some in left_out.items():
        labels, kinds = ", ".join(item.label for item in some), "this kind" if len(some) == 1 else "these kinds"
        warnings.append(f"{labels}: left out, since the server does not serve {kinds}: {without}")
        for item in some:
            items.remove(item)
    return warnings


def place_unasked(items: list[Item], namespace: str | None) -> list[str]:
    """The same without a server, for the kinds that every server has and those that the set itself defines."""
    coming = defined_kinds(items)
    for item in items:
        key = (item.desired["apiVersion"], item.ref.kind)
        item.resource = BUILT_IN.get(key) or coming.get(key) or UNRESOLVED
    problems = _place([item for item in items if item.resource is not UNRESOLVED], namespace)
    if problems:
        raise InputError("\n".join(problems), problems)
    _relate(items)
    return [note for item in items for note in item.notes]


def _place(items: list[Item], namespace: str | None) -> list[str]:
    """Let each be where its kind lives; what is wrong."""
    problems = []
    for item in items:
        if item.resource.reports and "status" in item.desired:
            _restate(item, {name: value for name, value in item.desired.items() if name != "status"})
        kind, given = item.ref.kind, item.ref.namespace
        what = ""
        if not item.resource.namespaced:
            if given:
                _move(item, "")
                item.notes.append(
                    f"{item.label}: metadata.namespace is ignored, {kind} objects are of the whole cluster"
                )
        elif not given and namespace:
            _move(item, namespace)
        elif not given:
            what = f"has no metadata.namespace, and {kind} objects live in a namespace; set it, or objects_namespace"
        elif namespace and given != namespace:
            what = f"is not in namespace {namespace}, which objects_namespace says all are in"
        if what:
            problems.append(f"{item.source}: {item.label} {what}")
    return problems


def _move(item: Item, namespace: str) -> None:
    item.ref = item.ref._replace(namespace=namespace)
    meta = {**item.desired["metadata"], "namespace": namespace}
    if not namespace:
        del meta["namespace"]
    _restate(item, {**item.desired, "metadata": meta})


def _restate(item: Item, desired: dict[str, Any]) -> None:
    """Another manifest, with a digest of its own."""
    item.desired = unfinished(desired)
    _seal(item)


def is_foreign(item: Item, meta: Mapping[str, Any], part_of: str | None, force: bool) -> bool:
    """Whether an object, with this metadata on the server, belongs to another set and may not be taken from it."""
    other = set_of(meta)
    return bool(other) and other != part_of and not (force or item.force)


def decide(item: Item, before: dict[str, Any] | None, part_of: str | None, manager: str, force: bool) -> str:
    """What has to be done with an object, given its metadata on the server."""
    item.saw(before)
    if before is None or "spec" in before:  # nothing is known anew of the number from metadata alone
        item.rests = before is not None and rests(item.desired, before, item.minimum)
    if before is None:
        return CREATE
    meta = before["metadata"]
    if is_foreign(item, meta, part_of, force):
        item.error = refusal(item.label, set_of(meta))
        return REFUSED
    if is_secret(item.desired):
        same = secrecy.is_unchanged(item.desired, before, manager)
    else:
        same = is_unchanged(item.desired, item.digest, meta, manager)
    return UNCHANGED if same and not item.rests else APPLY
