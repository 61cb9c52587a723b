# Copyright (c) 2026 GreenLang. All rights reserved.
"""What role data refuses before anything is written."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import ROOT, play

SHARED = {
    "platform_namespace": "x",
    "platform_environment": "x",
    "data_certificates": "given",
    "data_s3_endpoint": "s3.test",
}
LAG = "data_redis_min_replicas_max_lag is"
CASES = {
    "as it is": ({}, []),
    "as long": ({"data_redis_min_replicas_max_lag": 3}, [LAG]),
    "a longer silence": ({"data_redis_min_replicas_max_lag": 3, "data_redis_down_after_ms": 4000}, []),
    "a shorter silence": ({"data_redis_down_after_ms": 2999}, [LAG]),
    "five members": ({"data_redis_replicas": 5}, []),
    "a minority": (
        {"data_redis_replicas": 5, "data_redis_settings": {"min-replicas-to-write": 1}},
        ["min-replicas-to-write is 1 in data_redis_settings: a master that is cut off"],
    ),
    "as a line of redis.conf": ({"data_redis_settings": {"min-replicas-max-lag": 10}}, [LAG]),
    "none": ({"data_redis_min_replicas_max_lag": 0}, [LAG]),
    "none, as a line of redis.conf": ({"data_redis_settings": {"Min-Slaves-Max-Lag": 0}}, [LAG]),
    "no follower is needed": ({"data_redis_settings": {"min-replicas-to-write": "0"}}, ["min-replicas-to-write is 0"]),
    "which is meant": ({"data_redis_min_replicas_to_write": 0}, []),
    "more than there are": ({"data_redis_settings": {"min-replicas-to-write": 3}}, ["no write would ever be"]),
    "one member": ({"data_redis_replicas": 1}, []),
    "not asked for": ({"data_redis_min_replicas_max_lag": 4, "data_redis_enabled": False}, []),
    "no object store": ({"data_s3_endpoint": ""}, ["Weaviate is backed up nowhere else"]),
    "none is needed": ({"data_s3_endpoint": "", "data_weaviate_backup_enabled": False}, []),
    "Redis without the volume of PostgreSQL's backups": (
        {"data_postgresql_enabled": False},
        ["data_redis_backup_enabled is true, and data_postgresql_enabled false"],
    ),
    "which is backed up elsewhere": ({"data_postgresql_enabled": False, "data_redis_backup_enabled": False}, []),
    "both stores": (
        {"data_redis_min_replicas_max_lag": "4", "data_postgresql_replicas": 0},
        ["data_postgresql_replicas is 0", "no other member could ever have a commit", LAG],
    ),
}


def test_what_cannot_be_is_told_at_once(tmp_path: Path) -> None:
    role = {"name": "greenlang.vcci.data", "tasks_from": "checks", "apply": {"ignore_errors": True}}
    tasks = [{"ansible.builtin.include_role": role, "vars": given} for given, _told in CASES.values()]
    files = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
    results, said = play(tmp_path, tasks, vars=SHARED, vars_files=files)
    found = [result for result in results if "checks" in result or "errors" in result or result.get("failed")]
    assert len(found) == len(CASES), said
    for (name, (_given, told)), result in zip(CASES.items(), found, strict=True):
        errors = result.get("errors", [])
        assert len(errors) == len(told), (name, result)
        for error, part in zip(errors, told, strict=True):
            assert part in error, (name, error)
            assert "Remedy: " in error, (name, error)
