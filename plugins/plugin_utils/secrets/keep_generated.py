# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether a generated value is kept: decided here and nowhere else. Pure. No value is in any message.

A value that is there is never replaced unless it is rotated by name: what cannot be read or understood is an error.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from ..errors import InputError
from .generators import letters

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Place(NamedTuple):
    """Where in a composed value its generated part is: characters before and after it; whether it is encoded."""

    before: int
    after: int
    encoded: bool


UNNOTED = Place(-1, -1, False)  # of a value that a version wrote which noted no places
Parts = Mapping[tuple[str, str, str], Place]  # by namespace, Secret and key; nothing of values that others made


class Template(NamedTuple):
    """A composed value as it is asked for now: the texts around its generated part, and whether that is encoded."""

    before: str
    after: str
    encoded: bool

    @property
    def place(self) -> Place:
        return Place(len(self.before), len(self.after), self.encoded)


def keep_generated(held: bytes | None, to_rotate: bool, where: str) -> bytes | None:
    """The value of a generated key, when it is kept: what is there, unless it is to be rotated.

    None: a new one is to be generated. Another length, format or alphabet is for the next rotation.
    """
    if to_rotate or held is None:
        return None
    if not held:
        raise InputError(
            f"{where} is to be generated, and an empty value is there, which is none: put its value back, remove the "
            "key, or rotate it to have a new one made"
        )
    return held


def keep_generated_part(
    how: Mapping[str, Any], held: bytes | None, now: Template, place: Place | None, to_rotate: bool, where: str
) -> str | None:
    """The generated part of a composed value, encoded as it is asked for now.

    place  where the last run noted it to be; UNNOTED where it noted none, None where somebody else made the value.
    None: a new one is to be generated.
    """
    kept = keep_generated(held, to_rotate, where)
    if kept is None:
        return None
    try:
        text = kept.decode()
        found = _found(text, how, now, place)
    except UnicodeDecodeError:
        found = None
    if found is None:
        raise InputError(
            f"{where}: what is there cannot be told apart into its generated part and what is around it: ask for the "
            "template that it was made with, or rotate it to have a new one made"
        )
    part, encoded = found
    if encoded == now.encoded:
        return part
    return quote(part, safe="") if now.encoded else unquote(part)


def _found(text: str, how: Mapping[str, Any], now: Template, place: Place | None) -> tuple[str, bool] | None:
    """The generated part and whether it is encoded."""
    if place is not None and place != UNNOTED:
        part = _between(text, place.before, place.after)
        return (part, place.encoded) if part else None
    fits = text.startswith(now.before) and text.endswith(now.after)
    part = _between(text, len(now.before), len(now.after)) if fits else ""
    if part and _is_made_by(unquote(part) if now.encoded else part, how):
        return part, now.encoded
    alphabet = letters(how)
    if how.get("format", "text") == "text" and quote(alphabet, safe="") == alphabet:
        one = f"[{re.escape(alphabet)}]"
        runs = re.findall(rf"(?<!{one}){one}{{{int(how.get('length', 32))}}}(?!{one})", text)
        if len(runs) == 1:
            return runs[0], now.encoded
    return (part, now.encoded) if part and place is None else None


def _between(text: str, before: int, after: int) -> str:
    return text[before : len(text) - after] if len(text) > before + after else ""


def _is_made_by(part: str, how: Mapping[str, Any]) -> bool:
    """Whether a text is as this recipe makes it."""
    form, length = how.get("format", "text"), int(how.get("length", 32))
    try:
        if form == "hex":
            return len(bytes.fromhex(part)) == length and len(part) == 2 * length
        if form == "base64":
            return len(base64.b64decode(part, validate=True)) == length
        if form == "uuid":
            return bool(UUID.fullmatch(part))
    except (ValueError, binascii.Error):
        return False
    if form in ("rsa", "ed25519"):
        return part.startswith("-----BEGIN PRIVATE KEY-----") and part.rstrip().endswith("-----END PRIVATE KEY-----")
    return len(part) == length and set(part) <= set(letters(how))
