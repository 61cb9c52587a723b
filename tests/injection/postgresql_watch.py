# Copyright (c) 2026 GreenLang. All rights reserved.
"""Asks every member of PostgreSQL on this machine, ten times a second, whether it takes writes; no network is between.

It tells, as `watching` says, whether a member takes writes, and how many members stream from it of which it waits for
some. Each is asked through the socket in its container, as whom it trusts there: the user 999.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import psycopg
from watching import EVERY, tell, watch

USER = 999
LIMIT = 2  # seconds for a connection
FOLLOWING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state IN ('quorum', 'sync')"
QUERY = f"SELECT pg_is_in_recovery(), ({FOLLOWING})"


def _is_server(process: Path) -> bool:
    return (process / "cmdline").read_bytes().split(b"\0")[0].endswith(b"/bin/postgres")


def ask(pid: int, member: str) -> None:
    """Until the server's process is gone."""
    inside = Path("/proc", str(pid), "root")  # the container's own files
    where = str(inside / "run/postgresql")  # /var/run is a link there, which would lead out of it
    while Path(f"/proc/{pid}").exists():
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(host=where, user="postgres", dbname="postgres", connect_timeout=LIMIT) as connection,
        ):
            connection.autocommit = True
            while True:
                asked = time.monotonic()
                recovering, following = connection.execute(QUERY).fetchone() or (True, 0)
                moments = {"asked": asked, "answered": time.monotonic()}
                tell(member=member, pid=pid, **moments, primary=not recovering, following=following)
                time.sleep(EVERY)
        time.sleep(EVERY)


if __name__ == "__main__":
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)
    watch(_is_server, ask)
