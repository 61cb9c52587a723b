# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one way to write what must be whole or not at all: files, also when power is lost meanwhile, or a folder."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

DRAFT = ".draft"  # ends the names of drafts, which begin with a dot
AT_ONCE = 8  # files that are flushed to the disk at a time, which then does it in fewer turns
REMEDIES = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there, or have the quota raised",
    errno.EFBIG: "have the limit of a file's size raised",
    errno.EROFS: "it is mounted read-only: name another place, or mount it to be written",
    errno.EACCES: "name another place, or run this as somebody who may write there",
    errno.EPERM: "name another place, or run this as somebody who may write there",
    errno.ENOTDIR: "a file is where its folder should be: name another place",
    errno.EISDIR: "a folder is there: name a file",
}
_NAMELESS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # of which Python does not say in what file they were


def write_whole(
    path: Path, content: bytes | str, mode: int | None = None, *, folder_mode: int = 0o777, durable: bool = True
) -> None:
    """Write a draft beside `path`, then put it in its place; see draft()."""
    with draft(path, mode, folder_mode=folder_mode, durable=durable) as handle:
        handle.write(content.encode() if isinstance(content, str) else content)


def write_all(contents: Mapping[Path, bytes | str]) -> None:
    """Several files, durably: the first is put in its place when all drafts are on the disk; see draft().

    OSError  names the file that failed; where it was a draft, nothing has changed.
    """
    places = {_place(path): content for path, content in contents.items()}
    for folder in {path.parent for path in places}:
        folder.mkdir(parents=True, exist_ok=True)
    umask = _umask()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made: dict[Path, Future[Path]] = {}
        for path, content in places.items():
            made[path] = pool.submit(_drafted, path, content, umask)
    try:
        drafts = {path: future.result() for path, future in made.items()}
        for path, name in drafts.items():
            name.replace(path)
    except BaseException:
        for future in made.values():
            if future.exception() is None:
                future.result().unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in places}:
        sync_folder(folder)


@contextlib.contextmanager
def draft(
    path: Path, mode: int | None = None, *, folder_mode: int = 0o777, durable: bool = True, alone: bool = False
) -> Iterator[BinaryIO]:
    """A file to write that appears as `path` when the block ends well, and is removed when it does not.

    It has the owner of the file that it replaces, as far as whoever runs this may give it away; where `path` is a link,
    what that leads to is replaced.

    mode         of the file; None keeps that of the file which is replaced, and gives a new one what the umask leaves.
    folder_mode  of the folder of the file where it is made, less the umask.
    durable      False leaves out fsync: for what can be made again.
    alone        nobody else writes it: drafts of the same file that killed runs left are removed first.
    OSError      names the file; nothing has changed then.
    """
    path = _place(path)
    path.parent.mkdir(folder_mode, parents=True, exist_ok=True)
    if alone:
        for left in path.parent.glob(f".{glob.escape(path.name)}.*{DRAFT}"):
            left.unlink(missing_ok=True)
    with _unfinished(path) as (handle, name):
        yield handle
        _finish(handle, path, mode, _umask(), durable)
        name.replace(path)
    if durable:
        sync_folder(path.parent)


def why(exc: OSError) -> str:
    """Why a file could not be written, and what helps."""
    remedy = REMEDIES.get(exc.errno or 0)
    return f"{exc.strerror or exc}{f' ({remedy})' if remedy else ''}"


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


# --- drafts ----------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file beside `path`, and its name; it is closed when the block ends, and removed when that fails."""
    descriptor, name = tempfile.mkstemp(DRAFT, f".{path.name}.", path.parent)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle, Path(name)
    except BaseException as exc:
        Path(name).unlink(missing_ok=True)
        if isinstance(exc, OSError) and exc.errno in _NAMELESS and exc.filename is None:
            exc.filename = str(path)
        raise


def _drafted(path: Path, content: bytes | str, umask: int) -> Path:
    with _unfinished(path) as (handle, name):
        handle.write(content.encode() if isinstance(content, str) else content)
        _finish(handle, path, None, umask, durable=True)
    return name


def _finish(handle: BinaryIO, path: Path, mode: int | None, umask: int, durable: bool) -> None:
    """Mode and owner of the file that it is to be, and all of it on the disk before it gets that name."""
    handle.flush()
    before = path.stat() if path.exists() else None
    if before is not None and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(PermissionError):
            os.fchown(handle.fileno(), before.st_uid, before.st_gid)
    kept = before.st_mode & 0o7777 if before else 0o666 & ~umask
    os.fchmod(handle.fileno(), kept if mode is None else mode)
    if durable:
        os.fsync(handle.fileno())


def _place(path: Path) -> Path:
    return path.resolve() if path.is_symlink() else path


def _umask() -> int:
    """It can only be read by setting it; a file that is made meanwhile is closed to others rather than open."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
