# Copyright (c) 2026 GreenLang. All rights reserved.
"""Where everything is, from the environment that role data gives."""

from __future__ import annotations

import os
import pathlib
import sys
import time

STANZA = "vcci"
SEGMENT = 16 * 1024 * 1024  # bytes of a file of WAL, as initdb makes it
NAME = 24  # characters of its name


class Refusal(Exception):
    """Nothing was changed; the text says why, and what to do."""


def place(name: str, default: str) -> pathlib.Path:
    return pathlib.Path(os.environ.get(name) or default)


RUN = place("POSTGRES_ARCHIVE_RUN", "/run/pgbackrest")  # in memory, of the pod
STATE = place("POSTGRES_ARCHIVE_STATE", "/var/lib/postgresql/data/archive")  # on the data volume
SECRETS = place("POSTGRES_ARCHIVE_SECRETS", "/run/secrets/archive")
CONFIG = place("POSTGRES_CONFIG", "/etc/postgresql/vcci")
DATA = place("PGDATA", "/var/lib/postgresql/data/pgdata")
SOCKETS = place("POSTGRES_SOCKETS", "/var/run/postgresql")

GAP = STATE / "gap"  # WAL was given up, and no backup has been taken since
DROPPING = STATE / "dropping"  # whatever waits is being given up
CATCHING_UP = STATE / "catching-up"  # made from the archive, or away for too long, and not yet streaming
RESTORED = STATE / "restored.json"  # what a restore has done to this volume
BEFORE = DATA.with_name(DATA.name + ".before")  # what was there before it
RESTORING = DATA.with_name(DATA.name + ".restoring")
UNDONE = DATA.with_name(DATA.name + ".undone")


def number(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


def queue_max() -> int:
    """Bytes of WAL that may wait for the archive."""
    return number("POSTGRES_ARCHIVE_QUEUE_MAX", 1024**3)


def queue() -> list[str]:
    """Files of WAL that wait for the archive."""
    return [path.stem for path in (DATA / "pg_wal" / "archive_status").glob("*.ready")]


def past(line: str) -> str | None:
    """What a primary knows of how its timeline came about; of the first one there is nothing to know."""
    path = DATA / "pg_wal" / f"{line}.history"
    if path.exists():
        return path.read_text(encoding="utf-8")
    return "" if int(line, 16) == 1 else None


def waiting() -> int:
    """Bytes of them."""
    return SEGMENT * len(queue())


def log(text: str) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stderr.write(f"{moment} archive: {text}\n")
    sys.stderr.flush()


def write_whole(path: pathlib.Path, text: str) -> None:
    """Have a file appear with all of its text, on disk."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    sync(path.parent)


def sync(folder: pathlib.Path) -> None:
    """Have the names in a folder on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
