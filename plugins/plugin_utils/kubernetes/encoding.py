# Copyright (c) 2026 GreenLang. All rights reserved.
"""Bodies of requests. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import InputError

# An escaped backslash, so that what follows it is none; or both halves of a character beyond U+FFFF.
_PAIR = re.compile(r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")


def to_json(body: Mapping[str, Any]) -> bytes:
    """As JSON that is YAML as well: the body of an apply is read as YAML, whose escapes know no surrogate pairs, and
    whose texts hold no control characters. InputError for a text that is no Unicode."""
    text = json.dumps(body, separators=(",", ":"))
    if "\\ud" in text:
        text = _PAIR.sub(_character, text)
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise InputError("half a surrogate pair is no Unicode") from exc


def _character(match: re.Match[str]) -> str:
    return match[0] if match[0] == "\\\\" else str(json.loads(f'"{match[0]}"'))
