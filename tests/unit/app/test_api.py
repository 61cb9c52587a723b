# Copyright (c) 2026 GreenLang. All rights reserved.
"""The API when nothing that it needs is there: it lives, says that it is not ready, and refuses politely."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

# Those who test roles alone need not have what the application needs.
pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("celery")
pytest.importorskip("psycopg")
from fastapi.testclient import TestClient
from vcci.api import make_app
from vcci.settings import read_settings

from tests.helpers import ROOT

NOWHERE = {
    "DATABASE_URL": "postgresql://vcci:x@127.0.0.1:1/vcci",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "WEAVIATE_URL": "http://127.0.0.1:1",
}


@pytest.fixture(scope="module")
def client():
    with TestClient(make_app(read_settings(NOWHERE))) as running:
        yield running


def test_live(client: TestClient) -> None:
    for path in ("/health", "/health/live"):
        assert client.get(path).json() == {"status": "live", "version": "v1.0.0"}


def test_not_ready(client: TestClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "postgresql": "OperationalError",
        "redis": "ConnectionError",
        "weaviate": "WeaviateError",
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "", "quantity": 1},
        {"name": "x"},
        {"name": "x", "quantity": -1},
        {"name": "x", "quantity": 1, "other": 1},
        {"name": "x\0", "quantity": 1},
        {"name": "x" * 201, "quantity": 1},
    ],
)
def test_bad_records(client: TestClient, body: dict) -> None:
    assert client.post("/api/v1/records", json=body).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/v1/records"), ("GET", "/api/v1/records/1"), ("POST", "/api/v1/records")]
)
def test_without_database(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path, json={"name": "x", "quantity": 1} if method == "POST" else None)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "database" in answer.json()["detail"]


def test_metrics_name_routes_not_paths(client: TestClient) -> None:
    client.get("/nothing/here")
    text = client.get("/metrics").text
    assert 'vcci_http_requests_total{method="GET",route="/health/live",status="200"}' in text
    assert 'route="none",status="404"' in text
    assert "/nothing/here" not in text


@pytest.mark.parametrize(
    ("age", "ready", "live"),
    [(0, True, True), (60, False, True), (600, False, False), (None, False, True)],
    ids=["connected", "late", "hung", "not connected"],
)
def test_worker_probe(tmp_path, age: int | None, ready: bool, live: bool) -> None:
    heartbeat = tmp_path / "heartbeat"
    if age is not None:
        heartbeat.touch()
        os.utime(heartbeat, (time.time() - age,) * 2)
    for name, expected in (("ready", ready), ("live", live)):
        done = subprocess.run(
            [ROOT / "images" / "vcci-backend-api" / "bin" / "worker-alive", name],
            env={**os.environ, "WORKER_HEARTBEAT_FILE": str(heartbeat)},
            check=False,
        )
        assert (done.returncode == 0) is expected
