# Copyright (c) 2026 GreenLang. All rights reserved.
"""What pgBackRest is asked, and what its errors mean to whoever can mend them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from . import history
from .settings import STANZA, Refusal, number

LOOKING = 60  # seconds for a question
QUICK = (f"--io-timeout={number('POSTGRES_ARCHIVE_PATIENCE', 10)}",)  # seconds, of which several pass
NO_BACKUP = "the archive has no backup to make a database of."
APART = ("--log-level-console=off", "--log-level-stderr=error")  # what is wrong is not among what is answered
# What pgBackRest says → what it means, and what to do; the first that fits.
MEANINGS = {
    r"do not match the database|is the version and system-id correct|database system-id": (
        "it is the archive of another database. Remedy: another data_postgresql_archive_path, or have that one made "
        "again (data_postgresql_bootstrap=archive)"
    ),
    r"bad decrypt|cipher (header|type)|CryptoError|outside of section|unable to decrypt|wrong (final block|tag)": (
        "it was encrypted with another key, or is not encrypted. Remedy: the key that it was made with, in Secret "
        "data_postgresql_archive_secret"
    ),
    r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|with (401|403)": (
        "the S3 server refuses the credential. Remedy: access-key-id and secret-access-key of Secret data_s3_secret, "
        "which may read, write, list and delete"
    ),
    r"NoSuchBucket|with 404": "there is no such bucket. Remedy: make it, or another data_postgresql_archive_bucket",
    r"QuotaExceeded|StorageFull|InsufficientStorage|with 507|No space left|Disk quota exceeded": (
        "it is full. Remedy: more room, or keep less (data_postgresql_archive_keep_full)"
    ),
    r"verify certificate|unable to find hostname|certificate verify failed|TLS error|tlsv1 alert": (
        "its certificate is not that of an authority that is trusted. Remedy: data_postgresql_archive_ca"
    ),
    r"unable to (connect|get address)|HostConnectError|timeout|unable to read data|Connection (refused|reset)": (
        "it does not answer. Remedy: data_s3_endpoint, the server there, and who may reach it (data_s3_egress)"
    ),
    r"Permission denied|Read-only file system|FileOpenError|PathCreateError": (
        "it cannot be written to. Remedy: the volume's rights; its class must let several nodes write"
    ),
}


class Failure(Exception):
    """What pgBackRest said when it failed."""

    def __str__(self) -> str:
        return meaning(str(self.args[0]))


def meaning(said: str) -> str:
    """One line: what it means, and the last error as pgBackRest has it. Pure."""
    errors = re.findall(r"ERROR: (.+(?:\n {6,}.+){0,4})", said) or [said.strip() or "it said nothing"]
    short = " ".join(" ".join(errors[0].split()).split("HINT:", 1)[0].split("*** ", 1)[0].split())[:160]
    found = next((text for pattern, text in MEANINGS.items() if re.search(pattern, said)), "")
    return f"the archive: {found} ({short})" if found else f"the archive: {short}"


def run(*arguments: str, limit: float | None = LOOKING, given: bytes | None = None) -> str:
    """pgBackRest's answer; Failure when it does not do it, or not in time."""
    try:
        done = subprocess.run(
            ["pgbackrest", *arguments, *APART], capture_output=True, timeout=limit, input=given, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise Failure(f"ERROR: timeout: {arguments[0]} took longer than {limit} s") from exc
    said = (done.stdout + b"\n" + done.stderr).decode(errors="replace")
    if done.returncode:
        raise Failure(said)
    return done.stdout.decode(errors="replace")


def info() -> list[dict[str, Any]]:
    """What is there. pgBackRest tells of some errors in its answer."""
    found = json.loads(run("info", "--output=json", *QUICK) or "[]", strict=False)  # lines of errors are as they are
    for stanza in found:
        for one in stanza.get("repo") or ():
            if one["status"]["code"] == 99:
                raise Failure(f"ERROR: {one['status']['message']}")
    return list(found)


def own(system: str, version: int) -> None:
    """Have the archive be that of this database, which another major version may have left it to: nobody else's."""
    try:
        run("stanza-create", *QUICK, limit=300)
    except Failure:
        known = [one for stanza in info() for one in stanza.get("db") or ()]
        ours = system in [str(one["system-id"]) for one in known]
        if not known or not (ours or version > int(str(known[-1]["version"]).split(".", maxsplit=1)[0])):
            raise
        run("stanza-upgrade", *QUICK, limit=300)


def folder(found: list[dict[str, Any]]) -> str:
    """Where the log of the newest database of the archive is; empty where there is none."""
    names = [one["id"] for stanza in found for one in stanza.get("archive") or ()]
    return f"archive/{STANZA}/{names[-1]}" if names else ""


def listed(found: list[dict[str, Any]]) -> dict[tuple[str, int], float]:
    """Its segments."""
    where = folder(found)
    answer = run("repo-ls", where, "--recurse", "--output=json", limit=600) if where else "{}"
    known: Mapping[str, Mapping[str, Any]] = json.loads(answer)
    return history.pieces(known)


def timelines(found: list[dict[str, Any]]) -> dict[str, bool]:
    """Each timeline that it has files of → whether it has that of its history, too."""
    where = folder(found)
    there = run("repo-ls", where, limit=600).split() if where else []
    return {name[:8]: f"{name[:8]}.history" in there for name in there if re.match(r"[0-9A-F]{8}", name)}


def past(found: list[dict[str, Any]], line: str) -> str:
    """How a timeline came about, as its file says; of the first one there is nothing to say."""
    where = folder(found)
    return run("repo-get", f"{where}/{line}.history") if where and int(line, 16) > 1 else ""


def probe() -> None:
    """Write something, read it, delete it."""
    name, text = f"probe-{os.getpid()}-{int(time.time())}", os.urandom(1024 * 1024)
    path = f"{os.environ['POSTGRES_ARCHIVE_PATH'].rstrip('/')}/{name}"
    run("repo-put", "--raw", *QUICK, path, given=text)
    run("repo-rm", *QUICK, path)


def check(own: str) -> str:
    """What is there, in a line; Failure or Refusal where the archive cannot be that of the database `own`."""
    found = info()
    probe()
    there, known = history.system(found), history.backups(found)
    if not own and os.environ.get("POSTGRES_BOOTSTRAP") == "archive":
        if not known:
            raise Refusal(f"{NO_BACKUP} Remedy: its former path and key; or data_postgresql_bootstrap=empty")
    elif there and there != own:
        other = f"this is {own}" if own else "there is none here yet"
        raise Refusal(
            f"it is the archive of another database, {there}, and {other}. Remedy: another "
            "data_postgresql_archive_path, or have that one made again (data_postgresql_bootstrap=archive)"
        )
    return f"{len(known)} backups, the last of {history.say(known[-1].ended)}" if known else "no backup yet"
