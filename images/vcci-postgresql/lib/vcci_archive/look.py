# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is wrong with an archive before it is used, and whether a point in time can be reached."""

from __future__ import annotations

import itertools
import os
import time
from typing import Any

from . import configure, history, repository
from .settings import Refusal

FIRST = "00000001"


def check() -> dict[str, object]:
    """Of the database POSTGRES_SYSTEM, which is empty where there is none yet."""
    configure.write()
    return {"said": repository.check(os.environ.get("POSTGRES_SYSTEM", ""))}


def explain(wanted: str, timeline: str = "") -> dict[str, object]:
    """From which backup a point in time is reached: of this timeline, of POSTGRES_ARCHIVE_LINE, or of the newest."""
    configure.write()
    found = repository.info()
    every = history.backups(found)
    own = own_lines(found, every, timeline or os.environ.get("POSTGRES_ARCHIVE_LINE", ""))
    known = history.segments(repository.listed(found), own)
    chosen = history.choose(wanted, every, own, known, time.time())
    first = min(backup.ended for backup in every if history.on(own, backup))
    until = history.say(max(known.values())) if known else ""
    return {"backup": chosen.label, "size": chosen.size, "from": history.say(first), "until": until}


def own_lines(found: list[dict[str, Any]], every: list[history.Backup], timeline: str = "") -> dict[str, int]:
    """The history that leads to a timeline; without a number, to the newest that a backup is of. One that the archive
    never got, while it was away, begins with its own backups."""
    there = repository.timelines(found)
    if timeline:
        line = f"{int(timeline):08X}"
        if line != FIRST and not there.get(line):
            raise Refusal(
                f"the archive has no line of history {int(timeline)}. Remedy: one that `patronictl history` has"
            )
        return history.lines(line, repository.past(found, line))
    newest_first = sorted(there, reverse=True)
    known = (history.lines(line, repository.past(found, line) if there[line] else "") for line in newest_first)
    newest = next(known, {FIRST: 0})
    used = (own for own in itertools.chain([newest], known) if any(history.on(own, backup) for backup in every))
    return next(used, newest)  # each is asked for when those before it are of no use
