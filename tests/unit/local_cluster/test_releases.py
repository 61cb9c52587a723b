# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which Kubernetes a run starts: what the cluster runs, and what its run is asked to move, in their order."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import versions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout, Node
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.releases import CONTROL_PLANE, Releases
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.supervisor import Supervisor
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.versions import Release, Runs

from tests.helpers import ROOT

MINORS = {35: "v1.35.4", 36: "v1.36.3", 37: "v1.37.2"}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three minors that can be had, the newest as the part of all clusters."""
    parts = {"kubernetes": {}, "kubernetes-1.36": {}, "kubernetes-1.35": {}, "etcd": {"module": "kubernetes"}}
    for part, minor in (("kubernetes", 37), ("kubernetes-1.36", 36), ("kubernetes-1.35", 35)):
        (tmp_path / "b" / part).mkdir(parents=True)
        text = f"module x\n\nrequire (\n\tk8s.io/api v0.1.0\n\tk8s.io/kubernetes {MINORS[minor]}\n)\n"
        (tmp_path / "b" / part / "go.mod").write_text(text)
    (tmp_path / "b" / "parts.yml").write_text(json.dumps(parts))
    return tmp_path / "b" / "parts.yml"


def programs(tmp_path: Path, minor: int) -> Path:
    folder = tmp_path / f"p{minor}"
    folder.mkdir(exist_ok=True)
    (folder / "kubelet").touch()
    return folder


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    nodes = [Node("a-1", 1, "a"), Node("a-2", 2, "a")]
    (tmp_path / "c").mkdir()
    return Layout("c", ipaddress.IPv4Network("10.1.0.0/16"), tmp_path / "c", "simulated", nodes)


def exists(layout: Layout, tmp_path: Path, control: int, first: int, second: int) -> None:
    (layout.state / "cluster.json").write_text("{}")
    release = {minor: Release(MINORS[minor], programs(tmp_path, minor)) for minor in MINORS}
    versions.record(layout, Runs(release[control], {"a-1": release[first], "a-2": release[second]}))


def minors(layout: Layout) -> tuple[int, ...]:
    found = versions.recorded(layout)
    assert found
    return tuple(versions.minor(one.version) for one in (found.control_plane, *found.nodes.values()))


@pytest.mark.parametrize(
    ("control", "before", "started", "runs"),
    [
        (37, 36, 36, (36, 36, 36)),  # recorded, and not begun
        (37, 36, 37, (37, 36, 36)),
        (37, 36, None, (37, 36, 36)),  # nothing says which it was
        (37, 36, 35, (37, 36, 36)),
        (36, 36, 37, (36, 36, 36)),  # taken back
        (37, None, 36, (37, 36, 36)),
    ],
)
def test_a_control_plane_has_moved_once_its_api_server_was_begun(
    layout: Layout, tmp_path: Path, control: int, before: int | None, started: int | None, runs: tuple
) -> None:
    release = {minor: Release(MINORS[minor], programs(tmp_path, minor)) for minor in MINORS}
    nodes = {"a-1": release[36], "a-2": release[36]}
    versions.record(layout, Runs(release[control], nodes, release[before] if before else None))
    if started:
        service = Supervisor(layout.state).folder("kube-apiserver")
        service.mkdir(parents=True)
        (service / "run").write_text(f"exec {programs(tmp_path, started)}/kube-apiserver --flag\n")
    assert minors(layout) == runs


@pytest.mark.parametrize(
    ("wanted", "minor"), [("", 37), ("1.36", 36), ("v1.36.3", 36), ("1.35.4", 35), ("as-it-is", 37)]
)
def test_a_new_cluster_runs_what_is_wanted(
    layout: Layout, table: Path, tmp_path: Path, wanted: str, minor: int
) -> None:
    releases = Releases(layout, table, wanted, [])
    releases.check()
    assert releases.part == ("kubernetes" if minor == 37 else f"kubernetes-1.{minor}")
    chosen, kubelets = releases.start({"kubernetes": programs(tmp_path, minor), "etcd": tmp_path})
    assert chosen == {"kubernetes": programs(tmp_path, minor), "etcd": tmp_path}
    assert set(kubelets.values()) == {programs(tmp_path, minor)}
    assert minors(layout) == (minor, minor, minor)


@pytest.mark.parametrize("wanted", ["1.34", "1.3", "latest", "1.37.1", "v1", "37", "*", "1.36.33"])
def test_what_cannot_be_had(layout: Layout, table: Path, wanted: str) -> None:
    with pytest.raises(VcciError, match=r"can be had. Remedy: give one of v1.37.2, v1.36.3, v1.35.4"):
        Releases(layout, table, wanted, [])


REFUSED = [
    # runs (control plane, nodes), wanted, moved, what is said
    (
        (36, 36, 36),
        "",
        [],
        "runs Kubernetes v1.36.3, not v1.37.2. Remedy: ansible-playbook playbooks/cluster_upgrade.yml",
    ),
    ((37, 37, 37), "1.36", [], "runs Kubernetes v1.37.2, not v1.36.3"),
    ((35, 35, 35), "", [CONTROL_PLANE], "skips minors after the cluster's v1.35.4. Remedy: upgrade to 1.36 first"),
    ((37, 36, 36), "1.36", [CONTROL_PLANE], "is lower than the cluster's v1.37.2. Remedy: a lower version is only"),
    ((36, 36, 36), "", ["a-1"], "nodes of v1.37.2 would be newer than the control plane's v1.36.3"),
    ((36, 36, 36), "", ["b-1"], "'b-1' is no part of the cluster. Remedy: give some of control-plane, a-1, a-2"),
]


@pytest.mark.parametrize(("runs", "wanted", "moved", "says"), REFUSED)
def test_what_is_refused(
    layout: Layout, table: Path, tmp_path: Path, runs: tuple, wanted: str, moved: list, says: str
) -> None:
    exists(layout, tmp_path, *runs)
    before = (layout.state / versions.FILE).read_bytes()
    with pytest.raises(VcciError) as refused:
        Releases(layout, table, wanted, moved).check()
    assert says in str(refused.value)
    assert "Remedy" in str(refused.value)
    assert (layout.state / versions.FILE).read_bytes() == before


MOVES = [
    # runs, wanted, moved, runs after
    ((37, 37, 37), "", [], (37, 37, 37)),
    ((36, 36, 36), "1.36", [], (36, 36, 36)),
    ((36, 36, 36), "as-it-is", [], (36, 36, 36)),
    ((36, 36, 36), "1.37", [CONTROL_PLANE], (37, 36, 36)),
    ((37, 36, 36), "1.37", [CONTROL_PLANE], (37, 36, 36)),  # again, after it was killed
    ((37, 36, 36), "1.37", ["a-1"], (37, 37, 36)),
    ((37, 37, 36), "1.37", ["a-1"], (37, 37, 36)),
    ((37, 37, 36), "1.37", [], (37, 37, 36)),  # nobody else finishes it
    ((37, 37, 36), "as-it-is", [], (37, 37, 36)),
    ((37, 37, 37), "1.36", ["a-1", "a-2"], (37, 36, 36)),  # a rollback begins with the nodes
]


@pytest.mark.parametrize(("runs", "wanted", "moved", "after"), MOVES)
def test_what_is_moved(
    layout: Layout, table: Path, tmp_path: Path, runs: tuple, wanted: str, moved: list, after: tuple
) -> None:
    exists(layout, tmp_path, *runs)
    releases = Releases(layout, table, wanted, moved)
    releases.check()
    built = {"kubernetes": programs(tmp_path, versions.minor(releases.version))}
    assert releases.chosen(built) == releases.start(built)
    assert minors(layout) == after


def test_a_later_patch_is_an_upgrade_too(layout: Layout, table: Path, tmp_path: Path) -> None:
    exists(layout, tmp_path, 37, 37, 37)
    go_mod = table.parent / "kubernetes" / "go.mod"
    go_mod.write_text(go_mod.read_text().replace("v1.37.2", "v1.37.3"))
    with pytest.raises(VcciError, match=r"runs Kubernetes v1.37.2, not v1.37.3"):
        Releases(layout, table, "", []).check()
    kept = Releases(layout, table, "as-it-is", [])
    kept.check()  # it still runs, with the programs that are recorded
    assert kept.start({"kubernetes": tmp_path / "new"})[0]["kubernetes"] == programs(tmp_path, 37)


def test_programs_that_were_built_anew_take_the_place_of_the_same_version(
    layout: Layout, table: Path, tmp_path: Path
) -> None:
    exists(layout, tmp_path, 37, 37, 36)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "kubelet").touch()
    chosen, kubelets = Releases(layout, table, "", []).start({"kubernetes": tmp_path / "new"})
    assert chosen["kubernetes"] == tmp_path / "new"
    assert kubelets == {"a-1": tmp_path / "new", "a-2": programs(tmp_path, 36)}


def test_programs_that_are_gone_are_named(layout: Layout, table: Path, tmp_path: Path) -> None:
    exists(layout, tmp_path, 37, 36, 36)
    (programs(tmp_path, 36) / "kubelet").unlink()
    releases = Releases(layout, table, "", [])
    releases.check()
    with pytest.raises(VcciError, match=r"programs of Kubernetes v1.36.3, .* are gone from .* Remedy: bring back"):
        releases.start({"kubernetes": programs(tmp_path, 37)})


def test_the_minors_of_this_collection() -> None:
    """The one that clusters run, and the one before it, from which the upgrade is rehearsed."""
    known = versions.available(ROOT / "binaries" / "parts.yml")
    assert list(known.values()) == ["kubernetes", "kubernetes-1.36"]
    newest, before = known
    assert versions.minor(newest) == versions.minor(before) + 1
