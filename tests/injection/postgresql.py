# Copyright (c) 2026 GreenLang. All rights reserved.
"""PostgreSQL: its primary and who may follow it, as members agree in Endpoints."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import eventually
from tests.injection.scene import Client
from tests.injection.store import Case, Store


class PostgreSQL(Store):
    name = "postgresql"
    watcher = Path(__file__).with_name("postgresql_watch.py")
    cases = {  # noqa: RUF012 - a constant
        "pod": Case("P1", "writes ≤ 5 s"),
        "server": Case("P2", "writes ≤ 8 s"),
        "container": Case("P3", "writes ≤ 8 s"),
        "node": Case("P4", "writes ≤ 25 s"),
        "cut": Case("P5", "writes ≤ 25 s"),
        "switchover": Case("P6", "writes ≤ 3 s"),
        "drain": Case("P7", "writes ≤ 3 s"),
        "restart": Case("P8", "writes ≤ 3 s each, two changes"),
        "api": Case("P9", "writes ≤ 2 s, same primary"),
        "etcd": Case("P10", "writes ≤ 2 s, same primary"),
        "frozen": Case("P14", "writes ≤ 25 s"),
        "hung": Case("P15", "ended before another may lead"),
        "follower": Case("P16", "writes ≤ 1 s"),
        "full": Case("P19", "whole again without anybody"),
        "archive": Case("P20", "writes go on, what waits is bounded, alert ≤ 5 min"),
        "all": Case("P22", "writes ≤ 60 s"),
        "machine": Case("P23", "whole ≤ 120 s after the start"),
        "kills": Case("P27", "0 lost in total"),
    }

    def agreed(self, name: str, key: str) -> str:
        """What the members keep under this key of their Endpoints."""
        return str(self.scene.get("endpoints", name)["metadata"].get("annotations", {}).get(key, ""))

    def whole(self) -> str:
        def found() -> str:
            others = [name for name in self.agreed("postgresql-sync", "sync_standby").split(",") if name]
            ready = self.scene.ready(self.name) == self.members
            return self.agreed("postgresql", "leader") if ready and len(others) == self.members - 1 else ""

        said = ("get", "pods", "-l", "app=postgresql", "-o", "wide")
        return eventually(found, lambda: self.scene.kubectl(*said), 0.5)

    def lead(self, node: str) -> str:
        primary, wanted = self.whole(), self.on(node)
        if primary != wanted:
            command = ("patronictl", "switchover", "postgresql", "--leader", primary, "--candidate", wanted, "--force")
            self.scene.kubectl("exec", primary, "-c", "postgresql", "--", *command)
            eventually(lambda: self.whole() == wanted, f"{wanted} is the primary")
        return wanted

    def client(self) -> Client:
        """Reads go to the replicas, while there is none to the primary."""
        return Client(
            image="greenlang/vcci-postgresql:v1.0.0",
            program=Path(__file__).with_name("postgresql_client.py"),
            environment={
                "PGHOST": "postgresql",
                "READ_HOST": "postgresql-replicas,postgresql",
                "PGDATABASE": "vcci",
                "PGSSLMODE": "verify-full",
                "PGSSLROOTCERT": "/etc/vcci/data-ca/ca.crt",
            },
            secrets={
                "PGUSER": ("postgresql-secrets", "username"),
                "PGPASSWORD": ("postgresql-secrets", "password"),
            },
            mounts={"data-ca": "/etc/vcci/data-ca"},
        )
