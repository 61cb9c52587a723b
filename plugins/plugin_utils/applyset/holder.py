# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who holds a set: precisely enough to tell, on the same machine, whether that process still lives."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCK = "applyset.greenlang.io/held-by"  # the annotation that is a claim
# Claims of this very process that are not given up: a run that ended without its record leaves none behind.
_CLAIMED: set[str] = set()


def identity(process: int | None = None) -> dict[str, Any]:
    """Of this process, or of another of this machine. `id` differs with every call."""
    pid = os.getpid() if process is None else process
    return {
        "host": socket.gethostname(),
        "pid": pid,
        "machine": _text(Path("/proc/sys/kernel/random/boot_id")) + "/" + _link(Path("/proc/self/ns/pid")),
        "start": _start_of(pid),
        "id": os.urandom(8).hex(),
    }


def claim(holder: Mapping[str, Any]) -> None:
    """From now on this process holds, or may hold, a set by that identity."""
    _CLAIMED.add(holder["id"])


def give_up(holder: Mapping[str, Any]) -> None:
    """It does not any more, whatever the record says."""
    _CLAIMED.discard(holder["id"])


def parse(text: str | None) -> dict[str, Any] | None:
    """Who a record's annotation names. What makes no sense is somebody who never moves, and so soon counts as gone."""
    if not text:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and isinstance(found.get("id"), str):
        return found
    return {"host": "an unknown machine", "pid": "?", "id": text}


def is_gone(holder: Mapping[str, Any]) -> bool:
    """Whether a holder is known to have ended: it was a process of this machine and is none any more, or it was a run
    of this process."""
    me = identity()
    if not me["start"] or holder.get("machine") != me["machine"] or not isinstance(holder.get("pid"), int):
        return False
    if holder["pid"] == me["pid"] and holder.get("start") == me["start"]:
        return holder["id"] not in _CLAIMED
    return _start_of(holder["pid"]) != holder.get("start")


def name(holder: Mapping[str, Any]) -> str:
    return f"process {str(holder.get('pid'))[:20]} on {str(holder.get('host'))[:80]}"


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
