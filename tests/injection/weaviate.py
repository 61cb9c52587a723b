# Copyright (c) 2026 GreenLang. All rights reserved.
"""Weaviate: members are equal, each has everything, and any two of three make a quorum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.helpers import eventually
from tests.injection.figures import Figures, Sample
from tests.injection.scene import Client
from tests.injection.store import Case, Store

QUIET = 3.0  # seconds after which a member that says nothing is not there: an answer may take two


class Weaviate(Store):
    name = "weaviate"
    led = False
    watcher = Path(__file__).with_name("weaviate_watch.py")
    cases = {  # noqa: RUF012 - a constant
        "pod": Case("W1a", "writes, reads ≤ 2 s"),
        "node": Case("W1b", "writes, reads ≤ 2 s, all objects ≤ 5 min"),
        "pods": Case("W2", "ready ≤ 120 s, all objects there"),
        "container": Case("W3", "writes, reads ≤ 2 s"),
        "cut": Case("W4", "writes, reads ≤ 2 s, all objects ≤ 5 min"),
        "restart": Case("W5", "writes, reads ≤ 2 s each"),
        "api": Case("W6", "writes, reads ≤ 2 s"),
        "all": Case("W7", "all objects there"),
    }

    def whole(self) -> str:
        """The one that is struck, as soon as all are ready."""
        said = ("get", "pods", "-l", "app=weaviate", "-o", "wide")

        def ready() -> bool:
            return self.scene.ready(self.name) == self.members

        eventually(ready, lambda: self.scene.kubectl(*said), 0.5)
        return self.pods[1]

    def lead(self, node: str) -> str:
        return self.on(node)

    def redundant(self, samples: Sequence[Sample], since: float) -> float | None:
        """From when on all members are ready, each as it says itself."""
        last: dict[str, Sample] = {}
        whole: float | None = None
        for sample in (one for one in samples if one["asked"] >= since):
            last[sample["member"]] = sample
            now = sample["answered"]
            ready = [one for one in last.values() if one["ready"] and now - one["answered"] <= QUIET]
            if len(ready) < self.members:
                whole = None
            elif whole is None:
                whole = now
        return whole

    def judge(
        self, clients: Sequence[Mapping[str, Any]], samples: Sequence[Sample], begun: float, ended: float
    ) -> Figures:
        """Whole is what has every acknowledged object in every member."""
        found, everywhere = super().judge(clients, samples, begun, ended), clients[0]["everywhere"]
        return found._replace(redundant=round(max(everywhere - ended, 0.0), 1) if everywhere else float("inf"))

    def client(self) -> Client:
        """The application's own, with its key."""
        return Client(
            image="greenlang/vcci-backend-api:v1.0.0",
            program=Path(__file__).with_name("weaviate_client.py"),
            environment={
                "WEAVIATE_URL": "https://weaviate-headless:8080",
                "WEAVIATE_CA_FILE": "/etc/vcci/data-ca/ca.crt",
            },
            secrets={"WEAVIATE_API_KEY": ("backend-secrets", "WEAVIATE_API_KEY")},
            mounts={"data-ca": "/etc/vcci/data-ca"},
            memory="128Mi",
            cpu="1",  # its last looks are thousands of requests
        )
