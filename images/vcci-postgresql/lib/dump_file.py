# Copyright (c) 2026 GreenLang. All rights reserved.
# Owner: the data layer (roles/data).
"""Dumps in the folder of backups: what each is said to be by the manifest beside it, and whether it is that.

`vcci-backup-YYYYMMDD.dump`, or `….dump.age` when it is encrypted; its manifest is `<name>.<digest>.json`, by the
first digits of the dump's digest, so that neither is ever taken for part of another backup. Links are not followed:
whoever may write into the folder must not have a restore read another file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dump_toc

REDIS = re.compile(r"vcci-redis-(before-)?[0-9TZ]{8,16}\.rdb(\.age)?")
NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.]{0,120}\.dump(\.age)?")
ENCRYPTED = ".age"
BLOCK = 1 << 20
DIGITS = 12  # of the digest, in the manifest's name
SECRET = Path(os.environ.get("BACKUP_KEY_FILE") or "/run/secrets/postgresql-backup/identity")
ROOM = 1.1  # what a decrypted dump may need beside its own size


class Refused(Exception):
    """It cannot be restored; one line a reason, each with its remedy."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = [*faults]


@dataclass
class Dump:
    """One that is open; `file` can be read from any place, and is its plain form."""

    name: str
    path: str
    size: int
    written: float
    digest: str
    contents: dump_toc.Contents
    manifest: dict[str, Any] = field(default_factory=dict)


# --- the folder
def names(folder: Path, kind: re.Pattern[str] = NAME) -> list[str]:
    """Of what is there, those of dumps, or of Redis' backups: plain files, the newest first."""
    try:
        plain = [path for path in folder.iterdir() if kind.fullmatch(path.name) and stat.S_ISREG(path.lstat().st_mode)]
        return [path.name for path in sorted(plain, key=lambda path: path.lstat().st_mtime, reverse=True)]
    except FileNotFoundError:  # one that was removed meanwhile
        return names(folder, kind) if folder.exists() else []


def manifests(folder: Path, name: str) -> list[Path]:
    pattern = re.compile(rf"{re.escape(name)}\.[0-9a-f]{{{DIGITS}}}\.json")
    return sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name) and not path.is_symlink())


def manifest_path(folder: Path, name: str, digest: str) -> Path:
    return folder / f"{name}.{digest[:DIGITS]}.json"


def read_manifest(path: Path) -> dict[str, Any]:
    """{} where there is none, or none that can be read."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def listed(folder: Path, name: str) -> dict[str, Any]:
    """Of a dump what can be said without reading it as a whole."""
    about = (folder / name).lstat()
    said = [found for path in manifests(folder, name) if (found := read_manifest(path)).get("size") == about.st_size]
    first = said[0] if len(said) == 1 else {}
    age = time.time() - float(first.get("taken") or about.st_mtime)
    return {
        "name": name,
        "size": about.st_size,
        "age": max(int(age), 0),
        "taken": _time(float(first.get("taken") or about.st_mtime)),
        "verified": bool(first),
        "encrypted": name.endswith(ENCRYPTED),
        "tenant": first.get("tenant", ""),
        "time": first.get("time", ""),
        "rows": sum(rows for rows, _sum in first.get("tables", {}).values()),
        "seconds": first.get("seconds", 0),
    }


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# --- one of them
@contextlib.contextmanager
def opened(folder: Path, name: str, scratch: Path) -> Iterator[Dump]:
    """It is read through once; what is encrypted is then a file without a name in `scratch`, which ends with
    its process.

    `scratch` is on the volume of the database, which holds the same in clear.
    """
    if not NAME.fullmatch(name):
        raise Refused(f"{name!r} is no name of a dump. Remedy: one of {_some(folder)}")
    with contextlib.ExitStack() as stack:
        try:
            handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as exc:
            link = "it is a link, and links are not followed" if (folder / name).is_symlink() else exc.strerror
            raise Refused(f"{name}: {link}. Remedy: one of {_some(folder)}") from exc
        file = stack.enter_context(os.fdopen(handle, "rb", buffering=0))
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise Refused(f"{name} is no plain file. Remedy: one of {_some(folder)}")
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        said = read_manifest(manifest_path(folder, name, digest))
        if not said and manifests(folder, name):
            raise Refused(
                f"{name}: its content is not what was written when it was made ({about.st_size} bytes now): it was "
                "truncated or changed. Remedy: another one (data_restore_from)"
            )
        file.seek(0)
        if name.endswith(ENCRYPTED):
            file = stack.enter_context(decrypted(name, file, about.st_size, scratch))
        contents = _contents(name, file)
        if not said:  # else it is what was read back when it was made
            _whole(name, file.fileno())
        plain = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        yield Dump(name, plain, about.st_size, about.st_mtime, digest, contents, said)


@contextlib.contextmanager
def decrypted(name: str, file: Any, size: int, scratch: Path) -> Iterator[Any]:
    free = os.statvfs(scratch)
    if free.f_bavail * free.f_frsize < size * ROOM:
        raise Refused(f"{name}: {size} bytes are needed to decrypt it, and {scratch} has less. Remedy: a larger volume")
    if not os.access(SECRET, os.R_OK):
        raise Refused(
            f"{name} is encrypted, and here is no key ({SECRET}). Remedy: Secret postgresql-backup-key with the key "
            "that it was encrypted with (secrets_postgresql_backup_key), then playbooks/secrets.yml"
        )
    with os.fdopen(os.open(scratch, os.O_RDWR | os.O_TMPFILE, 0o600), "w+b", buffering=0) as plain:
        done = subprocess.run(
            ["age", "--decrypt", "--identity", str(SECRET)],
            stdin=file,
            stdout=plain,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            raise Refused(f"{name} {_why_not(done.stderr.decode(errors='replace'))}")
        plain.seek(0)
        yield plain


def _why_not(said: str) -> str:
    if "no identity matched" in said:
        return (
            "was encrypted with another key than Secret postgresql-backup-key has. Remedy: the key of that time "
            "(secrets_postgresql_backup_key), then playbooks/secrets.yml"
        )
    line = said.strip().splitlines()[0] if said.strip() else "age ended"
    return f"cannot be decrypted: it was truncated or changed ({line}). Remedy: another one (data_restore_from)"


def _contents(name: str, file: Any) -> dump_toc.Contents:
    file.seek(0)
    try:
        with os.fdopen(os.dup(file.fileno()), "rb") as reader:
            return dump_toc.contents(reader)
    except dump_toc.TooNew as exc:
        raise Refused(f"{name}: {exc}. Remedy: restore it with the PostgreSQL that it is of") from exc
    except (dump_toc.NotADump, ValueError) as exc:
        raise Refused(f"{name}: {exc}. Remedy: another one (data_restore_from)") from exc


def _whole(name: str, handle: int) -> None:
    """That pg_restore reads it, to its end: a script of it is made and thrown away."""
    os.lseek(handle, 0, os.SEEK_SET)
    command = ["pg_restore", "--file", "/dev/null", f"/proc/self/fd/{handle}"]
    done = subprocess.run(command, pass_fds=[handle], capture_output=True, text=True, check=False)
    if done.returncode:
        line = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pg_restore ended"
        newer = "unsupported version" in line
        why = "is of a newer PostgreSQL" if newer else "cannot be read to its end: it was truncated or changed"
        raise Refused(f"{name} {why} ({line[:120]}). Remedy: another one (data_restore_from)")


def _some(folder: Path) -> str:
    return ", ".join(names(folder)[:5]) or "none, since the folder has no dump: playbooks/data_backup.yml makes one"


# --- what it may be restored onto
def faults(dump: Dump, here: Mapping[str, Any], *, foreign: bool, tenant: str = "") -> list[str]:
    """What of it does not fit `here`: platform, major (version of the server), extensions, superusers; nor what is
    wanted: the whole, or one tenant's."""
    said, found = dump.manifest, []
    if dump.contents.major > int(here["major"]):
        found.append(
            f"{dump.name} is of PostgreSQL {dump.contents.major}, and this server is {here['major']}: no dump goes "
            "back to an older version. Remedy: upgrade first"
        )
    if not said and not foreign:
        found.append(
            f"{dump.name} has no manifest: whose it is, and whether it is whole, cannot be told. Remedy: another one, "
            "or data_restore_foreign: true, if it is known"
        )
    elif said and said.get("platform") != here["platform"] and not foreign:
        found.append(
            f"{dump.name} is of platform {said.get('platform')!r}, and this is {here['platform']!r}. Remedy: another "
            "one, or data_restore_foreign: true, if it is meant"
        )
    if said.get("tenant", "") not in ("", tenant):
        found.append(
            f"{dump.name} has what is of tenant {said['tenant']}, and nothing else. Remedy: another one "
            "(data_restore_from), or playbooks/tenant_restore.yml for that tenant"
        )
    wanted = {entry.name for entry in dump.contents.entries if entry.kind == "EXTENSION"}
    unknown = sorted(wanted - set(here["extensions"]))
    if unknown:
        found.append(
            f"{dump.name} needs {', '.join(unknown)}: an extension that this database has not, and that its owner may "
            "not make. Remedy: as the superuser in the primary's pod, create it in the live database, if it is trusted"
        )
    return found
