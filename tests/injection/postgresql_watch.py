# Copyright (c) 2026 GreenLang. All rights reserved.
"""Asks every member of PostgreSQL on this machine, ten times a second, whether it takes writes; no network is between.

`postgresql_watch.py <local cluster>` runs until its standard input ends. A JSON object a line: member, pid of its
server, when it was asked and when it had answered by the machine's monotonic clock, whether it takes writes, and how
many members stream from it of which it waits for some. Each is asked through the socket in its container, as whom it
trusts there: the user 999. A member that does not answer has no line.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import sys
import threading
import time

import psycopg

USER = 999
EVERY = 0.1  # seconds
LIMIT = 2  # seconds for a connection
FOLLOWING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state IN ('quorum', 'sync')"
QUERY = f"SELECT pg_is_in_recovery(), ({FOLLOWING})"


def servers(cluster: str) -> dict[int, str]:
    """The pids of the servers that run in a cluster's containers → members."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or is none of ours
            if not _is_server(process) or f"/vcci-{cluster}/" not in (process / "cgroup").read_text():
                continue
            if _is_server(process.with_name(_parent(process))):
                continue  # a child that has not yet said what it is for
            known = (process / "environ").read_bytes().split(b"\0")
            names = [entry.removeprefix(b"POD_NAME=") for entry in known if entry.startswith(b"POD_NAME=")]
            found[int(process.name)] = names[0].decode()
    return found


def _is_server(process: pathlib.Path) -> bool:
    return (process / "cmdline").read_bytes().split(b"\0")[0].endswith(b"/bin/postgres")


def _parent(process: pathlib.Path) -> str:
    """Its pid."""
    return (process / "stat").read_text().rpartition(")")[2].split()[1]


def ask(pid: int, member: str) -> None:
    """Until the server's process is gone."""
    inside = pathlib.Path("/proc", str(pid), "root")  # the container's own files
    where = str(inside / "run/postgresql")  # /var/run is a link there, which would lead out of it
    while pathlib.Path(f"/proc/{pid}").exists():
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


TELLING = threading.Lock()


def tell(**sample: object) -> None:
    with TELLING:
        sys.stdout.write(json.dumps(sample) + "\n")
        sys.stdout.flush()


def watch(cluster: str) -> None:
    known = set[int]()
    while True:
        for pid, member in servers(cluster).items():
            if pid not in known:
                known.add(pid)
                threading.Thread(target=ask, args=(pid, member), daemon=True).start()
        time.sleep(EVERY)


if __name__ == "__main__":
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)
    threading.Thread(target=watch, args=(sys.argv[1],), daemon=True).start()
    sys.stdin.read()
    os._exit(0)  # threads may wait for servers that are frozen
