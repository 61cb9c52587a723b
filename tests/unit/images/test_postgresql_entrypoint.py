# Copyright (c) 2026 GreenLang. All rights reserved.
"""The entrypoint of a member of PostgreSQL, with programs of the test's own for those that it runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import PATIENCE, ROOT, eventually

PROGRAMS = {
    "postgresql-configure": 'code=$(cat "$TRIAL/code"); echo "configured $code" >> "$TRIAL/told"; exit "$code"',
    "patroni": """
        trap 'echo HUP >> "$TRIAL/told"' HUP
        trap 'exit 7' TERM
        echo ready >> "$TRIAL/told"
        while :; do sleep 0.1; done
    """,
}
UNSETTLED, BROKEN = 75, 1


class Member:
    """The entrypoint, which looks at its files ten times a second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("bin", "config", "secrets", "tls", "sockets", "data"):
            (folder / name).mkdir()
        for name, script in PROGRAMS.items():
            (folder / "bin" / name).write_text(f"#!/bin/bash\n{script}\n")
            (folder / "bin" / name).chmod(0o755)
        self.change("first")

    def start(self, code: int) -> None:
        self.answer(code)
        folders = {"CONFIG": "config", "SECRETS": "secrets", "TLS": "tls", "SOCKETS": "sockets"}
        settings = {f"POSTGRES_{name}": str(self.folder / folder) for name, folder in folders.items()}
        settings |= {"POSTGRES_WATCH_SECONDS": "0.1", "TRIAL": str(self.folder), "PGDATA": str(self.folder / "data")}
        settings["PATH"] = f"{self.folder}/bin:{os.environ['PATH']}"
        # A shell cannot trap what whoever started these tests has it ignore, as nohup does.
        entrypoint = str(ROOT / "images/vcci-postgresql/bin/entrypoint")
        command = ["env", "--default-signal=HUP", entrypoint, "member"]
        self.process = subprocess.Popen(
            command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if code != BROKEN:
            until(self, "ready", 1)

    def answer(self, code: int) -> None:
        """With which postgresql-configure ends from now on."""
        self.write("code", str(code))

    def change(self, text: str) -> None:
        self.write("config/patroni.yml", text)

    def write(self, name: str, text: str) -> None:
        """All of it at once: it may be read at any moment."""
        new = self.folder / "new"
        new.write_text(text)
        new.replace(self.folder / name)

    def told(self) -> list[str]:
        path = self.folder / "told"
        return path.read_text().splitlines() if path.exists() else []

    def count(self, line: str) -> int:
        return self.told().count(line)


@pytest.fixture
def member(tmp_path: Path) -> Iterator[Member]:
    made = Member(tmp_path)
    yield made
    with contextlib.suppress(ProcessLookupError):  # it and all that it has started
        os.killpg(made.process.pid, signal.SIGKILL)
    made.process.wait()


def until(member: Member, line: str, times: int) -> None:
    eventually(lambda: member.count(line) >= times, member.told)


def test_a_change_is_told_once(member: Member) -> None:
    member.start(0)
    member.change("second")
    until(member, "HUP", 1)
    member.change("third")
    until(member, "HUP", 2)
    assert member.count("configured 0") == 3
    member.process.send_signal(signal.SIGTERM)
    assert member.process.wait(PATIENCE) == 7  # as Patroni ended


@pytest.mark.parametrize("at_start", [True, False], ids=["when it starts", "when files change"])
def test_what_the_store_could_not_be_told_is_told_again(member: Member, at_start: bool) -> None:
    member.start(UNSETTLED if at_start else 0)
    if not at_start:
        member.answer(UNSETTLED)
        member.change("second")
    until(member, f"configured {UNSETTLED}", 3)
    assert member.count("HUP") == (not at_start)  # what is the member's own holds meanwhile
    before = member.count("configured 0")
    member.answer(0)
    until(member, "configured 0", before + 1)


def test_what_cannot_be_read_ends_no_member_that_runs(member: Member) -> None:
    member.start(0)
    member.answer(BROKEN)
    member.change("second")
    until(member, f"configured {BROKEN}", 2)
    assert not member.count("HUP")
    member.answer(0)
    until(member, "HUP", 1)


def test_what_cannot_be_read_ends_one_that_starts(member: Member) -> None:
    member.start(BROKEN)
    assert member.process.wait(PATIENCE) == BROKEN


@pytest.mark.parametrize(
    ("there", "goes"),
    [
        (["backup_label", "PG_VERSION"], True),
        (["backup.manifest"], True),
        (["backup_label", "global/pg_control"], False),
        (["PG_VERSION"], False),  # nobody knows what that is
        ([], False),
    ],
    ids=["pg_basebackup", "pgBackRest", "a whole one", "neither", "nothing"],
)
def test_a_copy_that_was_killed_is_begun_again(member: Member, there: list[str], goes: bool) -> None:
    data = member.folder / "data"
    for name in there:
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).touch()
    member.start(0)
    assert any((data / name).exists() for name in there) == (bool(there) and not goes)
