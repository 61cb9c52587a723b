# Copyright (c) 2026 GreenLang. All rights reserved.
"""Snapshots of a real etcd: taken, kept, tried, restored; what cannot be is refused, and nothing is changed."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host, record
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.doubt import doubt
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout

from tests.helpers import connect, eventually, local_cluster, own_cluster, play

MARKS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    with own_cluster("snap", range(86, 90), nodes="none") as made:
        yield made
        shutil.rmtree(made.parent / "snapshots.d" / made.name, ignore_errors=True)


@pytest.fixture
def snapshots(state: Path, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """The plugin, several times in one play; its results."""

    def run(*several: dict[str, object], flags: Sequence[str] = ()) -> list[dict[str, Any]]:
        options = [{"name": state.name, **one} for one in several]
        tasks = [{"greenlang.vcci.local_snapshot": one, "ignore_errors": True} for one in options]
        results, said = play(tmp_path, tasks, *flags)
        assert len(results) == len(several), said
        return results

    return run


@pytest.fixture
def snapshot(snapshots: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """The plugin once."""
    return lambda *flags, **options: snapshots(options, flags=flags)[0]


def mark(state: Path, name: str) -> None:
    client = connect(state / "kubeconfig")
    client.request("POST", MARKS, body={"metadata": {"name": name}, "data": {"is": name}})
    client.close()


def marks(state: Path) -> set[str]:
    client = connect(state / "kubeconfig")
    found = {one["metadata"]["name"] for one in client.list("v1", "ConfigMap", "default")}
    client.close()
    return {name for name in found if name.startswith("mark-")}


def test_a_restore_brings_back_what_was_there_and_nothing_else(state: Path, snapshot: Callable[..., Any]) -> None:
    mark(state, "mark-before")
    assert snapshot("--check")["changed"]
    assert not list(state.parent.glob(f"snapshots.d/{state.name}/*"))
    taken = snapshot()
    assert taken["changed"]
    file = Path(taken["snapshot"]["file"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"mark-before" not in file.read_bytes()
    assert not snapshot(max_age_hours=1)["changed"]
    mark(state, "mark-after")
    tried = snapshot(state="drilled")
    assert not tried.get("failed"), tried
    assert tried["drill"]["changed_since"] > 0
    assert tried["drill"]["same"] > 100
    assert tried["drill"]["readable"]["namespaces"] == 4
    assert not list(state.glob("drill")) + list(state.glob("snapshot.*"))
    assert snapshot("--check", state="restored")["changed"]
    assert marks(state) == {"mark-before", "mark-after"}
    restored = snapshot(state="restored")
    assert restored["changed"], restored
    eventually(lambda: marks(state) == {"mark-before"}, "the marks of then")
    mark(state, "mark-again")  # it can be written
    assert (state / "etcd.before").is_dir()


def test_a_stopped_cluster_starts_with_what_was_restored(state: Path, snapshot: Callable[..., Any]) -> None:
    """Also one whose etcd does not start any more."""
    had = marks(state)
    assert snapshot()["changed"]
    mark(state, "mark-lost")
    assert local_cluster(name=state.name, state="stopped").returncode == 0
    (state / "etcd/member/snap/db").write_bytes(b"damaged")
    restored = snapshot(state="restored")
    assert restored["changed"], restored
    known = record.read(state)
    assert known
    subnet = str(record.layout(known, state).subnet)
    started = local_cluster(name=state.name, subnet=subnet, nodes="none")
    assert started.returncode == 0, started.stdout
    assert marks(state) == had


def test_the_newest_of_each_purpose_are_kept(state: Path, snapshot: Callable[..., Any], tmp_path: Path) -> None:
    where = {"directory": str(tmp_path / "kept"), "keep": 1}
    first = snapshot(**where)["snapshot"]["file"]
    upgrade = snapshot(**where, purpose="upgrade")["snapshot"]["file"]
    second = snapshot(**where)
    assert second["removed"] == [first]
    assert sorted((tmp_path / "kept").iterdir()) == sorted([Path(upgrade), Path(second["snapshot"]["file"])])


def test_what_cannot_be_restored_is_refused(
    state: Path, snapshot: Callable[..., Any], snapshots: Callable[..., Any], tmp_path: Path
) -> None:
    good = Path(snapshot(directory=str(tmp_path / "d"))["snapshot"]["file"])
    cut = tmp_path / "cut.etcd"
    cut.write_bytes(good.read_bytes()[:-40])
    other = tmp_path / "other.etcd"
    authority = good.read_bytes().split(b'"authority": "')[1][:64]
    other.write_bytes(good.read_bytes().replace(authority, b"0" * 64))
    newer = tmp_path / "newer.etcd"
    newer.write_bytes(good.read_bytes().replace(b'"kubernetes": "v1.37', b'"kubernetes": "v1.38'))
    text = tmp_path / "text.etcd"
    text.write_text("hello\n")
    key = tmp_path / "key"
    key.write_text("00" * 32)
    cases = [
        ({"file": str(cut)}, "is damaged"),
        ({"file": str(other)}, "with another authority"),
        ({"file": str(newer)}, "newer than the cluster's"),
        ({"file": str(text)}, "is no snapshot"),
        ({"file": str(tmp_path / "none.etcd")}, "cannot be read"),
        ({"file": str(good), "key_file": str(key)}, "was encrypted with key"),
        ({"file": str(good), "key_file": str(text)}, "holds no key"),
        ({"file": str(good), "key_file": str(tmp_path / "nokey")}, "holds no key"),
        ({"directory": str(tmp_path / "empty")}, "has no snapshot of cluster"),
        ({"environment_name": "production"}, "is the cluster of environment 'local'"),
        ({"keep": 0}, "keep: 0"),
    ]
    before = (state / "etcd").stat().st_ino
    wanted = [{"state": "restored", **options} for options, _says in cases]
    for flags in ([], ["--check"]):
        for refused, (options, says) in zip(snapshots(*wanted, flags=flags), cases, strict=True):
            assert refused.get("failed"), options
            assert says in refused["msg"], (options, refused["msg"])
            assert "Remedy" in refused["msg"]
            assert "\n" not in refused["msg"]
    assert (state / "etcd").stat().st_ino == before
    assert not (tmp_path / "nokey").exists()


def test_no_room_for_a_snapshot(snapshot: Callable[..., Any], tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)], check=True)
    try:
        refused = snapshot(directory=str(small / "in"))
        assert "directory: " in refused["msg"]
        assert "are free" in refused["msg"]
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_cluster_that_is_not_there(snapshot: Callable[..., Any]) -> None:
    assert "there is no local cluster 'nowhere'" in snapshot(name="nowhere")["msg"]


SAID = [{"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}]
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def pods(state: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """Pods of which the API server says that they are Ready at an address of this machine, by name."""
    client = connect(state / "kubeconfig")
    made = {}
    for name in ("runs", "moved", "gone", "waits"):
        spec = {"nodeName": "memory-1", "containers": [{"name": "main", "image": "none"}]}
        client.request("POST", PODS, body={"metadata": {"name": name}, "spec": spec})
        said = {"podIP": "127.1.2.3" if name == "moved" else "127.0.0.1", "conditions": SAID if name != "waits" else []}
        path = f"{PODS}/{name}/status"
        made[name] = client.request("PATCH", path, body={"status": said}, content_type="application/merge-patch+json")
    yield made
    for name in made:
        client.request("DELETE", f"{PODS}/{name}", body={"gracePeriodSeconds": 0})
    client.close()


def test_pods_that_do_not_run_as_they_say_are_not_ready(state: Path, pods: dict[str, dict[str, Any]]) -> None:
    layout = Layout(state.name, ipaddress.IPv4Network("10.86.0.0/16"), state, "real", [])
    places = {"runs": "burstable/", "moved": ""}
    cgroups = {
        name: f"{layout.cgroup}/memory-1/kubepods/{place}pod{pods[name]['metadata']['uid']}/main"
        for name, place in places.items()
    }
    processes = [subprocess.Popen(["sleep", "600"]) for _name in cgroups]
    client = connect(state / "kubeconfig")
    try:
        for process, cgroup in zip(processes, cgroups.values(), strict=True):
            host.make_cgroup(cgroup)
            for folder in host.cgroups(cgroup):
                (folder / "cgroup.procs").write_text(str(process.pid))
        assert doubt(client, layout) == ["default/gone", "default/moved"]
        found = {
            pod["metadata"]["name"]: pod["status"].get("conditions", []) for pod in client.list("v1", "Pod", "default")
        }
        said = {name: {one["type"]: one["status"] for one in several} for name, several in found.items()}
        ready = {name: several.get("Ready") for name, several in said.items()}
        assert ready == {"runs": "True", "moved": "False", "gone": "False", "waits": None}
        assert doubt(client, layout) == []
    finally:
        client.close()
        host.end_cgroup(f"{layout.cgroup}/memory-1")
        for process in processes:
            process.wait()
