# Copyright (c) 2026 GreenLang. All rights reserved.
"""Daemons that nobody supervises: one that works for a run alone, and those that an earlier version started.

A daemon is known by its record ``<run>/<name>.json``: its pid, that process's start time (so that a reused pid is never
taken for it) and a digest of how it was started. For all others, see daemons.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..files import write_whole
from ..waiting import Deadline
from .daemon import PATH, Daemon

LOG_LIMIT = 32 * 1024 * 1024  # bytes after which a daemon's log is cut at its next start
# A shell enters the cgroup and becomes the daemon: nothing of it ever runs outside.
ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"'


def start_time(pid: int) -> str | None:
    """The kernel's start time of a process in clock ticks since boot; None when none such runs (a zombie does not)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in ("Z", "X") else fields[19]


def digest(daemon: Daemon, script: str = "") -> str:
    """A digest of everything that decides how a daemon runs: its inputs' content, and the script that starts it."""
    known = hashlib.sha256(json.dumps([list(daemon.argv), sorted(daemon.env.items()), script]).encode())
    for path in daemon.inputs:
        known.update(path.read_bytes() if path.exists() else b"")
    return known.hexdigest()


def last_lines(log: Path, count: int = 8) -> str:
    """The last lines of a log, for an error message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(line[:300] for line in lines[-count:])


class Processes:
    """The daemons of one cluster or one node.

    `run` holds their records, `logs` their output, `cgroup` (when not None) all that they start.
    """

    def __init__(self, run: Path, logs: Path, cgroup: Path | None) -> None:
        self.run, self.logs, self.cgroup = run, logs, cgroup

    def pid(self, name: str) -> int | None:
        """The pid of the running daemon, or None."""
        return self._record(name).get("pid")

    def current(self, daemon: Daemon) -> bool:
        """Whether the daemon runs, started just as it would be started now."""
        return self._record(daemon.name).get("digest") == digest(daemon)

    def ensure(self, daemon: Daemon) -> bool:
        """Start the daemon unless it runs as described; return whether. One that runs otherwise is stopped first."""
        if self.current(daemon):
            return False
        self.stop([daemon.name])
        entered = ["/bin/sh", "-c", ENTER, str(self.cgroup)] if self.cgroup else []
        with self._log(daemon.name).open("ab") as out:
            process = subprocess.Popen(
                [*entered, *daemon.inside, *daemon.argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                cwd="/",
                env={"PATH": PATH, "HOME": "/", **daemon.env},
            )
        record = {"pid": process.pid, "start": start_time(process.pid), "digest": digest(daemon)}
        write_whole(self.run / f"{daemon.name}.json", json.dumps(record), durable=False)
        return True

    def stop(self, names: Iterable[str], grace: float = 10.0) -> list[str]:
        """Ask daemons to end, and end those that have not after `grace` seconds; return the names of those that ran."""
        stopped = []
        for name in names:
            pid = self.pid(name)
            if pid is None:
                continue
            stopped.append(name)
            _end(pid, grace)
            (self.run / f"{name}.json").unlink(missing_ok=True)
        return stopped

    def names(self) -> list[str]:
        """The names of all daemons with a record, running or not."""
        return sorted(path.stem for path in self.run.glob("*.json"))

    def running(self) -> list[str]:
        """The names of the daemons that run."""
        return [name for name in self.names() if self.pid(name)]

    def last_lines(self, name: str, count: int = 8) -> str:
        """The last lines of a daemon's log, for an error message."""
        return last_lines(self.logs / f"{name}.log", count)

    def _record(self, name: str) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads((self.run / f"{name}.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return record if start_time(record["pid"]) == record["start"] else {}

    def _log(self, name: str) -> Path:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        return log


def _end(pid: int, grace: float) -> None:
    started = start_time(pid)
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = Deadline(seconds)
        while not deadline.passed:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # reap it when it is our own child; init reaps it otherwise
            if start_time(pid) != started:
                return
            time.sleep(0.02)
