# Copyright (c) 2026 GreenLang. All rights reserved.
"""Lists of an offboarding that may be of any length: a tenant decides how many objects it has, and how long their
names are, and a ConfigMap holds 1 MiB.

Each is a file in the tenant's directory, called by its digest, so that a run that is killed leaves the one that is
recorded as it was. The record has its name, size, digest and number of entries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import write_whole
from . import digests


def write(folder: Path, name: str, entries: Any) -> dict[str, Any]:
    """Keep a list or dictionary; what the record is to say of it."""
    text = json.dumps(entries, indent=1, sort_keys=True, ensure_ascii=False).encode()
    sha256 = hashlib.sha256(text).hexdigest()
    file = f"{digests.OF_RECORD}{name}-{sha256[:16]}.json"
    write_whole(folder / file, text, 0o600, folder_mode=0o700)
    return {"file": file, "bytes": len(text), "sha256": sha256, "number": len(entries)}


def tidy(folder: Path, name: str, said: Mapping[str, Any]) -> None:
    """Remove what was kept before of that name."""
    for path in folder.glob(f"{digests.OF_RECORD}{name}-*.json"):
        if path.name != said["file"]:
            path.unlink(missing_ok=True)


def read(folder: Path, said: Mapping[str, Any]) -> Any:
    """What was kept; None when its file is not the one that was recorded."""
    if digests.difference(folder, said) is not None:
        return None
    return json.loads((folder / said["file"]).read_bytes())
