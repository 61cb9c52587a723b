# Copyright (c) 2026 GreenLang. All rights reserved.
"""Snapshots of a local cluster's etcd: taken, verified, encrypted, listed, and let go when there are newer ones.

They are beside the clusters and not in them, `<state_dir>/snapshots.d/<cluster>/`: removing a cluster leaves them.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, VcciError
from ..files import draft, why, write_whole
from . import etcd, versions
from .building import sha256
from .layout import Layout
from .snapshot_file import KEY_BYTES, SALT_BYTES, fingerprint, read_header, seal, unseal

SUFFIX = ".etcd"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
SPARE = 64 * 1024 * 1024  # bytes that stay free after a snapshot was taken


@dataclass(frozen=True)
class Place:
    """Where the snapshots of one cluster are, with what they are encrypted, and etcd's own program that checks them."""

    layout: Layout
    directory: Path
    key_file: Path
    etcdutl: Path

    def key(self, *, make: bool = False) -> bytes:
        """The key; where there is none it is made for a first snapshot. InputError when the file holds none."""
        if make and not self.key_file.exists():
            write_whole(self.key_file, os.urandom(KEY_BYTES).hex() + "\n", 0o600, folder_mode=0o700)
        try:
            key = bytes.fromhex(self.key_file.read_text(encoding="utf-8").strip())
        except (OSError, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise InputError(
                f"key_file: {self.key_file} holds no key of {2 * KEY_BYTES} hexadecimal digits. "
                f"Remedy: name that of the snapshots"
            )
        return key

    def authority(self) -> str:
        """By which a cluster is known for good: the digest of its authority's certificate."""
        return sha256(self.layout.pki / "ca.crt")


@dataclass(frozen=True)
class Snapshot:
    """A file, and what its first line says."""

    file: Path
    header: dict[str, Any]

    @property
    def taken(self) -> datetime.datetime:
        return datetime.datetime.strptime(self.header["taken"], FORMAT).replace(tzinfo=datetime.UTC)

    def facts(self) -> dict[str, Any]:
        """What a result says of it."""
        told = ("taken", "purpose", "kubernetes", "revision", "keys", "bytes", "sha256")
        return {"file": str(self.file), **{name: self.header[name] for name in told}}


def listed(place: Place) -> list[Snapshot]:
    """Those of this cluster, the newest first; a file that is none is passed over."""
    found = []
    for file in place.directory.glob(f"*{SUFFIX}"):
        with contextlib.suppress(InputError, OSError):
            found.append(read(file))
    ours = [one for one in found if one.header["authority"] == place.authority()]
    return sorted(ours, key=lambda one: (one.taken, one.header["revision"]), reverse=True)


def read(file: Path) -> Snapshot:
    """InputError when it is not there, or no snapshot."""
    try:
        with file.open("rb") as source:
            return Snapshot(file, read_header(source, str(file)))
    except OSError as exc:
        raise InputError(
            f"{file}: cannot be read: {why(exc)}. Remedy: name a file that cluster_snapshot wrote"
        ) from exc


def take(place: Place, purpose: str, now: datetime.datetime, say: Callable[[str], None]) -> Snapshot:
    """Take one, and read it back; it is there whole and verified, or not at all."""
    running = etcd.Etcd(place.layout)
    check_room(place, int(running.status()["dbSize"]))
    if not place.key_file.exists():
        say(f"the key of snapshots is made: {place.key_file}; none that is taken from now on can be read without it")
    key = place.key(make=True)
    taken = now.strftime(FORMAT)
    name = f"{place.layout.name}-{taken.replace('-', '').replace(':', '')}-{purpose}{SUFFIX}"
    with plain(place.layout) as content:
        say("etcd writes a snapshot")
        with content.open("wb") as target:
            digest = running.snapshot(target)
        header = {**_header(place, key, content, digest), "taken": taken, "purpose": purpose}
        file = place.directory / name
        with content.open("rb") as source, draft(file, 0o600, folder_mode=0o700) as sealed:
            seal(source, sealed, header, key, os.urandom(SALT_BYTES))
    verify(place, file)
    return read(file)


def verify(place: Place, file: Path) -> None:
    """Decrypt all of it, and have etcd check it. InputError, VcciError."""
    with opened(place, file):
        pass


@contextlib.contextmanager
def opened(place: Place, file: Path) -> Iterator[Path]:
    """What a snapshot holds, decrypted and checked, in a file that goes when the block ends."""
    with plain(place.layout) as content:
        with file.open("rb") as source, content.open("wb") as target:
            header = unseal(source, target, place.key(), str(file))
        found = etcd.inspect(place.etcdutl, content)
        if (found["revision"], found["totalKey"]) != (header["revision"], header["keys"]):
            raise InputError(
                f"{file}: is damaged: etcd finds revision {found['revision']} in it. "
                f"Remedy: take another snapshot; to restore, name an older one"
            )
        yield content


@contextlib.contextmanager
def plain(layout: Layout) -> Iterator[Path]:
    """A name in the cluster's own directory, which only its owner may enter, for what is not encrypted (yet)."""
    path = layout.state / f"snapshot.{os.getpid()}"
    try:
        path.touch(0o600)
        yield path
    finally:
        path.unlink(missing_ok=True)


def prune(place: Place, keep: int) -> list[Snapshot]:
    """Remove those that are not among the `keep` newest of their purpose; what was removed."""
    seen: dict[str, int] = {}
    gone = []
    for one in listed(place):
        purpose = one.header["purpose"]
        seen[purpose] = seen.get(purpose, 0) + 1
        if seen[purpose] > keep:
            one.file.unlink(missing_ok=True)
            gone.append(one)
    return gone


def check_room(place: Place, size: int) -> None:
    """Refuse content of a size that does not fit: decrypted beside etcd, and encrypted where it is kept."""
    for what, folder in (("directory", place.directory), ("state_dir", place.layout.state)):
        there = next(one for one in (folder, *folder.parents) if one.exists())
        free, need = shutil.disk_usage(there).free, size + SPARE
        if free < need:
            raise VcciError(
                f"{what}: {need // 2**20} MiB are needed for a snapshot at {folder}, {free // 2**20} MiB are free. "
                f"Remedy: free some, or name another place"
            )


def _header(place: Place, key: bytes, content: Path, digest: str) -> dict[str, Any]:
    found = etcd.inspect(place.etcdutl, content)
    return {
        "cluster": place.layout.name,
        "authority": place.authority(),
        "kubernetes": versions.running(place.layout),
        "revision": found["revision"],
        "keys": found["totalKey"],
        "bytes": content.stat().st_size,
        "sha256": digest,
        "key": fingerprint(key),
    }
