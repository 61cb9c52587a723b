# Copyright (c) 2026 GreenLang. All rights reserved.
"""Keyed fingerprints: whether a value is as it was when it was sealed, without the value. Pure.

A plain hash beside a ciphertext would be a way to try guesses, and equal hashes would show equal values: so an HMAC,
whose key is in the vault only, over name and value. Of what is generated it covers how, since the value is known to the
cluster alone; of what is composed, its template and sources.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from .composed import sources
from .wanted import Wanted, Where

SHORTEST = 16


def prints(wanted: list[Wanted], key: str) -> dict[str, dict[str, str]]:
    """Of each Secret (namespace/name), the fingerprint of each of its keys as it is asked for."""
    if len(key) < SHORTEST:
        raise InputError(f"fingerprint_key: at least {SHORTEST} characters are needed, from the vault")
    recipes = _Recipes(wanted)
    found: dict[str, dict[str, str]] = {}
    for secret in wanted:
        found[str(secret)] = {
            name: _digest(key, secret.where(name), recipes.of(secret.where(name))) for name in secret.values
        }
    return found


class _Recipes:
    """What is asked for of each key, and of what it is composed of."""

    def __init__(self, wanted: list[Wanted]) -> None:
        self.sources = sources(wanted)
        self.specs: dict[Where, Any] = {}
        for secret in wanted:
            self.specs |= {secret.where(key): spec for key, spec in secret.values.items()}

    def of(self, where: Where) -> Any:
        spec, parts = self.specs[where], self.sources[where]
        if isinstance(spec, Mapping) and "generate" in spec:
            return ["generate", spec.get("compose")]  # another length is for the next rotation
        return [spec, *sorted([*part, self.of(part)] for part in parts)] if parts else spec


def key_id(key: str) -> str:
    """A text that is equal for equal keys, and tells nothing of them: an HMAC like the others."""
    return _digest(key, ("", "", ""), "fingerprint_key")


def _digest(key: str, where: Where, recipe: Any) -> str:
    text = json.dumps([*where, recipe], sort_keys=True).encode()
    return base64.b64encode(hmac.new(key.encode(), text, hashlib.sha256).digest()[:18]).decode()
