# Copyright (c) 2026 GreenLang. All rights reserved.
"""Asks every member of Redis on this machine, ten times a second, whether it takes writes; no network is between.

`redis_watch.py <local cluster>` runs until its standard input ends. A JSON object a line: member, pid of its server,
when it was asked and when it had answered by the machine's monotonic clock, whether it took a write, and how many
replicas confirm to it what it takes. Each is asked through the socket in its container. A member that does not answer
has no line.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import socket
import sys
import threading
import time

EVERY = 0.1  # seconds
LIMIT = 30  # seconds: a server that was told to pause answers when it goes on
SILENT = 3  # seconds after which a replica confirms nothing any more
FOLLOWING = re.compile(rb"^slave\d+:.*state=online,.*lag=(\d+)", re.MULTILINE)


def servers(cluster: str) -> dict[int, str]:
    """The pids of the servers that run in a cluster's containers → members."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or is none of ours
            if not _is_server(process) or f"/vcci-{cluster}/" not in (process / "cgroup").read_text():
                continue
            if not _is_server(process.with_name(_parent(process))):  # which writes a file in another process
                found[int(process.name)] = (process / "root/etc/hostname").read_text().strip()
    return found


def _is_server(process: pathlib.Path) -> bool:
    return (process / "comm").read_text().strip() == "redis-server"


def _parent(process: pathlib.Path) -> str:
    """Its pid."""
    return (process / "stat").read_text().rpartition(")")[2].split()[1]


class Connection:
    def __init__(self, pid: int) -> None:
        inside = pathlib.Path("/proc", str(pid), "root")  # the container's own files
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(str(inside / "run/redis/redis.sock"))
        self.stream = self.socket.makefile("rb")
        self.ask("AUTH", "application", (inside / "run/secrets/redis/password").read_text().strip())

    def ask(self, *words: str) -> bytes:
        encoded = [word.encode() for word in words]
        parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        self.socket.sendall(b"*%d\r\n%s" % (len(encoded), parts))
        line = self.stream.readline()
        if not line:
            raise ConnectionError
        return self.stream.read(int(line[1:]) + 2) if line.startswith(b"$") else line


def ask(pid: int, member: str) -> None:
    """Until the server's process is gone."""
    while pathlib.Path(f"/proc/{pid}").exists():
        with contextlib.suppress(OSError):
            connection = Connection(pid)
            while True:
                asked = time.monotonic()
                took = connection.ask("SET", f"watch:{member}", "1", "EX", "60").startswith(b"+OK")
                answered = time.monotonic()
                lags = [int(lag) for lag in FOLLOWING.findall(connection.ask("INFO", "replication"))]
                following = sum(lag <= SILENT for lag in lags)
                tell(member=member, pid=pid, asked=asked, answered=answered, primary=took, following=following)
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
    threading.Thread(target=watch, args=(sys.argv[1],), daemon=True).start()
    sys.stdin.read()
    os._exit(0)  # threads may wait for servers that are frozen
