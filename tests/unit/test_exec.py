# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is run inside a pod: k8s_exec succeeds however the command ended, so each task says itself that it failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from tests.helpers import ROOT

MODULE = "kubernetes.core.k8s_exec"


def tasks(node: Any) -> Iterator[dict[str, Any]]:
    for part in node if isinstance(node, list) else []:
        if isinstance(part, dict):
            yield part
            for inner in part.values():
                yield from tasks(inner)


def test_a_command_that_failed_is_a_task_that_failed():
    files = [*ROOT.glob("roles/*/tasks/**/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
    found = [(file, task) for file in files for task in tasks(yaml.safe_load(file.read_text())) if MODULE in task]
    assert found
    for file, task in found:
        where = f"{file.relative_to(ROOT)}: {task['name']}"
        assert "register" in task, where
        judged = [file.read_text()]  # by itself, or by a task after it
        judged += [checks.read_text() for checks in file.parents[1].glob("vars/main/*.yml")]
        assert f"{task['register']}.rc" in " ".join(judged), f"{where}: failed_when: {task['register']}.rc != 0"


def test_a_superuser_calls_nothing_that_a_database_owner_made():
    places = ("roles/*/tasks/**/*.yml", "roles/*/vars/**/*.yml", "playbooks/**/*.yml")
    files = [file for place in places for file in ROOT.glob(place)]
    calls = [line for file in files for line in file.read_text().splitlines() if " psql --host /var/run/" in f" {line}"]
    assert calls
    assert [line for line in calls if "PGOPTIONS=-csearch_path=pg_catalog psql" not in line] == []
