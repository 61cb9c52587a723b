# Copyright (c) 2026 GreenLang. All rights reserved.
"""Requests side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")
SAY_EVERY = 2.0  # seconds between two lines of progress


class Workers:
    """`concurrency` threads at most."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency

    def map(
        self, function: Callable[[J], R], jobs: Sequence[J], progress: Callable[[int], None] = lambda done: None
    ) -> list[R]:
        """The answers of `function`, in the order of the jobs. `progress` is told now and then how many are done."""
        if len(jobs) <= 1 or self._concurrency <= 1:
            return [function(job) for job in jobs]
        done: list[R] = []
        said = time.monotonic()
        with ThreadPoolExecutor(max_workers=min(self._concurrency, len(jobs))) as pool:
            for answer in pool.map(function, jobs):
                done.append(answer)
                if time.monotonic() - said > SAY_EVERY:
                    said = time.monotonic()
                    progress(len(done))
        return done
