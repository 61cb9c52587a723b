# Copyright (c) 2026 GreenLang. All rights reserved.
"""The supervision of one cluster: s6 keeps its daemons running, whoever ends them, and rotates their logs.

Everything is below `<state>/supervision`, which holds nothing that could not be made again; see scripts.py.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import VcciError
from ..files import write_whole
from ..waiting import Deadline, until
from . import host, scripts
from .daemon import PATH
from .pki import write_changed

COMMANDS = ("s6-svscan", "s6-supervise", "s6-svc", "s6-svok", "s6-svstat", "s6-setlock", "s6-log", "setpriv", "setsid")
READY_SECONDS = 120  # until the supervision must have taken something up
END_SECONDS = 60  # until all of it must be gone
OUTER = ("s6-setlock", "outer.lock", "s6-supervise", "outer")
FIELDS = "up,ready,wantedup,pid,updownfor"


@dataclass(frozen=True)
class Service:
    """How a supervised daemon is: `up`, `waiting` (it ends again and again: the next start is delayed), `starting`,
    `down` (on purpose) or `lost` (nobody supervises it); since so many seconds; started again so often."""

    state: str
    pid: int | None = None
    seconds: int = 0
    restarts: int = 0


class Supervisor:
    """The supervision of the cluster whose state is in `state`."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "supervision"

    def folder(self, name: str) -> Path:
        """The directory of a daemon's service."""
        return self._folder / "services" / name

    def names(self) -> list[str]:
        """The names of all daemons that are supervised, running or not."""
        found = self._folder.glob("services/[!.]*/digest")
        return sorted(path.parent.name for path in found)

    def runs(self) -> bool:
        return _ok(self._folder / "outer")

    def ensure(self) -> bool:
        """Start the supervision, and with it all daemons that are not held, unless it runs; return whether."""
        self._write()
        if self.runs():
            return False
        subprocess.Popen(
            OUTER,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=self._folder,
            env={"PATH": PATH},
        )
        self._await(self.folder("guard"))
        return True

    def wait(self) -> None:
        """Become the supervision, or wait to become it when it ends: for who watches this process (systemd)."""
        self._write()
        os.chdir(self._folder)
        os.execvpe(OUTER[0], [*OUTER], {"PATH": PATH})

    def _write(self) -> None:
        for name, text in scripts.supervision(self._folder).items():
            _script(self._folder / name, text)

    # --- services ----------------------------------------------------------------------------------------------------
    def add(self, name: str, run: str, log: str, digest: str) -> None:
        """Make a service, or write its scripts anew; `digest` is what its `run` says of itself. It is not started."""
        folder = self.folder(name)
        draft = folder if folder.exists() else folder.parent / f".{name}"
        if draft != folder:
            shutil.rmtree(draft, ignore_errors=True)
        _script(draft / "log/run", log)
        _script(draft / "run", run)
        write_changed(draft / "notification-fd", "3\n")
        write_changed(draft / "digest", digest)
        write_changed(draft / "down", "")  # until it is begun: the scanner would start it at once
        if draft != folder:
            draft.rename(folder)
        if not _ok(folder):
            host.run("s6-svscanctl", "-a", str(folder.parent), check=False)
            self._await(folder)

    def started(self, name: str) -> str:
        """The digest of what the daemon was last started as."""
        return _word(self.folder(name) / "started")

    def state(self, name: str) -> Service:
        folder = self.folder(name)
        told = host.run("s6-svstat", "-o", FIELDS, str(folder), check=False)
        if told.returncode:
            return Service("lost")
        up, ready, wanted, pid, seconds = told.stdout.split()
        restarts = max(0, int(_word(folder / "starts") or 1) - 1)
        if up == "true":
            # Between its start and the word that it counts as up there is a moment, long on a busy machine.
            delayed = int(_word(folder / "early") or 0) > scripts.AT_ONCE
            state = "up" if ready == "true" else "waiting" if delayed else "starting"
            return Service(state, int(pid), int(seconds), restarts)
        return Service("starting" if wanted == "true" else "down", None, int(seconds), restarts)

    def since(self, name: str) -> float:
        """When the daemon that is up was started, seconds since 1970; never while none is up."""
        if self.state(name).state != "up":
            return math.inf
        try:
            return (self.folder(name) / "started").stat().st_mtime
        except FileNotFoundError:  # it has just been begun afresh
            return math.inf

    def begin(self, name: str) -> None:
        """Have it started afresh: what is counted of it begins anew."""
        folder = self.folder(name)
        for file in ("down", "started", "starts", "early"):
            (folder / file).unlink(missing_ok=True)
        self.control(name, "-u")

    def hold(self, name: str) -> None:
        """End it at once, as a machine that loses power would; it stays down, also over a boot."""
        if self.folder(name).exists():
            write_changed(self.folder(name) / "down", "")
            self.control(name, "-Ok")

    def control(self, name: str, flags: str) -> None:
        """s6-svc, which does nothing where nobody supervises it."""
        host.run("s6-svc", flags, str(self.folder(name)), check=False)

    def _await(self, folder: Path) -> None:
        def late(waited: int) -> VcciError:
            log = self._folder / "supervision.log"
            last = log.read_text(encoding="utf-8", errors="replace")[-600:] if log.exists() else "(no log)"
            return VcciError(
                f"the supervision did not take up {folder.name} within {waited} s; its last words:\n{last}\n"
                f"Remedy: the whole log is {log}; run again, it goes on from here."
            )

        both = [folder] + ([folder / "log"] if (folder / "log").exists() else [])
        until(lambda: all(map(_ok, both)), READY_SECONDS, late=late, pause=0.01, longest=0.1)

    # --- its end -----------------------------------------------------------------------------------------------------
    def remove(self) -> None:
        """End the supervision and all daemons that it still keeps, and remove its directory."""
        for folder, flags in ((self.folder("guard"), "-d"), (self._folder / "outer", "-dx")):
            if _ok(folder):
                host.run("s6-svc", flags, str(folder), check=False)
        polite = Deadline(END_SECONDS / 4)

        def late(_waited: int) -> VcciError:
            left = sorted(self._processes())
            return VcciError(
                f"processes {left} of the supervision do not end. Remedy: look at them with ps; run again."
            )

        def are_gone() -> bool:
            left = set(self._processes())
            if polite.passed:
                host.kill(left)
            return not left

        until(are_gone, END_SECONDS, late=late, pause=0.02, longest=0.1)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _processes(self) -> Iterator[int]:
        """Those that work in the supervision's directory, as each s6 program does, and what becomes a daemon soon."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                where = (process / "cwd").readlink()
            except OSError:  # it ended meanwhile, or is somebody else's
                continue
            if where == self._folder or self._folder in where.parents:
                yield int(process.name)


def _ok(folder: Path) -> bool:
    """Whether an s6-supervise keeps this service: it listens."""
    try:
        os.close(os.open(folder / "supervise/control", os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def _script(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text, 0o700, durable=False)


def _word(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
