# Copyright (c) 2026 GreenLang. All rights reserved.
"""The files of a tenant's backup, and whether each is still what was recorded of it: {file, bytes, sha256}."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import is_draft

OF_RECORD = "record-"  # begins the names of files that are no part of the backup


def of_folder(folder: Path) -> list[dict[str, Any]]:
    """Of every file below, without drafts, which a run that was killed leaves behind, and lists of the record."""
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return [of_file(folder, name) for name in files if not (is_draft(Path(name).name) or name.startswith(OF_RECORD))]


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
