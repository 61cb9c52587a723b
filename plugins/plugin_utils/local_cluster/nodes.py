# Copyright (c) 2026 GreenLang. All rights reserved.
"""Worker nodes: each a network and a mount namespace with containerd, the kubelet, kube-proxy and Cilium's agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

from ..errors import VcciError, brief
from ..waiting import until
from . import host, namespaces, network, node_images, objects
from .control_plane import ControlPlane
from .daemon import Daemon
from .daemons import Daemons
from .held import Held
from .layout import Layout, Node
from .node_daemons import configuration, daemons
from .objects import PAUSE
from .pki import Authority, kubeconfig, write_changed

NOTHING = Held()
ORDER = ("kubelet", "kube-proxy", "cilium-agent", "containerd")  # in which the daemons of a node are stopped
ANSWER_SECONDS, ASK_SECONDS = 60, 10  # until a containerd must answer, and until it is asked again
ADDRESS_SECONDS = 120  # until a kubelet must have reported its node
LAST, WORDS = 3, 220  # lines of a kubelet in an error, and characters of each
CRI = ["io.containerd.grpc.v1", "cri"]  # type and name of the plugin that serves the RuntimeService


class Nodes:
    """All worker nodes of a cluster.

    `parts` has the directories of programs, `cilium_root` is Cilium's root file system; stopping needs neither.
    `kubelets` has the directory of Kubernetes' programs of nodes that run another version.
    """

    def __init__(
        self,
        layout: Layout,
        parts: Mapping[str, Path],
        cilium_root: Path,
        held: Held = NOTHING,
        kubelets: Mapping[str, Path] | None = None,
    ) -> None:
        self._layout, self._parts, self._cilium_root, self._held = layout, parts, cilium_root, held
        self._kubelets = kubelets or {}

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

    def lacking(self, archives: Mapping[str, Path]) -> list[str]:
        """Which images of these archives some node lacks; those without containerd do not count."""
        return node_images.lacking(self._layout, self._able(), archives)

    def start(
        self,
        control: ControlPlane,
        archives: Mapping[str, Path],
        cache: Path,
        say: Callable[[str], None],
    ) -> list[str]:
        """Start what of the nodes does not run, with the images of `archives`; return what was started and loaded."""
        layout, containerd = self._layout, self._parts["containerd"]
        node_images.seed(layout, archives, containerd, cache, say)
        with ThreadPoolExecutor(len(layout.nodes)) as pool:
            started = list(chain.from_iterable(pool.map(partial(self._start, control=control), layout.nodes)))
        for line in started:
            say(f"started {line}")
        loaded = node_images.load(layout, self._able(), archives, containerd, say)
        return [*(f"started {line}" for line in started), *(f"loaded {line}" for line in loaded)]

    def stop(self) -> None:
        """Stop all nodes: daemons in order, then what else runs in them; namespaces, links and the bridge go too."""
        for node in self._layout.nodes:
            self.processes(node).stop(ORDER, grace=5)
            namespaces.remove(self._layout, node)
        network.remove(self._layout)

    def _able(self) -> list[Node]:
        """The nodes that may load images."""
        return [node for node in self._layout.nodes if "containerd" not in self._held.daemons(node.name)]

    def prepare(self) -> list[str]:
        """Make what of the nodes outlives no reboot, and what a held node must not have; which was made."""
        with ThreadPoolExecutor(len(self._layout.nodes)) as pool:
            return list(chain.from_iterable(pool.map(self._prepare, self._layout.nodes)))

    def write_files(self, authority: Authority) -> None:
        """The nodes' certificates, kubeconfigs and configuration files."""
        for node in self._layout.nodes:
            self._write_files(node, authority)

    def hold(self) -> list[str]:
        """End what is held; what of that ran."""
        return list(chain.from_iterable(map(self._hold, self._layout.nodes)))

    def _hold(self, node: Node) -> list[str]:
        """A node that is held wholly ends with its pods, and nothing of it answers any more."""
        ended = self.processes(node).hold()
        if node.name in self._held.entries:
            namespaces.cut(self._layout, node)
        return [f"{node.name}: {name}" for name in ended]

    def _prepare(self, node: Node) -> list[str]:
        if not namespaces.are_whole(self._layout, node):
            self.processes(node).stop(ORDER, grace=1)  # what runs in halves of namespaces would keep them
        made = namespaces.ensure(self._layout, node, self._cilium_root, self._parts["cilium"])
        credentials = str(self._layout.node_state(node) / "pki/cilium.kubeconfig")
        host.run(*self._layout.inside(node), "install", "-m", "0600", credentials, "/run/cilium/kubeconfig")
        namespaces.switch(self._layout, node, on=node.name not in self._held.entries)
        return [f"{node.name}: namespaces"] if made else []

    def processes(self, node: Node) -> Daemons:
        """The daemons of one node, in the node's cgroup."""
        state, (_v1, v2) = self._layout.node_state(node), host.hierarchies()
        cgroup = v2 / f"{self._layout.node_cgroup(node)}.daemons" if v2 else None
        held = self._held.daemons(node.name)
        return Daemons(self._layout.state, node.name, state / "logs", state / "run", cgroup, held)

    # --- one node ----------------------------------------------------------------------------------------------------
    def daemons(self, node: Node) -> list[Daemon]:
        """One node's daemons in the order in which they start."""
        return daemons(self._layout, node, self._of(node))

    def _of(self, node: Node) -> dict[str, Path]:
        """The directories of one node's programs."""
        kubelet = self._kubelets.get(node.name)
        return {**self._parts, "kubernetes": kubelet} if kubelet else dict(self._parts)

    def _stale(self, node: Node) -> list[str]:
        if not namespaces.are_whole(self._layout, node):
            return [f"{node.name}: namespaces"]
        processes = self.processes(node)
        return [f"{node.name}: {daemon.name}" for daemon in self.daemons(node) if not processes.current(daemon)]

    def _start(self, node: Node, control: ControlPlane) -> list[str]:
        """Start what of a node does not run; return what was started."""
        started, processes = [], self.processes(node)
        for daemon in self.daemons(node):
            if daemon.name in processes.held:
                continue
            if daemon.name == "kube-proxy" and "kubelet" not in processes.held and not processes.current(daemon):
                self._await_address(node, control, processes)
            if processes.ensure(daemon):
                started.append(f"{node.name}: {daemon.name}")
            if daemon.name == "containerd":
                self._await_containerd(node, processes)  # a kubelet that finds none gives up
        return started

    def _write_files(self, node: Node, authority: Authority) -> None:
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
        for name, text in configuration(layout, node, self._of(node), PAUSE, _may_lower_oom_score()).items():
            write_changed(state / name, text)

    def check_alive(self) -> None:
        """Raise when something of a node ended soon after its start."""
        for node in self._layout.nodes:
            for line in self._stale(node):
                raise self._trouble(node, line.rpartition(" ")[2], "ended after its start")

    def reporting(self) -> dict[str, float]:
        """Nodes → since when their kubelets run (Daemons.since)."""
        return {node.name: self.processes(node).since("kubelet") for node in self._layout.nodes}

    def last_words(self, name: str) -> list[str]:
        """Of a node that does not get Ready: which of its daemons are not up, and what its kubelet said last."""
        for node in filter(lambda node: node.name == name, self._layout.nodes):
            processes = self.processes(node)
            states = {daemon.name: processes.state(daemon.name).state for daemon in self.daemons(node)}
            down = ", ".join(f"{daemon} ({state})" for daemon, state in states.items() if state != "up")
            words = [brief(line, WORDS) for line in processes.last_lines("kubelet").splitlines()[-LAST:]]
            return [*([f"not up: {down}"] if down else []), *(f"kubelet: {line}" for line in words)]
        return []

    def _await_containerd(self, node: Node, processes: Daemons) -> None:
        """Wait until containerd answers that the RuntimeService of the kubelet is there."""
        client = node_images.ctr(self._layout, node, self._parts["containerd"])
        command = [*client, "--timeout", f"{ASK_SECONDS}s", "plugins", "ls"]  # one that hangs answers nothing

        def late(_waited: int) -> VcciError:
            return self._trouble(node, "containerd", "serves no RuntimeService")

        def answers() -> bool:
            if processes.fails("containerd"):
                raise self._trouble(node, "containerd", "ends again and again")
            lines = map(str.split, host.run(*command, check=False).stdout.splitlines())
            return any(words[:2] == CRI and words[-1] == "ok" for words in lines)

        until(answers, ANSWER_SECONDS, late=late, pause=0.1, longest=0.1)

    def _await_address(self, node: Node, control: ControlPlane, processes: Daemons) -> None:
        """Wait until the kubelet has reported the node's address."""

        def late(_waited: int) -> VcciError:
            return self._trouble(node, "kubelet", f"has not reported its node after {ADDRESS_SECONDS} s")

        with control.client() as client:

            def reported() -> bool:
                if processes.fails("kubelet"):
                    raise self._trouble(node, "kubelet", "ends again and again")
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
