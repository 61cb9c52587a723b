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


FIGURES: list[Figure] = []


def figures(group: str, *names: str, long: bool = False) -> Callable[[Callable[[], Iterator[str]]], Callable[[], Iterator[str]]]:
    """Register a function that measures these figures; a long one runs only when it is named."""

    def register(measure: Callable[[], Iterator[str]]) -> Callable[[], Iterator[str]]:
        FIGURES.append(Figure(group, names or (group,), measure, long))
        return measure

    return register


def line(name: str, measured: float, unit: str, goal: float, note: str = "", good: bool = True) -> str:
    """A figure that shall not exceed its goal; `good` is whatever else must hold for it to count."""
    verdict = "ok" if good and measured <= goal else "short"
    return f"{name} {measured:.1f} {unit} ratio={measured / goal:.2f} goal={goal:g} {verdict}{' ' + note if note else ''}"


def ratio(name: str, ours: float, theirs: float, goal: float, note: str = "") -> str:
    """A figure that shall not exceed a share of a peer's, measured in the same run."""
    share = ours / theirs
    return f"{name} {ours:.1f} s ratio={share:.2f} goal={goal:g} {'ok' if share <= goal else 'short'}{' ' + note if note else ''}"


def timed(*command: str, environment: dict[str, str] | None = None, folder: Path = ROOT) -> tuple[float, str]:
    """Seconds that a command takes, and its output; the end of the bench when it fails."""
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1", "PATH": f"{TOOLS}:{os.environ['PATH']}"}
    begun = time.monotonic()
    done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env={**os.environ, **settings, **(environment or {})})
    took = time.monotonic() - begun
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command)} failed:\n{done.stdout[-4000:]}")
    return took, done.stdout


def local_cluster(name: str = NAME, **options: object) -> float:
    """Seconds that the plugin local_cluster takes with these options, Ansible's own start included."""
    given = json.dumps({"name": name, **options})
    return timed("ansible", "localhost", "-i", "localhost,", "-c", "local", "-m", "greenlang.vcci.local_cluster", "-a", given)[0]


@contextlib.contextmanager
def no_cluster(name: str = NAME) -> Iterator[None]:
    """Neither before nor after the block is there a cluster of this name."""
    local_cluster(name, state="absent")
    try:
        yield
    finally:
        local_cluster(name, state="absent")
