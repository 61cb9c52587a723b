# Copyright (c) 2026 GreenLang. All rights reserved.
"""Three members of Weaviate, as processes: rights, backups, one that dies and gets what it missed, all that die."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests import helpers
from tests.integration.images.test_weaviate_members import a_member_dies, all_die, backups, rights, three


def soak() -> str:
    took = []
    with (
        tempfile.TemporaryDirectory() as folder,
        helpers.reserved(range(200, 250), "network") as network,
        three(Path(folder), network) as members,
    ):
        for step in (rights, a_member_dies, backups, all_die):
            begun = time.monotonic()
            step(members)
            took.append(f"{step.__name__} {time.monotonic() - begun:.0f} s")
    return ", ".join(took)
