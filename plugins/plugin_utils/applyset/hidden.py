# Copyright (c) 2026 GreenLang. All rights reserved.
"""Items of others that hide ours: somebody changed the key of an item of ours (the number of a Service's port), and
ours cannot come back beside it, since another field of both must be unique (the port's name)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import ApiError
from . import adoption, seen
from .context import Context
from .fields import Node, is_item, key_names, overlay, pruned, step_to, union
from .owned import is_ours
from .plan import Item
from .takeover import Entry, entries_of

_PLACE = re.compile(r"(?P<list>.+)\[\d+\]\.(?P<field>[^.\[\]]+)")
REMEDY = "remove that item, or set force_conflicts to have it replaced by ours"


class Hiding(NamedTuple):
    """An item of the live object that is not in the manifest and has a field of one that is; or a field that the server
    filled in (filled.py)."""

    steps: tuple[str, ...]  # to it, as in fieldsV1
    managers: tuple[str, ...]  # whose it is
    path: str

    @property
    def label(self) -> str:
        whose = " and ".join(repr(manager) for manager in self.managers) or "nobody"
        return f"{self.path} has {self.steps[-1][2:]}, which belongs to {whose} and has the same"


def found(run: Context, item: Item, exc: ApiError) -> list[Hiding]:
    """What hides items of an object that was refused; the causes of the refusal then name it."""
    causes = exc.causes
    duplicates = [cause for cause in causes if cause.get("reason") == "FieldValueDuplicate"]
    if item.before is None or not duplicates:
        return []
    live = run.client.request("GET", item.path)
    hidings = []
    for cause in duplicates:
        for hiding in _hiding(live, item.desired, str(cause.get("field") or "")):
            hidings.append(hiding)
            field = str(cause["field"]).rpartition(".")[2]
            cause["message"] = f"{cause.get('message')}: {hiding.label} {field}; {REMEDY}"
    exc.details["causes"] = causes
    return list(dict.fromkeys(hidings))


def replace(run: Context, item: Item, hidings: list[Hiding], dry_run: bool) -> dict[str, Any] | None:
    """Make them ours, so that the next apply removes them as it brings ours; in check mode what that would give."""
    live = run.client.request("GET", item.path)
    seen.look(run, item, {**(item.before or {}), "metadata": live["metadata"]})
    entries = entries_of(live["metadata"])
    if dry_run:
        known = union(*(entry.get("fieldsV1") or {} for entry in entries))
        cleared = pruned(live, union(*(_branch(hiding.steps) for hiding in hidings)), {})
        return adoption.dry_run(run, item, live, overlay(cleared, item.desired, known))
    version = item.desired["apiVersion"]
    adoption.write_entries(run, item, entries_without(entries, hidings, run.options.field_manager, version))
    return None


def entries_without(entries: list[Entry], hidings: list[Hiding], manager: str, version: str) -> list[Entry]:
    """The entries with those owned by us alone, so that our next apply removes them; `version` is that of the first."""
    taken = union(*(_branch(hiding.steps) for hiding in hidings))
    own: Entry = {"manager": manager, "operation": "Apply", "apiVersion": version, "fieldsType": "FieldsV1"}
    if not any(is_ours(entry, manager) for entry in entries):
        entries = [*entries, own]
    made: list[Entry] = []
    for entry in entries:
        fields = entry.get("fieldsV1") or {}
        if is_ours(entry, manager):
            fields = union(fields, taken)
        elif not entry.get("subresource"):
            for hiding in hidings:
                fields = _cut(fields, hiding.steps)
        if fields:
            made.append({**entry, "fieldsV1": fields})
    return made


def _hiding(live: dict[str, Any], desired: dict[str, Any], place: str) -> Iterator[Hiding]:
    match = _PLACE.fullmatch(place)
    if match is None:
        return
    entries = entries_of(live["metadata"])
    known = union(*(entry.get("fieldsV1") or {} for entry in entries))
    names = re.sub(r"\[\d+\]", ".*", match["list"]).split(".")
    for steps, old, new, node in _lists(live, desired, known, names, ()):
        keys = key_names(node)
        for item in old:
            step = step_to(item, node)
            same = [other for other in new if isinstance(other, dict) and _equal(other, item, match["field"])]
            if step and same and not any(_agrees(other, item, keys) for other in new):
                path = (*steps, step)
                yield Hiding(path, tuple(sorted(owners(entries, path))), match["list"])


def _lists(
    live: Any, desired: Any, node: Node, names: list[str], steps: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], list[Any], list[Any], Node]]:
    """Live and wanted items of each list at that path, in which * stands for any item of a list."""
    if not names:
        if isinstance(live, list) and isinstance(desired, list) and key_names(node):
            yield steps, live, desired, node
    elif names[0] != "*":
        if isinstance(live, dict) and isinstance(desired, dict) and {names[0]} <= live.keys() & desired.keys():
            step = f"f:{names[0]}"
            yield from _lists(live[names[0]], desired[names[0]], node.get(step) or {}, names[1:], (*steps, step))
    elif isinstance(live, list) and isinstance(desired, list):
        for step, inner in node.items():
            old = next((item for item in live if is_item(step, item)), None)
            new = next((item for item in desired if old is not None and _agrees(item, old, key_names(node))), None)
            if new is not None:
                yield from _lists(old, new, inner, names[1:], (*steps, step))


def _agrees(wanted: Any, live: Any, keys: tuple[str, ...]) -> bool:
    return isinstance(wanted, dict) and all(name not in wanted or wanted[name] == live.get(name) for name in keys)


def _equal(one: dict[str, Any], other: dict[str, Any], field: str) -> bool:
    return field in one and one[field] == other.get(field)


def owners(entries: list[Entry], steps: tuple[str, ...]) -> set[str]:
    """Who has a field, or a part of it."""
    found = set()
    for entry in entries:
        node: Any = entry.get("fieldsV1") or {}
        for step in steps:
            node = node.get(step) if node is not None else None
        if node is not None:
            found.add(str(entry.get("manager")))
    return found


def _branch(steps: tuple[str, ...]) -> dict[str, Any]:
    node: dict[str, Any] = {}
    for step in reversed(steps):
        node = {step: node}
    return node


def _cut(node: Node, steps: tuple[str, ...]) -> dict[str, Any]:
    """A set without a node and all below it."""
    made = dict(node)
    if steps[0] in made:
        rest = _cut(made[steps[0]], steps[1:]) if len(steps) > 1 else {}
        made[steps[0]] = {} if list(rest) == ["."] else rest
        if not rest:
            del made[steps[0]]
    return made
