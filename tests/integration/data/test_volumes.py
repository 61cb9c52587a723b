# Copyright (c) 2026 GreenLang. All rights reserved.
"""Volumes of the stores at a real API server: members' grow where their class lets them, and nothing else is asked of
them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, eventually, play

CLAIMS = ("data-postgresql-0", "data-postgresql-1", "postgresql-backup", "data-redis-0")
STORES = ("postgresql", "postgresql_backup", "postgresql_archive", "redis", "weaviate")


def volume(namespace: str, claim: str) -> list[dict[str, Any]]:
    """One GiB, with its claim, of the class that is named after the namespace."""
    access, size = ["ReadWriteOnce"], "1Gi"
    claimed = {"namespace": namespace, "name": claim}
    source = {"hostPath": {"path": f"/nowhere/{claim}"}, "persistentVolumeReclaimPolicy": "Retain"}
    named = {"storageClassName": namespace, "accessModes": access}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{namespace}-{claim}", "labels": {"test": namespace}},
            "spec": {**named, **source, "capacity": {"storage": size}, "claimRef": claimed},
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {**claimed, "labels": {"app": "postgresql"}},
            "spec": {**named, "volumeName": f"{namespace}-{claim}", "resources": {"requests": {"storage": size}}},
        },
    ]


@pytest.fixture
def volumes(kubectl: Callable[..., str], namespace: str) -> Iterator[Callable[[bool], None]]:
    """Makes claims of members and of the backups, of a class that lets them grow, or does not."""

    def make(grow: bool) -> None:
        kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": namespace}}
        items = [{**kind, "provisioner": "example.com/none", "allowVolumeExpansion": grow}]
        for claim in CLAIMS:
            items += volume(namespace, claim)
        kubectl("apply", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": items})
        wanted = ["Bound"] * len(CLAIMS)
        path = "jsonpath={.items[*].status.phase}"
        eventually(lambda: kubectl("get", "pvc", "-n", namespace, "-o", path).split() == wanted, "all are bound")

    yield make
    kubectl("delete", "storageclass", namespace, "--ignore-not-found")
    kubectl("delete", "persistentvolume", "-l", f"test={namespace}", "--wait=false")


@pytest.fixture
def role(kubeconfig: Path, namespace: str, tmp_path: Path) -> Callable[..., tuple[list[dict[str, Any]], str]]:
    """Runs the role's look at volumes in the test's namespace; its results, and everything that was said."""

    def run(*flags: str, **variables: object) -> tuple[list[dict[str, Any]], str]:
        values: dict[str, object] = {"platform_namespace": namespace, "data_s3_server": "none"}
        for store in STORES:
            values |= {f"data_{store}_storage_class": namespace, f"data_{store}_storage_size": "1Gi"}
        values |= variables
        tasks = [
            {"ansible.builtin.include_role": {"name": "greenlang.vcci.data", "tasks_from": part}}
            for part in ("volumes", "volumes_grow")
        ]
        modules = ("kubernetes.core.k8s", "greenlang.vcci.objects_info", "greenlang.vcci.procedure")
        defaults = {name: {"kubeconfig": str(kubeconfig)} for name in modules}
        shared = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
        (tmp_path / "values.json").write_text(json.dumps(values))
        flags += ("-e", f"@{tmp_path / 'values.json'}")  # above the shared values, as an inventory's are
        return play(tmp_path, tasks, *flags, vars_files=shared, module_defaults=defaults)

    return run


def sizes(kubectl: Callable[..., str], namespace: str) -> dict[str, str]:
    """What each claim asks for."""
    path = 'jsonpath={range .items[*]}{.metadata.name} {.spec.resources.requests.storage}{"\\n"}{end}'
    return dict(line.split() for line in kubectl("get", "pvc", "-n", namespace, "-o", path).splitlines())


def test_the_members_volumes_grow(volumes, role, kubectl, namespace):
    volumes(True)
    results, said = role("--check", data_postgresql_storage_size="2Gi")
    assert results[-1]["changed"], said
    assert set(sizes(kubectl, namespace).values()) == {"1Gi"}
    results, said = role(data_postgresql_storage_size="2Gi")
    assert results[-1]["changed"], said
    assert sizes(kubectl, namespace) == dict(zip(CLAIMS, ("2Gi", "2Gi", "1Gi", "1Gi"), strict=True))
    results, said = role(data_postgresql_storage_size="2048Mi")
    assert not results[-1]["changed"], said


# All of them: tests/unit/data/test_volumes.py.
REFUSED = {
    "another store's, smaller": (True, {"data_redis_storage_size": "1Mi"}, "data-redis-0 asked for more"),
    "a class that lets none grow": (False, {"data_postgresql_storage_size": "2Gi"}, "lets no volume grow"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_volumes_cannot_is_refused_before_anything_is_written(case, volumes, role, kubectl, namespace):
    grow, variables, why = REFUSED[case]
    volumes(grow)
    results, said = role(**variables)
    assert results[-1]["failed"], said
    assert why in " ".join(said.split()), said
    assert set(sizes(kubectl, namespace).values()) == {"1Gi"}
