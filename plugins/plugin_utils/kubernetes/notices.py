# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a server warned of: deprecated versions, what policies would refuse, fields that do nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from ..errors import brief
from . import answers
from .kinds import BUILT_IN_KINDS, group_of

NAMED = 4  # objects of one warning
LONGEST = 600  # characters of its text


class Notices:
    """`kind_of` says the kind of an apiVersion and a name in paths, or None."""

    def __init__(self, kind_of: Callable[[str, str], str | None]) -> None:
        self._kind_of = kind_of
        self._lock = threading.Lock()
        self._objects: dict[str, dict[str, int]] = {}  # by text and object, the `count` of the last
        self.count = 0  # how many came so far

    def add(self, header: str, path: str, payload: bytes | None) -> None:
        """What the Warning headers of an answer hold, about the object of that request."""
        texts = answers.warnings(header)
        if not texts:
            return
        label = self._label(path, payload)
        with self._lock:
            for text in texts:
                self.count += 1
                self._objects.setdefault(brief(text, LONGEST), {})[label] = self.count

    def lines(self, since: int = 0) -> list[str]:
        """Each warning once, after the names of the objects that it is about. Without those that came before: `since`
        is the `count` of then."""
        lines = []
        with self._lock:
            for text, labels in self._objects.items():
                recent = [label for label, number in labels.items() if number > since]
                lines += [f"{_named(recent)}: {text}"] if recent else []
        return lines

    def _label(self, path: str, payload: bytes | None) -> str:
        try:
            sent: Any = json.loads(payload or b"{}")
        except ValueError:
            sent = {}
        sent = sent if isinstance(sent, dict) else {}
        place = answers.place(path, sent)
        if place is None:
            return brief(path)
        kind = self._kind_of(place.api_version, place.plural) or sent.get("kind") or place.plural
        group = group_of(place.api_version)
        shown = kind if not group or kind in BUILT_IN_KINDS else f"{kind}.{group}"
        return f"{shown} {place.namespace}/{place.name}" if place.namespace else f"{shown} {place.name}"


def _named(labels: list[str]) -> str:
    more = len(labels) - NAMED
    return ", ".join(labels[:NAMED]) + (f" and {more} more" if more > 0 else "")
