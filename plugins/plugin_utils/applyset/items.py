# Copyright (c) 2026 GreenLang. All rights reserved.
"""The objects of a run and what is decided about each. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import InputError, NotFound
from ..kubernetes.kinds import Resource, is_core_group
from .membership import PART_OF
from .objects import DIGEST, Ref, check, normalise, ref_of
from .order import phase_of
from .owned import digest_of, is_unchanged

CREATE, APPLY, UNCHANGED, REFUSED = "create", "apply", "unchanged", "refused"


@dataclass
class Item:
    """One object of the set."""

    ref: Ref
    desired: dict
    source: str
    digest: str = ""
    force: bool = False
    recreate: bool = False
    phase: int = 0
    resource: Resource = None  # type: ignore[assignment]  # resolve() gives it one, or refuses the set
    planned_kind: bool = False  # its kind comes from a definition of this very set
    before: dict | None = None
    action: str = ""
    outcome: str = ""
    error: str = ""
    after: dict | None = None

    @property
    def label(self) -> str:
        return self.ref.label

    @property
    def live(self) -> dict:
        """Metadata of the object on the server, empty when it is not there."""
        return (self.before or {}).get("metadata") or {}

    @property
    def path(self) -> str:
        return self.resource.path(self.ref.namespace, self.ref.name)

    def body(self) -> bytes:
        return json.dumps(self.desired, separators=(",", ":")).encode()


def build(objects: Iterable, part_of: str | None) -> list[Item]:
    """Items from objects, or from (object, where it came from) pairs; refuses what cannot be addressed and what is there twice."""
    items: list[Item] = []
    seen: dict = {}
    for number, given in enumerate(objects, 1):
        obj, source = given if isinstance(given, tuple) else (given, f"object {number}")
        if not isinstance(obj, dict):
            raise InputError(f"{source}: an object is needed, this is a {type(obj).__name__}")
        check(obj, source)
        # The round trip frees the object from YAML aliases and from subclasses of str that a caller may have.
        desired, switches = normalise(json.loads(json.dumps(obj, default=str)), source)
        ref = ref_of(desired)
        if ref in seen:
            raise InputError(f"{ref.label} is given twice: {seen[ref]} and {source}")
        seen[ref] = source
        if part_of:
            desired["metadata"]["labels"] = {**(desired["metadata"].get("labels") or {}), PART_OF: part_of}
        digest = digest_of(desired)
        desired["metadata"]["annotations"] = {**(desired["metadata"].get("annotations") or {}), DIGEST: digest}
        items.append(Item(ref, desired, source, digest, switches["force"], switches["recreate"], phase_of(ref.kind, ref.group)))
    return items


def defined_kinds(items: Iterable[Item]) -> dict:
    """The kinds that the CustomResourceDefinitions among the items will bring."""
    kinds = {}
    for item in items:
        if item.ref.kind != "CustomResourceDefinition":
            continue
        spec = item.desired.get("spec") or {}
        names = spec.get("names") or {}
        for version in spec.get("versions") or []:
            api_version = f"{spec.get('group')}/{version.get('name')}"
            kind = names.get("kind") or ""
            kinds[(api_version, kind)] = Resource(api_version, kind, names.get("plural") or "", spec.get("scope") == "Namespaced")
    return kinds


def resolve(items: Iterable[Item], lookup: Callable[[str, str], Resource], lenient: bool = False, planned: dict | None = None) -> list[str]:
    """Give every item its resource. Lenient (check mode): a kind that a definition may yet bring is only warned of."""
    items = list(items)
    own = defined_kinds(items)
    problems, warnings = [], []
    for item in items:
        key = (item.desired["apiVersion"], item.ref.kind)
        try:
            item.resource = lookup(*key)
        except NotFound as exc:
            if key in own:
                item.resource, item.planned_kind = own[key], True
            elif planned and key in planned:
                item.resource, item.planned_kind = planned[key], True
            elif lenient and not is_core_group(key[0]):
                item.resource, item.planned_kind = Resource(*key, item.ref.kind.lower() + "s", bool(item.ref.namespace)), True
                warnings.append(f"{item.label}: {exc}; predicted as created, which is right only if something brings its definition first")
            else:
                problems.append(
                    f"{item.source}: {item.label}: {exc}; is its CustomResourceDefinition or operator missing, or apiVersion outdated?"
                )
            if item.resource is None:
                continue
        if item.resource.namespaced and not item.ref.namespace:
            problems.append(
                f"{item.source}: {item.label} has no metadata.namespace, and {item.ref.kind} objects live in a namespace; set it"
            )
        elif not item.resource.namespaced and item.ref.namespace:
            problems.append(
                f"{item.source}: {item.label} has metadata.namespace, but {item.ref.kind} objects are of the whole cluster; remove it"
            )
    if problems:
        raise InputError("\n".join(problems))
    return warnings


def decide(item: Item, before: dict | None, part_of: str | None, manager: str, force: bool) -> str:
    """What has to be done with an object, given its metadata on the server."""
    item.before = before
    if before is None:
        return CREATE
    meta = before["metadata"]
    member_of = (meta.get("labels") or {}).get(PART_OF)
    if part_of and member_of and member_of != part_of and not (force or item.force):
        item.error = (
            f"{item.label} belongs to another set ({PART_OF}={member_of}); remove it there first, or set force_conflicts to take it over"
        )
        return REFUSED
    return UNCHANGED if is_unchanged(item.desired, item.digest, meta, manager) else APPLY
