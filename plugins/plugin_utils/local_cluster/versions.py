# Copyright (c) 2026 GreenLang. All rights reserved.
"""Versions of Kubernetes: which can be had, and which a cluster's control plane and each of its nodes run.

The latter is recorded in <state>/kubernetes.json, before anything is started in it: a run that was killed while a part
moved to another version is gone on with by the next. Of a control plane that was to move, and of which nothing was
begun, the version of before counts. A cluster from before that record runs one version.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import VcciError
from ..files import write_whole
from .layout import Layout
from .supervisor import Supervisor
from .swap import MARK, RUNS, RUNS_NEW

FILE, API_SERVER = RUNS, "kube-apiserver"
NEWEST = "kubernetes"  # the part of parts.yml that clusters run unless told; others are kubernetes-<minor>


@dataclass(frozen=True)
class Release:
    """A version, such as v1.37.2, and the directory of its programs."""

    version: str
    programs: Path


@dataclass(frozen=True)
class Runs:
    """What the control plane and the nodes run; `before` is what the control plane ran until its last upgrade, until a
    rollback of that has ended."""

    control_plane: Release
    nodes: Mapping[str, Release] = field(default_factory=dict)
    before: Release | None = None

    @property
    def taken_back(self) -> bool:
        """Whether the control plane is as it was before its last upgrade, and the rollback of that has not ended."""
        return self.before is not None and self.before.version == self.control_plane.version


def recorded(layout: Layout) -> Runs | None:
    """None for a cluster that does not exist, or of which nothing is known."""
    try:
        found = json.loads(_file(layout).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _unrecorded(layout)
    nodes = {name: _release(one) for name, one in found["nodes"].items()}
    before = _release(found["before"]) if found.get("before") else None
    runs = Runs(_release(found["control_plane"]), nodes, before)
    return Runs(before, nodes) if before and not runs.taken_back and _runs_still(layout, runs) else runs


def _runs_still(layout: Layout, runs: Runs) -> bool:
    """Whether the API server is supervised in the version of before: nobody has begun to move it."""
    try:
        started = (Supervisor(layout.state).folder(API_SERVER) / "run").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    here, there = (one and f"{one.programs}/{API_SERVER}" in started for one in (runs.before, runs.control_plane))
    return bool(here) and not there


def record(layout: Layout, runs: Runs) -> None:
    """Write it where it differs."""
    if (layout.state / FILE).exists() and recorded(layout) == runs:
        return
    _write(_file(layout), runs)


def foresee(layout: Layout, runs: Runs) -> None:
    """Have this be recorded from the moment on that the mark of a restore is there (swap.py)."""
    _write(layout.state / RUNS_NEW, runs)


def _file(layout: Layout) -> Path:
    begun = (layout.state / MARK).exists() and (layout.state / RUNS_NEW).exists()
    return layout.state / (RUNS_NEW if begun else FILE)


def _write(file: Path, runs: Runs) -> None:
    nodes = {name: _text(release) for name, release in sorted(runs.nodes.items())}
    told = {"control_plane": _text(runs.control_plane), "nodes": nodes}
    if runs.before:
        told["before"] = _text(runs.before)
    write_whole(file, json.dumps(told, indent=2), 0o600)


def running(layout: Layout) -> str:
    """The version of the API server, such as v1.37.2. VcciError when that cannot be told."""
    found = recorded(layout)
    if found:
        return found.control_plane.version
    raise VcciError(
        f"the version of cluster {layout.name!r} cannot be told: its programs are gone. "
        f"Remedy: start the cluster (make up), which builds what is missing"
    )


def available(table: Path) -> dict[str, str]:
    """Version → part of parts.yml, the newest first."""
    parts: dict[str, dict[str, Any]] = yaml.safe_load(table.read_text(encoding="utf-8"))
    names = [name for name in parts if name == NEWEST or name.startswith(f"{NEWEST}-")]
    found = {required(table.parent / parts[name].get("module", name) / "go.mod"): name for name in names}
    return dict(sorted(found.items(), key=lambda item: -minor(item[0])))


def required(go_mod: Path) -> str:
    """Of Kubernetes in a go.mod, such as v1.37.2."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", go_mod.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def find(wanted: str, table: Path) -> str:
    """The version that a minor or a version means, of those that can be had. VcciError names these."""
    known = available(table)
    number = wanted.removeprefix("v")
    for version in known:
        if number in (version.removeprefix("v"), f"1.{minor(version)}"):
            return version
    raise VcciError(f"version: {wanted!r} is none that can be had. Remedy: give one of {', '.join(known)}")


def minor(version: str) -> int:
    """The 37 of v1.37.2, 1.37 and v1.37.2-eks-1234. VcciError."""
    found = re.match(r"v?1\.(\d+)(\D|$)", version)
    if not found:
        raise VcciError(f"{version!r} is no version of Kubernetes. Remedy: give one such as 1.37")
    return int(found[1])


def _unrecorded(layout: Layout) -> Runs | None:
    """Of a cluster from before the record: what its links lead to."""
    program = layout.state / "bin" / "kube-apiserver"
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        release = Release(done.stdout.split()[-1], program.readlink().parent)
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None
    return Runs(release, {node.name: release for node in layout.nodes})


def _release(found: Mapping[str, str]) -> Release:
    return Release(found["version"], Path(found["programs"]))


def _text(release: Release) -> dict[str, str]:
    return {"version": release.version, "programs": str(release.programs)}
