# Copyright (c) 2026 GreenLang. All rights reserved.
"""Each reason once: a condition, an event and a pod often say the same of one fault, each of another pod. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

POD = "  Pod "
SHORTEST = 12  # characters below which what is the same is a coincidence
_COLON = re.compile(r"(?<!exceeded quota)(?<!, requested)(?<!, used)(?<!, limited): ")
_QUOTED = re.compile(r'"[^"]*"|\bused: [^:]*(?=, limited: )')  # names of pods, and what was in use at that moment


class Told:
    """What was told already."""

    def __init__(self, text: str = "") -> None:
        self._text = _plain(text)

    def add(self, text: str) -> str:
        self._text += "\n" + _plain(text)
        return text

    def rest(self, text: str) -> str:
        """Of "this: that: reason", what is left of it without an end that was told already."""
        parts = _COLON.split(text)
        for at in range(len(parts)):
            end = _plain(": ".join(parts[at:]))
            if len(end) >= SHORTEST and end in self._text:
                return ": ".join(parts[:at])
        return text

    def rest_of(self, lines: Iterable[str]) -> list[str]:
        """Without the lines whose reason was told; of a pod's its name stays."""
        kept: list[str] = []
        for line in lines:
            rest = self.rest(line)
            if rest == line:
                kept.append(self.add(line))
            elif rest.startswith(POD):
                kept.append(rest)
        return kept


def grouped(reasons: Iterable[tuple[str, str]]) -> list[tuple[list[str], str]]:
    """Of (object, reason) pairs, each reason with all of its objects."""
    groups: dict[str, tuple[list[str], str]] = {}
    for label, reason in reasons:
        groups.setdefault(_plain(reason), ([], reason))[0].append(label)
    return list(groups.values())


def _plain(text: str) -> str:
    return _QUOTED.sub('""', " ".join(text.split())).rstrip(").; ")
