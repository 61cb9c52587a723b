# Copyright (c) 2026 GreenLang. All rights reserved.
"""A local cluster gets and loses nodes; those that stay keep their addresses. Its version is moved by nothing else."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.binaries import Binaries

from tests.helpers import ROOT, STATE, connect, eventually, play, reserved, running_cluster

SIZES = {"cpu": "4", "memory": "8Gi", "pods": "110"}
PARTS = ("control-plane", "compute-1", "compute-2")
ENDS = ("rolled_back", "rollback_ended", "rollback_ended")
TABLE = ROOT / "binaries" / "parts.yml"


def pools(**counts: int) -> list[dict[str, Any]]:
    return [{"name": name, "count": count, "capacity": SIZES} for name, count in counts.items()]


@pytest.fixture
def place() -> Iterator[dict[str, str]]:
    with contextlib.ExitStack() as stack:
        number = stack.enter_context(reserved(range(80, 86), "nodes"))
        yield {"name": f"nodes-{number}", "subnet": f"10.{number}.0.0/16", "nodes": "simulated"}


@pytest.fixture
def local(place: dict, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """The plugin, several times in one play; its results."""

    def run(*several: dict[str, object], check: bool = False) -> list[dict[str, Any]]:
        tasks = [{"greenlang.vcci.local_cluster": {**place, **one}, "ignore_errors": True} for one in several]
        results, said = play(tmp_path, tasks, *(["--check"] if check else []))
        assert len(results) == len(several), said
        return results

    return run


def places(name: str) -> dict[str, int]:
    known = json.loads((STATE / name / "cluster.json").read_text())
    return {node: position for node, position, _pool in known["nodes"]}


def nodes(name: str) -> set[str]:
    client = connect(STATE / name / "kubeconfig")
    found = {node["metadata"]["name"] for node in client.list("v1", "Node")}
    client.close()
    return found


def test_nodes_come_and_go(place: dict, local: Callable[..., Any]) -> None:
    small, large = pools(compute=1, memory=1), pools(compute=2, memory=2)
    none = pools(compute=0, memory=0)
    with running_cluster(**place, pools=small):
        assert places(place["name"]) == {"compute-1": 1, "memory-1": 2}
        asked = {"pools": large}
        fewer = {"pools": pools(compute=1, memory=0)}
        predicted, refused, last = local(asked, fewer, {"pools": none, "scale": True}, check=True)
        assert predicted["actions"] == ["create node compute-2", "create node memory-2"]
        assert "has memory-1, which would go with what runs there" in refused["msg"]
        assert "remove nodes by playbooks/nodes_scale.yml" in refused["msg"]
        assert "a cluster needs at least one node" in last["msg"]
        assert nodes(place["name"]) == {"compute-1", "memory-1"}

        grown, again, plain = local(asked, asked, {"pools": large})
        assert {"created node compute-2", "created node memory-2"} <= set(grown["actions"]), grown
        assert not again["changed"], again
        assert not plain["changed"], plain
        assert places(place["name"]) == {"compute-1": 1, "memory-1": 2, "compute-2": 3, "memory-2": 4}
        assert [node["ready"] for node in plain["nodes"]] == [True] * 4

        [leaves] = local({"pools": small, "scale": True}, check=True)
        assert leaves["leaving"] == ["compute-2", "memory-2"]
        shrunk, again = local({"pools": small, "scale": True}, {"pools": small})
        assert {"removed node compute-2", "removed node memory-2"} <= set(shrunk["actions"])
        assert not again["changed"], again
        assert places(place["name"]) == {"compute-1": 1, "memory-1": 2}
        eventually(lambda: nodes(place["name"]) == {"compute-1", "memory-1"}, "their objects are gone")


def version(name: str) -> str:
    client = connect(STATE / name / "kubeconfig")
    found = client.version()["gitVersion"]
    client.close()
    return str(found)


def mark(name: str, which: str) -> None:
    client = connect(STATE / name / "kubeconfig")
    client.request("POST", "/api/v1/namespaces/default/configmaps", body={"metadata": {"name": which}})
    client.close()


def marks(name: str) -> set[str]:
    client = connect(STATE / name / "kubeconfig")
    found = {one["metadata"]["name"] for one in client.list("v1", "ConfigMap", "default")}
    client.close()
    return {one for one in found if one.startswith("mark-")}


def test_a_version_is_moved_and_taken_back(place: dict, local: Callable[..., Any], tmp_path: Path) -> None:
    """Where the minor before is in the cache: it takes ten minutes to build, and is built for nothing else."""
    if Binaries(TABLE, "simulated", None, lambda _line: None, "kubernetes-1.36").missing():
        pytest.skip("Kubernetes 1.36 is not in the cache; a cluster with version 1.36 builds it")
    name, same = place["name"], {"pools": pools(compute=2)}
    with running_cluster(**place, **same, version="1.36"):
        assert version(name).startswith("v1.36.")
        refused, missing, early = local(same, {**same, "version": "1.35"}, {**same, "upgrade": ["compute-1"]})
        assert "playbooks/cluster_upgrade.yml" in refused["msg"]
        assert "none that can be had. Remedy: give one of v1.37" in missing["msg"]
        assert "would be newer than the control plane's v1.36" in early["msg"]
        assert not local({**same, "version": "as-it-is"})[0]["changed"]
        mark(name, "mark-before")
        snapshot = {"name": name, "purpose": "upgrade"}
        moves = [
            {"greenlang.vcci.local_snapshot": snapshot},
            *({"greenlang.vcci.local_cluster": {**place, **same, "upgrade": [part]}} for part in PARTS),
            {"greenlang.vcci.local_cluster": {**place, **same}},
        ]
        results, said = play(tmp_path, moves)
        assert len(results) == len(moves), said
        assert "started kube-apiserver" in results[1]["actions"]
        assert "started etcd" not in results[1]["actions"]
        assert not results[-1]["changed"], results[-1]
        assert version(name).startswith("v1.37.")
        assert marks(name) == {"mark-before"}
        mark(name, "mark-after")

        [lower] = local({**same, "version": "1.36"})
        assert "go back by cluster_rollback" in lower["msg"]
        down = [
            {"greenlang.vcci.local_cluster": {**place, **same, "held": ["kube-scheduler"]}},
            {"greenlang.vcci.local_cluster": {**place, **same, "upgrade": [PARTS[0]]}, "ignore_errors": True},
            {"greenlang.vcci.local_snapshot": {"name": name, "state": "rolled_back"}, "ignore_errors": True},
            {"greenlang.vcci.local_cluster": {**place, **same, "held": []}},
        ]
        [_held, stays, neither, _released], said = play(tmp_path, down)
        assert "control-plane gets no other version while kube-scheduler is held" in stays["msg"]
        assert "kube-scheduler is down on purpose, and would not go back" in neither["msg"]
        before = results[0]["snapshot"]["kubernetes"]
        back = [
            {"greenlang.vcci.local_cluster": {**place, **same, "version": before, "upgrade": list(PARTS[1:])}},
            {"greenlang.vcci.local_snapshot": {"name": name, "state": "rolled_back"}},
            {"greenlang.vcci.local_cluster": {**place, **same, "version": before}},
            *({"greenlang.vcci.local_snapshot": {"name": name, "state": one}} for one in ENDS),
            {"greenlang.vcci.local_snapshot": {"name": name, "state": "rolled_back"}, "ignore_errors": True},
        ]
        results, said = play(tmp_path, back)
        assert len(results) == len(back), said
        assert version(name) == before
        assert marks(name) == {"mark-before"}
        assert [(one["changed"], one.get("restored")) for one in results[3:-1]] == [
            (False, False),
            (True, None),
            (False, None),
        ]
        assert "no upgrade is recorded that could be taken back" in results[-1]["msg"]
