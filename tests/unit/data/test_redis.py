# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which members and which clients of Redis are an earlier version's, and whether these are let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, play


def pod(name: str, *volumes: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"volumes": [{"name": volume} for volume in volumes]}}


def members(*environment: dict[str, str]) -> dict[str, Any]:
    containers = [{"name": "redis", "env": [*environment]}, {"name": "proxy", "env": [*environment]}]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


OPEN = {"name": "REDIS_FORMER_CLIENTS", "value": "yes"}
PODS = [pod("redis-1", "run", "tls"), pod("redis-2", "run", "config"), pod("redis-0", "run")]
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing is there": ({}, {"former": [], "former_clients": False, "open": False}),
    "in the middle": ({"pods": PODS}, {"former": ["redis-0", "redis-2"]}),
    "all are new": ({"pods": PODS[:1]}, {"former": []}),
    "applications of before": ({"clients_read": [{"data": {"LOG_LEVEL": "INFO"}}]}, {"former_clients": True}),
    "of now": ({"clients_read": [{"data": {"REDIS_CA_FILE": "/ca.crt"}}]}, {"former_clients": False}),
    "let in": ({"set": [members({"name": "REDIS_TLS", "value": "/tls"}, OPEN)]}, {"open": True}),
    "kept out": ({"set": [members({"name": "REDIS_TLS", "value": "/tls"})]}, {"open": False}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_an_earlier_version_left(tmp_path: Path, name: str) -> None:
    given, told = CASES[name]
    variables = {f"__data_redis_{key}": {"resources": found} for key, found in given.items()}
    for key in ("pods", "clients_read", "set"):
        variables.setdefault(f"__data_redis_{key}", {})
    shown = {key: "{{ __data_redis_" + key + " }}" for key in told}
    tasks = [{"ansible.builtin.debug": {"msg": shown}, "vars": variables}]
    results, said = play(tmp_path, tasks, vars_files=[str(ROOT / "roles/data/vars/main/redis.yml")])
    assert results[-1]["msg"] == told, said
