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
    opened   what was found to be sealed, by key, where that had to be looked at.
    unread   keys whose value is sealed, and cannot be read in this run though others can: it is kept as it is.
    seen     resourceVersion of the Secret that the controller was made to write, since it had to be asked again.
    lost     keys whose value is sealed, and which no key unseals.
    prints   fingerprints of what is asked for, by key, where values cannot be read back.
    key_id   tells whether the key of the fingerprints is the one that they were made with.

    values   what it is to hold, by key.
    kept     ciphertexts that stay, by key; once it was sealed, all of them.
    others   with merge: ciphertexts of keys that are not this task's.
    renewed  keys whose value is another than the one that consumers have.
    changed  keys that are sealed anew or go: what the result tells.
    times    since when it holds each value, as far as it is known, by the clock of the API server.
    ends     when certificates end, by key, as far as it is known.
    notes    annotations of ours that the saved object gets.
    to_tell  whether its server must be told of its values.
    """

    wanted: Wanted
    live: Live = field(default_factory=Live)
    held: dict[str, bytes] = field(default_factory=dict)
    opened: dict[str, bytes] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    seen: str = ""
    lost: set[str] = field(default_factory=set)
    prints: dict[str, str] = field(default_factory=dict)
    key_id: str = ""

    values: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    renewed: set[str] = field(default_factory=set)
    changed: list[str] = field(default_factory=list)
    times: dict[str, str] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    to_tell: bool = False
