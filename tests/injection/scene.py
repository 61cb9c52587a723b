# Copyright (c) 2026 GreenLang. All rights reserved.
"""A running platform on real nodes whose data services are hit: how it is asked, clients and watchers, what can be
taken from it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host, record

from tests import helpers
from tests.helpers import PATIENCE, ROOT, STATE, eventually
from tests.injection.figures import Sample

NAMESPACE = "vcci-platform"
ROWS = 3.0  # seconds of writing before something is hit
Reports = dict[str, list[dict[str, Any]]]  # of a store's clients: the first as any client, the others at bad places


class Client(NamedTuple):
    """The pod of a store's client. `secrets`: variable → Secret and key; `mounts`: ConfigMap → folder."""

    image: str
    program: Path
    environment: Mapping[str, str]
    secrets: Mapping[str, tuple[str, str]]
    mounts: Mapping[str, str]
    memory: str = "96Mi"
    cpu: str = "300m"


class Scene:
    """The platform on the local cluster of this name; `play` runs a playbook of this repository against it."""

    def __init__(self, name: str, play: Callable[..., object]) -> None:
        self.name, self.play, self.state = name, play, STATE / name
        known = record.read(self.state)
        assert known, f"there is no local cluster {name}"
        self._known, self.layout = known, record.layout(known, self.state)
        self._away, self._turn = Counter[str](), threading.Lock()

    # -- asking

    def kubectl(self, *arguments: str, given: object = None) -> str:
        return helpers.kubectl(self.state / "kubeconfig", "-n", NAMESPACE, *arguments, given=given, timeout=PATIENCE)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def node(self, pod: str) -> str:
        return str(self.get("pod", pod)["spec"]["nodeName"])

    def ready(self, stateful_set: str) -> int:
        """How many of its pods are."""
        return int(self.get("statefulset", stateful_set)["status"].get("readyReplicas", 0))

    # -- watchers and clients, while something is hit

    @contextlib.contextmanager
    def watching(self, program: Path) -> Iterator[list[Sample]]:
        """What a watcher tells, as long as the block runs."""
        command = [sys.executable, str(program), self.name]
        process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin
        samples: list[Sample] = []
        reading = threading.Thread(target=self._read, args=(process, samples), daemon=True)
        reading.start()
        try:
            yield samples
        finally:
            process.stdin.close()
            process.wait(PATIENCE)
            reading.join(PATIENCE)

    @staticmethod
    def _read(process: subprocess.Popen[str], samples: list[Sample]) -> None:
        assert process.stdout
        samples.extend(json.loads(line) for line in process.stdout)

    @contextlib.contextmanager
    def clients(self, wanted: Mapping[str, Client], nodes: Sequence[str] = ()) -> Iterator[Reports]:
        """Of each store a client where clients run, and one on each of these nodes, work as long as the block runs.
        Their reports are there afterwards."""
        names = {(store, place): f"client-{store}-{place}" for store in wanted for place in range(1 + len(nodes))}
        objects = [programs(wanted)]
        objects += [pod(name, wanted[store], ["", *nodes][place]) for (store, place), name in names.items()]
        self.kubectl("apply", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": objects})
        pods, reports = [f"pod/{name}" for name in names.values()], Reports()
        try:
            self.kubectl("wait", *pods, "--for=condition=Ready", f"--timeout={PATIENCE}s")
            time.sleep(ROWS)
            yield reports
            for name in names.values():
                self.kubectl("exec", name, "--", "touch", "/tmp/stop")
            for (store, _place), name in names.items():
                reports.setdefault(store, []).append(self._report(name))
        finally:
            self.kubectl("delete", "configmap/clients", *pods, "--ignore-not-found")

    def _report(self, name: str) -> dict[str, Any]:
        def ended() -> str:
            phase = self.kubectl("get", "pod", name, "-o", "jsonpath={.status.phase}")
            return phase if phase in ("Succeeded", "Failed") else ""

        eventually(ended, lambda: self.kubectl("logs", name, "--tail=20"), every=1)
        report: dict[str, Any] = json.loads(self.kubectl("logs", name, "--tail=1"))
        return report

    # -- what can be taken from it

    def processes(self, server: int) -> set[int]:
        """All of the container in which this server runs; the API server is not asked for it."""
        groups = Path(f"/proc/{server}/cgroup").read_text(encoding="utf-8").split()
        name = next(group.rpartition("/")[2] for group in groups if f"/vcci-{self.name}/" in group)
        roots = [
            group for root in host.cgroups(f"vcci-{self.name}") for group in host.below(root) if group.name == name
        ]
        return host.processes(roots)

    def hold(self, *entries: str) -> None:
        """Nodes or daemons of the cluster lose their power until others are held, or none."""
        defaults = yaml.safe_load((ROOT / "roles/cluster/defaults/main/local.yml").read_text(encoding="utf-8"))
        counts = Counter(pool for _node, _position, pool in self._known["nodes"])
        pools = [{**pool, "count": counts[pool["name"]]} for pool in defaults["cluster_local_pools"]]
        cluster = {"name": self.name, "subnet": self._known["subnet"], "pools": pools, "version": "as-it-is"}
        done = helpers.local_cluster(**cluster, wait_timeout=PATIENCE, held=list(entries))
        assert done.returncode == 0, done.stdout

    @contextlib.contextmanager
    def without(self, entry: str) -> Iterator[None]:
        """This node or daemon has no power while the block runs, whatever else has none meanwhile."""
        self._take(entry, 1)
        try:
            yield
        finally:
            self._take(entry, -1)

    def _take(self, entry: str, times: int) -> None:
        with self._turn:
            self._away[entry] += times
            self.hold(*sorted(+self._away))

    def link(self, node: str, state: str) -> None:
        """Take the node's network away, or give it back: `down`, `up`."""
        name = next(self.layout.link(one) for one in self.layout.nodes if one.name == node)
        host.run("ip", "link", "set", name, state)

    def inside(self, node: str, *command: str) -> None:
        """Run a command of this machine in the namespaces of a node."""
        found = next(one for one in self.layout.nodes if one.name == node)
        host.run(*self.layout.inside(found), *command)


def programs(wanted: Mapping[str, Client]) -> dict[str, Any]:
    """The ConfigMap that all clients' programs are in."""
    data = {client.program.name: client.program.read_text(encoding="utf-8") for client in wanted.values()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "clients"}, "data": data}


def pod(name: str, client: Client, node: str) -> dict[str, Any]:
    """The pod of a client, on this node or wherever; it is one of those that role data admits."""
    configs = {"clients": "/etc/clients", **client.mounts}
    volumes = {config: {"configMap": {"name": config}} for config in configs}
    environment: list[dict[str, Any]] = [{"name": key, "value": value} for key, value in client.environment.items()]
    for variable, (secret, key) in client.secrets.items():
        environment.append({"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
    container = {
        "name": "client",
        "image": client.image,
        "command": ["python3"],
        "args": [f"/etc/clients/{client.program.name}", name.replace("-", "_"), "/tmp/stop"],
        "env": environment,
        "resources": {
            "requests": {"cpu": "20m", "memory": "24Mi"},
            "limits": {"cpu": client.cpu, "memory": client.memory},
        },
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, path in {**configs, "tmp": "/tmp"}.items()],
    }
    spec = {
        "restartPolicy": "OnFailure",  # with the machine it ends as well; what it noted is in /tmp
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}] if node else [],
        "nodeSelector": {"kubernetes.io/hostname": node} if node else {},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 999, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": volume, **volumes.get(volume, {"emptyDir": {}})} for volume in [*configs, "tmp"]],
    }
    meta = {"name": name, "labels": {"app": "vcci-worker"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
