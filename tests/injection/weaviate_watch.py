# Copyright (c) 2026 GreenLang. All rights reserved.
"""Asks every member of Weaviate on this machine, ten times a second, whether it is ready, from within its own network.

It tells, as `watching` says, whether a member is `ready`. Members are equal: none is a primary that another could be
beside.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import time
from pathlib import Path

from watching import EVERY, tell, watch

LIMIT = 2  # seconds for an answer
NEWNET = 0x40000000


def _is_server(process: Path) -> bool:
    return (process / "cmdline").read_bytes().split(b"\0")[0].rpartition(b"/")[2] == b"weaviate"


def ask(pid: int, member: str) -> None:
    """Until the server's process is gone; this thread is in its network from then on."""
    with contextlib.suppress(OSError), Path(f"/proc/{pid}/ns/net").open("rb") as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        while Path(f"/proc/{pid}").exists():
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


if __name__ == "__main__":
    watch(_is_server, ask)
