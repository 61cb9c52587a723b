# Copyright (c) 2026 GreenLang. All rights reserved.
"""Asks every member of Redis on this machine, ten times a second, whether it takes writes; no network is between.

It tells, as `watching` says, whether a member took a write, and how many replicas confirm to it what it takes. Each is
asked through the socket in its container.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from pathlib import Path

from watching import EVERY, tell, watch

LIMIT = 30  # seconds: a server that was told to pause answers when it goes on
SILENT = 3  # seconds after which a replica confirms nothing any more
FOLLOWING = re.compile(rb"^slave\d+:.*state=online,.*lag=(\d+)", re.MULTILINE)


def _is_server(process: Path) -> bool:
    return (process / "comm").read_text().strip() == "redis-server"


class Connection:
    def __init__(self, pid: int) -> None:
        inside = Path("/proc", str(pid), "root")  # the container's own files
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
    while Path(f"/proc/{pid}").exists():
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


if __name__ == "__main__":
    watch(_is_server, ask)
