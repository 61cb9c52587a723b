# Copyright (c) 2026 GreenLang. All rights reserved.
"""The most memory that a process held together with its descendants; what several share is counted once (PSS)."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

EVERY = 0.3  # seconds between two looks


class Peak:
    """`with Peak(pid) as peak: …`, and then `peak.mib`."""

    def __init__(self, pid: int) -> None:
        self.mib = 0.0
        self._pid, self._over = pid, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self.mib = max(self.mib, sum(_pss(pid) for pid in _family(self._pid)))


def _family(pid: int) -> list[int]:
    found = [pid]
    for member in found:
        with contextlib.suppress(OSError):
            for path in Path(f"/proc/{member}/task").glob("*/children"):
                found += map(int, path.read_text(encoding="utf-8").split())
    return found


def _pss(pid: int) -> float:
    with contextlib.suppress(OSError, StopIteration):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        return next(int(text.split()[1]) / 1024 for text in rollup.splitlines() if text.startswith("Pss:"))
    return 0.0
