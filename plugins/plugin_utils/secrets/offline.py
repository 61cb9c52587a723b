# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is sealed anew where no value can be read back, only fingerprints of what was asked for. Pure.

A generated value is known to the cluster alone: its ciphertext is kept as long as it is there, whatever the
fingerprints say; only `rotate` makes another.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from . import notes
from .composed import sources
from .state import SecretState
from .wanted import Where, generated

REMEDY = "run it with the cluster, or rotate that too"
OTHER_KEY = "the manifests were made with another fingerprint_key"


class Fingerprints:
    """What the fingerprints of some manifests say of what is asked for now."""

    def __init__(self, states: list[SecretState]) -> None:
        self.by_key: dict[Where, bool] = {}  # of what has one: whether it fits
        plain: list[bool] = []  # of values that are generated and nothing else, where it only depends on the key
        ids: set[bool] = set()  # whether the key was this one, where that was noted
        self.any_sealed = False
        for state in states:
            found, known = notes.texts(state.live.notes, notes.FINGERPRINTS), state.live.notes
            self.any_sealed = self.any_sealed or bool(set(state.live.encrypted) & set(state.wanted.values))
            if state.key_id and notes.FINGERPRINT_KEY in known:
                ids.add(known[notes.FINGERPRINT_KEY] == state.key_id)
            for key in set(found) & set(state.wanted.values) & set(state.live.encrypted):
                fits = found[key] == state.prints.get(key)
                self.by_key[state.wanted.where(key)] = fits
                if _is_plain(state.wanted.values[key]):
                    plain.append(fits)
        self.fit = any(self.by_key.values())
        # Manifests of the version before do not say which key it was; a plain generated value's has no other reason.
        self.other_key = not self.fit and True not in ids and (False in ids or False in plain)

    def tell_change(self, where: Where) -> bool:
        """Whether something else is asked for than what was sealed, for certain."""
        return not self.other_key and self.by_key.get(where) is False

    @property
    def none_fits(self) -> bool:
        """Whether to say so."""
        return self.any_sealed and not self.fit and (self.other_key or len(self.by_key) != 1)


def _is_plain(spec: Any) -> bool:
    return isinstance(spec, Mapping) and set(spec) == {"generate"}


def to_seal(states: list[SecretState], rotate: frozenset[Where]) -> set[Where]:
    """The keys to seal anew: another fingerprint, what is rotated, what is composed of them.

    InputError where that needs a generated value that stays.
    """
    prints = Fingerprints(states)
    kept: dict[Where, SecretState] = {}  # generated, and sealed already
    fresh = set(rotate)
    for state in states:
        made = generated(state.wanted)
        for key in state.wanted.values:
            where = state.wanted.where(key)
            if key in made and key in state.live.encrypted and where not in rotate:
                kept[where] = state
            elif key not in state.live.encrypted or _is_to_seal(state, key, prints):
                fresh.add(where)
    composed = sources([state.wanted for state in states])
    fresh |= {where for where, parts in composed.items() if parts & fresh and where not in kept}
    renewed = {where for where in fresh if where in rotate or prints.tell_change(where)}
    hint = f"; {OTHER_KEY}" if prints.other_key else ""
    for where in sorted(kept):
        why = _why_anew(where, kept[where], composed[where], prints, renewed)
        if why and _can_be_made(where, kept):
            fresh.add(where)
            del kept[where]
        elif why:
            said = f"{'/'.join(where)} must be sealed anew, and only the cluster knows its value"
            raise InputError(f"{said}: {REMEDY} ({why}){hint}")
    for where in sorted(fresh):
        missing = sorted("/".join(part[1:]) for part in composed[where] & set(kept))
        if missing:
            raise InputError(
                f"{'/'.join(where)} must be sealed anew and is composed of {', '.join(missing)}, whose value only the "
                f"cluster knows: {REMEDY}{hint}"
            )
    return fresh


def _is_to_seal(state: SecretState, key: str, prints: Fingerprints) -> bool:
    return state.live.scope != state.wanted.scope or not prints.by_key.get(state.wanted.where(key))


def _can_be_made(where: Where, kept: Mapping[Where, SecretState]) -> bool:
    """Of a certificate, whether its private key is known."""
    spec = kept[where].wanted.values[where[2]]
    return "certificate" in spec and (where[0], where[1], spec["certificate"]["key"]) not in kept


def _why_anew(where: Where, state: SecretState, parts: set[Where], prints: Fingerprints, renewed: set[Where]) -> str:
    """Why the ciphertext of a generated value cannot stay; empty where it can."""
    if state.live.scope != state.wanted.scope:
        return f"scope {state.wanted.scope} is asked for, and it is sealed {state.live.scope}"
    if not _is_plain(state.wanted.values[where[2]]) and prints.tell_change(where):
        return "it was made in another way, or with another template"
    changed = sorted("/".join(part[1:]) for part in parts & renewed)
    return f"{', '.join(changed)} changes, which it is made of" if changed else ""


def warnings(states: list[SecretState], directory: str | None, now: datetime.datetime) -> list[str]:
    """What the user must know of manifests whose values stay unread."""
    said = []
    if Fingerprints(states).none_fits:
        said.append(
            f"{directory}: no fingerprint fits: {OTHER_KEY}, or without one. What is generated was kept as it is "
            "sealed; all other values were sealed anew"
        )
    for state in states:
        for key, end in sorted(state.ends.items()):
            if _is_late(end, state.wanted.values.get(key), now):
                said.append(
                    f"Secret {state.wanted}: the certificate {key} ends on {end[:10]}; run it with the cluster, which "
                    f"makes a new one, or rotate {state.wanted.name}/{state.wanted.values[key]['certificate']['key']}"
                )
    return said


def _is_late(end: str, spec: Any, now: datetime.datetime) -> bool:
    """Whether the last third of a certificate's life has begun."""
    if not isinstance(spec, Mapping) or "certificate" not in spec:
        return False
    life = datetime.timedelta(days=int(spec["certificate"].get("days", 365)))
    try:
        return datetime.datetime.fromisoformat(end) - now <= life / 3
    except (ValueError, TypeError):
        return False
