# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is run inside a pod by tasks of roles and playbooks."""

from __future__ import annotations

from tests.helpers import ROOT

PLACES = ("roles/*/tasks/**/*.yml", "roles/*/vars/**/*.yml", "playbooks/**/*.yml")
FILES = [file for place in PLACES for file in ROOT.glob(place)]


def test_a_command_that_failed_is_a_task_that_failed():
    """As it is by pod_exec; k8s_exec succeeds however a command ended, and runs in check mode too."""
    texts = {file: file.read_text() for file in FILES}
    assert any("greenlang.vcci.pod_exec" in text for text in texts.values())
    assert [str(file.relative_to(ROOT)) for file, text in texts.items() if "kubernetes.core.k8s_exec" in text] == []


def test_a_superuser_calls_nothing_that_a_database_owner_made():
    calls = [line for file in FILES for line in file.read_text().splitlines() if " psql --host /var/run/" in f" {line}"]
    assert calls
    assert [line for line in calls if "PGOPTIONS=-csearch_path=pg_catalog psql" not in line] == []
