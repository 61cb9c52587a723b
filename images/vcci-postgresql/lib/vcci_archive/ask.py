# Copyright (c) 2026 GreenLang. All rights reserved.
"""Ask the primary's sidecar for a backup and wait for it, as a login that may ask and read answers, no more."""

from __future__ import annotations

import os
import pathlib
import sys
import time
from typing import Any

import psycopg2

from .settings import log

TAKING = 900.0  # seconds until somebody must have begun; a backup that is under way comes first
EVERY = 2.0


def request(cursor: Any, what: str) -> int:
    """Its number: of the one that is under way, or was asked for just now by whoever gave up waiting."""
    open_ones = (
        "SELECT max(id) FROM vcci_archive.requests WHERE what = %s AND "
        "(state = 'taken' OR state = 'asked' AND asked > now() - interval '5 minutes')"
    )
    cursor.execute(open_ones, [what])
    [known] = cursor.fetchone() or [None]
    if known:
        log(f"{what}: request {known}, which is not answered yet, is waited for")
        return int(known)
    cursor.execute("INSERT INTO vcci_archive.requests (what) VALUES (%s) RETURNING id", [what])
    return int((cursor.fetchone() or [0])[0])


def ask(what: str) -> int:
    """The exit code. libpq's environment says where; the password is in a file."""
    password = pathlib.Path(os.environ["POSTGRES_ARCHIVE_PASSWORD_FILE"]).read_text(encoding="utf-8").strip("\n")
    limit = time.monotonic() + float(os.environ.get("POSTGRES_ARCHIVE_DEADLINE") or 14400)
    number, begun, trouble = 0, time.monotonic(), ""
    while time.monotonic() < limit:
        try:
            connection = psycopg2.connect(password=password, connect_timeout=5)
            with connection, connection.cursor() as cursor:
                number = number or request(cursor, what)
                cursor.execute("SELECT state, member, said FROM vcci_archive.requests WHERE id = %s", [number])
                state, member, said = cursor.fetchone() or (
                    "failed",
                    "",
                    "the request is gone: was the database restored?",
                )
            connection.close()
        except psycopg2.Error as exc:  # no primary for a moment
            state, member, said, trouble = "asked", "", "", " ".join(str(exc).split())
        if state in ("done", "failed"):
            sys.stdout.write(f"{said}\n")
            log(f"{what}: {state} by {member}")
            return 0 if state == "done" else 1
        if state == "asked" and time.monotonic() - begun > TAKING:
            break
        time.sleep(EVERY)
    why = f": {trouble}" if trouble else ""
    log(f"error: {what}: nobody did it in time{why}. Remedy: kubectl logs <the primary> -c archive")
    return 1
