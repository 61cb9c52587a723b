# Copyright (c) 2026 GreenLang. All rights reserved.
"""Brings a cluster back after a reboot, without Ansible: <state>/boot runs this (see scripts.py).

What a reboot takes along is made again (cgroups, bridge, routes, namespaces with their mounts), then the supervision is
started, which starts all daemons.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ..errors import VcciError
from ..files import write_whole
from . import host, network, record, scripts
from .building import locked
from .layout import Layout
from .nodes import Nodes
from .supervisor import Supervisor

COLLECTION = Path(__file__).resolve().parents[3]
UNITS = Path("/etc/systemd/system")
PARTS = "boot.json"  # where the programs are that a node's mounts need


def prepare(layout: Layout, nodes: Nodes) -> list[str]:
    """Make what of a real cluster outlives no reboot; which of it was made."""
    host.make_cgroup(layout.cgroup)
    host.weigh_cgroup(layout.cgroup, len(layout.nodes))
    host.bound_cgroup(layout.cgroup)
    network.ensure(layout)
    made = nodes.prepare()
    network.route(layout)
    return made


def install(layout: Layout, cilium_root: Path, cilium: Path) -> None:
    """Have the cluster come back at boot: by systemd where that runs; else a line for cron in <state>/boot does it."""
    state = layout.state
    write_whole(state / PARTS, json.dumps({"root": str(cilium_root), "programs": str(cilium)}), 0o600, durable=False)
    text = scripts.boot(state, COLLECTION, sys.executable)
    if not (state / "boot").exists() or (state / "boot").read_text(encoding="utf-8") != text:
        write_whole(state / "boot", text, 0o700)
    (state / "stopped").unlink(missing_ok=True)
    if not _systemd():
        return
    unit, wanted = UNITS / _unit(layout), scripts.unit(layout.name, state)
    if not unit.exists() or unit.read_text(encoding="utf-8") != wanted:
        write_whole(unit, wanted, 0o644)
        host.run("systemctl", "daemon-reload")
    host.run("systemctl", "enable", "--now", _unit(layout))


def uninstall(layout: Layout) -> None:
    """A stopped cluster stays down, also over a boot."""
    if (layout.state / "boot").exists():
        (layout.state / "stopped").touch()
    unit = UNITS / _unit(layout)
    if _systemd() and unit.exists():
        host.run("systemctl", "disable", "--now", unit.name)
        unit.unlink()
        host.run("systemctl", "daemon-reload")


def _systemd() -> bool:
    return os.geteuid() == 0 and Path("/run/systemd/system").is_dir()


def _unit(layout: Layout) -> str:
    return f"greenlang-vcci-{layout.name}.service"


def main(state: Path, wait: bool) -> None:
    """`wait`: become the supervision, or wait until it is needed."""
    known = record.read(state)
    if known is None:
        raise VcciError(f"{state}: no cluster is recorded there. Remedy: give the directory of one.")
    layout, supervisor = record.layout(known, state), Supervisor(state)
    with locked(state.parent / f".{layout.name}.lock", print, f"it changes the cluster {layout.name}"):
        if not supervisor.runs():
            if layout.kind == "real":
                parts = json.loads((state / PARTS).read_text(encoding="utf-8"))
                nodes = Nodes(layout, {"cilium": Path(parts["programs"])}, Path(parts["root"]), record.held(state))
                prepare(layout, nodes)
            if not wait:
                supervisor.ensure()
    if wait:
        supervisor.wait()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), "--wait" in sys.argv[2:])
    except (VcciError, OSError) as exc:
        sys.exit(f"error: {exc}")
