# Copyright (c) 2026 GreenLang. All rights reserved.
"""A local cluster as a whole: what is there, what is missing, how it starts, stops and goes."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import MERGE_PATCH
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host, objects, preflight
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.binaries import Binaries, cache_directory
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.control_plane import ControlPlane
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images import build_images, images_to_build, locked, read_table
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.nodes import READY_SECONDS, Nodes
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.pki import write_private
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.processes import Daemon

Progress = Callable[[str], None]
COLLECTION = Path(__file__).resolve().parents[3]
IMAGES = COLLECTION / "images" / "images.yml"


@dataclass
class Outcome:
    """What a run did, or would do."""

    actions: list[str] = field(default_factory=list)
    nodes: list[dict] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.actions)


class LocalCluster:
    """One cluster by its layout. `environment` is written into the cluster's identity; `images` adds the platform's images to the system's."""

    def __init__(self, layout: Layout, environment: str, binaries_dir: Path | None, progress: Progress) -> None:
        self.layout, self._environment, self._progress = layout, environment, progress
        self._binaries = Binaries(COLLECTION / "binaries" / "parts.yml", layout.kind, binaries_dir, progress)

    def exists(self) -> bool:
        """Whether the cluster was ever created."""
        return (self.layout.state / "cluster.json").exists()

    def authority(self) -> str:
        """The certificate of the cluster's authority, PEM; empty before the cluster exists."""
        path = self.layout.pki / "ca.crt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    # -- started

    def plan(self) -> list[str]:
        """What `start` would do, without doing any of it."""
        build = [f"build {name}" for name in self._binaries.missing()]
        programs = self.layout.state / "bin"
        if self.layout.kind == "real":  # without programs nobody can know which of the images that hold them are built already
            only = None if programs.exists() else _free_of_programs()
            build += [f"build image {name}" for name in images_to_build(IMAGES, cache_directory() / "images", programs, only)]
        if not self.exists():
            return [*build, f"create cluster {self.layout.name}", *(f"create node {node.name}" for node in self.layout.nodes)]
        self._check_same()
        return build or [f"start {name}" for name in self._stale(*self._provided())]

    def start(self) -> Outcome:
        """Make the cluster run: build, create, heal. Does nothing to what is as it should be."""
        layout = self.layout
        self._check_same()
        missing = self._binaries.missing()
        control_pids = ControlPlane(layout, {"kubernetes": Path(), "etcd": Path()}).processes
        preflight.check(layout, missing, any(control_pids.pid(name) for name in ("etcd", "kube-apiserver")), cache_directory())
        actions = [f"built {name}" for name in missing]
        with self._lock():
            layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            parts = self._build() if missing else self._binaries.provide()
            actions += self._link_programs(parts)
            archives = self._images()
            control, nodes = self._assemble(parts, archives)
            if not self._stale(parts, archives) and self._answers(control):
                return Outcome(actions, self._node_facts(control), self._versions(control))
            new = not self.exists()
            self._record()
            if layout.kind == "real":
                host.make_cgroup(layout.cgroup)
                nodes.ensure_bridge()
            actions += self._say(control.start(self._progress, lambda: self._bootstrap(control)))
            if layout.kind == "real":
                actions += self._start_nodes(control, nodes, archives)
            if layout.kind == "simulated":
                actions += self._start_simulated(control, parts)
            self._wait_nodes(control)
            control.check_alive()
            return Outcome([f"created cluster {layout.name}", *actions] if new else actions, self._node_facts(control), self._versions(control))

    def _provided(self) -> tuple[dict[str, Path], dict[str, Path]]:
        return self._binaries.provide(), self._images()

    def _build(self) -> dict[str, Path]:
        """Build the programs, and meanwhile the images that hold none of them: those mostly wait for downloads."""
        with ThreadPoolExecutor(1) as pool:
            early = pool.submit(self._images, _free_of_programs())
            parts = self._binaries.provide()
            early.result()
        return parts

    def _images(self, only: list[str] | None = None) -> dict[str, Path]:
        """The archives of all images, or of `only`, by image name, built where missing; none but for real nodes."""
        if self.layout.kind != "real":
            return {}
        return build_images(IMAGES, cache_directory() / "images", self.layout.state / "bin", self._progress, only)

    def _assemble(self, parts: dict[str, Path], archives: dict[str, Path]) -> tuple[ControlPlane, Nodes]:
        control = ControlPlane(self.layout, parts)
        root = _root_file_system(archives["cilium"], self._progress) if archives else Path()
        return control, Nodes(self.layout, parts, root, objects.PAUSE)

    def _stale(self, parts: dict[str, Path], archives: dict[str, Path]) -> list[str]:
        control, nodes = self._assemble(parts, archives)
        stale = control.stale()
        if self.layout.kind == "real":
            stale += [line for node in self.layout.nodes for line in nodes.stale(node)]
            stale += [f"image {name}" for name in nodes.lacking_images(_loaded(archives))]
            stale += [] if host.links(self.layout.bridge) else ["bridge"]
        if self.layout.kind == "simulated":
            stale += [] if control.processes.current(self._kwok(parts)) else ["kwok"]
        return stale

    @staticmethod
    def _answers(control: ControlPlane) -> bool:
        try:
            nodes = control.client(retry_for=0, timeout=5).list("v1", "Node")
        except VcciError:
            return False
        return all(objects.is_ready(node) for node in nodes)

    def _say(self, started: Sequence[str]) -> list[str]:
        for name in started:
            self._progress(f"started {name}")
        return [f"started {name}" for name in started]

    def _record(self) -> None:
        path = self.layout.state / "cluster.json"
        if not path.exists():
            write_private(path, json.dumps(self._identity()).encode())

    def _identity(self) -> dict:
        return {"name": self.layout.name, "subnet": str(self.layout.subnet), "kind": self.layout.kind, "environment": self._environment,
                "nodes": [[node.name, node.position, node.pool] for node in self.layout.nodes]}

    def _check_same(self) -> None:
        """Refuse to turn an existing cluster into another: its addresses are in certificates and objects."""
        path = self.layout.state / "cluster.json"
        if not path.exists():
            return
        was, now = json.loads(path.read_text(encoding="utf-8")), self._identity()
        for key in ("subnet", "kind", "environment", "nodes"):
            if json.dumps(was[key]) != json.dumps(now[key]):
                raise VcciError(f"{key}: cluster {self.layout.name!r} was created with {was[key]}, not {now[key]}. "
                                f"Remedy: give it as it was, or remove the cluster first (state absent) and lose its data.")

    def _link_programs(self, parts: dict[str, Path]) -> list[str]:
        """Links to all programs and charts at one lasting place: <state>/bin and <state>/charts."""
        wanted = {}
        for name, directory in parts.items():
            for path in directory.iterdir():
                if path.is_dir():
                    wanted[self.layout.state / "files" / name / path.name] = path
                elif path.name != "manifest.json":
                    wanted[self.layout.state / "bin" / path.name] = path
        for link, target in wanted.items():
            if not link.is_symlink() or os.readlink(link) != str(target):
                link.parent.mkdir(parents=True, exist_ok=True)
                link.unlink(missing_ok=True)
                link.symlink_to(target)
        return []

    def _bootstrap(self, control: ControlPlane) -> None:
        """Objects without which nodes cannot join: nodes with their addresses, labels and taints, Cilium's CRDs and roles, the cluster's identity."""
        wanted = objects.bootstrap(self.layout, self._environment, control.metrics_certificate())
        if self.layout.kind == "real":
            crds = self.layout.state / "files" / "cilium" / "crds"
            wanted += [document for path in sorted(crds.rglob("*.yaml")) for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]
        apply_set(control.client(), wanted, ApplyOptions(name="local-cluster", namespace="kube-system", force_conflicts=True))

    def _start_nodes(self, control: ControlPlane, nodes: Nodes, archives: dict[str, Path]) -> list[str]:
        authority, loaded = control.credentials(), _loaded(archives)
        nodes.seed(loaded, cache_directory() / "images", self._progress)
        with ThreadPoolExecutor(len(self.layout.nodes)) as pool:
            started = [line for lines in pool.map(lambda node: nodes.start(node, authority), self.layout.nodes) for line in lines]
        nodes.routes()
        return self._say(started) + [f"loaded {line}" for line in nodes.load(loaded, self._progress)]

    def _kwok(self, parts: dict[str, Path]) -> Daemon:
        stages = [path for kind in ("node/fast", "node/heartbeat-with-lease", "pod/fast") for path in sorted((parts["kwok"] / "stages" / kind).glob("*.yaml"))
                  if path.name != "kustomization.yaml"]
        return Daemon("kwok", [
            str(parts["kwok"] / "kwok"), f"--kubeconfig={self.layout.kubeconfig}", "--manage-all-nodes=true", "--node-lease-duration-seconds=200",
            "--cidr=" + self.layout.pod_cidr, *(f"--config={path}" for path in stages),
        ], [self.layout.kubeconfig])

    def _start_simulated(self, control: ControlPlane, parts: dict[str, Path]) -> list[str]:
        started = self._say(["kwok"] if control.processes.ensure(self._kwok(parts)) else [])
        client = control.client()
        for node in self.layout.nodes:  # what a kubelet would report; a status is no part of a set of objects
            if node.capacity:
                status = {"capacity": dict(node.capacity), "allocatable": dict(node.capacity)}
                client.request("PATCH", f"/api/v1/nodes/{node.name}/status", body={"status": status}, content_type=MERGE_PATCH)
        return started

    def _wait_nodes(self, control: ControlPlane) -> None:
        begun, said = time.monotonic(), 0.0
        client = control.client()
        while True:
            waiting = sorted(node["metadata"]["name"] for node in client.list("v1", "Node") if not objects.is_ready(node))
            if not waiting:
                return
            if self.layout.kind == "simulated" and control.processes.pid("kwok") is None:
                raise VcciError(f"kwok, which simulates the nodes, ended; its last words:\n{control.processes.last_lines('kwok')}")
            waited = time.monotonic() - begun
            if waited > READY_SECONDS:
                raise VcciError(f"nodes {', '.join(waiting)} are not Ready after {READY_SECONDS} s. Remedy: see the logs below "
                                f"{self.layout.state}/nodes/{waiting[0]}/logs; run again to go on.")
            if waited - said > 5:
                said = waited
                self._progress(f"waiting for {len(waiting)} of {len(self.layout.nodes)} nodes to be Ready ({', '.join(waiting)}) … {waited:.0f} s")
            time.sleep(0.25)

    def _node_facts(self, control: ControlPlane) -> list[dict]:
        return [{"name": node["metadata"]["name"], "ready": objects.is_ready(node),
                 "address": next((entry["address"] for entry in node.get("status", {}).get("addresses", []) if entry["type"] == "InternalIP"), None)}
                for node in sorted(control.client().list("v1", "Node"), key=lambda node: node["metadata"]["name"])]

    @staticmethod
    def _versions(control: ControlPlane) -> dict[str, str]:
        return {"kubernetes": control.client().version()["gitVersion"]}

    # -- stopped and absent

    def stop(self, check: bool) -> Outcome:
        """Stop every process; namespaces, mounts, interfaces and cgroups go, data stays."""
        if not self.layout.state.exists():
            return Outcome()
        with self._lock():
            return self._stop(check)

    def _lock(self) -> AbstractContextManager[None]:
        """One run at a time changes a cluster."""
        return locked(self.layout.state.parent / f".{self.layout.name}.lock")

    def _stop(self, check: bool) -> Outcome:
        control, nodes = self._bare()
        names = [name for name in control.processes.names() if control.processes.pid(name)]
        living = names + ([node.name for node in self.layout.nodes if nodes.processes(node).pid("kubelet") or nodes._whole(node)]
                          if self.layout.kind == "real" else [])
        if not check:
            if self.layout.kind == "real":
                nodes.stop()
            control.stop()
        return Outcome([f"stopped {name}" for name in living])

    def remove(self, check: bool) -> Outcome:
        """Stop the cluster and delete its state."""
        if not self.layout.state.exists():
            return Outcome()
        with self._lock():
            outcome = self._stop(check)
            outcome.actions.append(f"removed {self.layout.state}")
            if not check:
                shutil.rmtree(self.layout.state)
        return outcome

    def _bare(self) -> tuple[ControlPlane, Nodes]:
        """Control plane and nodes for stopping them: no program is needed for that."""
        parts: dict[str, Path] = {}
        return ControlPlane(self.layout, parts), Nodes(self.layout, parts, Path(), "")


def read_layout(state: Path) -> dict | None:
    """What was recorded of a cluster when it was created, or None."""
    try:
        return json.loads((state / "cluster.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _free_of_programs() -> list[str]:
    return [name for name, image in read_table(IMAGES).items() if not image.program]


def _loaded(archives: dict[str, Path]) -> dict[str, Path]:
    """The archives that nodes load: all but those that only serve to build others or to run beside the nodes."""
    load = {image.name for image in read_table(IMAGES).values() if image.load}
    return {name: path for name, path in archives.items() if name in load}


def _root_file_system(archive: Path, progress: Progress) -> Path:
    """The image archive `archive` unpacked beside it: a root file system in which Cilium's agent finds its compiler."""
    target = archive.with_name(archive.name + ".root")
    with locked(archive.with_name(archive.name + ".lock")):
        if not target.exists():
            progress("unpacking the root file system of Cilium's agent")
            objects.unpack(archive, target)
    return target
