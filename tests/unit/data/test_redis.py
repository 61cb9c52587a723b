# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which members and which clients of Redis are an earlier version's, and whether these are let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, play


def pod(name: str, *volumes: str, ready: bool = True) -> dict[str, Any]:
    conditions = [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": str(ready)}]
    volumes_of = {"volumes": [{"name": volume} for volume in volumes]}
    return {"metadata": {"name": name}, "spec": volumes_of, "status": {"conditions": conditions}}


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


FORMER = [pod(f"redis-{number}", "run") for number in range(3)]
AWAY, NEW = pod("redis-2", "run", ready=False), pod("redis-2", "run", "tls", ready=False)
REPLACED: dict[str, tuple[list[dict[str, Any]], bool, int]] = {
    "all are there": (FORMER, True, 2),
    "one is not": (FORMER[:2], False, 1),
    "one is not ready": ([*FORMER[:2], AWAY], False, 2),
    "one was replaced by a run that was killed": ([*FORMER[:2], NEW], True, 0),
    "one that had begun has no pod yet": ([FORMER[0], NEW], False, 0),
}


def test_when_members_may_be_replaced(tmp_path: Path) -> None:
    """One that was away must not lead; a run that was killed on the way goes on, though new ones wait for the rest."""
    shown = ["{{ __data_redis_former_checks.0.that }}", "{{ __data_redis_followers }}"]
    tasks = [
        {"ansible.builtin.debug": {"msg": shown}, "vars": {"__data_redis_pods": {"resources": pods}}}
        for pods, _may, _followers in REPLACED.values()
    ]
    files = [str(ROOT / "roles/data/vars/main/redis.yml"), str(ROOT / "roles/data/defaults/main/redis.yml")]
    results, said = play(tmp_path, tasks, vars_files=files, vars={"platform_image_registry": "x"})
    told = dict(zip(REPLACED, [result["msg"] for result in results], strict=True))
    assert told == {name: [may, followers] for name, (_pods, may, followers) in REPLACED.items()}, said


RUNNING = [{**one, "status": {**one["status"], "phase": "Running"}} for one in FORMER]
FEWER: dict[str, tuple[dict[str, str], int, bool]] = {
    "who leads stays": ({"redis-0": "master", "redis-1": "slave", "redis-2": "slave"}, 2, True),
    "who leads goes": ({"redis-0": "slave", "redis-1": "slave", "redis-2": "master"}, 2, False),
    "one that was cut off believes in itself": (
        {"redis-0": "master", "redis-1": "slave", "redis-2": "master"},
        2,
        False,
    ),
    "one that goes does not answer": ({"redis-0": "master", "redis-1": "slave"}, 2, True),
    "nobody leads": ({"redis-0": "slave", "redis-1": "slave", "redis-2": "slave"}, 1, False),
    "who leads does not answer": ({"redis-0": "slave", "redis-1": "slave"}, 1, False),
}


@pytest.mark.parametrize("name", FEWER)
def test_who_leads_is_none_of_those_that_go(tmp_path: Path, name: str) -> None:
    roles, replicas, fine = FEWER[name]
    answers = [{"item": one, "stdout": f"{role}\n3129659\n", "rc": 0} for one, role in roles.items()]
    known = {
        "data_namespace": "vcci-platform",
        "data_cluster_domain": "cluster.local",
        "data_redis_replicas": replicas,
        "__data_redis_pods": {"resources": RUNNING},
        "__data_redis_roles": {"results": [*answers, {"item": "redis-9", "failed": True, "msg": "no such container"}]},
    }
    shown = {"checks": "{{ __data_redis_fewer_checks }}", "asked": "{{ __data_redis_running }}"}
    tasks = [{"ansible.builtin.debug": {"msg": shown}, "vars": known}]
    results, said = play(tmp_path, tasks, vars_files=[str(ROOT / "roles/data/vars/main/redis.yml")])
    assert results[-1]["msg"]["asked"] == ["redis-0", "redis-1", "redis-2"], said
    [check] = results[-1]["msg"]["checks"]
    assert check["that"] is fine
    assert len(check["message"]) < 300
