# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the tasks of this run would have brought, kept for its later tasks, which in check mode have nothing to see.

It is in the run's own temporary directory, which Ansible removes at its end. The tasks of several hosts, and those for
several clusters, write it side by side: each adds to what the others wrote.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

from ..files import write_whole
from ..kubernetes.kinds import Resource
from .options import Planned

FILE = "greenlang.vcci.planned.json"
REFUSED = "greenlang.vcci.refused.jsonl"


def load(folder: str, server: str) -> Planned:
    """What was planned for this server so far; nothing where that cannot be read."""
    kept = _read(folder).get(server)
    kept = kept if isinstance(kept, dict) else {}
    kinds = [Resource(*entry) for entry in kept.get("kinds") or []]
    return Planned(set(kept.get("namespaces") or []), {(kind.api_version, kind.kind): kind for kind in kinds})


def save(folder: str, server: str, planned: Planned) -> None:
    """Add to what was planned. OSError where that cannot be written."""
    with (Path(folder) / f"{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = load(folder, server)
        namespaces = before.namespaces | planned.namespaces
        kinds = {**before.kinds, **planned.kinds}
        kept = {"namespaces": sorted(namespaces), "kinds": [list(kind) for kind in kinds.values()]}
        write_whole(Path(folder) / FILE, json.dumps({**_read(folder), server: kept}), durable=False)


def note_refused(folder: str, errors: list[str]) -> None:
    """Keep what a check mode foresees to be refused, for the end of the run. OSError where that cannot be written."""
    with (Path(folder) / REFUSED).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("".join(json.dumps(error) + "\n" for error in errors))


def refused(folder: str) -> list[str]:
    """All that was kept so far, each once."""
    try:
        lines = (Path(folder) / REFUSED).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return list(dict.fromkeys(str(json.loads(line)) for line in lines))


def _read(folder: str) -> dict[str, Any]:
    """By server."""
    try:
        kept = json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
