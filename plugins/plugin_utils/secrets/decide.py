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
    """The states, with what follows from what is wanted and what is there; InputError where that is not possible.

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
        known = replace(state, values={key: values[state.wanted.where(key)] for key in state.wanted.values})
        known = _by_fingerprints(known, fresh) if evidence == "fingerprints" else _by_values(known, evidence, merge)
        keys = [*known.values, *known.others]
        times = consumers.noted(state.live.sealed or state.live.secret, keys, known.renewed, new.now)
        decided.append(replace(known, times=times))
    return _with_servers(decided)


def _by_values(state: SecretState, evidence: Evidence, merge: bool) -> SecretState:
    live, values = state.live, state.values
    renewed = {key for key, value in values.items() if live.values.get(key) != value}
    if evidence == "values":
        return replace(state, renewed=renewed, changed=sorted(renewed | (set(live.values) - set(values))))
    kept = keep_ciphertexts(state.wanted, live, values, state.held)
    besides = {key: text for key, text in live.encrypted.items() if key not in values}
    changed = set(values) - set(kept) if merge else {*values, *besides} - set(kept)
    return replace(state, renewed=renewed, kept=kept, others=besides if merge else {}, changed=sorted(changed))


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


def _by_fingerprints(state: SecretState, fresh: set[Where]) -> SecretState:
    renewed = {key for key in state.values if state.wanted.where(key) in fresh}
    kept = {key: text for key, text in state.live.encrypted.items() if key not in renewed}
    return replace(state, renewed=renewed, kept=kept, changed=sorted(renewed))


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


def _with_servers(states: list[SecretState]) -> list[SecretState]:
    """Whose servers must be told: a value is new, or a run ended too early.

    That is before they were told, or before what is composed of their values was written.
    """
    servers = [state for state in states if state.wanted.tell]
    if not servers:
        return states
    composed = sources([state.wanted for state in states])
    parts: set[Where] = set()
    for state in states:
        parts = parts.union(*[composed[state.wanted.where(key)] for key in state.renewed])
    used = {part[:2] for part in parts}
    for state in servers:
        secret = (state.wanted.namespace, state.wanted.name)
        state.to_tell = bool(state.renewed) or UNTOLD.keys() <= state.live.notes.keys() or secret in used
    return states
