# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the builders of programs and of images share: the cache, taking turns, fingerprints of files, signs of life."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import VcciError
from ..waiting import FOREVER, until

# Of a command line, what tells runs apart: the program itself, and playbooks.
PROGRAM = re.compile(r"(^|/)(ansible(-playbook)?|pytest|molecule)$|^[\w./-]+\.ya?ml$")
TICK = 20  # seconds between two signs of life of a build


def cache_directory() -> Path:
    """Where built programs and images are kept: $XDG_CACHE_HOME/greenlang-vcci, by default below ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greenlang-vcci"


@contextmanager
def locked(path: Path, say: Callable[[str], None], awaited: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; whoever has to wait says for whom, and what that run does.

    The file says who holds it: its pid, since when, and what it runs.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as handle:  # not "w": until it is held, it is the holder's to write

        def taken() -> bool:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        def never(_waited: int) -> VcciError:
            return VcciError(f"{path} stays locked")

        if not taken():
            say(f"waiting for another run ({_holder(path)}): {awaited}")
            until(taken, FOREVER, say, awaited=lambda: f"another run ({_holder(path)})", late=never, longest=0.2)
        handle.truncate(0)
        handle.write(f"pid {os.getpid()}, since {time.strftime('%H:%M:%S')}, {_program()}")
        handle.flush()
        yield


def _holder(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") or "it has just begun"


def _program() -> str:
    """What this process runs: program and playbooks by name; no other argument, it may be a secret."""
    words = Path("/proc/self/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    shown = [word for word in words if PROGRAM.search(word)]
    return " ".join(Path(word).name for word in shown[:4]) or Path(words[0]).name


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
