# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether a generated value is kept: decided here and nowhere else. Pure. No value is in any message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from .generators import letters


def keep_generated(held: bytes | None, to_rotate: bool) -> bytes | None:
    """The value of a generated key, when it is kept: what its Secret holds, unless it is to be rotated.

    None: a new one is to be generated. Another length, format or alphabet is for the next rotation.
    """
    return None if to_rotate else held


def keep_generated_part(
    how: Mapping[str, Any], held: bytes | None, before: str, after: str, to_rotate: bool
) -> str | None:
    """The generated part of a composed value, as it stands in what its Secret holds between `before` and `after`.

    Where the parts around it are asked for differently now, it is the only run of its length and letters.
    None: a new one is to be generated.
    """
    text = (keep_generated(held, to_rotate) or b"").decode("utf-8", "replace")
    if text.startswith(before) and text.endswith(after) and len(text) > len(before + after):
        return text[len(before) : len(text) - len(after)]
    alphabet = letters(how)
    if how.get("format", "text") != "text" or quote(alphabet, safe="") != alphabet:
        return None
    one = f"[{re.escape(alphabet)}]"
    found = re.findall(rf"(?<!{one}){one}{{{int(how.get('length', 32))}}}(?!{one})", text)
    return found[0] if len(found) == 1 else None
