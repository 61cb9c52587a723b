# Copyright (c) 2026 GreenLang. All rights reserved.
"""Waiting for one's turn, while another run holds a set."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from ..errors import SetLocked
from ..waiting import until
from . import holder as holders
from .holder import LOCK


class Contended(Protocol):
    """What is asked of a set's record."""

    name: str
    namespace: str

    def say(self, line: str, /) -> None:
        """Show a line."""

    def read(self) -> None:
        """Read it anew."""

    def other(self) -> dict[str, Any] | None:
        """Who holds the set, if it is not this run."""

    def clear(self) -> None:
        """Take the claim of another away."""


POLL_EVERY = 0.5  # seconds


def until_free(record: Contended, holder: Mapping[str, Any], timeout: float, stale_after: float) -> None:
    """Until the holder gives the set back, is gone, or has not moved for `stale_after` seconds by our own clock."""
    who = holders.name(holder)
    beat, moved = (holder["id"], holder.get("beat")), time.monotonic()

    def free() -> bool:
        nonlocal who, beat, moved
        record.read()
        now = record.other()
        if now is None or holders.is_gone(now):
            return True
        who = holders.name(now)
        if (now["id"], now.get("beat")) != beat:
            beat, moved = (now["id"], now.get("beat")), time.monotonic()
        if time.monotonic() - moved <= stale_after:
            return False
        record.say(f"{who} held this set and has not reported for {int(stale_after)} s; taking over")
        record.clear()
        return True

    def late(waited: int) -> SetLocked:
        return SetLocked(
            f"set {record.name} is being applied by {who}; it did not end within {waited} s. Wait for it, or if it is "
            f"known to be dead remove the annotation {LOCK} from ConfigMap {record.namespace}/{record.name}"
        )

    record.say(f"waiting for another run of this set ({who})")
    until(
        free,
        timeout,
        record.say,
        awaited=lambda: f"another run of this set ({who})",
        late=late,
        pause=POLL_EVERY,
        longest=POLL_EVERY,
    )
