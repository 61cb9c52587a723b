# Copyright (c) 2026 GreenLang. All rights reserved.
"""What watchers share: they run beside a trial as programs of their own, `<store>_watch.py <local cluster>`, until
their standard input ends, and ask every member of their store on this machine ten times a second.

A JSON object a line: member, pid of its server, when it was asked and when it had answered by the machine's monotonic
clock, and what it said. A member that does not answer has no line.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

EVERY = 0.1  # seconds
YOUNG = 2.0  # seconds in which a process may yet be taken into a container
TELLING = threading.Lock()

Ask = Callable[[int, str], None]


class Servers:
    """Those of a cluster's containers: processes of which `is_server` says so, whose parent is none.

    A machine with a cluster has a thousand processes. What is in no container of it is not looked at for long; what
    is may become a server at any time.
    """

    def __init__(self, cluster: str, is_server: Callable[[Path], bool]) -> None:
        self._group, self._is_server = f"/vcci-{cluster}/", is_server
        self._since, self._inside, self._found = dict[str, float](), set[str](), set[str]()

    def new(self) -> Iterator[tuple[int, str]]:
        """Pid and member of those that no look before this one found."""
        now, there = time.monotonic(), {path.name for path in Path("/proc").glob("[0-9]*")}
        self._since = {name: self._since.get(name, now) for name in there}
        self._inside, self._found = self._inside & there, self._found & there
        for name, since in self._since.items():
            process = Path("/proc", name)
            with contextlib.suppress(OSError):  # it has just ended, or is none of ours
                if name not in self._inside and now - since < YOUNG and self._group in (process / "cgroup").read_text():
                    self._inside.add(name)
                if name in self._found or name not in self._inside or not self._is_server(process):
                    continue
                if not self._is_server(_parent(process)):
                    member = (process / "root/etc/hostname").read_text().strip()
                    self._found.add(name)
                    yield int(name), member


def _parent(process: Path) -> Path:
    return process.with_name((process / "stat").read_text().rpartition(")")[2].split()[1])


def tell(**sample: object) -> None:
    with TELLING:
        sys.stdout.write(json.dumps(sample) + "\n")
        sys.stdout.flush()


def watch(is_server: Callable[[Path], bool], ask: Ask) -> None:
    """`ask` is called in a thread of its own for each server, and returns when its process is gone."""

    def look() -> None:
        servers = Servers(sys.argv[1], is_server)
        while True:
            for pid, member in servers.new():
                threading.Thread(target=ask, args=(pid, member), daemon=True).start()
            time.sleep(EVERY)

    threading.Thread(target=look, daemon=True).start()
    sys.stdin.read()
    os._exit(0)  # threads may wait for servers that are frozen
