# Copyright (c) 2026 GreenLang. All rights reserved.
"""The objects of a run and what is decided about each. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, NotFound
from ..kubernetes.kinds import Resource, is_core_group
from .manifests import DIGEST, Ref, check, normalise, ref_of
from .membership import PART_OF, refusal, set_of
from .order import phase_of
from .owned import digest_of, is_unchanged
from .replicas import minimums

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
    minimum: int = 0  # replicas that it is created with: those that its autoscaler would give it at once
    resource: Resource = UNRESOLVED  # resolve() gives it its own, or refuses the set
    planned_kind: bool = False  # its kind comes from a definition of this very set
    before: dict[str, Any] | None = None
    action: str = ""
    outcome: str = ""
    error: str = ""
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


def build(given: Iterable[Any], part_of: str | None) -> list[Item]:
    """Items from objects, or from (object, where it came from) pairs; refuses what cannot be addressed and what is
    there twice."""
    items: list[Item] = []
    seen: dict[Ref, str] = {}
    for number, entry in enumerate(given, 1):
        obj, source = entry if isinstance(entry, tuple) else (entry, f"object {number}")
        item = _item(obj, source, part_of)
        if item.ref in seen:
            raise InputError(f"{item.label} is given twice: {seen[item.ref]} and {source}")
        seen[item.ref] = source
        items.append(item)
    starts = minimums(item.desired for item in items)
    if starts:
        for item in items:
            item.minimum = starts.get(item.ref, 0)
    return items


def _item(obj: Any, source: str, part_of: str | None) -> Item:
    if not isinstance(obj, dict):
        raise InputError(f"{source}: an object is needed, this is a {type(obj).__name__}")
    check(obj, source)
    # The round trip frees the object from YAML aliases and from subclasses of str that a caller may have.
    desired, switches = normalise(json.loads(json.dumps(obj, default=str)), source)
    ref, meta = ref_of(desired), desired["metadata"]
    if PART_OF in (meta.get("labels") or {}):
        raise InputError(f"{source}: {ref.label} brings the label {PART_OF}, which only a set may give; remove it")
    if part_of:
        meta["labels"] = {**(meta.get("labels") or {}), PART_OF: part_of}
    digest = digest_of(desired)
    meta["annotations"] = {**(meta.get("annotations") or {}), DIGEST: digest}
    return Item(ref, desired, source, digest, switches.force, switches.recreate, phase_of(ref.kind, ref.group))


def defined_kinds(items: Iterable[Item]) -> dict[tuple[str, str], Resource]:
    """The kinds that the CustomResourceDefinitions among the items will bring."""
    kinds = {}
    for item in items:
        if item.ref.kind != "CustomResourceDefinition":
            continue
        spec = item.desired.get("spec") or {}
        names = spec.get("names") or {}
        kind, plural, namespaced = names.get("kind") or "", names.get("plural") or "", spec.get("scope") == "Namespaced"
        for version in spec.get("versions") or []:
            api_version = f"{spec.get('group')}/{version.get('name')}"
            kinds[(api_version, kind)] = Resource(api_version, kind, plural, namespaced)
    return kinds


def resolve(items: list[Item], lookup: Lookup, lenient: bool = False, planned: Kinds | None = None) -> list[str]:
    """Give every item its resource; the warnings. Lenient (check mode): a kind that a definition may yet bring is only
    warned of."""
    coming = {**(planned or {}), **defined_kinds(items)}
    problems, warnings = [], []
    for item in items:
        key = (item.desired["apiVersion"], item.ref.kind)
        try:
            item.resource = lookup(*key)
        except NotFound as exc:
            if key in coming:
                item.resource, item.planned_kind = coming[key], True
            elif lenient and not is_core_group(key[0]):
                item.resource = Resource(*key, item.ref.kind.lower() + "s", bool(item.ref.namespace))
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
        problems += _misplaced(item)
    if problems:
        raise InputError("\n".join(problems), problems)
    return warnings


def _misplaced(item: Item) -> list[str]:
    kind = item.ref.kind
    if item.resource.namespaced and not item.ref.namespace:
        what = f"has no metadata.namespace, and {kind} objects live in a namespace; set it"
    elif item.ref.namespace and not item.resource.namespaced:
        what = f"has metadata.namespace, but {kind} objects are of the whole cluster; remove it"
    else:
        return []
    return [f"{item.source}: {item.label} {what}"]


def is_foreign(item: Item, meta: Mapping[str, Any], part_of: str | None, force: bool) -> bool:
    """Whether an object, with this metadata on the server, belongs to another set and may not be taken from it."""
    other = set_of(meta)
    return bool(other) and other != part_of and not (force or item.force)


def decide(item: Item, before: dict[str, Any] | None, part_of: str | None, manager: str, force: bool) -> str:
    """What has to be done with an object, given its metadata on the server."""
    item.before = before
    if before is None:
        return CREATE
    meta = before["metadata"]
    if is_foreign(item, meta, part_of, force):
        item.error = refusal(item.label, set_of(meta))
        return REFUSED
    return UNCHANGED if is_unchanged(item.desired, item.digest, meta, manager) else APPLY
