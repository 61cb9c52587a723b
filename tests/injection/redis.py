# Copyright (c) 2026 GreenLang. All rights reserved.
"""Redis: the master that all sentinels name, and who may follow it."""

from __future__ import annotations

import time
from pathlib import Path

from tests.helpers import eventually
from tests.injection.scene import Client
from tests.injection.store import Case, Store

REFRESH = 11  # seconds after which sentinels know the priority of each replica
KEPT = "writes ≤ 3 s, nothing unconfirmed lost"


class Redis(Store):
    name = "redis"
    watcher = Path(__file__).with_name("redis_watch.py")
    cases = {  # noqa: RUF012 - a constant
        "pod": Case("R1", KEPT, strict=True),
        "server": Case("R2", "writes ≤ 8 s"),
        "container": Case("R2b", "writes ≤ 8 s"),
        "node": Case("R3", "writes ≤ 8 s"),
        "cut": Case("R4", "writes ≤ 8 s, unconfirmed ≤ 4 s of the cut side's"),
        "frozen": Case("R5", "writes ≤ 8 s"),
        "restart": Case("R6", f"{KEPT}, each", strict=True),
        "pods": Case("R6b", "whole ≤ 60 s"),
        "api": Case("R9", "writes ≤ 0.5 s, same master"),
    }

    def say(self, pod: str, *words: str, container: str = "redis") -> list[str]:
        command = ("redis-cli", *(("-p", "26379") if container == "sentinel" else ()), *words)
        return self.scene.kubectl("exec", pod, "-c", container, "--", *command).split("\n")

    def whole(self) -> str:
        def found() -> str:
            if self.scene.ready(self.name) != self.members:
                return ""
            question = ("sentinel", "get-master-addr-by-name", "mymaster")
            named = {self.say(pod, *question, container="sentinel")[0] for pod in self.pods}
            leaders = [pod for pod in self.pods if self.scene.get("service", pod)["spec"]["clusterIP"] in named]
            if len(named) != 1 or len(leaders) != 1:
                return ""
            follow = f"connected_slaves:{self.members - 1}" in "".join(self.say(leaders[0], "info", "replication"))
            return leaders[0] if follow else ""

        said = ("get", "pods", "-l", "app=redis", "-o", "wide")
        return eventually(found, lambda: self.scene.kubectl(*said), 0.5)

    def lead(self, node: str) -> str:
        master, wanted = self.whole(), self.on(node)
        if master == wanted:
            return wanted
        others = [pod for pod in self.pods if pod not in (master, wanted)]
        for pod in others:
            self.say(pod, "config", "set", "replica-priority", "0")
        time.sleep(REFRESH)
        self.scene.kubectl("exec", master, "-c", "redis", "--", "redis-stop", "server")
        eventually(lambda: self.whole() == wanted, f"{wanted} is the master")
        for pod in others:
            self.say(pod, "config", "set", "replica-priority", "100")
        time.sleep(REFRESH)
        return wanted

    def client(self) -> Client:
        return Client(
            image="greenlang/vcci-worker:v1.0.0",
            program=Path(__file__).with_name("redis_client.py"),
            environment={"REDIS_CA_FILE": "/etc/vcci/data-ca/ca.crt"},
            secrets={"REDIS_URL": ("backend-secrets", "REDIS_URL")},
            mounts={"data-ca": "/etc/vcci/data-ca"},
        )
