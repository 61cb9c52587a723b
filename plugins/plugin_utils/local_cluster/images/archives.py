# Copyright (c) 2026 GreenLang. All rights reserved.
"""The cache of built images: one docker archive each, `<key>.tar`, with a record of its fingerprint, `<key>.json`.

A key carries a digest of everything that decides an archive's content: its line in the table, its context, its program,
and the same of the image it stands on. An archive appears whole or not at all; one that its record no longer fits is
built again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...errors import VcciError
from ...files import write_whole
from ..building import fingerprint, fits, sha256
from .definitions import Image

FORMAT = 1  # raise it when the same inputs are to give other archives


def context_digest(directory: Path) -> str:
    """A digest of the names, modes and contents of a directory's files, without what Python leaves behind."""
    known = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            stat = path.stat()
            known.update(f"{path.relative_to(directory)}\0{stat.st_mode & 0o111:o}\0{stat.st_size}\0".encode())
            known.update(path.read_bytes())
    return known.hexdigest()


def image_key(image: Image, context: str, program: str, parent: str) -> str:
    """The name of an image's archive without its suffix; the rest are the digests of its parts and its parent's key."""
    parts = [FORMAT, image.reference, image.rootfs, image.target, image.args, context, program, parent]
    return f"{image.name}-{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]}"


class Archives:
    """The archives in a directory, of images whose programs are in another."""

    def __init__(self, directory: Path, programs: Path) -> None:
        self.directory, self._programs = directory, programs

    def archive(self, key: str) -> Path:
        return self.directory / f"{key}.tar"

    def program(self, image: Image) -> Path:
        return self._programs / image.program

    def lacks_program(self, image: Image) -> bool:
        return bool(image.program) and not self.program(image).is_file()

    def keys(self, images: Iterable[Image]) -> dict[str, str]:
        """The key of each image by its name; parents come first. Raises VcciError where a part of one is missing."""
        images = list(images)
        absent = [image for image in images if self.lacks_program(image)]
        if absent:
            names, programs = ", ".join(image.name for image in absent), ", ".join(image.program for image in absent)
            raise VcciError(
                f"images {names} need programs that are not in {self._programs}: {programs}. "
                f"Remedy: build binaries/ first (`make up` does)."
            )
        keys: dict[str, str] = {}
        contexts: dict[Path, str] = {}
        for image in images:
            if image.context not in contexts:
                contexts[image.context] = _digest_of(image)
            program = _program_digest(self.program(image)) if image.program else ""
            keys[image.name] = image_key(image, contexts[image.context], program, keys.get(image.parent, ""))
        return keys

    def lacking(self, images: Iterable[Image], keys: Mapping[str, str]) -> list[Image]:
        """The images whose archives are not there or not whole."""
        return [image for image in images if not self._is_whole(self.archive(keys[image.name]))]

    def keep(self, finished: Path, key: str) -> None:
        """Take a finished file in under its key; older archives of the same image stay for other clones."""
        archive, known = self.archive(key), fingerprint(finished)
        record = archive.with_suffix(".json")
        record.unlink(missing_ok=True)  # never a record beside another archive
        finished.rename(archive)
        write_whole(record, json.dumps(known), durable=False)

    def _is_whole(self, archive: Path) -> bool:
        record = archive.with_suffix(".json")
        try:
            if not fits(archive, json.loads(record.read_text(encoding="utf-8"))):
                return False
        except (FileNotFoundError, ValueError):
            return False
        if os.access(self.directory, os.W_OK):
            os.utime(record)  # wanted now: see room.py
        return True


def unpacked_beside(archive: Path) -> Path:
    """Where an archive's root file system is unpacked when something runs in it."""
    return archive.with_name(f"{archive.name}.root")


def _digest_of(image: Image) -> str:
    if not (image.context / "Containerfile").is_file():
        raise VcciError(f"image {image.name}: {image.context} has no Containerfile.")
    return context_digest(image.context)


def _program_digest(path: Path) -> str:
    """The SHA-256 of a program, from the manifest beside it when that still fits."""
    path = path.resolve()
    try:
        known = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))[path.name]
    except (FileNotFoundError, KeyError, ValueError):
        return sha256(path)
    return str(known[-1]) if fits(path, known) else sha256(path)
