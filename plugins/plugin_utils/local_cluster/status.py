# Copyright (c) 2026 GreenLang. All rights reserved.
"""How the daemons of a cluster are: part of the plugin's result, and the table of `make status`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ..tables import table
from . import record
from .supervisor import Service, Supervisor

HEAD = ("cluster", "node", "daemon", "state", "pid", "for", "restarts")


def daemons(state: Path) -> list[dict[str, Any]]:
    """Of each daemon that is supervised, of the control plane first: node, name, state, pid, restarts."""
    supervisor = Supervisor(state)
    found = [_daemon(name, supervisor.state(name)) for name in supervisor.names()]
    return sorted(found, key=lambda daemon: (daemon["node"] or "", daemon["name"]))


def _daemon(service: str, is_now: Service) -> dict[str, Any]:
    node, _dot, name = service.rpartition(".")
    facts = {"state": is_now.state, "pid": is_now.pid, "seconds": is_now.seconds, "restarts": is_now.restarts}
    return {"node": node or None, "name": name, **facts}


def rows(state: Path) -> list[list[str]]:
    """One row a daemon of a cluster."""
    held = record.held(state)
    found = []
    for daemon in daemons(state):
        word = "held" if daemon["name"] in held.daemons(daemon["node"] or "") else daemon["state"]
        lasts = f"{daemon['seconds']} s"
        cells = (
            state.name,
            daemon["node"] or "-",
            daemon["name"],
            word,
            daemon["pid"] or "-",
            lasts,
            daemon["restarts"],
        )
        found.append([str(cell) for cell in cells])
    return found or [[state.name, "-", "-", "stopped", "-", "-", "-"]]


def main(folders: list[Path]) -> None:
    """All clusters of these directories of clusters."""
    lines = [list(HEAD)]
    for folder in folders:
        for path in sorted(folder.glob(f"*/{record.FILE}")):
            lines += rows(path.parent)
    sys.stdout.writelines(f"{line}\n" for line in table(lines))


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]] or [record.state_directory()])
