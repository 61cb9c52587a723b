# Copyright (c) 2026 GreenLang. All rights reserved.
"""Applications are stopped while data is replaced, at a real API server: what another procedure holds stays its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, play

HELD, BEFORE = "vcci.greenlang.io/held-at-zero", "vcci.greenlang.io/replicas-before"


def deployment(namespace: str, name: str, replicas: int, **annotations: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "c", "image": "localhost/none"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name, "labels": labels, "annotations": annotations},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


@pytest.fixture
def there(kubectl: Callable[..., str], namespace: str) -> Callable[[], dict[str, tuple[int, str, str]]]:
    """One that runs, one that a restore which was killed holds, one that somebody holds by hand; how each is now."""
    items = [
        deployment(namespace, "vcci-backend-api", 2),
        deployment(namespace, "vcci-worker", 0, **{HELD: "data_restore_time", BEFORE: "3"}),
        deployment(namespace, "vcci-worker-ml", 0, **{HELD: "restore"}),
    ]
    kubectl("apply", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": items})

    def look() -> dict[str, tuple[int, str, str]]:
        found = json.loads(kubectl("get", "deployments", "-n", namespace, "-o", "json"))["items"]
        notes = {one["metadata"]["name"]: one["metadata"].get("annotations", {}) for one in found}
        replicas = {one["metadata"]["name"]: one["spec"]["replicas"] for one in found}
        return {name: (replicas[name], notes[name].get(HELD, ""), notes[name].get(BEFORE, "")) for name in replicas}

    return look


CASES = {
    "redis_restore": {"vcci-backend-api": (2, "", ""), "vcci-worker": (0, "data_restore_time", "3")},
    "data_restore_time": {"vcci-backend-api": (2, "", ""), "vcci-worker": (3, "", "")},
    "data_restore_time_end": {"vcci-backend-api": (2, "", ""), "vcci-worker": (3, "", "")},
}


@pytest.mark.parametrize("procedure", CASES)
def test_who_was_stopped_is_started_by_whose_hold_it_is(procedure, there, kubeconfig, namespace, tmp_path: Path):
    def run(tasks: str) -> tuple[list[dict[str, Any]], str]:
        values = {"data_namespace": namespace, "data_wait_timeout": 60 if tasks == "clients_down" else 1}
        task = {"ansible.builtin.include_role": {"name": "greenlang.vcci.data", "tasks_from": tasks}}
        modules = ("kubernetes.core.k8s", "greenlang.vcci.objects_info")
        defaults = {name: {"kubeconfig": str(kubeconfig)} for name in modules}
        shared = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
        (tmp_path / "values.json").write_text(json.dumps({**values, "procedure": procedure}))
        flags = ("-e", f"@{tmp_path / 'values.json'}")
        return play(tmp_path, [task], *flags, vars_files=shared, module_defaults=defaults)

    by_hand = (0, "restore", "")
    results, said = run("clients_down")
    assert not results[-1].get("failed"), said
    holder = procedure.removesuffix("_end")
    assert there() == {
        "vcci-backend-api": (0, holder, "2"),
        "vcci-worker": (0, "data_restore_time", "3"),
        "vcci-worker-ml": by_hand,
    }, said
    _results, said = run("clients_up")  # which waits for pods that there are no nodes for
    assert there() == {**CASES[procedure], "vcci-worker-ml": by_hand}, said
