# Copyright (c) 2026 GreenLang. All rights reserved.
"""Asks every member of Weaviate on this machine, ten times a second, whether it is ready, from within its own network.

`weaviate_watch.py <local cluster>` runs until its standard input ends. A JSON object a line: member, pid of its server,
when it was asked and when it had answered by the machine's monotonic clock, whether it is `ready`. Members are equal:
none is a primary that another could be beside. A member that does not answer has no line.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import sys
import threading
import time

EVERY = 0.1  # seconds
LIMIT = 2  # seconds for an answer
NEWNET = 0x40000000


def servers(cluster: str) -> dict[int, str]:
    """The pids of the servers that run in a cluster's containers → members."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or is none of ours
            program = (process / "cmdline").read_bytes().split(b"\0")[0]
            if (
                program.rpartition(b"/")[2] != b"weaviate"
                or f"/vcci-{cluster}/" not in (process / "cgroup").read_text()
            ):
                continue
            known = (process / "environ").read_bytes().split(b"\0")
            names = [entry.removeprefix(b"POD_NAME=") for entry in known if entry.startswith(b"POD_NAME=")]
            found[int(process.name)] = names[0].decode()
    return found


def ask(pid: int, member: str) -> None:
    """Until the server's process is gone; this thread is in its network from then on."""
    with contextlib.suppress(OSError), pathlib.Path(f"/proc/{pid}/ns/net").open("rb") as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        while pathlib.Path(f"/proc/{pid}").exists():
            asked = time.monotonic()
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", 8081, timeout=LIMIT)
                try:
                    connection.request("GET", "/v1/.well-known/ready")
                    ready = connection.getresponse().status == 200
                finally:
                    connection.close()
                moments = {"asked": asked, "answered": time.monotonic()}
                tell(member=member, pid=pid, **moments, primary=False, following=0, ready=ready)
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
