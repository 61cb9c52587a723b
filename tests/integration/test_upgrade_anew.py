# Copyright (c) 2026 GreenLang. All rights reserved.
"""An upgrade that was killed before the control plane moved looks anew, with a new snapshot; later it does not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import ledger
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.ledger import Entry, Ledger

from tests.helpers import connect, own_cluster, upgrade_to_itself

POOLS = [{"name": "compute", "count": 1, "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}}]
RECORD = "/api/v1/namespaces/kube-system/configmaps"
LONG_AGO = ["look", "snapshot"]


@pytest.fixture
def state() -> Iterator[Path]:
    with own_cluster("anew", range(50, 55), nodes="simulated", pools=POOLS) as made:
        yield made
        shutil.rmtree(made.parent / "snapshots.d" / made.name, ignore_errors=True)


def left(client: Client, name: str, **entry: Any) -> None:
    """What a run of a week ago recorded before it was killed."""
    begun = {"state": "running", "begun": "2026-11-19T04:00:00Z", "target": {"cluster_upgrade_version": "1.37"}}
    made = ledger.written("nodes", Ledger(None, {ledger.key("cluster_upgrade", name): Entry(**begun, **entry)}))
    there = client.get("v1", "ConfigMap", ledger.object_name("nodes"), ledger.NAMESPACE)
    if there:
        client.request("DELETE", f"{RECORD}/{ledger.object_name('nodes')}")
    client.request("POST", RECORD, body=made)


def snapshots(state: Path) -> int:
    return len(list(state.parent.glob(f"snapshots.d/{state.name}/*-upgrade.etcd")))


def test_look_and_snapshot_are_of_the_moment_before_the_control_plane_moves(state: Path) -> None:
    client = connect(state / "kubeconfig")
    runs = client.version()["gitVersion"]
    for entry in (
        {"taken": LONG_AGO, "step": "control plane", "notes": {"before": "v1.36.3"}},  # it runs another one now
        {"taken": [*LONG_AGO, "control plane"], "step": "node compute-1", "notes": {"before": runs}},
    ):
        left(client, state.name, **entry)
        moved = upgrade_to_itself(state, POOLS, "--check").stdout
        assert "step look: was taken before" in moved, moved
        assert "step snapshot: was taken before" in moved
    assert snapshots(state) == 0
    left(client, state.name, taken=LONG_AGO, step="control plane", notes={"before": runs})
    done = upgrade_to_itself(state, POOLS)
    assert done.returncode == 0, done.stdout
    assert "was taken before" not in done.stdout
    assert snapshots(state) == 1
    found = ledger.read(client.get("v1", "ConfigMap", ledger.object_name("nodes"), ledger.NAMESPACE))
    entry = next(iter(found.entries.values()))
    assert (entry.state, entry.taken[:3]) == ("done", [*LONG_AGO, "control plane"])
    client.close()
