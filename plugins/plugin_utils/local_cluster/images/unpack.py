# Copyright (c) 2026 GreenLang. All rights reserved.
"""Docker archives unpacked into directories, as root file systems."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from ...errors import VcciError
from ...files import whole_folder
from .. import host
from ..building import locked
from .archives import unpacked_beside


def root_file_system(archive: Path, what: str, say: Callable[[str], None]) -> Path:
    """The root file system of an archive, unpacked beside it by the first run that wants it. `what` is whose it is."""
    target = unpacked_beside(archive)
    with locked(archive.with_name(f"{archive.name}.lock"), say, f"it unpacks the root file system of {what}"):
        if not target.exists():
            say(f"unpacking the root file system of {what}")
            unpack(archive, target)
    return target


def unpack(archive: Path, target: Path) -> None:
    """Unpack the layers of a docker archive, in order, into a directory that appears whole or not at all."""
    with whole_folder(target, 0o755, alone=True) as draft:
        layers = draft / ".layers"
        names = _take_layers(archive, layers)
        for name in names:
            # A layer says with a `.wh.` file what it removes of those below.
            into = ["--numeric-owner", "--directory", str(draft)]
            host.run("tar", "--extract", *into, "--file", str(layers / name), "--exclude=.wh.*")
        shutil.rmtree(layers)


def _take_layers(archive: Path, target: Path) -> list[str]:
    """Extract the layers of an archive, which are archives themselves; their names, the lowest first."""
    with tarfile.open(archive) as outer:
        manifest = outer.extractfile("manifest.json")
        if manifest is None:
            raise VcciError(
                f"{archive} is no docker archive: it has no manifest.json. Remedy: delete it; it is built again."
            )
        names: list[str] = json.load(manifest)[0]["Layers"]
        outer.extractall(target, members=[outer.getmember(name) for name in names], filter="tar")
    return names
