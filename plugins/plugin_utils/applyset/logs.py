# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which lines of a log say why a program ended. Pure."""

from __future__ import annotations

import re

_LONGEST = 400  # characters of a line
# What programs write before the reason for which they end, and what may mean it.
_SURE = re.compile(
    r"\b(?:error|err|fatal|panic|critical|crit|emerg|alert|exception|traceback|abort(?:ed|ing)?|segfault|severe)\b"
    r"|(?:Error|Exception)\b|^E\d{4} ",
    re.IGNORECASE,
)
_LIKELY = re.compile(
    r"\b(?:invalid|unknown|unrecogni[sz]ed|illegal|unsupported|denied|refused|cannot|can't|could not|couldn't|unable|"
    r"failed|failure|no such|not found|missing|must be|bad|wrong|usage error)\b",
    re.IGNORECASE,
)
_NOT_MEANT = re.compile(
    r"\b(?:0|no) errors?\b|\berrors?[=:] ?(?:0|nil|null|none|false|\"\")(?:\W|$)|\blevel=(?:info|debug)\b"
    r"|\"level\": ?\"(?:info|debug)\"|^\s*-{1,2}[\w-]+[ =].*\berror\b",
    re.IGNORECASE,
)


def reasons(text: str, most: int) -> list[str]:
    """The first lines of a log that speak of an error, and its last one, `most` together; without any, its end.

    Programs that refuse a setting say so first and print their help after that; those that trace say the reason last.
    """
    lines = [line.rstrip()[:_LONGEST] for line in text.splitlines() if line.strip()]
    if len(lines) <= most:
        return lines
    for pattern in (_SURE, _LIKELY):
        found = [n for n, line in enumerate(lines) if pattern.search(line) and not _NOT_MEANT.search(line)]
        if found:
            kept = sorted({*found[: most - 1], len(lines) - 1})
            return _with_gaps(lines, kept)
    return lines[-most:]


def _with_gaps(lines: list[str], kept: list[int]) -> list[str]:
    shown: list[str] = []
    last = kept[0] - 1
    for number in kept:
        if number > last + 1:
            shown.append("…")
        shown.append(lines[number])
        last = number
    return shown
