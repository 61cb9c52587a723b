# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is wrong with an archive before it is used, and whether a point in time can be reached."""

from __future__ import annotations

import os
import time
from typing import Any

from . import configure, history, repository

FIRST = "00000001"


def check() -> dict[str, object]:
    """Of the database POSTGRES_SYSTEM, which is empty where there is none yet."""
    configure.write()
    return {"said": repository.check(os.environ.get("POSTGRES_SYSTEM", ""))}


def explain(wanted: str, timeline: str = "") -> dict[str, object]:
    """From which backup a point in time of a timeline is reached, which is the newest one without a number."""
    configure.write()
    found = repository.info()
    own = own_lines(found, timeline)
    there, known = history.backups(found), history.segments(repository.listed(found), own)
    chosen = history.choose(wanted, there, own, known, time.time())
    first = min(backup.ended for backup in there if history.on(own, backup))
    until = history.say(max(known.values())) if known else ""
    return {"backup": chosen.label, "size": chosen.size, "from": history.say(first), "until": until}


def own_lines(found: list[dict[str, Any]], timeline: str = "") -> dict[str, int]:
    """The history that leads to a timeline."""
    line = f"{int(timeline):08X}" if timeline else repository.newest_line(found) or FIRST
    return history.lines(line, repository.past(found, line))
