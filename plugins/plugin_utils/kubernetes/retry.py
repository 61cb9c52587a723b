# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which answers a request is sent again for, and when."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from ..errors import ApiError

RETRIED = {429, 500, 502, 503, 504}
LONGEST_RETRY_AFTER = 30.0  # seconds, whatever the server asks for
SAY_FROM = 3  # attempts before which nobody notices


def may_retry(status: int, headers: Mapping[str, str], error: ApiError) -> bool:
    if status == 500:
        # A plain 500 is often a verdict (a webhook that fails): only those that the server itself calls passing.
        return error.reason in ("ServerTimeout", "Timeout") or "retry-after" in headers or "etcdserver" in str(error)
    if status == 429:
        # An eviction refused by a PodDisruptionBudget is a 429 too, and has its own callers.
        return not any(cause.get("reason") == "DisruptionBudget" for cause in error.causes)
    return status in RETRIED


class Attempts:
    """The attempts at one request, `patience` seconds long; below 0 there is but one."""

    def __init__(self, patience: float, say: Callable[[str], None] | None) -> None:
        self._patience, self._say = patience, say
        self._begun, self._failed = time.monotonic(), 0

    def again(
        self, why: str, retry_after: str | None = None, *, patience: float | None = None, longest: float = 8.0
    ) -> bool:
        """Wait, and true; or false at once when the time is over.

        patience  seconds, where they are fewer than those of all attempts.
        longest   seconds of one pause.
        """
        limit = self._patience if patience is None else min(self._patience, patience)
        if time.monotonic() - self._begun > limit:
            return False
        pause = min(longest, 0.1 * 2**self._failed) * (0.5 + random.random() / 2)
        if retry_after and retry_after.isdigit():
            pause = max(pause, min(float(retry_after), LONGEST_RETRY_AFTER))
        if self._say and self._failed >= SAY_FROM:
            self._say(why)
        self._failed += 1
        time.sleep(pause)
        return True
