# Copyright (c) 2026 GreenLang. All rights reserved.
"""The sidecar of a member. On the primary it makes backups that are asked for, and the one after a gap; on a replica it
sees to it that the archive is asked for what the primary has no more."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from . import configure, database, figures, history, repository, restore, settings
from .settings import log

EVERY = float(os.environ.get("POSTGRES_ARCHIVE_EVERY") or 2)  # seconds between two looks
ASKING = float(os.environ.get("POSTGRES_ARCHIVE_ASKING") or 60)  # seconds between two looks into the archive
# Seconds in which a replica gets nothing from a primary that answers, before the archive is asked instead. Without one
# it is not: an archive that does not answer would be in a failover's way, and one that does may have what only the
# former primary had, and not yet where its successor began.
ALONE = float(os.environ.get("POSTGRES_ARCHIVE_ALONE") or 60)
AGAIN = 10.0  # seconds after one that failed: a push may have held its lock just then
KEPT = 4000  # characters of what a backup said
DAY = 86400.0


class Sidecar:
    """`known` is the database whose archive is known to be there; `next` when the archive is asked again; `whole`
    whether what this primary's predecessors wrote is known to be there; `missing` what of that is not, and since when
    that is seen; `followed` when this member last followed a primary, or had none to follow."""

    def __init__(self) -> None:
        self.state, self.known, self.next, self.said, self.trouble = figures.State(), "", 0.0, "", ""
        self.whole, self.missing, self.followed = False, (-1, 0.0), time.monotonic()
        self.child: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self.end)
        figures.serve(self.state, settings.number("POSTGRES_ARCHIVE_PORT", 9188))
        while True:
            try:
                configure.write()
                with database.connected() as cursor:
                    self.turn(cursor)
                self.say(self.trouble)
            except (OSError, settings.Refusal, repository.Failure, database.Error) as exc:
                self.followed = time.monotonic()
                self.say(" ".join(str(exc).split()))
            time.sleep(EVERY)

    def say(self, text: str) -> None:
        """Once, not every two seconds."""
        if text and text != self.said:
            log(text)
        self.said = text

    def end(self, *_signal: object) -> None:
        if self.child:
            self.child.terminate()
        sys.exit(0)

    def turn(self, cursor: Any) -> None:
        self.state.primary = database.is_primary(cursor)
        self.follow(self.state.primary or database.streams(cursor), lambda: database.answered(cursor))
        if not self.state.primary:
            self.known, self.next, self.whole, self.missing = "", 0.0, False, (-1, 0.0)
            settings.DROPPING.unlink(missing_ok=True)  # nothing waits here any more
            return
        self.state.failing, self.state.archived = database.failing(cursor), database.archived(cursor)
        self.look(cursor)
        asked = None
        if database.may_be_asked(cursor):
            self.state.request_failed = database.last_failed(cursor)
            asked = database.take(cursor, os.environ.get("POD_NAME", ""))
        else:
            self.trouble = (
                self.trouble or "nobody may ask for a backup: Secret postgresql-secrets has no archive-password"
            )
        if asked:
            done, said = self.obey(asked[1])
            with database.connected() as fresh:  # the other may have been closed in hours
                database.answer(fresh, asked[0], "done" if done else "failed", said[-KEPT:])
        elif self.state.reachable and self.is_needed():
            self.heal()

    def follow(self, streams: bool, answered: Callable[[], bool]) -> None:
        """A member that was away for long may need log of which its primary has given up what it kept for it."""
        if streams:
            settings.CATCHING_UP.unlink(missing_ok=True)
        if streams or settings.CATCHING_UP.exists() or not answered():
            self.followed = time.monotonic()
        elif time.monotonic() - self.followed >= ALONE:
            log(f"the primary has sent nothing for {ALONE:.0f} s: the archive is asked for what this member lacks")
            settings.CATCHING_UP.touch()

    def is_needed(self) -> bool:
        """Whether a backup is, that nobody has to ask for."""
        lacks = settings.GAP.exists() or not self.state.backups
        return bool(self.known) and lacks and not settings.DROPPING.exists()

    def look(self, cursor: Any) -> None:
        """Have an archive for this database, and know what is in it."""
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + ASKING
        own = database.identifier(cursor)
        try:
            if self.known != own:
                repository.own(own, database.version(cursor))
                self.known = own
            found = repository.info()
            there = history.backups(found)
            if self.state.failing:
                self.whole = False
            if there and not self.whole:
                self.look_behind(cursor, found, there)
        except repository.Failure as exc:  # what is asked for is tried all the same, and says why it failed
            self.state.reachable, self.trouble = False, str(exc)
            self.next = time.monotonic() + min(ASKING, AGAIN)
            return
        self.trouble = ""
        self.state.reachable = True
        self.state.backups = len(there)
        self.state.backup = there[-1].ended if there else 0.0
        self.state.full = max((one.ended for one in there if one.kind == "full"), default=0.0)

    def look_behind(self, cursor: Any, found: list[dict[str, Any]], there: list[history.Backup]) -> None:
        """Mark a gap that another member left when it gave WAL up, or ended before it archived all: its own mark is
        with it. What is only late comes while this looks again."""
        if settings.GAP.exists() and settings.GAP.stat().st_mtime < there[-1].begun:
            settings.GAP.unlink()  # of a time when this member was the primary before
        own = database.line(cursor)
        past = settings.past(own)
        if settings.GAP.exists() or past is None or history.newest(found)[:8] != own:  # it has nothing of this one yet
            return
        missing = history.lost(repository.listed(found), there[-1], history.lines(own, past))
        if missing is None:
            self.whole, self.missing = True, (-1, 0.0)
        elif missing in [history.number(name) for name in settings.queue() if len(name) == settings.NAME]:
            self.missing = (-1, 0.0)  # it waits here
        elif missing != self.missing[0]:
            self.missing = (missing, time.monotonic())
        elif time.monotonic() - self.missing[1] >= ASKING / 2:
            log(f"segment {missing} of the log never came into the archive: another member had it")
            settings.GAP.touch()

    def obey(self, what: str) -> tuple[bool, str]:
        """Whether it was done, and what was said."""
        self.next = 0.0
        word, _space, name = what.partition(" ")
        if word == "expire":
            return self.backrest("expire", f"--set={name}")
        if word == "auto":
            days = settings.number("POSTGRES_ARCHIVE_FULL_DAYS", 7)
            word = "diff" if self.state.full and time.time() - self.state.full < (days - 0.5) * DAY else "full"
        return self.backup(word)

    def backup(self, kind: str, *options: str) -> tuple[bool, str]:
        """A backup, and what retention lets go. It ends a gap that began before it."""
        begun = time.time()
        done, said = self.backrest("backup", f"--type={kind}", *options)
        if done and settings.GAP.exists() and settings.GAP.stat().st_mtime < begun:
            settings.GAP.unlink()
            log("a backup was taken: points in time from here on can be reached again")
        return done, said

    def heal(self) -> None:
        """Full ones are counted, so that each lets go of what is older: where there is one, this is none, however old
        that is. Sums tell which files are others, since times of files mean nothing across histories."""
        log("no point in time can be reached from here on without a backup: it is taken")
        with contextlib.suppress(repository.Failure):  # nor without this, which may have been given up as well
            restore.take_line(settings.DATA)
        if not self.backup("diff" if self.state.full else "full", "--delta")[0]:
            self.state.reachable = False  # until it has been asked again
            self.next = time.monotonic() + ASKING
        else:
            self.next = 0.0

    def backrest(self, *arguments: str) -> tuple[bool, str]:
        command = ["pgbackrest", *arguments, "--log-level-console=info"]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = self.child.communicate()[0].decode(errors="replace")
        code = self.child.returncode
        self.child = None
        log(f"{' '.join(arguments)}: {'done' if code == 0 else repository.meaning(said)}")
        return code == 0, said if code == 0 else f"{said}\n{repository.meaning(said)}"


def serve() -> None:
    Sidecar().run()
