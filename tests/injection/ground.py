# Copyright (c) 2026 GreenLang. All rights reserved.
"""A running platform on real nodes whose data services are hit: who is what, clients that write, and what strikes."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host, record

from tests import helpers
from tests.helpers import PATIENCE, ROOT, STATE, eventually
from tests.injection.figures import Sample

HERE = Path(__file__).parent
NAMESPACE = "vcci-platform"
MEMBERS = 3
ROWS = 3.0  # seconds of writing before something is hit


class Ground:
    """The platform on the local cluster of this name; `play` runs a playbook of this repository against it."""

    def __init__(self, name: str, play: Callable[..., object]) -> None:
        self.name, self.play, self.state = name, play, STATE / name
        known = record.read(self.state)
        assert known, f"there is no local cluster {name}"
        self._known, self.layout = known, record.layout(known, self.state)

    # -- asking

    def kubectl(self, *arguments: str, given: object = None) -> str:
        return helpers.kubectl(self.state / "kubeconfig", "-n", NAMESPACE, *arguments, given=given, timeout=PATIENCE)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def agreed(self, name: str, key: str) -> str:
        """What the members keep under this key of their Endpoints."""
        return str(self.get("endpoints", name)["metadata"].get("annotations", {}).get(key, ""))

    def whole(self) -> str:
        """The primary, as soon as all others may take its place."""

        def found() -> str:
            ready = self.get("statefulset", "postgresql")["status"].get("readyReplicas") == MEMBERS
            others = [name for name in self.agreed("postgresql-sync", "sync_standby").split(",") if name]
            return self.agreed("postgresql", "leader") if ready and len(others) == MEMBERS - 1 else ""

        return eventually(found, lambda: self.kubectl("get", "pods", "-l", "app=postgresql", "-o", "wide"), 0.5)

    def node(self, member: str) -> str:
        return str(self.get("pod", member)["spec"]["nodeName"])

    # -- clients and members, while they are hit

    @contextlib.contextmanager
    def watching(self) -> Iterator[list[Sample]]:
        """What watch.py tells, as long as the block runs."""
        command = [sys.executable, str(HERE / "watch.py"), self.name]
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
    def writing(self, *nodes: str) -> Iterator[list[dict[str, Any]]]:
        """A client where clients run, and one on each of these nodes, write as long as the block runs. Their reports
        are there afterwards."""
        names = {f"writer-{number}": node for number, node in enumerate(["", *nodes])}
        reports: list[dict[str, Any]] = []
        program = {"writer.py": (HERE / "writer.py").read_text(encoding="utf-8")}
        objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "writer"}, "data": program}]
        objects += [client(name, node) for name, node in names.items()]
        self.kubectl("apply", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": objects})
        try:
            self.kubectl("wait", *(f"pod/{name}" for name in names), "--for=condition=Ready", f"--timeout={PATIENCE}s")
            time.sleep(ROWS)
            yield reports
            for name in names:
                self.kubectl("exec", name, "--", "touch", "/tmp/stop")
            reports += [self._report(name) for name in names]
        finally:
            self.kubectl("delete", "configmap/writer", *(f"pod/{name}" for name in names), "--ignore-not-found")

    def _report(self, name: str) -> dict[str, Any]:
        def ended() -> str:
            phase = self.kubectl("get", "pod", name, "-o", "jsonpath={.status.phase}")
            return phase if phase in ("Succeeded", "Failed") else ""

        eventually(ended, lambda: self.kubectl("logs", name, "--tail=20"), every=1)
        report: dict[str, Any] = json.loads(self.kubectl("logs", name, "--tail=1"))
        return report

    # -- what strikes

    def processes(self, member: str, container: str = "postgresql") -> set[int]:
        """Those of a container of a member."""
        found = {one["name"]: one["containerID"] for one in self.get("pod", member)["status"]["containerStatuses"]}
        name = found[container].rpartition("/")[2]
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

    def link(self, node: str, state: str) -> None:
        """Take the node's network away, or give it back: `down`, `up`."""
        name = next(self.layout.link(one) for one in self.layout.nodes if one.name == node)
        host.run("ip", "link", "set", name, state)


def client(name: str, node: str) -> dict[str, Any]:
    """The pod of writer.py, on this node or wherever; it is one of those that role data admits."""
    secret = {"PGUSER": "username", "PGPASSWORD": "password"}
    plain = {
        "PGHOST": "postgresql",
        "READ_HOST": "postgresql-replicas,postgresql",
        "PGDATABASE": "vcci",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/vcci/data-ca/ca.crt",
    }
    mounts = {"program": "/etc/writer", "authority": "/etc/vcci/data-ca", "tmp": "/tmp"}
    volumes = {"program": {"configMap": {"name": "writer"}}, "authority": {"configMap": {"name": "data-ca"}}}
    container = {
        "name": "writer",
        "image": "greenlang/vcci-postgresql:v1.0.0",
        "args": ["python3", "/etc/writer/writer.py", name.replace("-", "_"), "/tmp/stop"],
        "env": [{"name": key, "value": value} for key, value in plain.items()]
        + [
            {"name": variable, "valueFrom": {"secretKeyRef": {"name": "postgresql-secrets", "key": key}}}
            for variable, key in secret.items()
        ],
        "resources": {"requests": {"cpu": "20m", "memory": "24Mi"}, "limits": {"cpu": "300m", "memory": "96Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, path in mounts.items()],
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}] if node else [],
        "nodeSelector": {"kubernetes.io/hostname": node} if node else {},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 999, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": volume, **volumes.get(volume, {"emptyDir": {}})} for volume in mounts],
    }
    meta = {"name": name, "labels": {"app": "vcci-worker"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
