# Copyright (c) 2026 GreenLang. All rights reserved.
"""What of the image cache stays: what some run wanted lately, as long as the disk has room."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .archives import unpacked_beside

KEEP_SECONDS = 14 * 86400  # how long stays what no run wants
BUSY_SECONDS = 3600  # what was wanted so lately may be in some run's hands
FREE = 12 << 30  # bytes of the disk: with less, what was not wanted for longest goes; twice what a cluster takes

Entry = tuple[float, list[Path]]  # when it was last wanted, and its files


def make_room(cache: Path, kind: Callable[[Path], Iterator[Entry]], free: int = FREE) -> None:
    """Remove of a kind, `archives` or `stores`, what nobody wanted for `KEEP_SECONDS`; while the disk has less than
    `free` bytes, others too, the one first that was not wanted for longest. The caller holds the lock of their maker.
    """
    now = time.time()
    for wanted, files in sorted(kind(cache)):
        idle = now - wanted
        if idle > KEEP_SECONDS or (idle > BUSY_SECONDS and shutil.disk_usage(cache).free < free):
            for path in files:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def stores(cache: Path) -> Iterator[Entry]:
    for store in cache.glob("store-*/"):
        yield store.stat().st_mtime, [store]


def archives(cache: Path) -> Iterator[Entry]:
    """Not those with something unpacked beside them. The record is last: an archive without one is not whole."""
    for record in cache.glob("*.json"):
        archive = record.with_suffix(".tar")
        if not unpacked_beside(archive).exists():
            yield record.stat().st_mtime, [archive, record]
