# Copyright (c) 2026 GreenLang. All rights reserved.
"""A local cluster as a whole: what is there, what is missing, how it starts, stops and goes."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set
from ..errors import VcciError
from ..waiting import until
from . import host, network, node_images, objects, preflight, record, simulated
from .binaries import Binaries, link_parts
from .building import cache_directory, locked
from .control_plane import ControlPlane
from .images.build import build_images, images_to_build
from .images.definitions import Image, loaded, read_table, without_programs
from .images.unpack import root_file_system
from .layout import Layout
from .nodes import Nodes

COLLECTION = Path(__file__).resolve().parents[3]
IMAGES = COLLECTION / "images" / "images.yml"
READY_SECONDS = 180  # until all nodes must be Ready


@dataclass
class Outcome:
    """What a run did, or would do."""

    actions: list[str] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.actions)


@dataclass
class Parts:
    """What a running cluster is made of: directories of programs and archives of images (none but for real nodes)."""

    programs: Mapping[str, Path]
    archives: Mapping[str, Path]
    control: ControlPlane
    nodes: Nodes


class LocalCluster:
    """One cluster by its layout. `environment` goes into the cluster's identity; `given` may have programs already."""

    def __init__(self, layout: Layout, environment: str, given: Path | None, say: Callable[[str], None]) -> None:
        self.layout, self._environment, self._say = layout, environment, say
        self._binaries = Binaries(COLLECTION / "binaries" / "parts.yml", layout.kind, given, say)
        self._real, self._simulated = layout.kind == "real", layout.kind == "simulated"

    def exists(self) -> bool:
        """Whether the cluster was ever created."""
        return record.read(self.layout.state) is not None

    def authority(self) -> str:
        """The certificate of the cluster's authority, PEM; empty before the cluster exists."""
        path = self.layout.pki / "ca.crt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    # --- started -----------------------------------------------------------------------------------------------------
    def plan(self) -> list[str]:
        """What `start` would do, without doing any of it."""
        build = [f"build {name}" for name in self._binaries.missing()]
        programs = self.layout.state / "bin"
        if self._real:  # without programs nobody can know which of the images that hold them are built already
            only = None if programs.exists() else without_programs(self._images)
            build += [f"build image {name}" for name in images_to_build(IMAGES, _image_cache(), programs, only)]
        if not self.exists():
            created = [f"create node {node.name}" for node in self.layout.nodes]
            return [*build, f"create cluster {self.layout.name}", *created]
        record.check_same(self.layout, self._environment)
        return build or [f"start {name}" for name in self._stale(self._assemble(self._binaries.provide()))]

    def start(self) -> Outcome:
        """Make the cluster run: build, create, heal. Does nothing to what is as it should be."""
        layout = self.layout
        record.check_same(layout, self._environment)
        missing = self._binaries.missing()
        preflight.check(layout, missing, ControlPlane(layout, {}).runs(), cache_directory())
        with self._turn():
            layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            programs = self._build() if missing else self._binaries.provide()
            built = [f"built {name}" for name in self._binaries.built]
            link_parts(programs, layout.state)
            parts = self._assemble(programs)
            if not self._stale(parts) and self._answers(parts.control):
                return self._outcome(parts.control, built)
            new = [] if self.exists() else [f"created cluster {layout.name}"]
            with self._subnet(parts.control):
                record.write(layout, self._environment)
                started = self._start(parts)
            return self._outcome(parts.control, [*new, *built, *started])

    def _start(self, parts: Parts) -> list[str]:
        """Start what does not run, and wait until all nodes are Ready; what was started and loaded."""
        control = parts.control
        if self._real:
            host.make_cgroup(self.layout.cgroup)
            host.weigh_cgroup(self.layout.cgroup, len(self.layout.nodes))
            host.bound_cgroup(self.layout.cgroup)
            network.ensure(self.layout)
        started = self._report(control.start(self._say, lambda: self._bootstrap(control)))
        if self._real:
            archives = loaded(self._images, parts.archives)
            started += parts.nodes.start(control, archives, _image_cache(), self._say)
        if self._simulated:
            started += self._start_simulated(parts)
        self._wait_nodes(control)
        control.check_alive()
        if self._real:
            parts.nodes.check_alive()
        return started

    def _start_simulated(self, parts: Parts) -> list[str]:
        control = parts.control
        started = control.processes.ensure(simulated.kwok(self.layout, parts.programs))
        with control.client() as client:
            simulated.report_capacity(self.layout, client)
        return self._report(["kwok"] if started else [])

    def _report(self, started: Sequence[str]) -> list[str]:
        lines = [f"started {name}" for name in started]
        for line in lines:
            self._say(line)
        return lines

    def _bootstrap(self, control: ControlPlane) -> None:
        """Apply what nodes need before they join: their objects, Cilium's CRDs and roles, the cluster's identity."""
        wanted = objects.bootstrap(self.layout, self._environment, control.metrics_certificate())
        crds = self.layout.state / "files" / "cilium" / "crds"
        for path in sorted(crds.rglob("*.yaml")) if self._real else ():
            wanted += filter(None, yaml.safe_load_all(path.read_text(encoding="utf-8")))
        options = ApplyOptions(name="local-cluster", namespace="kube-system", force_conflicts=True)
        with control.client() as client:
            apply_set(client, wanted, options)

    def _wait_nodes(self, control: ControlPlane) -> None:
        waiting: list[str] = []

        def late(_waited: int) -> VcciError:
            logs = self.layout.state / "nodes" / waiting[0] / "logs"
            return VcciError(
                f"nodes {', '.join(waiting)} are not Ready after {READY_SECONDS} s. "
                f"Remedy: see the logs below {logs}; run again, it goes on from here."
            )

        def awaited() -> str:
            return f"{len(waiting)} of {len(self.layout.nodes)} nodes to be Ready ({', '.join(waiting)})"

        with control.client() as client:

            def ready() -> bool:
                nodes = client.list("v1", "Node")
                waiting[:] = sorted(node["metadata"]["name"] for node in nodes if not objects.is_ready(node))
                if waiting and self._simulated and control.processes.pid("kwok") is None:
                    last = control.processes.last_lines("kwok")
                    remedy = f"Remedy: the whole log is {control.processes.logs / 'kwok.log'}."
                    raise VcciError(f"kwok, which simulates the nodes, ended; its last words:\n{last}\n{remedy}")
                return not waiting

            until(ready, READY_SECONDS, self._say, awaited=awaited, late=late, pause=0.25, longest=0.25)

    # --- programs and images -----------------------------------------------------------------------------------------
    @cached_property
    def _images(self) -> dict[str, Image]:
        return read_table(IMAGES)

    def _build(self) -> dict[str, Path]:
        """Build the programs, and meanwhile the images that hold none of them: those mostly wait for downloads."""
        with ThreadPoolExecutor(1) as pool:
            early = pool.submit(self._archives, without_programs(self._images))
            programs = self._binaries.provide()
            early.result()
        return programs

    def _archives(self, only: list[str] | None = None) -> dict[str, Path]:
        """The archives of all images, or of `only`, by image name, built where missing; none but for real nodes."""
        if not self._real:
            return {}
        return build_images(IMAGES, _image_cache(), self.layout.state / "bin", self._say, only)

    def _assemble(self, programs: dict[str, Path]) -> Parts:
        archives = self._archives()
        root = root_file_system(archives["cilium"], "Cilium's agent", self._say) if archives else Path()
        return Parts(programs, archives, ControlPlane(self.layout, programs), Nodes(self.layout, programs, root))

    # --- what is there -----------------------------------------------------------------------------------------------
    def _stale(self, parts: Parts) -> list[str]:
        """What does not run as it should, in words."""
        stale = parts.control.stale()
        if self._real:
            stale += parts.nodes.stale()
            lacking = node_images.lacking(self.layout, loaded(self._images, parts.archives))
            stale += [f"image {name}" for name in lacking]
            stale += [] if network.is_there(self.layout) else ["bridge"]
        if self._simulated:
            kwok = simulated.kwok(self.layout, parts.programs)
            stale += [] if parts.control.processes.current(kwok) else ["kwok"]
        return stale

    @staticmethod
    def _answers(control: ControlPlane) -> bool:
        try:
            with control.client(retry_for=0, timeout=5) as client:
                return all(map(objects.is_ready, client.list("v1", "Node")))
        except VcciError:
            return False

    @staticmethod
    def _outcome(control: ControlPlane, actions: list[str]) -> Outcome:
        with control.client() as client:
            nodes, version = objects.facts(client.list("v1", "Node")), client.version()["gitVersion"]
        return Outcome(actions, nodes, {"kubernetes": version})

    # --- stopped and absent ------------------------------------------------------------------------------------------
    def stop(self, check: bool) -> Outcome:
        """Stop every process; namespaces, mounts, interfaces and cgroups go, data stays."""
        if not self.layout.state.exists():
            return Outcome()
        with self._turn():
            return self._stop(check)

    def remove(self, check: bool) -> Outcome:
        """Stop the cluster and delete its state."""
        if not self.layout.state.exists():
            return Outcome()
        with self._turn():
            outcome = self._stop(check)
            outcome.actions.append(f"removed {self.layout.state}")
            if not check:
                shutil.rmtree(self.layout.state)
        return outcome

    def _stop(self, check: bool) -> Outcome:
        control, nodes = self._stopping()
        living = control.processes.running() + (nodes.living() if self._real else [])
        if not check:
            if self._real:
                nodes.stop()
            control.stop()
        return Outcome([f"stopped {name}" for name in living])

    def _stopping(self) -> tuple[ControlPlane, Nodes]:
        """Control plane and nodes to look at and to stop: no program is needed for that."""
        return ControlPlane(self.layout, {}), Nodes(self.layout, {}, Path())

    # --- turns -------------------------------------------------------------------------------------------------------
    def _turn(self) -> AbstractContextManager[None]:
        """One run at a time changes a cluster."""
        lock = self.layout.state.parent / f".{self.layout.name}.lock"
        return locked(lock, self._say, f"it changes the cluster {self.layout.name}")

    @contextlib.contextmanager
    def _subnet(self, control: ControlPlane) -> Iterator[None]:
        """One run at a time takes a subnet; another may have, since the preflight: a build takes long."""
        lock = self.layout.state.parent / f".{self.layout.bridge}.lock"
        with locked(lock, self._say, f"it starts a cluster in {self.layout.subnet}"):
            if not control.runs():
                preflight.check_free(self.layout)
            yield


def _image_cache() -> Path:
    return cache_directory() / "images"
