# Copyright (c) 2026 GreenLang. All rights reserved.
"""PostgreSQL's archive takes nothing for a while: what waits for it is bounded, an alert tells, and it catches up."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from urllib.parse import quote

from tests.helpers import eventually
from tests.injection.scene import Scene
from tests.injection.strikes import Blow

AWAY = float(os.environ.get("VCCI_ARCHIVE_AWAY", "600"))  # seconds
TOLD = 300.0  # seconds until an alert must fire
SLACK = 3 * 16 * 1024**2  # bytes that come while it is looked
ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9188/metrics').read().decode())"
LOAD = (
    "psql -U vcci -d vcci -qc 'create table if not exists load (text text)' "
    "-c \"insert into load select repeat('x', 1000) || generate_series(1, 8000)\" -c 'truncate load'"
)
PROMETHEUS = "/api/v1/namespaces/vcci-observability/services/prometheus:9090/proxy/api/v1/query?query="


def archive_away(blow: Blow) -> float:
    scene, folder = blow.scene, volume(blow.scene) / "postgresql"
    [(store, primary)] = blow.leaders.items()
    scene.inside(blow.node, "chown", "0:0", str(folder))
    scene.inside(blow.node, "chmod", "0", str(folder))
    begun, told = time.monotonic(), 0.0
    try:
        while time.monotonic() < begun + AWAY:
            primary = blow.leader(store) or primary
            scene.kubectl("exec", primary, "-c", "postgresql", "--", "bash", "-c", LOAD)
            found = figures(scene, primary)
            most = found["waiting_limit_bytes"] + SLACK
            assert found["waiting_bytes"] <= most, f"{found['waiting_bytes']:.0f} bytes wait, of at most {most:.0f}"
            told = told or (time.monotonic() if fires(scene, "PostgresqlArchiveFails") else 0.0)
            assert told or time.monotonic() < begun + TOLD, f"no alert within {TOLD:.0f} s"
            time.sleep(2)
    finally:
        scene.inside(blow.node, "chmod", "750", str(folder))
        scene.inside(blow.node, "chown", "999:999", str(folder))

    def caught_up() -> bool:
        found = figures(scene, blow.leader(store) or primary)
        return not found["failing"] and not found["gap"] and found["waiting_bytes"] <= SLACK

    eventually(caught_up, lambda: figures(scene, primary), every=2)
    return time.monotonic()


def volume(scene: Scene) -> Path:
    """The folder of the archive."""
    claim = scene.get("pvc", "postgresql-archive")
    spec = scene.get("pv", claim["spec"]["volumeName"])["spec"]
    return Path((spec.get("hostPath") or spec["local"])["path"])


def figures(scene: Scene, member: str) -> dict[str, float]:
    """What its sidecar tells Prometheus."""
    said = scene.kubectl("exec", member, "-c", "archive", "--", "python3", "-c", ASK)
    lines = [line.removeprefix("vcci_archive_").split() for line in said.splitlines() if line.startswith("vcci_")]
    return {name: float(value) for name, value in lines}


def fires(scene: Scene, alert: str) -> bool:
    query = quote(f'ALERTS{{alertname="{alert}",alertstate="firing"}}')
    return bool(json.loads(scene.kubectl("get", "--raw", PROMETHEUS + query))["data"]["result"])
