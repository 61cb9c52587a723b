# Copyright (c) 2026 GreenLang. All rights reserved.
"""Members that a procedure stopped, at a real API server: who holds them is said in that write, and nothing else starts
them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, play

MODULES = ("kubernetes.core.k8s", "greenlang.vcci.objects_info", "greenlang.vcci.procedure", "greenlang.vcci.applyset")
Run = Callable[..., tuple[list[dict[str, Any]], str]]


@pytest.fixture
def role(kubeconfig: Path, namespace: str, tmp_path: Path) -> Run:
    """Runs a file of the role's tasks in the test's namespace; its results, and everything that was said."""

    def run(tasks: str, *flags: str, **variables: object) -> tuple[list[dict[str, Any]], str]:
        values = {"platform_namespace": namespace, "platform_observability_namespace": namespace, "data_wait": False}
        values |= {"data_postgresql_archive": "none", "data_postgresql_backup_enabled": False, **variables}
        task = {"ansible.builtin.include_role": {"name": "greenlang.vcci.data", "tasks_from": tasks}}
        defaults: dict[str, dict[str, Any]] = {name: {"kubeconfig": str(kubeconfig)} for name in MODULES}
        defaults["greenlang.vcci.applyset"]["force_conflicts"] = True
        shared = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
        (tmp_path / "values.json").write_text(json.dumps(values))
        flags += ("-e", f"@{tmp_path / 'values.json'}")  # above the shared values, as an inventory's are
        known = {"__data_volumes": {"resized": []}}
        return play(tmp_path, [task], *flags, vars_files=shared, vars=known, module_defaults=defaults)

    return run


def test_members_that_are_held_are_started_by_nobody_else(role: Run, kubectl: Callable[..., str], namespace: str):
    def now() -> list[str]:
        found = json.loads(kubectl("get", "statefulset", "postgresql", "-n", namespace, "-o", "json"))
        return [found["metadata"]["annotations"]["vcci.greenlang.io/held-at-zero"], str(found["spec"]["replicas"])]

    results, said = role("members_down", __data_members_holder="data_restore_time run1")
    assert not results[-1].get("failed"), said
    for flags in ((), ("--check",)):
        results, said = role("postgresql_look", *flags)
        assert results[-1]["failed"], said
        assert "playbooks/data_restore_time.yml again" in " ".join(said.split()), said
    assert now() == ["data_restore_time run1", "0"]

    results, said = role("upgrade_stop", __data_upgrade_left=0)
    assert not results[-1].get("failed"), said
    assert now() == ["data_upgrade", "0"]
    results, said = role("postgresql_look")
    assert "playbooks/data_upgrade.yml again" in " ".join(said.split()), said

    # As the procedure itself starts them, in one write.
    results, said = role("postgresql", __data_postgresql_moving=True)
    assert not results[-1].get("failed"), said
    assert now() == ["", "3"]
    results, said = role("postgresql")
    assert not any(result.get("failed") or result["changed"] for result in results), said
