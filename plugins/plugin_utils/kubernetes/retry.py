# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which answers a request is sent again for, and when; and how long all requests of a run are repeated."""

from __future__ import annotations

import email.utils
import random
import re
import threading
import time
from collections.abc import Callable, Mapping

from ..errors import ApiError, GivenUp, VcciError

RETRIED = {429, 500, 502, 503, 504}
LONGEST_RETRY_AFTER = 30.0  # seconds, whatever the server asks for
SAY_FROM = 3  # attempts before which nobody notices
# What etcd itself calls passing. The rest of what it says (too large, no space, …) is a verdict.
_PASSING = re.compile(
    r"(?:rpc error: code = \w+ desc = )?etcdserver: (?:leader changed|no leader|not leader|request timed out"
    r"|too many requests|server stopped|unhealthy cluster)"
)

# Whose use is counted before anything is written.
_QUOTAS = ("resourcequotas", "clusterresourcequotas")

_UNREADABLE = "StorageError: corrupt object"


def may_retry(error: ApiError, headers: Mapping[str, str], path: str) -> bool:
    """Whether a request of this path may be answered otherwise when it is sent again as it was."""
    if error.status == 409:
        # Others used of the same quota at the same moment (kubernetes/kubernetes#67761): this request was not even
        # begun. What is in conflict over the quota itself is for its caller to read anew.
        quota = error.details.get("kind")
        return quota in _QUOTAS and f"/{quota}/" not in path
    if error.status == 500:
        # A plain 500 is often a verdict (a webhook that fails): only those that the server itself calls passing.
        passing = error.reason in ("ServerTimeout", "Timeout") or "retry-after" in headers
        return passing or _PASSING.match(str(error)) is not None
    if error.status == 429:
        # An eviction refused by a PodDisruptionBudget is a 429 too, and has its own callers; so is a LIST of objects
        # that nobody can convert.
        return not is_unreadable(error) and not any(cause.get("reason") == "DisruptionBudget" for cause in error.causes)
    return error.status in RETRIED


def is_unreadable(error: ApiError) -> bool:
    """Whether objects in the server's storage cannot be read at all, mostly for want of the webhook that converts."""
    return _UNREADABLE in str(error)


def seconds_of(retry_after: str | None) -> float:
    """Of a Retry-After header, which is a number or a date; 0 where it makes no sense."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER)
    try:
        moment = email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(moment - time.time(), 0.0), LONGEST_RETRY_AFTER)


class Patience:
    """That of one run. When it is over for one request it is over for all: those that wait end, and none is made."""

    def __init__(self) -> None:
        self.cause: VcciError | None = None
        self._over, self._lock = threading.Event(), threading.Lock()

    def check(self) -> None:
        """GivenUp when it is over."""
        if self._over.is_set():
            raise GivenUp(str(self.cause))

    def end(self, cause: VcciError) -> VcciError:
        """It is over; what is to be raised: the cause, by the first whose end it is, and GivenUp by all others."""
        with self._lock:
            if self.cause is not None:
                return GivenUp(str(self.cause))
            self.cause = cause
            self._over.set()
            return cause

    def pause(self, seconds: float) -> None:
        """GivenUp when it ends meanwhile."""
        self._over.wait(seconds)
        self.check()


class Attempts:
    """The attempts at one request, `patience` seconds long; below 0 there is but one. They share that of their run."""

    def __init__(self, patience: float, say: Callable[[str], None] | None, run: Patience | None = None) -> None:
        self._patience, self._say, self._run = patience, say, run or Patience()
        self._begun, self._failed = time.monotonic(), 0

    def again(
        self, why: str, retry_after: str | None = None, *, patience: float | None = None, longest: float = 8.0
    ) -> bool:
        """Wait, and true; or false at once when the time is over. GivenUp when that of the run is.

        patience  seconds, where they are fewer than those of all attempts.
        longest   seconds of one pause, at most; the server may ask for more.
        """
        limit = self._patience if patience is None else min(self._patience, patience)
        left = limit - (time.monotonic() - self._begun)
        if left < 0:
            return False
        pause = min(longest, 0.1 * 2**self._failed) * (0.5 + random.random() / 2)
        if self._say and self._failed >= SAY_FROM:
            self._say(why)
        self._failed += 1
        self._run.pause(min(max(pause, seconds_of(retry_after)), left))
        return True

    def end(self, cause: VcciError) -> VcciError:
        """The time is over: what is to be raised. A request that is never repeated says nothing of the others."""
        return self._run.end(cause) if self._patience > 0 else cause
