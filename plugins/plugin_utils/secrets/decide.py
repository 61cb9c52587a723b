# Copyright (c) 2026 GreenLang. All rights reserved.
"""Decides about Secrets: their values, what stays as it is, what changed, whose servers must be told. Pure.

Whether a generated value is kept is decided in keep_generated.py, and in offline.py where no value can be read back.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from ..errors import InputError
from . import consumers, notes, offline, refusals
from .composed import sources
from .generators import Generator, expiry
from .keep_generated import UNNOTED, Parts, Place
from .sealed import Live
from .state import UNTOLD, SecretState
from .values import Resolver
from .wanted import Wanted, Where, generated

# How a store shows that something is as it should be: by the values and the ciphertexts that hold them, by the values
# alone, or, where none can be read, by fingerprints.
Evidence = Literal["ciphertexts", "values", "fingerprints"]


def decide(
    states: list[SecretState], evidence: Evidence, rotate: frozenset[Where], new: Generator, merge: bool = False
) -> list[SecretState]:
    """New states, with what follows from what is wanted and what is there; InputError where that is not possible.

    rotate  keys that get new values though they have one.
    new     makes values.
    merge   leave what is not asked for.
    """
    wanted = [state.wanted for state in states]
    unread = _unread_by_fingerprint(states, rotate) if evidence == "fingerprints" else _unread(states, rotate)
    held: dict[Where, bytes] = {}
    for state in states:
        held |= {state.wanted.where(key): value for key, value in state.held.items()}
    resolver = Resolver(wanted, held, rotate, new, _parts(states))
    resolver.resolved(unread)
    decided = []
    for state in states:
        made = replace(state, values=_values_of(state.wanted, resolver, unread))
        if evidence == "values":
            _compare_values(made, merge)
        else:
            _compare_ciphertexts(made, evidence == "fingerprints", merge)
        refusals.check(made, merge, is_sealed=evidence == "ciphertexts")
        _note(made, resolver.places, new.now)
        decided.append(made)
    _decide_whom_to_tell(decided)
    return decided


# --- values ----------------------------------------------------------------------------------------------------------
def _unread_by_fingerprint(states: list[SecretState], rotate: frozenset[Where]) -> set[Where]:
    """What stays as it is sealed: all but what is sealed anew."""
    fresh = offline.to_seal(states, rotate)
    unread: set[Where] = set()
    for state in states:
        unread |= {state.wanted.where(key) for key in state.wanted.values} - fresh
    return unread


def _unread(states: list[SecretState], rotate: frozenset[Where]) -> set[Where]:
    """What stays as it is sealed because it cannot be read in this run, and what is composed of it.

    InputError where no key unseals what is to be kept.
    """
    found, given = set[Where](), set[Where]()
    for state in states:
        kept = {key for key in generated(state.wanted) if state.wanted.where(key) not in rotate}
        lost = sorted(kept & state.lost)
        if lost:
            named = ", ".join([f"{state.wanted.name}/{key}" for key in lost])
            raise InputError(
                f"Secret {state.wanted}: what is sealed as {', '.join(lost)} can be unsealed with none of the sealing "
                "keys that are there, and the Secret is no witness of it. Restore the sealing key (state restored of "
                f"sealing_keys), or rotate {named}"
            )
        found |= {state.wanted.where(key) for key in kept & state.unread}
        given |= {state.wanted.where(key) for key in state.unread & set(state.wanted.values) - generated(state.wanted)}
    composed = sources([state.wanted for state in states]) if found else {}
    return found | given | {where for where, parts in composed.items() if parts & found}


def _values_of(wanted: Wanted, resolver: Resolver, unread: set[Where]) -> dict[str, bytes]:
    return {key: resolver.value(wanted.where(key)) for key in wanted.values if wanted.where(key) not in unread}


def _parts(states: list[SecretState]) -> Parts:
    """Where the last run noted the generated parts of composed values to be."""
    found: dict[Where, Place] = {}
    for state in states:
        noted = notes.noted(state.live.notes, notes.PARTS)
        for key in {*noted, *notes.texts(state.live.notes, notes.CHANGED)}:
            found[state.wanted.where(key)] = _place(noted.get(key))
    return found


def _place(noted: object) -> Place:
    if isinstance(noted, list) and len(noted) == 3 and all(isinstance(one, int) and one >= 0 for one in noted):
        return Place(int(noted[0]), int(noted[1]), bool(noted[2]))
    return UNNOTED


# --- what stays, and what changed ------------------------------------------------------------------------------------
def _compare_ciphertexts(state: SecretState, by_fingerprint: bool, merge: bool) -> None:
    values, encrypted = state.values, state.live.encrypted
    unread = {key: encrypted[key] for key in set(state.wanted.values) & set(encrypted) - set(values)}
    if by_fingerprint:
        state.renewed, right = set(values), dict[str, str]()
    else:
        state.renewed = _renewed(state)
        right = keep_ciphertexts(state.wanted, state.live, values, state.opened)
    state.kept = {**right, **unread}
    besides = {key: text for key, text in encrypted.items() if key not in state.wanted.values}
    state.others = besides if merge else {}
    if state.others and state.live.scope != state.wanted.scope:
        raise InputError(
            f"Secret {state.wanted}: {', '.join(sorted(state.others))} stay with merge, and are sealed "
            f"{state.live.scope}; scope {state.wanted.scope} is possible when they are named too, or without merge"
        )
    gone = set() if merge else set(besides)
    state.changed = sorted((set(state.wanted.values) - set(state.kept)) | gone)


def _compare_values(state: SecretState, merge: bool) -> None:
    state.renewed = _renewed(state)
    gone = set() if merge else set(state.live.values) - set(state.values)
    state.changed = sorted(state.renewed | gone)


def _renewed(state: SecretState) -> set[str]:
    """The keys whose value is another than that of the Secret; where it lacks one, than what is sealed."""
    known = {**state.opened, **state.live.values}
    return {key for key, value in state.values.items() if known.get(key) != value}


def keep_ciphertexts(
    wanted: Wanted, live: Live, values: Mapping[str, bytes], opened: Mapping[str, bytes]
) -> dict[str, str]:
    """The ciphertexts that hold what is wanted already, and from which the controller makes it.

    opened  what was found to be sealed, of the keys of which that had to be looked at.
    """
    if live.scope != wanted.scope or live.added or live.synced.get("status") == "False":
        return {}
    kept = {}
    for key, text in live.encrypted.items():
        if key not in values or opened.get(key, values[key]) != values[key]:
            continue
        # Where the Secret is not as it was sealed, only another ciphertext makes the controller write it again.
        if (live.values.get(key) == values[key]) if live.in_step else (key in opened):
            kept[key] = text
    return kept


# --- what later runs must know ---------------------------------------------------------------------------------------
def _note(state: SecretState, places: Mapping[Where, Place], now: datetime.datetime) -> None:
    live, wanted = state.live, state.wanted
    keys = {*wanted.values, *state.others}
    changed = consumers.noted(live.sealed or live.secret, keys, state.renewed, now)
    state.times = consumers.since(live.sealed, live.secret, set(changed) - state.renewed)
    known = notes.texts(live.notes, notes.HELD)
    held = state.times if state.changed else {key: when for key, when in known.items() if key in keys}
    parts = {key: place for key, place in notes.noted(live.notes, notes.PARTS).items() if key in keys}
    made = {key: places[wanted.where(key)] for key in wanted.values if wanted.where(key) in places}
    parts |= {key: [place.before, place.after, int(place.encoded)] for key, place in made.items()}
    certificates = {key for key, spec in wanted.values.items() if key in generated(wanted) and "certificate" in spec}
    ends = {key: when for key, when in notes.texts(live.notes, notes.ENDS).items() if key in certificates}
    state.ends = ends | {key: expiry(state.values[key]) for key in certificates & set(state.values)}
    state.notes = notes.note(notes.CHANGED, changed) | notes.note(notes.HELD, held) | notes.note(notes.PARTS, parts)
    seen = state.seen or live.notes.get(notes.SEEN)
    state.notes |= {notes.SEEN: seen} if seen else {}


def _decide_whom_to_tell(states: list[SecretState]) -> None:
    """The servers of Secrets with a new value, and those that a run did not get to because it ended too early.

    That was before they were told, or before what is composed of their values was written.
    """
    servers = [state for state in states if state.wanted.tell]
    composed = sources([state.wanted for state in states]) if servers else {}
    parts: set[Where] = set()
    for state in states if servers else []:
        parts = parts.union(*[composed[state.wanted.where(key)] for key in state.renewed])
    used = {part[:2] for part in parts}
    for state in servers:
        untold = UNTOLD.keys() <= state.live.notes.keys()
        state.to_tell = bool(state.renewed) or untold or (state.wanted.namespace, state.wanted.name) in used
