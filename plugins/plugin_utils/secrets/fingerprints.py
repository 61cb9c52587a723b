# Copyright (c) 2026 GreenLang. All rights reserved.
"""Keyed fingerprints: whether a value is as it was when it was sealed, without the value. No I/O here.

A plain hash beside a ciphertext would be a way to try guesses, and equal hashes would show equal values: so an HMAC, whose key is in the vault only,
over name and value. Of what is generated it covers how, since the value is known to the cluster alone; of what is composed, its template and sources.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from ..errors import InputError
from . import values as _values
from .values import Wanted, Where

ANNOTATION = "vcci.greenlang.io/fingerprints"
SHORTEST = 16


def prints(wanted: list[Wanted], key: str) -> dict[Where, str]:
    if len(key) < SHORTEST:
        raise InputError(f"fingerprint_key: at least {SHORTEST} characters are needed, from the vault")
    specs = {(w.namespace, w.name, name): spec for w in wanted for name, spec in w.values.items()}
    sources = _values.sources(wanted)

    def recipe(where: Where) -> object:
        spec = specs[where]
        if isinstance(spec, Mapping) and "generate" in spec:
            return ["generate", spec.get("compose")]  # another length is for the next rotation
        return [spec, *sorted([*source, recipe(source)] for source in sources[where])] if sources[where] else spec

    def digest(where: Where) -> str:
        text = json.dumps([*where, recipe(where)], sort_keys=True).encode()
        return base64.b64encode(hmac.new(key.encode(), text, hashlib.sha256).digest()[:18]).decode()

    return {where: digest(where) for where in specs}


def held(manifest: dict | None) -> dict[str, str]:
    """Fingerprints of a manifest's keys."""
    try:
        found = json.loads((((manifest or {}).get("metadata") or {}).get("annotations") or {}).get(ANNOTATION) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def note(found: Mapping[Where, str], secret: Wanted) -> dict[str, str]:
    mine = {key: found[(secret.namespace, secret.name, key)] for key in sorted(secret.values)}
    return {ANNOTATION: json.dumps(mine)}
