# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a store tells of itself, so that any fault can be tried on it: see the package's docstring."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from tests.injection import figures
from tests.injection.figures import Figures, Sample
from tests.injection.scene import Client, Scene


class Case(NamedTuple):
    """A row of a store's table: its name, and what is to be reached; `strict`: nothing is lost that no other member had
    confirmed, either."""

    name: str
    reach: str
    strict: bool = False


class Store(abc.ABC):
    """A StatefulSet of members `<name>-0`, `<name>-1` …"""

    name: ClassVar[str]  # of the StatefulSet, and of its section in docs/faults.md
    watcher: ClassVar[Path]
    members: ClassVar[int] = 3
    led: ClassVar[bool] = True  # whether one leads, which the others follow
    cases: ClassVar[Mapping[str, Case]]  # by strike

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @property
    def pods(self) -> list[str]:
        return [f"{self.name}-{number}" for number in range(self.members)]

    def on(self, node: str) -> str:
        """The member on this node."""
        found = [pod for pod in self.pods if self.scene.node(pod) == node]
        assert found, f"no member of {self.name} is on {node}"
        return found[0]

    @abc.abstractmethod
    def whole(self) -> str:
        """The leader, as soon as any other may take its place."""

    @abc.abstractmethod
    def lead(self, node: str) -> str:
        """Have the member on this node lead; its name."""

    @abc.abstractmethod
    def client(self) -> Client:
        """One that writes and reads."""

    def redundant(self, samples: Sequence[Sample], since: float) -> float | None:
        """The first moment after `since` from which all members are there."""
        return figures.redundant(samples, since, self.members - 1)

    def judge(
        self, clients: Sequence[Mapping[str, Any]], samples: Sequence[Sample], begun: float, ended: float
    ) -> Figures:
        return figures.figures(clients, samples, begun, ended, self.redundant(samples, ended))

    def wrong(self, strike: str, found: Figures) -> str:
        """What must not be after this strike."""
        weaker = f"{found.unconfirmed} unconfirmed writes are lost"
        return ", ".join(filter(None, [found.wrong, weaker if self.cases[strike].strict and found.unconfirmed else ""]))
