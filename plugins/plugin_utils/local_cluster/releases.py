# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which Kubernetes a run starts: what is recorded of the cluster, but for the parts that this run is asked to move.

A version other than the one that runs is started for nothing else: a go.mod that changed is no reason to replace the
control plane and all nodes in one go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import VcciError
from . import record as cluster
from .layout import Layout
from .versions import NEWEST, Release, Runs, available, find, minor, record, recorded

CONTROL_PLANE = "control-plane"
AS_IT_IS = "as-it-is"
REMEDY = (
    "Remedy: ansible-playbook playbooks/cluster_upgrade.yml, which takes a snapshot and replaces node by node; "
    "to start the cluster as it is, version as-it-is (-e cluster_local_version=as-it-is)"
)


@dataclass(frozen=True)
class Change:
    """What a run changes of a cluster that exists: `moved` are the parts that it brings to `version`, and with `scale`
    nodes come and go."""

    version: str = ""
    moved: Sequence[str] = ()
    scale: bool = False


class Releases:
    """`wanted` is a version, a minor, as-it-is, or empty: the newest. `moved` names what this run replaces."""

    def __init__(self, layout: Layout, table: Path, wanted: str, moved: Sequence[str]) -> None:
        self._layout, self._table, self._moved = layout, table, moved
        self._runs = None if cluster.read(layout.state) is None else recorded(layout)
        self.version = self._resolve(wanted)

    @property
    def part(self) -> str:
        """The part of parts.yml that is built."""
        return available(self._table).get(self.version, NEWEST)

    def check(self) -> None:
        """Refuse another version than the one that runs, unless its parts are moved, in their order."""
        names = [node.name for node in self._layout.nodes]
        unknown = [name for name in self._moved if name not in (CONTROL_PLANE, *names)]
        if unknown:
            known = ", ".join((CONTROL_PLANE, *names))
            raise VcciError(f"upgrade: {unknown[0]!r} is no part of the cluster. Remedy: give some of {known}")
        if self._runs is None:
            return
        here, there = self._runs.control_plane.version, self.version
        if CONTROL_PLANE in self._moved:
            self._check_step(here, there)
        elif here != there and not self._moved:
            lower = f"Remedy: say so in the inventory (cluster_local_version: {here}), or go back by cluster_rollback"
            remedy = lower if minor(there) < minor(here) else REMEDY
            raise VcciError(f"version: cluster {self._layout.name!r} runs Kubernetes {here}, not {there}. {remedy}")
        elif minor(there) > minor(here):
            raise VcciError(f"upgrade: nodes of {there} would be newer than the control plane's {here}. {REMEDY}")

    def start(self, programs: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, Path]]:
        """Record what is to run, and return the programs of the control plane, and of Kubernetes on each node."""
        runs = self._next(self._release(programs))
        record(self._layout, runs)
        return self.chosen(programs, runs)

    def chosen(self, programs: Mapping[str, Path], runs: Runs | None = None) -> tuple[dict[str, Path], dict[str, Path]]:
        """The same without recording it."""
        runs = runs or self._next(self._release(programs))
        kubelets = {node.name: runs.nodes[node.name].programs for node in self._layout.nodes}
        return {**programs, NEWEST: runs.control_plane.programs}, kubelets

    def _release(self, programs: Mapping[str, Path]) -> Release:
        """What was built; of a version that cannot be built any more, what is recorded."""
        known = [self._runs.control_plane, *self._runs.nodes.values(), self._runs.before] if self._runs else []
        if self.version not in available(self._table):
            return next(one for one in known if one and one.version == self.version)
        return Release(self.version, programs[NEWEST])

    def _next(self, release: Release) -> Runs:
        """What runs after this. What runs the same version gets the programs that were built for it now."""
        names = [node.name for node in self._layout.nodes]
        runs = self._runs
        if runs is None:
            return Runs(release, dict.fromkeys(names, release))
        if CONTROL_PLANE in self._moved and runs.control_plane.version != release.version:
            runs = replace(runs, control_plane=release, before=runs.control_plane)
        nodes = {name: runs.nodes.get(name, runs.control_plane) for name in names}
        nodes = {name: release if name in self._moved else _renewed(one, release) for name, one in nodes.items()}
        found = replace(runs, control_plane=_renewed(runs.control_plane, release), nodes=nodes)
        for one in (found.control_plane, *found.nodes.values()):
            self._check_there(one)
        return found

    def _check_step(self, here: str, there: str) -> None:
        if minor(there) < minor(here):
            raise VcciError(
                f"version: {there} is lower than the cluster's {here}. Remedy: a lower version is only reached by "
                f"cluster_rollback, from the snapshot that an upgrade took"
            )
        if minor(there) > minor(here) + 1:
            raise VcciError(
                f"version: {there} skips minors after the cluster's {here}. "
                f"Remedy: upgrade to 1.{minor(here) + 1} first"
            )

    def _check_there(self, release: Release) -> None:
        if not (release.programs / "kubelet").exists():
            raise VcciError(
                f"the programs of Kubernetes {release.version}, which cluster {self._layout.name!r} runs, "
                f"are gone from {release.programs}. Remedy: bring back the go.mod that has this version, run this again"
            )

    def _resolve(self, wanted: str) -> str:
        if wanted == AS_IT_IS:
            return self._runs.control_plane.version if self._runs else next(iter(available(self._table)))
        if self._runs and self._runs.before and wanted == self._runs.before.version:
            return wanted
        return find(wanted, self._table) if wanted else next(iter(available(self._table)))


def _renewed(runs: Release, release: Release) -> Release:
    return release if runs.version == release.version else runs
