# Copyright (c) 2026 GreenLang. All rights reserved.
"""Container images out of images/images.yml: those that the cache lacks are built, several at once.

buildah's own storage lives only while something is built, below the cache, so the host's is never touched. Runs that
want images at the same time take turns: the second finds what the first built.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from ...errors import VcciError
from ..building import locked
from . import room
from .archives import Archives
from .buildah import Buildah
from .definitions import Image, read_table, select

WORKERS = 2  # builds at once: one computes while another downloads
COMMANDS = {"buildah": "buildah", "debootstrap": "debootstrap", "tar": "tar"}  # and the packages that have them


def build_images(
    table: Path, cache: Path, programs: Path, say: Callable[[str], None], only: Sequence[str] | None = None
) -> dict[str, Path]:
    """Build what the directory `cache` lacks of a table's images (or of `only`); return the archive of each by name.

    `programs` has the programs that images are made of. Raises VcciError.
    """
    images, archives = read_table(table), Archives(cache, programs)
    chosen = select(images, only)
    keys = archives.keys(chosen)
    if archives.lacking(chosen, keys):
        with locked(cache / "lock", say, "it builds images"):
            lacking = archives.lacking(chosen, keys)
            if lacking:
                _build(archives, images, keys, lacking, say)
                room.make_room(cache, room.archives)
    return {image.name: archives.archive(keys[image.name]) for image in chosen if only is None or image.name in only}


def images_to_build(table: Path, cache: Path, programs: Path, only: Sequence[str] | None = None) -> list[str]:
    """The names of images that `build_images` would build, in order, or cannot judge because a program is missing."""
    archives = Archives(cache, programs)
    chosen = select(read_table(table), only)
    known = [image for image in chosen if not archives.lacks_program(image)]
    lacking = archives.lacking(known, archives.keys(known))
    return [image.name for image in chosen if image in lacking or archives.lacks_program(image)]


def _build(
    archives: Archives,
    images: Mapping[str, Image],
    keys: Mapping[str, str],
    lacking: Sequence[Image],
    say: Callable[[str], None],
) -> None:
    """Build images, parents first; after a failure those under way are finished and no others begun."""
    _preflight()
    waiting = list(lacking)
    running: dict[Future[None], Image] = {}
    failures: list[BaseException] = []
    with _work_folder(archives.directory) as work:
        buildah = Buildah(work, archives, keys)
        with ThreadPoolExecutor(WORKERS) as pool:
            while running or (waiting and not failures):
                for image in [] if failures else _next(waiting, list(running.values())):
                    waiting.remove(image)
                    label = f"image {image.name} ({len(lacking) - len(waiting)} of {len(lacking)})"
                    running[pool.submit(buildah.build, image, images.get(image.parent), label, say)] = image
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    failure = future.exception()
                    failures += [failure] if failure else []
        if failures:
            raise failures[0]


def _next(waiting: Sequence[Image], running: Sequence[Image]) -> list[Image]:
    """What to begin now: images whose parents are built; those of one context after each other, to share its layers."""
    unbuilt = {image.name for image in [*waiting, *running]}
    busy = {image.context for image in running if not _shares_nothing(image)}
    chosen: list[Image] = []
    for image in waiting:
        if len(running) + len(chosen) < WORKERS and image.parent not in unbuilt and image.context not in busy:
            chosen.append(image)
            busy |= set() if _shares_nothing(image) else {image.context}
    return chosen


def _shares_nothing(image: Image) -> bool:
    """Whether an image's context is a frame around a program of its own."""
    return image.context.name == "binary"


def _preflight() -> None:
    lacks = sorted(package for command, package in COMMANDS.items() if not shutil.which(command))
    if lacks:
        raise VcciError(
            f"building images needs {', '.join(lacks)}. Remedy: apt-get install {' '.join(lacks)} (`make setup` does)."
        )
    if os.geteuid() != 0:
        raise VcciError("building images needs root. Remedy: run as root, or use nodes: simulated, which need none.")


@contextmanager
def _work_folder(cache: Path) -> Iterator[Path]:
    """A directory for one run, beside the archives so that renames work; what killed runs left is removed first, but no
    stores (store.py), of which another run may be filling one."""
    for left in [*cache.glob(".work-*"), *cache.glob("[!.]*.partial"), *cache.glob(".*.json.*")]:
        _remove(left)
    work = Path(tempfile.mkdtemp(prefix=".work-", dir=cache))
    try:
        yield work
    finally:
        _remove(work)


def _remove(path: Path) -> None:
    """Remove a file, or a directory after what is mounted in it."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    mounts = [line.split()[4].replace("\\040", " ") for line in lines]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{path}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    shutil.rmtree(path, ignore_errors=True)
