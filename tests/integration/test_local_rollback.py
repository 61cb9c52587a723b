# Copyright (c) 2026 GreenLang. All rights reserved.
"""A rollback that was killed, wherever that was, is gone on with and ended by the next, and restores once.

Both versions are the same programs here; which is which is in the cluster's record alone. Two real ones:
test_local_nodes.py.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import versions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.keeping import keep
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.supervisor import Supervisor

from tests.helpers import connect, eventually, own_cluster

MARKS = "/api/v1/namespaces/default/configmaps"
OPTIONS = {"environment_name": None, "file": None, "purpose": "upgrade", "keep": 7, "max_age_hours": 0}
OPTIONS |= {"directory": None, "key_file": None, "binaries_dir": None}
LATER = "v1.37.99"


class Killed(BaseException):
    """As a signal that nothing of ours catches."""


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    with own_cluster("back", range(55, 60), nodes="none") as made:
        yield made
        shutil.rmtree(made.parent / "snapshots.d" / made.name, ignore_errors=True)


@pytest.fixture
def snapshot(state: Path) -> Callable[..., dict[str, Any]]:
    """The states of the plugin; `killed` where it says that."""

    def run(wanted: str, killed: str = "", *, check: bool = False) -> dict[str, Any]:
        def say(line: str) -> None:
            if killed and killed in line:
                raise Killed

        args = {**OPTIONS, "name": state.name, "state_dir": str(state.parent), "state": wanted}
        return keep(args, datetime.datetime.now(datetime.UTC), check, say)

    return run


def record(state: Path, **parts: str) -> None:
    """Record of parts of the cluster that they run other versions; it has nodes `a` and `b` besides."""
    found = json.loads((state / "kubernetes.json").read_text())
    here = found["control_plane"]
    made = {name: {**here, "version": version} for name, version in parts.items()}
    nodes = {name: made.get(name, here) for name in ("a", "b")}
    told = {"control_plane": made.get("control_plane", here), "nodes": nodes}
    if "before" in made:
        told["before"] = made["before"]
    (state / "kubernetes.json").write_text(json.dumps(told))


def recorded(state: Path) -> versions.Runs:
    found = versions.recorded(Layout(state.name, ipaddress.IPv4Network("10.55.0.0/16"), state, "none", []))
    assert found
    return found


def marks(state: Path) -> set[str]:
    client = connect(state / "kubeconfig")
    found = {one["metadata"]["name"] for one in client.list("v1", "ConfigMap", "default")}
    client.close()
    return {name for name in found if name.startswith("mark-")}


def mark(state: Path, name: str) -> None:
    client = connect(state / "kubeconfig")
    client.request("POST", MARKS, body={"metadata": {"name": name}})
    client.close()


def upgraded(state: Path, snapshot: Callable[..., Any], number: int) -> str:
    """As an upgrade leaves it: a snapshot of before, and everything in a later version; the version of before."""
    before = recorded(state).control_plane.version
    mark(state, f"mark-{number}")
    assert snapshot("present")["changed"]
    record(state, control_plane=LATER, a=LATER, b=LATER, before=before)
    mark(state, f"mark-{number}-lost")
    return before


@pytest.mark.parametrize(
    ("number", "killed", "taken_back"),
    [
        (1, "the control plane stops", False),
        (2, "the snapshot takes its place", True),
        (3, "the control plane starts", True),
        (4, "", True),
    ],
)
def test_a_killed_rollback_is_ended_by_the_next(
    state: Path, snapshot: Callable[..., Any], number: int, killed: str, taken_back: bool
) -> None:
    before = upgraded(state, snapshot, number)
    if killed:
        with pytest.raises(Killed):
            snapshot("rolled_back", killed)
        assert recorded(state).taken_back is taken_back
        again = snapshot("rolled_back", check=True)
        assert (again["changed"], again["restored"]) == (True, not taken_back)
        done = snapshot("rolled_back")
        assert (done["changed"], done["restored"]) == (True, not taken_back)
        assert done["snapshot"]["kubernetes"] == before
    else:
        assert snapshot("rolled_back")["restored"]
    eventually(lambda: f"mark-{number}" in marks(state), "the marks of then")
    assert f"mark-{number}-lost" not in marks(state)
    assert recorded(state).control_plane.version == before
    mark(state, f"mark-{number}-since")

    # What was written since is not lost, however often it is run; nor has it ended while nodes run the other version.
    with pytest.raises(InputError, match=f"a, b does not run {before} again. Remedy: "):
        snapshot("rollback_ended")
    once_more = snapshot("rolled_back")
    assert (once_more["changed"], once_more["restored"]) == (False, False)
    record(state, a=before, b=before, before=before)
    assert snapshot("rollback_ended", check=True)["changed"]
    assert snapshot("rollback_ended")["changed"]
    assert not snapshot("rollback_ended")["changed"]
    assert {f"mark-{number}", f"mark-{number}-since"} <= marks(state)
    with pytest.raises(InputError, match="no upgrade is recorded that could be taken back"):
        snapshot("rolled_back")
    assert not list(state.glob("restore.begun")) + list(state.glob("*.restored*"))


def test_what_is_killed_with_the_machine_stays_down_until_it_is_gone_on_with(
    state: Path, snapshot: Callable[..., Any]
) -> None:
    upgraded(state, snapshot, 5)
    with pytest.raises(Killed):
        snapshot("rolled_back", "the snapshot takes its place")
    folder = Supervisor(state).folder
    assert [(folder(name) / "down").exists() for name in ("etcd", "kube-apiserver")] == [True, True]
    assert snapshot("rolled_back")["changed"]
    assert [(folder(name) / "down").exists() for name in ("etcd", "kube-apiserver")] == [False, False]
    record(state, before=recorded(state).control_plane.version)
    assert snapshot("rollback_ended")["changed"]


def test_an_upgrade_that_was_not_taken_back_is_not_ended(state: Path, snapshot: Callable[..., Any]) -> None:
    before = recorded(state).control_plane.version
    record(state, control_plane=LATER, before=before)
    with pytest.raises(InputError, match="its control plane does not run"):
        snapshot("rollback_ended")
    record(state, control_plane=before)
