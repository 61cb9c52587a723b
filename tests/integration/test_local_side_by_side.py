# Copyright (c) 2026 GreenLang. All rights reserved.
"""Clusters side by side leave each other alone, and a user who is not root has one: supervised, and gone at its end.

Real nodes beside others: tests/molecule/test_site_beside.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.building import cache_directory

from tests.helpers import (
    ROOT,
    TOOLS,
    connect,
    daemon_pid,
    eventually,
    kill,
    local_cluster,
    reserved,
    running_cluster,
    services,
    supervisors,
)

NUMBERS, SECOND, USERS = range(64, 68), 56, 66  # of the first subnet; how much higher those of the others are
USER = "nobody"
SIZES = {"cpu": "4", "memory": "8Gi", "pods": "110"}
# Runs a command as USER, where $1 is a folder in which the paths after it, up to --, are to be seen though some folder
# above them is root's alone. That folder is covered, for this process and its children.
AS_USER = """set -eu
stash=$1; shift; paths=
while [ "$1" != -- ]; do
  mkdir -p "$stash$1"; mount --rbind "$1" "$stash$1"; paths="$paths $1"; shift
done
shift
for path in $paths; do
  top=/; rest=${path#/}
  while [ -n "$rest" ]; do
    top=${top%/}/${rest%%/*}; case $rest in */*) rest=${rest#*/};; *) rest=;; esac
    [ -d "$top" ] && [ "$top" != "$path" ] || break
    if [ $(( 0$(stat -c %a "$top") & 1 )) = 0 ]; then mount -t tmpfs -o mode=755 tmpfs "$top"; break; fi
  done
  mkdir -p "$path"; mount --rbind "$stash$path" "$path"
done
cd /
exec setpriv --reuid="$TEST_USER" --regid="$(id -g "$TEST_USER")" --clear-groups --no-new-privs "$@"
"""


def pids(state: Path) -> dict[str, int]:
    """Of all daemons of a cluster, and of what supervises them."""
    found = {service: daemon_pid(state, service) for service in services(state)}
    assert len(found) >= 4, found
    return {**found, **{f"supervisor {pid}": pid for pid in supervisors(state)}}


def heals(state: Path) -> None:
    """Every daemon is killed, and comes back as another process without any command."""
    before = {service: daemon_pid(state, service) for service in services(state)}
    kill(before.values())

    def again() -> bool:
        now = {service: daemon_pid(state, service) for service in before}
        if not all(now.values()) or any(now[service] == before[service] for service in before):
            return False
        try:
            return connect(state / "kubeconfig").text("/readyz") == "ok"
        except VcciError:
            return False

    eventually(again, lambda: {service: daemon_pid(state, service) for service in before})


def files(state: Path) -> dict[str, bytes]:
    """What of a cluster is written once: certificates, kubeconfigs, scripts, what is recorded."""
    kinds = ("*.json", "kubeconfig", "boot", "pki/*", "supervision/services/*/run")
    return {str(path): path.read_bytes() for kind in kinds for path in state.glob(kind) if path.is_file()}


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Path, Path]]:
    """The name of one is how that of the other begins."""
    with contextlib.ExitStack() as stack:
        number = stack.enter_context(reserved(NUMBERS, "beside"))
        names = (f"beside-{number}", f"beside-{number}-b")
        subnets = (f"10.{number}.0.0/16", f"10.{number + SECOND}.0.0/16")
        made = [running_cluster(name, subnet=net, nodes="none") for name, net in zip(names, subnets, strict=True)]
        first, second = map(stack.enter_context, made)
        yield first, second


class Home:
    """The folder of a user who is not root, and what the user does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state/greenlang-vcci"

    def local_cluster(self, **options: object) -> str:
        """Run the plugin local_cluster as the user; all that it said."""
        shown = [str(Path(path).resolve()) for path in (ROOT, sys.prefix, sys.base_prefix, cache_directory())]
        script = ["unshare", "--mount", "--propagation", "private", "sh", "-c", AS_USER, "sh"]
        asked = ["ansible", "localhost", "-i", "localhost,", "-c", "local", "-m", "greenlang.vcci.local_cluster"]
        command = [str(TOOLS / asked[0]), *asked[1:], "-a", json.dumps(options)]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CACHE_HOME": str(cache_directory().parent),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "TEST_USER": USER,
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            [*script, str(self.folder / "stash"), *dict.fromkeys(shown), "--", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout


@pytest.fixture
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="vcci-user-", dir="/var/tmp"))
    shutil.chown(folder, USER)
    (folder / "stash").mkdir()
    yield Home(folder)
    shutil.rmtree(folder)


def test_a_user_without_root_has_a_supervised_control_plane(home: Home, two: tuple[Path, Path]) -> None:
    """With simulated nodes, beside those of root: what is killed heals, and nothing is left of it."""
    number = int(two[0].name.rpartition("-")[2])
    options = {"nodes": "simulated", "subnet": f"10.{number + USERS}.0.0/16"}
    options |= {"name": "users", "pools": [{"name": "compute", "count": 2, "capacity": SIZES}]}
    state, roots = home.state / "users", [pids(each) for each in two]
    try:
        said = home.local_cluster(**options)
        assert "CHANGED" in said, said
        assert set(services(state)) >= {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}
        owners = {Path(f"/proc/{pid}").owner() for pid in pids(state).values()}
        assert owners == {USER}
        heals(state)
        said = home.local_cluster(**options)
        assert "SUCCESS" in said, said
        nodes = connect(state / "kubeconfig").list("v1", "Node")
        assert [node["metadata"]["name"] for node in nodes] == ["compute-1", "compute-2"]
        refused = home.local_cluster(name="real", nodes="real", subnet=options["subnet"])
        assert "root: real nodes need it. Remedy: run as root, or set nodes to simulated" in refused, refused
    finally:
        said = home.local_cluster(name="users", state="absent")
    assert "CHANGED" in said, said
    assert not state.exists()
    assert not supervisors(state)
    assert [pids(each) for each in two] == roots


def test_two_clusters_leave_each_other_alone(two: tuple[Path, Path]) -> None:
    """One is killed, stopped, started and removed; the other has all its processes and files afterwards."""
    one, other = two
    for died, stays in ((one, other), (other, one)):
        before = pids(stays)
        heals(died)
        assert pids(stays) == before
    status = [sys.executable, "-m", "plugins.plugin_utils.local_cluster.status"]
    told = subprocess.run(status, cwd=ROOT, text=True, capture_output=True, check=True).stdout
    lines = [line.split() for line in told.splitlines()]
    for state in two:
        rows = [line for line in lines if line[0] == state.name]
        assert len(rows) == len(services(state)), told
        assert {row[3] for row in rows} == {"up"}, told
    before, written = pids(other), files(other)
    assert "CHANGED" in local_cluster(name=one.name, state="stopped").stdout
    assert not supervisors(one)
    assert pids(other) == before
    assert "CHANGED" in local_cluster(name=one.name, state="absent").stdout
    assert not one.exists()
    assert (pids(other), files(other)) == (before, written)
    assert connect(other / "kubeconfig").text("/readyz") == "ok"
