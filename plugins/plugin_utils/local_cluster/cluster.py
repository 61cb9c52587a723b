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
from . import boot, capacity, health, leaving, network, objects, preflight, record, simulated
from .binaries import Binaries, link_parts
from .building import cache_directory, locked
from .control_plane import ControlPlane
from .held import Held
from .images.build import build_images, images_to_build
from .images.definitions import Image, loaded, read_table, without_programs
from .images.unpack import root_file_system
from .layout import Layout
from .nodes import Nodes
from .releases import Change, Releases
from .supervisor import Supervisor

COLLECTION = Path(__file__).resolve().parents[3]
IMAGES = COLLECTION / "images" / "images.yml"
PARTS = COLLECTION / "binaries" / "parts.yml"
NO_CHANGE = Change()


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
    cilium_root: Path
    control: ControlPlane
    nodes: Nodes


class LocalCluster:
    """One cluster by its layout. `environment` goes into the cluster's identity; `given` may have programs already;
    `held` is what of it must not run, `change` what this run changes of one that exists, `patience` how many seconds
    its nodes may take until they are Ready. What is recorded of the cluster is read here."""

    def __init__(
        self,
        layout: Layout,
        environment: str,
        given: Path | None,
        held: Held,
        say: Callable[[str], None],
        change: Change = NO_CHANGE,
        patience: int = health.READY_SECONDS,
    ) -> None:
        self.layout, self._environment, self._held, self._say = layout, environment, held, say
        self._moved, self._patience = change.moved, patience
        self._scale, self.leaving = change.scale, [node.name for node in record.leaving(layout) if change.scale]
        self._releases = Releases(layout, PARTS, change.version, change.moved)
        self._binaries = Binaries(PARTS, layout.kind, given, say, self._releases.part)
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
        self._check()
        scaled = [f"create node {name}" for name in record.joining(self.layout)]
        scaled += [f"remove node {name}" for name in self.leaving]
        if build or scaled:
            return build + scaled
        parts = self._assemble(*self._releases.chosen(self._binaries.provide()))
        stale = [f"start {name}" for name in self._stale(parts)]
        return stale or capacity.predict(self.layout, parts.control, self._held)

    def refuse(self) -> None:
        """Raise for what cannot be started; asked before it is this run's turn."""
        self._check()
        preflight.check(self.layout, self._binaries.missing(), ControlPlane(self.layout, {}).runs(), cache_directory())

    def _check(self) -> None:
        record.check_same(self.layout, self._environment, self._scale)
        self._releases.check()
        self._held.refuse_moved(self._moved)

    def start(self) -> Outcome:
        """Within this run's `turn`: build, create, heal. Does nothing to what is as it should be."""
        self._check()
        layout, missing = self.layout, self._binaries.missing()
        layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        programs = self._build() if missing else self._binaries.provide()
        built = [f"built {name}" for name in self._binaries.built]
        programs, kubelets = self._releases.start(programs)
        link_parts(programs, layout.state)
        parts = self._assemble(programs, kubelets)
        boot.install(layout, parts.cilium_root, programs.get("cilium", Path()))
        scaled = [f"created node {name}" for name in record.joining(layout)] if self.exists() else []
        answers = not self._held.answers or health.answers(
            parts.control, self._held, layout, parts.nodes if self._real else None
        )
        if not self._stale(parts) and answers and not scaled and not self.leaving:
            return self._outcome(parts.control, built)
        new = scaled if self.exists() else [f"created cluster {layout.name}"]
        with self._subnet(parts.control):
            record.write(layout, self._environment)
            if scaled:  # a run that is killed leaves nothing that nobody knows
                record.scaled(layout, self._environment, record.leaving(layout))
            started = self._start(parts)
        return self._outcome(
            parts.control, [*new, *built, *started, *leaving.settle(layout, self._environment, parts.control)]
        )

    def _start(self, parts: Parts) -> list[str]:
        """Start what does not run, and wait until all nodes are Ready; what was started and loaded."""
        control, started, supervisor = parts.control, self._changes_held(), Supervisor(self.layout.state)
        record.hold(self.layout.state, self._held.entries)
        authority = control.credentials()
        if self._real:  # before the supervision, which starts daemons that are known already
            parts.nodes.write_files(authority)
            started += self._report(boot.prepare(self.layout, parts.nodes))
        if supervisor.ensure():
            started.append("started the supervision")
        started += self._report([*control.processes.hold(), *(parts.nodes.hold() if self._real else [])], "ended")
        if not self._held.answers:
            return started
        started += self._report(control.start(self._say, lambda: self._bootstrap(control)))
        if self._real:
            archives = loaded(self._images, parts.archives)
            started += parts.nodes.start(control, archives, _image_cache(), self._say)
        if self._simulated:
            kwok = simulated.kwok(self.layout, parts.programs)
            started += self._report(["kwok"] if control.processes.ensure(kwok) else [])
        real = parts.nodes if self._real else None
        health.wait_nodes(self.layout, control, self._held, real, self._patience, self._say)
        with control.client() as client:
            started += capacity.claim(self.layout, client)
        health.check_daemons(control, real)
        return started

    def _changes_held(self) -> list[str]:
        """What is held that was not before, and what no longer is, in words."""
        before, now = record.held(self.layout.state).entries, self._held.entries
        released = [f"release {entry}" for entry in sorted(before - now)]
        return [*(f"hold {entry}" for entry in sorted(now - before)), *released]

    def _report(self, names: Sequence[str], verb: str = "started") -> list[str]:
        lines = [f"{verb} {name}" for name in names]
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

    def _assemble(self, programs: dict[str, Path], kubelets: dict[str, Path]) -> Parts:
        archives = self._archives()
        root = root_file_system(archives["cilium"], "Cilium's agent", self._say) if archives else Path()
        return Parts(programs, archives, root, *self._made_of(programs, root, kubelets))

    def _made_of(
        self, programs: Mapping[str, Path], cilium_root: Path, kubelets: Mapping[str, Path] | None = None
    ) -> tuple[ControlPlane, Nodes]:
        layout, held = self.layout, self._held
        return ControlPlane(layout, programs, held), Nodes(layout, programs, cilium_root, held, kubelets)

    # --- what is there -----------------------------------------------------------------------------------------------
    def _stale(self, parts: Parts) -> list[str]:
        """What does not run as it should, in words."""
        stale = self._changes_held() + parts.control.stale()
        if self._real:
            stale += parts.nodes.stale()
            lacking = parts.nodes.lacking(loaded(self._images, parts.archives))
            stale += [f"image {name}" for name in lacking]
            stale += [] if network.is_there(self.layout) else ["bridge"]
        if self._simulated:
            kwok = simulated.kwok(self.layout, parts.programs)
            stale += [] if parts.control.processes.current(kwok) else ["kwok"]
        return stale

    def _outcome(self, control: ControlPlane, actions: list[str]) -> Outcome:
        if not self._held.answers:
            return Outcome(actions)
        with control.client() as client:
            nodes, version = objects.facts(client.list("v1", "Node")), client.version()["gitVersion"]
        return Outcome(actions, nodes, {"kubernetes": version})

    # --- stopped and absent ------------------------------------------------------------------------------------------
    def stop(self, check: bool) -> Outcome:
        """Stop every process; namespaces, mounts, interfaces and cgroups go, data stays."""
        if not self.layout.state.exists():
            return Outcome()
        with self.turn():
            return self._stop(check)

    def remove(self, check: bool) -> Outcome:
        """Stop the cluster and delete its state."""
        if not self.layout.state.exists():
            return Outcome()
        with self.turn():
            outcome = self._stop(check)
            outcome.actions.append(f"removed {self.layout.state}")
            if not check:
                shutil.rmtree(self.layout.state)
        return outcome

    def _stop(self, check: bool) -> Outcome:
        control, nodes = self._made_of({}, Path())  # no program is needed for that
        living = control.processes.running() + (nodes.living() if self._real else [])
        if not check:
            boot.uninstall(self.layout)
            if self._real:
                nodes.stop()
            control.stop()
            Supervisor(self.layout.state).remove()
        return Outcome([f"stopped {name}" for name in living])

    # --- turns -------------------------------------------------------------------------------------------------------
    def turn(self) -> AbstractContextManager[None]:
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
