# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the tasks of this run would have brought, kept for its later tasks, which in check mode have nothing to see.

It is in the run's own temporary directory, which Ansible removes at its end.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..files import write_whole
from ..kubernetes.kinds import Resource
from .options import Planned

FILE = "greenlang.vcci.planned.json"


def load(folder: str, server: str) -> Planned:
    """What was planned for this server so far; nothing where that cannot be read."""
    try:
        kept = json.loads((Path(folder) / FILE).read_text(encoding="utf-8")).get(server) or {}
    except (OSError, ValueError):
        kept = {}
    kinds = [Resource(*entry) for entry in kept.get("kinds") or []]
    return Planned(set(kept.get("namespaces") or []), {(kind.api_version, kind.kind): kind for kind in kinds})


def save(folder: str, server: str, planned: Planned) -> None:
    """Replace what was kept; of another server nothing is kept. OSError where that cannot be written."""
    kept = {"namespaces": sorted(planned.namespaces), "kinds": [list(kind) for kind in planned.kinds.values()]}
    write_whole(Path(folder) / FILE, json.dumps({server: kept}), durable=False)
