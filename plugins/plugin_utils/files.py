# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one way to write what must be whole or not at all: a file, also when power is lost meanwhile, or a folder."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

DRAFT = ".draft"  # ends the names of drafts, which begin with a dot


def write_whole(
    path: Path, content: bytes | str, mode: int | None = None, *, folder_mode: int = 0o777, durable: bool = True
) -> None:
    """Write a draft beside `path`, then put it in its place; see draft()."""
    with draft(path, mode, folder_mode=folder_mode, durable=durable) as handle:
        handle.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def draft(
    path: Path, mode: int | None = None, *, folder_mode: int = 0o777, durable: bool = True, alone: bool = False
) -> Iterator[BinaryIO]:
    """A file to write that appears as `path` when the block ends well, and is removed when it does not.

    mode         of the file; None keeps that of the file which is replaced, and gives a new one 0644.
    folder_mode  of the folder of the file where it is made, less the umask.
    durable      False leaves out fsync: for what can be made again.
    alone        nobody else writes it: drafts of the same file that killed runs left are removed first.
    OSError      names the file; nothing has changed then.
    """
    path.parent.mkdir(folder_mode, parents=True, exist_ok=True)
    if alone:
        for left in path.parent.glob(f".{glob.escape(path.name)}.*{DRAFT}"):
            left.unlink(missing_ok=True)
    descriptor, name = tempfile.mkstemp(DRAFT, f".{path.name}.", path.parent)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
            os.fchmod(handle.fileno(), mode if mode is not None else _mode_of(path))
            if durable:
                handle.flush()
                os.fsync(handle.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def is_draft(name: str) -> bool:
    """Also those of version 1.0, which ended in .new."""
    return name.startswith(".") and name.endswith((DRAFT, ".new"))


@contextlib.contextmanager
def whole_folder(target: Path, mode: int = 0o700, *, alone: bool = False) -> Iterator[Path]:
    """A folder to fill, which is renamed to `target` when the block ends well and removed when it does not.

    It is for what can be made again: nothing is synced.

    target  must not be there, or be an empty folder.
    alone   the caller holds a lock: drafts of the same target that killed runs left are removed first.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if alone:
        for left in target.parent.glob(f".{glob.escape(target.name)}.*/"):
            shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    draft.chmod(mode)
    try:
        yield draft
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mode_of(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o7777
    except FileNotFoundError:
        return 0o644
