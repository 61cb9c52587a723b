# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the builders of programs and of images share: the cache, taking turns, fingerprints of files, signs of life."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TICK = 20  # seconds between two signs of life of a build


def cache_directory() -> Path:
    """Where built programs and images are kept: $XDG_CACHE_HOME/greenlang-vcci, by default below ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greenlang-vcci"


@contextmanager
def locked(path: Path, say: Callable[[str], None], awaited: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; whoever has to wait for another run says what that one does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run: {awaited}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fingerprint(path: Path) -> list[int | str]:
    """Size, time (ns) and SHA-256 of a file."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, sha256(path)]


def fits(path: Path, known: Sequence[Any]) -> bool:
    """Whether a file is still what its fingerprint says. It is read only where its time differs: that costs seconds."""
    size, mtime, digest = known
    try:
        stat = path.stat()
    except FileNotFoundError:
        return False
    return bool(stat.st_size == size and (stat.st_mtime_ns == mtime or sha256(path) == digest))


@contextmanager
def ticking(what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Say that a build runs, and how long, until the block ends."""
    begun, ended = time.monotonic(), threading.Event()
    say(f"{what} …")

    def tick() -> None:
        while not ended.wait(TICK):
            say(f"{what} … {time.monotonic() - begun:.0f} s")

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()
    say(f"{what}: done in {time.monotonic() - begun:.0f} s")
