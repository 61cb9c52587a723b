# Copyright (c) 2026 GreenLang. All rights reserved.
"""What rewritten specs of Conformance share (docs/conformance.md): a namespace, and pods of images that are here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.helpers import PATIENCE, eventually, kubectl
from tests.molecule.conftest import Site

PROBE = "greenlang/vcci-probe:v1.0.0"
EVERYWHERE = [{"operator": "Exists"}]

Object = dict[str, Any]


def pod(script: str, volumes: list[Object] | None = None, **more: Any) -> Object:
    """The spec of a pod that runs a script; `mounts` and `env` are the container's, other fields the pod's own."""
    mounts, env = more.pop("mounts", []), more.pop("env", [])
    main = {"name": "main", "image": PROBE, "command": ["sh", "-c", script], "volumeMounts": mounts, "env": env}
    main["resources"] = {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}
    return {"containers": [main], "volumes": volumes or [], "terminationGracePeriodSeconds": 0, **more}


def made(api_version: str, kind: str, name: str, labels: Object | None = None, **fields: Any) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": labels or {}}, **fields}


def workload(kind: str, name: str, spec: Object, **fields: Any) -> Object:
    """A workload of apps/v1 whose pods have the label app=<name>."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return made("apps/v1", kind, name, spec={"selector": {"matchLabels": labels}, "template": template, **fields})


class Ground:
    """A namespace of a running cluster, in which a spec does what it does."""

    def __init__(self, site: Site, namespace: str) -> None:
        self.site, self.namespace = site, namespace

    def kubectl(self, *arguments: str, given: object = None) -> str:
        state = self.site.state
        where = ("-n", self.namespace)
        return kubectl(state / "kubeconfig", *where, *arguments, given=given, timeout=PATIENCE + 60)

    def apply(self, *objects: Object) -> None:
        self.kubectl("apply", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": list(objects)})

    def patch(self, what: str, body: Object, *more: str) -> None:
        self.kubectl("patch", what, "--type=merge", "--patch", json.dumps(body), *more)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def pods(self, app: str) -> dict[str, Object]:
        """Those with the label app=<app> that are not about to go, by name."""
        items = self.get("pods", "-l", f"app={app}")["items"]
        return {item["metadata"]["name"]: item for item in items if "deletionTimestamp" not in item["metadata"]}

    def rolled_out(self, workload: str) -> None:
        self.kubectl("rollout", "status", workload, f"--timeout={PATIENCE}s")

    def wait(self, what: str, condition: str = "Ready") -> None:
        self.kubectl("wait", *what.split(), f"--for=condition={condition}", f"--timeout={PATIENCE}s")

    def sh(self, pod: str, script: str) -> str:
        return self.kubectl("exec", pod, "--", "sh", "-c", script).strip()

    def until(self, ready: Any, why: str) -> Any:
        return eventually(ready, lambda: f"{why}; now:\n{self.kubectl('get', 'all', '-o', 'wide')}", every=0.5)


def ground(site: Site, namespace: str) -> Iterator[Ground]:
    site.kubectl("create", "namespace", namespace)
    yield Ground(site, namespace)
    site.kubectl("delete", "namespace", namespace, "--wait=false")
