# Copyright (c) 2026 GreenLang. All rights reserved.
"""The files of a tenant's backup, and whether each is still what was recorded of it: {file, bytes, sha256}.

What an earlier offboarding of the tenant left, which was taken back, is no part of it, and is never deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import is_draft, sync_folder

OF_RECORD = "record-"  # begins the names of files that are no part of the backup
EARLIER = "earlier-"  # begins the names of folders with what earlier offboardings left


def of_folder(folder: Path) -> list[dict[str, Any]]:
    """Of every file below, without drafts, which a run that was killed leaves behind, lists of the record, and what is
    kept aside."""
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    ours = [name for name in files if not (is_draft(Path(name).name) or name.startswith((OF_RECORD, EARLIER)))]
    return [of_file(folder, name) for name in ours]


def earlier(folder: Path) -> list[Path]:
    """What is in the folder of an offboarding that has not begun, without what is kept aside already."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith(EARLIER))


def keep_aside(paths: Sequence[Path], aside: Path) -> None:
    """Move files and folders into `aside`, which is beside them; a run that is killed leaves the others to the next."""
    aside.mkdir(0o700, exist_ok=True)
    for path in paths:
        path.rename(aside / path.name)
    sync_folder(aside)
    sync_folder(aside.parent)


def of_file(folder: Path, name: str) -> dict[str, Any]:
    with (folder / name).open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256")
        return {"file": name, "bytes": handle.tell(), "sha256": digest.hexdigest()}


def difference(folder: Path, entry: Mapping[str, Any]) -> str | None:
    """Why a file is not the one that was recorded, None where it is."""
    path = folder / entry["file"]
    try:
        size = path.stat().st_size
        if size != entry["bytes"]:
            return f"{path} has {size} bytes, not {entry['bytes']}"
        same = of_file(folder, entry["file"])["sha256"] == entry["sha256"]
        return None if same else f"{path} has another SHA-256"
    except OSError as exc:
        return f"{path}: {exc.strerror or exc}"
