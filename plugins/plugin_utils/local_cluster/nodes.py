# Copyright (c) 2026 GreenLang. All rights reserved.
"""Worker nodes: each a network and a mount namespace with containerd, the kubelet, kube-proxy and Cilium's agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

from ..errors import VcciError
from ..waiting import until
from . import host, namespaces, network, node_images, objects
from .control_plane import ControlPlane
from .daemon import Daemon
from .layout import Layout, Node
from .node_daemons import configuration, daemons
from .objects import PAUSE
from .pki import Authority, kubeconfig, write_changed
from .processes import Processes

ANSWER_SECONDS = 60  # until a containerd must answer
ADDRESS_SECONDS = 120  # until a kubelet must have reported its node
CRI = ["io.containerd.grpc.v1", "cri"]  # type and name of the plugin that serves the RuntimeService


class Nodes:
    """All worker nodes of a cluster.

    `parts` has the directories of programs, `cilium_root` is Cilium's root file system; stopping needs neither.
    """

    def __init__(self, layout: Layout, parts: Mapping[str, Path], cilium_root: Path) -> None:
        self._layout, self._parts, self._cilium_root = layout, parts, cilium_root

    def stale(self) -> list[str]:
        """What of the nodes is not there or does not run as it should, in words."""
        return list(chain.from_iterable(map(self._stale, self._layout.nodes)))

    def living(self) -> list[str]:
        """The names of the nodes that run, or of which namespaces are there."""
        nodes = self._layout.nodes
        return [
            node.name
            for node in nodes
            if self.processes(node).pid("kubelet") or namespaces.are_whole(self._layout, node)
        ]

    def start(
        self,
        control: ControlPlane,
        archives: Mapping[str, Path],
        cache: Path,
        say: Callable[[str], None],
    ) -> list[str]:
        """Start what of the nodes does not run, with the images of `archives`; return what was started and loaded."""
        layout, containerd, authority = self._layout, self._parts["containerd"], control.credentials()
        node_images.seed(layout, archives, containerd, cache, say)
        with ThreadPoolExecutor(len(layout.nodes)) as pool:
            one = partial(self._start, control=control, authority=authority)
            started = list(chain.from_iterable(pool.map(one, layout.nodes)))
        network.route(layout)
        for line in started:
            say(f"started {line}")
        loaded = node_images.load(layout, archives, containerd, say)
        return [*(f"started {line}" for line in started), *(f"loaded {line}" for line in loaded)]

    def stop(self) -> None:
        """Stop all nodes: daemons in order, then what else runs in them; namespaces, links and the bridge go too."""
        for node in self._layout.nodes:
            self.processes(node).stop(["kubelet", "kube-proxy", "cilium-agent"], grace=5)
            namespaces.remove(self._layout, node)
        network.remove(self._layout)

    def processes(self, node: Node) -> Processes:
        """The daemons of one node, in the node's cgroup."""
        state, (_v1, v2) = self._layout.node_state(node), host.hierarchies()
        cgroup = v2 / f"{self._layout.node_cgroup(node)}.daemons" if v2 else None
        return Processes(state / "run", state / "logs", cgroup)

    # --- one node ----------------------------------------------------------------------------------------------------
    def daemons(self, node: Node) -> list[Daemon]:
        """One node's daemons in the order in which they start."""
        return daemons(self._layout, node, self._parts)

    def _stale(self, node: Node) -> list[str]:
        if not namespaces.are_whole(self._layout, node):
            return [f"{node.name}: namespaces"]
        processes = self.processes(node)
        return [f"{node.name}: {daemon.name}" for daemon in self.daemons(node) if not processes.current(daemon)]

    def _start(self, node: Node, control: ControlPlane, authority: Authority) -> list[str]:
        """Start what of a node does not run; return what was started."""
        self._write_files(node, authority)
        made = namespaces.ensure(self._layout, node, self._cilium_root, self._parts["cilium"])
        started = [f"{node.name}: namespaces"] if made else []
        credentials = str(self._layout.node_state(node) / "pki/cilium.kubeconfig")
        host.run(*self._layout.inside(node), "install", "-m", "0600", credentials, "/run/cilium/kubeconfig")
        processes = self.processes(node)
        for daemon in self.daemons(node):
            if daemon.name == "kube-proxy" and not processes.current(daemon):
                self._await_address(node, control, processes)
            if processes.ensure(daemon):
                started.append(f"{node.name}: {daemon.name}")
            if daemon.name == "containerd":
                self._await_containerd(node, processes)  # a kubelet that finds none gives up
        return started

    def _write_files(self, node: Node, authority: Authority) -> None:
        """The node's certificates, kubeconfigs and configuration files."""
        layout, state = self._layout, self._layout.node_state(node)
        for directory in ("kubelet", "pki"):
            (state / directory).mkdir(mode=0o700, parents=True, exist_ok=True)
        user, names = f"system:node:{node.name}", [node.name, layout.node_address(node)]
        authority.issue(state / "pki/kubelet-server", user, "system:nodes", names, server=True)
        users = {
            "kubelet": (user, "system:nodes"),
            "kube-proxy": ("system:kube-proxy", None),
            "cilium": ("vcci:cilium", None),
        }
        for name, (who, group) in users.items():
            certificate = authority.issue(state / f"pki/{name}", who, group)
            kubeconfig(state / f"pki/{name}.kubeconfig", layout.server, authority, certificate, layout.name)
        for name, text in configuration(layout, node, self._parts, PAUSE, _may_lower_oom_score()).items():
            write_changed(state / name, text)

    def check_alive(self) -> None:
        """Raise when something of a node ended soon after its start."""
        for node in self._layout.nodes:
            for line in self._stale(node):
                raise self._trouble(node, line.rpartition(" ")[2], "ended after its start")

    def _await_containerd(self, node: Node, processes: Processes) -> None:
        """Wait until containerd answers that the RuntimeService of the kubelet is there."""
        command = [*node_images.ctr(self._layout, node, self._parts["containerd"]), "plugins", "ls"]

        def late(_waited: int) -> VcciError:
            return self._trouble(node, "containerd", "serves no RuntimeService")

        def answers() -> bool:
            if processes.pid("containerd") is None:
                raise self._trouble(node, "containerd", "ended while starting")
            lines = map(str.split, host.run(*command, check=False).stdout.splitlines())
            return any(words[:2] == CRI and words[-1] == "ok" for words in lines)

        until(answers, ANSWER_SECONDS, late=late, pause=0.1, longest=0.1)

    def _await_address(self, node: Node, control: ControlPlane, processes: Processes) -> None:
        """Wait until the kubelet has reported the node's address."""

        def late(_waited: int) -> VcciError:
            return self._trouble(node, "kubelet", f"has not reported its node after {ADDRESS_SECONDS} s")

        with control.client() as client:

            def reported() -> bool:
                if processes.pid("kubelet") is None:
                    raise self._trouble(node, "kubelet", "ended while starting")
                found = client.get("v1", "Node", node.name)
                return found is not None and objects.address(found) is not None

            until(reported, ADDRESS_SECONDS, late=late, pause=0.1, longest=0.25)

    def _trouble(self, node: Node, name: str, what: str) -> VcciError:
        processes = self.processes(node)
        return VcciError(
            f"{name} of {node.name} {what}; its last words:\n{processes.last_lines(name)}\n"
            f"Remedy: the whole log is {processes.logs / name}.log; run again, it goes on from here."
        )


def _may_lower_oom_score() -> bool:
    """Whether this process has CAP_SYS_RESOURCE (24), without which runc cannot write a lower oom_score_adj."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    effective = next(line.split()[1] for line in lines if line.startswith("CapEff"))
    return bool(int(effective, 16) >> 24 & 1)
