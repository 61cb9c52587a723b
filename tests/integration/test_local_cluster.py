# Copyright (c) 2026 GreenLang. All rights reserved.
"""The plugin local_cluster: its life, its healing, its refusals.

A control plane alone, so that it is quick; nodes are tested with the site.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import scripts
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.binaries import Binaries
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.building import cache_directory
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.control_plane_daemons import daemons
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout, parse_subnet
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.processes import Processes

from tests.helpers import (
    PATIENCE,
    ROOT,
    STATE,
    Client,
    connect,
    daemon_pid,
    eventually,
    kill,
    local_cluster,
    power_off,
    supervisors,
)

NAME, SUBNET = "life", "10.94.0.0/16"


DAEMONS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def up_again(state: Path, before: Mapping[str, int]) -> None:
    """All daemons run, those of `before` as other processes, and the API server is ready: without any command."""

    def ready() -> bool:
        pids = {name: daemon_pid(state, name) for name in DAEMONS}
        if not all(pids.values()) or any(pids[name] == pid for name, pid in before.items()):
            return False
        try:
            return connect(state / "kubeconfig").text("/readyz") == "ok"
        except VcciError:
            return False

    eventually(ready, lambda: {name: daemon_pid(state, name) for name in DAEMONS})


@pytest.fixture
def cluster() -> Iterator[Path]:
    started = local_cluster(name=NAME, nodes="none", subnet=SUBNET)
    assert "CHANGED" in started.stdout, started.stdout
    yield STATE / NAME
    assert "CHANGED" in local_cluster(name=NAME, state="absent").stdout
    assert not (STATE / NAME).exists()
    assert "SUCCESS" in local_cluster(name=NAME, state="absent").stdout


def test_life(cluster: Path) -> None:
    assert "SUCCESS" in local_cluster(name=NAME, nodes="none", subnet=SUBNET).stdout  # nothing to do
    assert (cluster / "kubeconfig").stat().st_mode & 0o777 == 0o600
    assert "CHANGED" in local_cluster(name=NAME, state="stopped").stdout
    assert not supervisors(cluster)
    subprocess.run([cluster / "boot"], check=True)  # what was stopped stays down, also over a boot
    assert not supervisors(cluster)
    assert "SUCCESS" in local_cluster(name=NAME, state="stopped").stdout
    assert "CHANGED" in local_cluster(name=NAME, nodes="none", subnet=SUBNET).stdout
    refused = local_cluster(name=NAME, nodes="none", subnet="10.95.0.0/16")
    assert "was created with 10.94.0.0/16" in refused.stdout


def test_whatever_is_killed_comes_back(cluster: Path) -> None:
    """Each daemon in turn, all at once, each half of the supervision, both, and one daemon's own supervisor."""
    for daemon in DAEMONS:
        before = {daemon: daemon_pid(cluster, daemon)}
        kill(before.values())
        up_again(cluster, before)
    before = {daemon: daemon_pid(cluster, daemon) for daemon in DAEMONS}
    kill(before.values())
    up_again(cluster, before)
    for names in (["s6-svscan"], ["outer"], ["s6-svscan", "outer"], ["etcd"]):
        before = {name: daemon_pid(cluster, name) for name in DAEMONS}
        killed = [pid for name in names for pid in of(cluster, name)]
        assert len(killed) == len(names), killed
        kill(killed)
        up_again(cluster, before if "s6-svscan" in names else {name: before[name] for name in names if name in before})
        eventually(lambda: len(of(cluster, "s6-svscan")) == len(of(cluster, "outer")) == 1, "one supervision")
    assert "SUCCESS" in local_cluster(name=NAME, nodes="none", subnet=SUBNET).stdout


def test_a_reboot(cluster: Path) -> None:
    """No process is left. What boots the cluster again needs no Ansible."""
    client = connect(cluster / "kubeconfig")
    client.request("POST", "/api/v1/namespaces/default/configmaps", body=config_map(1))
    before = {name: daemon_pid(cluster, name) for name in DAEMONS}
    power_off(cluster)
    subprocess.run([cluster / "boot"], check=True)
    up_again(cluster, before)
    assert connect(cluster / "kubeconfig").get("v1", "ConfigMap", "c1", "default")
    assert "SUCCESS" in local_cluster(name=NAME, nodes="none", subnet=SUBNET).stdout


def test_what_systemd_starts_stays_and_may_be_killed(cluster: Path) -> None:
    """There is no systemd here: this is the command of its unit, started again when it ends, as the unit asks for. What
    it becomes is the supervision, or who waits to be it while there is one."""
    power_off(cluster)
    unit = [part.strip('"') for part in scripts.unit(NAME, cluster).partition("ExecStart=:")[2].split("\n")[0].split()]
    with subprocess.Popen(unit) as first:
        up_again(cluster, {})
        with subprocess.Popen(unit) as second:
            before = {name: daemon_pid(cluster, name) for name in DAEMONS}
            assert (first.poll(), second.poll()) == (None, None)
            first.kill()
            first.wait()
            up_again(cluster, {})
            assert second.poll() is None
            eventually(lambda: len(of(cluster, "s6-svscan")) == len(of(cluster, "outer")) == 1, "one supervision")
            assert {name: daemon_pid(cluster, name) for name in DAEMONS} == before
            second.kill()


def test_a_daemon_is_held_over_runs_and_boots_until_it_is_released(cluster: Path) -> None:
    options = {"name": NAME, "nodes": "none", "subnet": SUBNET}
    held = local_cluster(**options, held=["kube-scheduler"])
    assert "hold kube-scheduler" in held.stdout, held.stdout
    assert "SUCCESS" in local_cluster(**options).stdout
    power_off(cluster)
    subprocess.run([cluster / "boot"], check=True)
    eventually(lambda: daemon_pid(cluster, "kube-controller-manager"), "what is not held runs")
    assert not daemon_pid(cluster, "kube-scheduler")
    released = local_cluster(**options, held=[])
    assert "started kube-scheduler" in released.stdout, released.stdout
    assert daemon_pid(cluster, "kube-scheduler")


def test_what_an_earlier_version_started_is_taken_over(cluster: Path) -> None:
    """It kept daemons by records of their processes alone, in one file of log each."""
    client = connect(cluster / "kubeconfig")
    client.request("POST", "/api/v1/namespaces/default/configmaps", body=config_map(2))
    local_cluster(name=NAME, state="stopped")
    layout = Layout(NAME, parse_subnet(SUBNET), cluster, "none", [])
    programs = dict.fromkeys(("etcd", "kubernetes"), cluster / "bin")
    for log in (cluster / "logs").glob("*.log"):
        log.unlink(missing_ok=True)
    earlier = Processes(cluster / "run", cluster / "logs", None)
    etcd, server, *_others = daemons(layout, programs)
    assert earlier.ensure(etcd)
    assert earlier.ensure(server)
    assert "started etcd" in local_cluster(name=NAME, nodes="none", subnet=SUBNET).stdout
    assert earlier.running() == []
    assert (cluster / "logs/etcd/earlier.log").exists()
    assert connect(cluster / "kubeconfig").get("v1", "ConfigMap", "c2", "default")
    assert "SUCCESS" in local_cluster(name=NAME, nodes="none", subnet=SUBNET).stdout


def command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except OSError:  # it has just ended
        return [""]


def of(state: Path, what: str) -> list[int]:
    """The processes of the supervision whose program, or last argument, is this."""
    return [pid for pid in supervisors(state) if what in (command(pid)[0], command(pid)[-1])]


def test_a_secret_is_encrypted_at_rest_and_nobody_is_anonymous(cluster: Path) -> None:
    client = connect(cluster / "kubeconfig")
    body = {"metadata": {"name": "canary"}, "stringData": {"key": "plaintext-canary-value"}}
    client.request("POST", "/api/v1/namespaces/default/secrets", body=body)
    stored = []
    for path in (cluster / "etcd").rglob("*"):
        with contextlib.suppress(IsADirectoryError, FileNotFoundError):  # a draft of etcd has its name by now
            stored.append(path.read_bytes())
    assert stored
    assert not any(b"plaintext-canary-value" in content for content in stored)
    assert "plaintext-canary-value" not in (cluster / "logs" / "audit.log").read_text()
    anonymous = Client.from_params({"host": "https://127.94.0.1:6443", "ca_cert": str(cluster / "pki" / "ca.crt")})
    with pytest.raises(Exception, match="does not accept the credentials"):
        anonymous.request("GET", "/version")


def test_a_worker_ends_with_its_run_and_who_waits_says_for_whom(tmp_path: Path) -> None:
    """The run is killed while its worker waits for another: nobody is left to hold the lock later."""
    held, output = STATE / ".waits.lock", tmp_path / "output"
    held.parent.mkdir(parents=True, exist_ok=True)
    with held.open("w") as lock, output.open("w") as out:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"pid {os.getpid()}, since 12:00:00, a test")
        lock.flush()
        options = json.dumps({"name": "waits", "nodes": "none", "subnet": "10.93.0.0/16"})
        command = ["ansible", "localhost", "-i", "localhost,", "-c", "local", "-m", "greenlang.vcci.local_cluster"]
        run = subprocess.Popen([*command, "-a", options], stdout=out, stderr=out, cwd=ROOT, start_new_session=True)
        try:
            says = f"waiting for another run (pid {os.getpid()}, since 12:00:00, a test)"
            eventually(lambda: says in output.read_text(), output.read_text)
            workers = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
            assert workers
        finally:
            run.kill()
            run.wait()
        eventually(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), "its workers end")
    held.unlink()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "Wrong_Name"}, "name: 'Wrong_Name' is no name"),
        ({"subnet": "192.168.0.0/24"}, "subnet: '192.168.0.0/24' is not a /16"),
        ({"subnet": "nonsense"}, "subnet: 'nonsense' is no IPv4 network"),
        ({"held": ["compute-9"]}, "held: 'compute-9' is nothing that can be held"),
        ({"held": ["compute-1/etcd"]}, "held: 'compute-1/etcd' is nothing that can be held"),
        ({"pools": [{"name": "compute", "count": 0}]}, "pools: a cluster needs at least one node"),
        ({"pools": [{"name": "compute", "count": -1}]}, "pools: count of pool 'compute' is -1"),
        ({"nodes": "some"}, "value of nodes must be one of"),
        ({"binaries_dir": "/dev/null", "state_dir": "/dev/null/x", "nodes": "none"}, "Remedy"),
    ],
)
def test_bad_input(module: Callable[..., dict], options: dict, says: str) -> None:
    refused = module("local_cluster", **{"name": "refused", "subnet": "10.96.0.0/16", **options})
    assert refused["failed"]
    assert says in refused["msg"]
    assert not (STATE / "refused" / "cluster.json").exists()


def test_a_taken_port_is_named(module: Callable[..., dict]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.97.0.1", 2379))
        refused = module("local_cluster", name="refused", nodes="none", subnet="10.97.0.0/16")
    assert "127.97.0.1:2379" in refused["msg"]
    assert "Remedy" in refused["msg"]


def test_a_corrupt_cache_entry_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a cache of the test's own: others start clusters meanwhile."""
    table = ROOT / "binaries" / "parts.yml"
    shared = Binaries(table, "none", None, lambda _line: None).provide()
    compiled = subprocess.run(["go", "env", "GOCACHE"], text=True, capture_output=True, check=True).stdout.strip()
    monkeypatch.setenv("GOCACHE", compiled)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for entry in shared.values():
        shutil.copytree(entry, cache_directory() / "binaries" / entry.name, symlinks=True)
    binaries = Binaries(table, "none", None, lambda _line: None)
    assert binaries.missing() == []
    entry = binaries.provide()["etcd"]
    assert entry.is_relative_to(tmp_path)
    whole = (entry / "etcd").read_bytes()
    (entry / "etcd").unlink()
    (entry / "etcd").write_bytes(whole[:-1] + b"x")
    assert binaries.missing() == ["etcd"]
    assert (binaries.provide()["etcd"] / "etcd").read_bytes()[:100] == whole[:100]
    assert binaries.missing() == []


def config_map(number: int) -> dict:
    metadata = {"name": f"c{number}", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"i": str(number)}}


def test_a_run_outlives_an_api_server_that_is_killed_and_started_again(cluster: Path) -> None:
    objects = [config_map(number) for number in range(3000)]
    client = connect(cluster / "kubeconfig")
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(apply_set, client, objects, ApplyOptions(name="s", namespace="default", diff=False))
        eventually(lambda: client.requests >= 300, "the run is on its way", every=0.01)
        kill([daemon_pid(cluster, "kube-apiserver")])
        assert not run.done()
        result = run.result(timeout=PATIENCE)
    assert not result.failed
    assert len(result.created) + len(result.unchanged) + len(result.configured) == len(objects)
    assert not apply_set(client, objects, ApplyOptions(name="s", namespace="default", diff=False)).changed
    assert len(client.list("v1", "ConfigMap", "default", "applyset.kubernetes.io/part-of")) == len(objects)
