# Copyright (c) 2026 GreenLang. All rights reserved.
"""What figures share: their registry, the form of a line, and clusters for the time of a measurement."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
STATE = Path("/var/lib/greenlang-vcci")
NAME, SUBNET = "bench", "10.98.0.0/16"


@dataclass(frozen=True)
class Figure:
    """Figures that are measured in one go: their names, and the function that yields a line for each."""

    group: str
    names: tuple[str, ...]
    measure: Callable[[], Iterator[str]]
    long: bool

    def __str__(self) -> str:
        return f"{self.group}: {', '.join(self.names)}{' (long, only when named)' if self.long else ''}"


Measure = Callable[[], Iterator[str]]
FIGURES: list[Figure] = []


def figures(group: str, *names: str, long: bool = False) -> Callable[[Measure], Measure]:
    """Register a function that measures these figures; a long one runs only when it is named."""

    def register(measure: Measure) -> Measure:
        FIGURES.append(Figure(group, names or (group,), measure, long))
        return measure

    return register


def line(name: str, measured: float, unit: str, goal: float, note: str = "", good: bool = True) -> str:
    """A figure that shall not exceed its goal; `good` is whatever else must hold for it to count."""
    verdict = "ok" if good and measured <= goal else "short"
    return f"{name} {measured:.1f} {unit} ratio={measured / goal:.2f} goal={goal:g} {verdict} {note}".rstrip()


def ratio(name: str, ours: float, theirs: float, goal: float, note: str = "") -> str:
    """A figure that shall not exceed a share of a peer's, measured in the same run."""
    share = ours / theirs
    verdict = "ok" if share <= goal else "short"
    return f"{name} {ours:.1f} s ratio={share:.2f} goal={goal:g} {verdict} {note}".rstrip()


def values(measured: list[float]) -> str:
    """What was measured in each round."""
    return f"[{', '.join(f'{value:.1f}' for value in measured)}]"


def timed(*command: str, environment: dict[str, str] | None = None, folder: Path = ROOT) -> tuple[float, str]:
    """Seconds that a command takes, and its output; the end of the bench when it fails."""
    settings = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "NO_COLOR": "1",
        "ANSIBLE_NOCOLOR": "1",
        "PATH": f"{TOOLS}:{os.environ['PATH']}",
        **(environment or {}),
    }
    begun = time.monotonic()
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **settings},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    took = time.monotonic() - begun
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command)} failed:\n{done.stdout[-4000:]}")
    return took, done.stdout


def play(inventory: Path, task: dict[str, Any], **variables: Any) -> list[str]:
    """Write an inventory with these variables of all hosts, and a play of this task; the command that runs it."""
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "group_vars" / "all.json").write_text(json.dumps(variables), encoding="utf-8")
    hosts = "all: {hosts: {localhost: {ansible_connection: local}}}\n"
    (inventory / "hosts.yml").write_text(hosts, encoding="utf-8")
    python = {"ansible_python_interpreter": sys.executable}
    content = {"hosts": "localhost", "gather_facts": False, "vars": python, "tasks": [task]}
    (inventory / "play.json").write_text(json.dumps([content]), encoding="utf-8")
    return ["ansible-playbook", "-i", str(inventory / "hosts.yml"), str(inventory / "play.json")]


def local_cluster(name: str = NAME, **options: object) -> float:
    """Seconds that the plugin local_cluster takes with these options, Ansible's own start included."""
    given = json.dumps({"name": name, **options})
    host = ["localhost", "-i", "localhost,", "-c", "local"]
    return timed("ansible", *host, "-m", "greenlang.vcci.local_cluster", "-a", given)[0]


@contextlib.contextmanager
def no_cluster(name: str = NAME) -> Iterator[None]:
    """Neither before nor after the block is there a cluster of this name."""
    local_cluster(name, state="absent")
    try:
        yield
    finally:
        local_cluster(name, state="absent")
