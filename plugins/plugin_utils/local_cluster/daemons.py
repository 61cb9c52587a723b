# Copyright (c) 2026 GreenLang. All rights reserved.
"""The daemons of one cluster's control plane, or of one of its nodes, under the cluster's supervision."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import VcciError
from ..waiting import until
from . import scripts
from .daemon import Daemon
from .processes import Processes, digest, last_lines
from .supervisor import Service, Supervisor

# Until the supervision must have started a daemon, or one that was killed must be gone: a moment, but on a machine with
# a hundred programs for each processor.
START_SECONDS, END_SECONDS = 120, 60


class Daemons:
    """`node` is the node's name, empty for the control plane; `logs` has their logs, `cgroup` (or None) holds them.

    `run` has the records of daemons that an earlier version started, which nobody supervises: they are stopped when
    they are started again. `held` are the names of those that must not run.
    """

    def __init__(
        self, state: Path, node: str, logs: Path, run: Path, cgroup: Path | None, held: frozenset[str] = frozenset()
    ) -> None:
        self._supervisor, self._prefix, self._cgroup = Supervisor(state), f"{node}." if node else "", cgroup
        self.logs, self.held, self._before = logs, held, Processes(run, logs, None)

    def pid(self, name: str) -> int | None:
        """The pid of the daemon that runs, or None."""
        return self.state(name).pid or self._before.pid(name)

    def state(self, name: str) -> Service:
        return self._supervisor.state(self._prefix + name)

    def since(self, name: str) -> float:
        """When the daemon that runs was started, seconds since 1970; never while none runs."""
        return 0.0 if self._before.pid(name) else self._supervisor.since(self._prefix + name)

    def current(self, daemon: Daemon) -> bool:
        """Whether the daemon runs, started just as it would be started now; of one that is held, whether it is down."""
        if daemon.name in self.held:
            return self.pid(daemon.name) is None
        wanted = self._digest(daemon)
        return self._supervisor.started(self._prefix + daemon.name) == wanted and self.state(daemon.name).state == "up"

    def fails(self, name: str) -> bool:
        """Whether it ended again and again, so that its next start is delayed."""
        return self.state(name).state == "waiting"

    def ensure(self, daemon: Daemon) -> bool:
        """Start the daemon unless it runs as described, or is held; return whether. What runs otherwise is stopped."""
        if daemon.name in self.held or self.current(daemon):
            return False
        self.stop([daemon.name])
        name, wanted = self._prefix + daemon.name, self._digest(daemon)
        run = scripts.daemon(daemon, wanted, self._cgroup)
        self._supervisor.add(name, run, scripts.log(self._log(daemon.name)), wanted)
        self._supervisor.begin(name)

        def late(waited: int) -> VcciError:
            return VcciError(
                f"{daemon.name} was not started within {waited} s; its last words:\n{self.last_lines(daemon.name)}\n"
                f"Remedy: the whole log is {self.logs / daemon.name}.log; run again, it goes on from here."
            )

        def is_started() -> bool:
            return self._supervisor.started(name) == wanted and self.state(daemon.name).state in ("up", "waiting")

        until(is_started, START_SECONDS, late=late, pause=0.01, longest=0.05)
        return True

    def stop(self, names: Iterable[str], grace: float = 10.0) -> list[str]:
        """Ask daemons to end, one after the other, and end those that have not after `grace` seconds; which ran."""
        return [name for name in names if self._before.stop([name], grace) or self._stop(name, grace)]

    def _stop(self, name: str, grace: float) -> bool:
        before = self.state(name)
        if before.state in ("down", "lost"):
            return False
        self._supervisor.control(self._prefix + name, "-d")

        def late(_waited: int) -> VcciError:
            return VcciError(f"{name} does not end. Remedy: look at it with ps; run again when it is gone.")

        def is_down() -> bool:
            return self.state(name).state in ("down", "lost")

        try:
            until(is_down, grace, late=late, pause=0.02, longest=0.1)
        except VcciError:
            self._supervisor.control(self._prefix + name, "-k")
            until(is_down, END_SECONDS, late=late, pause=0.02, longest=0.1)
        return before.pid is not None

    def hold(self) -> list[str]:
        """End those that are held as a machine that loses power would; they stay down until they are started."""
        running = [name for name in sorted(self.held) if self.pid(name)]
        for name in sorted(self.held):
            self._supervisor.hold(self._prefix + name)
        self._before.stop(running, grace=0)
        return running

    def running(self) -> list[str]:
        """The names of the daemons that run."""
        known = {name.removeprefix(self._prefix) for name in self._supervisor.names() if name.startswith(self._prefix)}
        known = {name for name in known if self._prefix or "." not in name}
        return sorted(name for name in known | set(self._before.names()) if self.pid(name))

    def last_lines(self, name: str) -> str:
        """The last lines of a daemon's log, for an error message."""
        return last_lines(self.logs / f"{name}.log")

    def _digest(self, daemon: Daemon) -> str:
        """Of what it runs, and how it is started: who changes the latter starts all daemons anew."""
        return digest(daemon, scripts.daemon(daemon, "", self._cgroup))

    def _log(self, name: str) -> Path:
        """The folder of a daemon's logs; beside it, <name>.log leads to the current one."""
        folder, link = self.logs / name, self.logs / f"{name}.log"
        folder.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            if link.exists():  # an earlier version's, which was one file
                link.replace(folder / "earlier.log")
            link.symlink_to(f"{name}/current")
        return folder
