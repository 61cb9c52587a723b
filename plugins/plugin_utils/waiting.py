# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one way to wait: ask until it is so, say what is awaited, and end with an error that says what was missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from .errors import VcciError

T = TypeVar("T")
FOREVER = 1e9  # seconds, whatever is asked for
SAY_EVERY = 10.0  # seconds after which what is awaited is said again, though it has not changed
SAY_AFTER = 1.0  # seconds between two lines that differ


class Deadline:
    """A moment that several waits share."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + min(seconds, FOREVER)

    @property
    def left(self) -> float:
        """Seconds until then, never below 0."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.left == 0.0


def until(
    ready: Callable[[], T | None],
    timeout: float,
    say: Callable[[str], None] | None = None,
    *,
    awaited: Callable[[], str] = lambda: "",
    late: Callable[[int], VcciError],
    pause: float = 0.05,
    longest: float = 1.0,
) -> T:
    """Ask `ready` until its answer is true, and return that answer.

    timeout   seconds; `ready` is asked once more at their end. 0 asks once.
    say       is told "waiting (12 s): " and what `awaited` answers: when that changes, and every ten seconds.
    late      makes the error that is raised at the end, of the seconds waited. What `ready` raises ends it at once.
    pause     seconds between the first two questions; each pause is half as long again, up to `longest`.
    """
    begun, timeout = time.monotonic(), min(timeout, FOREVER)
    said, said_at = "", begun
    while True:
        answer = ready()
        if answer:
            return answer
        now = time.monotonic()
        waited = now - begun
        if waited >= timeout:
            raise late(int(waited))
        line = awaited() if say else ""
        if say and line and now - said_at >= (SAY_EVERY if line == said else SAY_AFTER):
            said, said_at = line, now
            say(f"waiting ({int(waited)} s): {line}")
        time.sleep(min(pause, max(0.01, timeout - waited)))
        pause = min(pause * 1.5, longest)
