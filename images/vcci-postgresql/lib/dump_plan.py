# Copyright (c) 2026 GreenLang. All rights reserved.
# Owner: the data layer (roles/data).
"""In which order, and as whom, what is in a dump is made. No I/O.

Each object is made by a login that can be its owner and nobody else: whatever a dump has run while it is restored, the
expressions of indexes and constraints, functions that they call, runs with that owner's rights. What only a superuser
may make is left out, and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dump_toc import DATA, POST_DATA, Entry

# What the server has already, or a restore says by itself.
SAID = {"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES", "EXTENSION"}
# What owners may not make, or what reaches beyond the database.
SUPERUSERS = {
    "ACCESS METHOD", "CAST", "EVENT TRIGGER", "FOREIGN DATA WRAPPER", "FOREIGN SERVER", "OPERATOR CLASS",
    "OPERATOR FAMILY", "PROCEDURAL LANGUAGE", "PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA",
    "SECURITY LABEL", "SERVER", "SUBSCRIPTION", "SUBSCRIPTION TABLE", "TRANSFORM", "USER MAPPING",
}  # fmt: skip
ABOUT = ("COMMENT", "ACL", "SECURITY LABEL")  # entries that are about another, which their names begin with


@dataclass(frozen=True)
class Group:
    """Entries that one login makes at once, in the order in which they are named."""

    owner: str
    entries: tuple[Entry, ...]
    parallel: bool = False


def is_said(entry: Entry) -> bool:
    """Whether it needs nothing."""
    about_extension = entry.kind in ABOUT and entry.name.startswith("EXTENSION ")
    return entry.kind in SAID or about_extension


def is_left_out(entry: Entry) -> bool:
    """Whether no owner may make it: nor grants by somebody else than the owner, as whom it would have to be made."""
    about = entry.kind in ABOUT and entry.name.startswith(tuple(f"{kind} " for kind in SUPERUSERS))
    granted = entry.kind == "ACL" and "\nSET SESSION AUTHORIZATION " in f"\n{entry.definition}"
    return entry.kind in SUPERUSERS or about or granted


def groups(entries: Iterable[Entry], owner_of: Callable[[Entry], str]) -> list[Group]:
    """Schemas and who may use them, then what has no data, data, grants, and what needs data; of each, by owner."""
    made = [entry for entry in entries if not is_said(entry) and not is_left_out(entry)]
    schemas = [entry for entry in made if is_schema(entry)]
    grants = [entry for entry in made if entry.kind in ("ACL", "DEFAULT ACL") and entry not in schemas]
    done = {*schemas, *grants}
    rest = [entry for entry in made if entry not in done]
    before = [entry for entry in rest if entry.section not in (DATA, POST_DATA)]
    data = [entry for entry in rest if entry.section == DATA]
    after = [entry for entry in rest if entry.section == POST_DATA]
    return [
        *_ordered(schemas, owner_of),
        *_ordered(before, owner_of),
        *_by_owner(data, owner_of),
        *_by_owner(grants, owner_of, parallel=False),
        *_ordered(after, owner_of, parallel=True),
    ]


def is_schema(entry: Entry) -> bool:
    return entry.kind == "SCHEMA" or (entry.kind in ABOUT and entry.name.startswith("SCHEMA "))


def _by_owner(entries: list[Entry], owner_of: Callable[[Entry], str], *, parallel: bool = True) -> list[Group]:
    """Where none needs another."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(owner_of(entry), []).append(entry)
    return [Group(owner, tuple(theirs), parallel) for owner, theirs in found.items()]


def _ordered(entries: list[Entry], owner_of: Callable[[Entry], str], *, parallel: bool = False) -> list[Group]:
    """As few groups as it goes with each after what it needs: an owner's entries as long as nothing is missing, then
    the next owner's. The dump's own order is one in which nothing is missing."""
    left: dict[str, list[Entry]] = {}
    for entry in entries:
        left.setdefault(owner_of(entry), []).append(entry)
    missing = {entry.number for entry in entries}
    found: list[Group] = []
    while left:
        moved = False
        for owner in list(left):
            taken, kept = _free(left[owner], missing)
            if taken:
                found.append(Group(owner, tuple(taken), parallel))
                moved = True
            if kept:
                left[owner] = kept
            else:
                del left[owner]
        if not moved:  # a circle, which pg_dump breaks by the order in which it writes
            rest = sorted(entry.number for theirs in left.values() for entry in theirs)
            first = next(entry for entry in entries if entry.number in rest)
            missing.discard(first.number)
            left[owner_of(first)].remove(first)
            found.append(Group(owner_of(first), (first,), parallel))
            left = {owner: theirs for owner, theirs in left.items() if theirs}
    return found


def _free(entries: list[Entry], missing: set[int]) -> tuple[list[Entry], list[Entry]]:
    """Those of which nothing is missing, or only what is among them, and the others; `missing` loses the first."""
    taken, kept = [], entries
    while True:
        still = []
        for entry in kept:
            if any(need in missing and need != entry.number for need in entry.needs):
                still.append(entry)
            else:
                taken.append(entry)
                missing.discard(entry.number)
        if len(still) == len(kept):
            return taken, kept
        kept = still
