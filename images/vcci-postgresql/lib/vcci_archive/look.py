# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is wrong with an archive before it is used, and whether a point in time can be reached."""

from __future__ import annotations

import os
import time

from . import configure, history, repository


def check() -> dict[str, object]:
    """Of the database POSTGRES_SYSTEM, which is empty where there is none yet."""
    configure.write()
    return {"said": repository.check(os.environ.get("POSTGRES_SYSTEM", ""))}


def explain(wanted: str) -> dict[str, object]:
    """From which backup a point in time is reached."""
    configure.write()
    found = repository.info()
    there, known = history.backups(found), history.segments(repository.listed(found))
    chosen = history.choose(wanted, there, known, time.time())
    until = history.say(max(known.values())) if known else ""
    return {"backup": chosen.label, "size": chosen.size, "from": history.say(there[0].ended), "until": until}
