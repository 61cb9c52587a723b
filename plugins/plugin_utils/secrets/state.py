# Copyright (c) 2026 GreenLang. All rights reserved.
"""Everything that a run knows of one Secret, in one object. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from .sealed import Live
from .wanted import Wanted

UNTOLD = {"vcci.greenlang.io/untold": "true"}  # on an object whose new values its server may not know yet


@dataclass
class SecretState:
    """One Secret of a run. A store loads the first part, decide.py adds the second.

    live     what the store has of it: a SealedSecret, a Secret, or both.
    held     values that are there, by key, as far as they can be read: what was generated is kept from here.
    stored   AWS Secrets Manager's values; None where it has none yet.
    prints   fingerprints of what is asked for, by key, where values cannot be read back.

    values   what it is to hold, by key.
    kept     ciphertexts that stay, by key; once it was sealed, all of them.
    others   with merge: ciphertexts of keys that are not this task's.
    renewed  keys whose value is another than the one that consumers have.
    changed  keys that are sealed anew or go: what the result tells.
    times    when each value last changed, as far as it is known.
    notes    annotations of ours that the saved object gets.
    to_tell  whether its server must be told of its values.
    """

    wanted: Wanted
    live: Live = field(default_factory=Live)
    held: dict[str, bytes] = field(default_factory=dict)
    stored: dict[str, bytes] | None = None
    prints: dict[str, str] = field(default_factory=dict)

    values: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    renewed: set[str] = field(default_factory=set)
    changed: list[str] = field(default_factory=list)
    times: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    to_tell: bool = False
