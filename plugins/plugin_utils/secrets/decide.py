# Copyright (c) 2026 GreenLang. All rights reserved.
"""Decides about Secrets: their values, what stays as it is, what changed, whose servers must be told. Pure.

Whether a generated value is kept is decided in keep_generated.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from ..errors import InputError
from . import consumers, fingerprints
from .composed import sources
from .generators import Generator
from .sealed import Live
from .state import UNTOLD, SecretState
from .values import resolve
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
    merge   leave ciphertexts of keys that are not asked for.
    """
    fresh = _fresh_by_fingerprint(states, rotate) if evidence == "fingerprints" else set()
    held: dict[Where, bytes] = {}
    for state in states:
        held |= {state.wanted.where(key): value for key, value in state.held.items()}
    values = resolve([state.wanted for state in states], held, rotate, new)
    decided = []
    for state in states:
        made = replace(state, values={key: values[state.wanted.where(key)] for key in state.wanted.values})
        if evidence == "fingerprints":
            _compare_fingerprints(made, fresh)
        elif evidence == "values":
            _compare_values(made)
        else:
            _compare_ciphertexts(made, merge)
        keys = [*made.values, *made.others]
        made.times = consumers.noted(made.live.sealed or made.live.secret, keys, made.renewed, new.now)
        made.notes = consumers.note(made.times)
        decided.append(made)
    _decide_whom_to_tell(decided)
    return decided


def _compare_ciphertexts(state: SecretState, merge: bool) -> None:
    values, encrypted = state.values, state.live.encrypted
    state.renewed = _renewed(state)
    state.kept = keep_ciphertexts(state.wanted, state.live, values, state.held)
    besides = {key: text for key, text in encrypted.items() if key not in values}
    state.others = besides if merge else {}
    gone = set() if merge else set(besides)
    state.changed = sorted((set(values) - set(state.kept)) | gone)


def _compare_values(state: SecretState) -> None:
    state.renewed = _renewed(state)
    state.changed = sorted(state.renewed | (set(state.live.values) - set(state.values)))


def _compare_fingerprints(state: SecretState, fresh: set[Where]) -> None:
    state.renewed = {key for key in state.values if state.wanted.where(key) in fresh}
    state.kept = {key: text for key, text in state.live.encrypted.items() if key not in state.renewed}
    state.changed = sorted(state.renewed)


def _renewed(state: SecretState) -> set[str]:
    return {key for key, value in state.values.items() if state.live.values.get(key) != value}


def keep_ciphertexts(
    wanted: Wanted, live: Live, values: Mapping[str, bytes], held: Mapping[str, bytes]
) -> dict[str, str]:
    """The ciphertexts that hold what is wanted already.

    held  what is there: of keys that somebody else touched, what was found to be sealed, where that could be read.
    """
    if not live.in_step or live.scope != wanted.scope or live.added:
        return {}
    kept = {}
    for key, text in live.encrypted.items():
        right = key in values and live.values.get(key) == values[key]
        if right and (key not in live.touched or held.get(key, values[key]) == values[key]):
            kept[key] = text
    return kept


def _fresh_by_fingerprint(states: list[SecretState], rotate: frozenset[Where]) -> set[Where]:
    """The keys to seal anew, where values cannot be read back: another fingerprint, and what is composed of them.

    InputError where one of them is composed of a generated value that stays: only the cluster knows it.
    """
    fresh = set(rotate)
    for state in states:
        fresh |= {state.wanted.where(key) for key in set(state.wanted.values) - _as_sealed(state)}
    every = [state.wanted for state in states]
    composed = sources(every)
    fresh |= {where for where, parts in composed.items() if parts & fresh}
    unknown: set[Where] = set()
    for secret in every:
        unknown |= {secret.where(key) for key in generated(secret)} - fresh
    for where in sorted(fresh):
        missing = sorted("/".join(part[1:]) for part in composed[where] & unknown)
        if missing:
            raise InputError(
                f"{'/'.join(where)} must be sealed anew and is composed of {', '.join(missing)}, whose value only the "
                "cluster knows: run it with the cluster, or rotate that too"
            )
    return fresh


def _as_sealed(state: SecretState) -> set[str]:
    """The keys whose ciphertext is of what is asked for."""
    if state.live.scope != state.wanted.scope:
        return set()
    noted = fingerprints.held(state.live.sealed)
    return {key for key in state.live.encrypted if key in state.prints and noted.get(key) == state.prints[key]}


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
