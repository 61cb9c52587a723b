# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who holds a set: precisely enough to tell, on the same machine, whether that process still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def identity() -> dict[str, Any]:
    """Of this process. `id` differs with every call."""
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "pid": pid,
        "machine": _text(Path("/proc/sys/kernel/random/boot_id")) + "/" + _link(Path("/proc/self/ns/pid")),
        "start": _start_of(pid),
        "id": os.urandom(8).hex(),
    }


def is_gone(holder: Mapping[str, Any]) -> bool:
    """Whether a holder is known to have ended: it was a process of this machine, and is none any more."""
    me = identity()
    if not me["start"] or holder.get("machine") != me["machine"] or not isinstance(holder.get("pid"), int):
        return False
    return _start_of(holder["pid"]) != holder.get("start")


def name(holder: Mapping[str, Any]) -> str:
    return f"process {holder.get('pid')} on {holder.get('host')}"


def _start_of(pid: int) -> str:
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    # A process that was killed and not yet collected by its parent has a start time, but holds nothing any more.
    return "" if len(fields) < 20 or fields[0] in ("Z", "X") else fields[19]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""
