# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects that a tenant may make, and such as differ from them in what it may not. Pure.

Each case is refused for one reason only, so that the message of any policy tells whether its rule holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAME = "vcci-attempt"

Object = Mapping[str, Any]
Row = tuple[str, Object, str]  # what it is, what differs, what the refusal must say (empty: it is allowed)


@dataclass(frozen=True)
class Case:
    """An object that somebody makes: `resource` is the path below a namespace, such as apps/v1 deployments."""

    name: str
    api: str
    resource: str
    body: Object
    refusal: str = ""

    def path(self, namespace: str) -> str:
        return path(self.api, namespace, self.resource)


def path(api: str, namespace: str, resource: str) -> str:
    root = f"/apis/{api}" if "/" in api else f"/api/{api}"
    return f"{root}/namespaces/{namespace}/{resource}"


def merged(base: Object, change: Object) -> dict[str, Any]:
    """`base` with a change in the form of a merge patch."""
    whole = dict(base)
    for key, value in change.items():
        nested = isinstance(value, Mapping) and isinstance(whole.get(key), Mapping)
        whole[key] = merged(whole[key], value) if nested else value
    return whole


def cases(what: str, api: str, resource: str, base: Object, rows: Sequence[Row]) -> Iterator[Case]:
    """A case for each row, all of one kind."""
    for name, change, refusal in rows:
        yield Case(f"{what}: {name}", api, resource, merged(base, change), refusal)


# --- objects that are allowed -------------------------------------------------------------------------------------
def container(image: str, **more: Any) -> dict[str, Any]:
    amounts = {"cpu": "1m", "memory": "8Mi"}
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    resources = {"requests": amounts, "limits": amounts}
    return {"name": "c0", "image": image, "resources": resources, "securityContext": restricted, **more}


def pod_spec(image: str, **more: Any) -> dict[str, Any]:
    """Of a pod that is never run, so that it needs no user."""
    restricted = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"securityContext": restricted, "containers": [container(image)], **more}


def pod(image: str) -> dict[str, Any]:
    return {"metadata": {"name": NAME}, "spec": pod_spec(image)}


def template(image: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": NAME}}, "spec": pod_spec(image, **more)}


def workload(image: str) -> dict[str, Any]:
    """Of a Deployment, a StatefulSet or a DaemonSet."""
    return {
        "metadata": {"name": NAME},
        "spec": {"selector": {"matchLabels": {"app": NAME}}, "template": template(image)},
    }


def job(image: str) -> dict[str, Any]:
    return {"metadata": {"name": NAME}, "spec": {"template": template(image, restartPolicy="Never")}}


def cron_job(image: str) -> dict[str, Any]:
    inner = {"spec": {"template": template(image, restartPolicy="Never")}}
    return {"metadata": {"name": NAME}, "spec": {"schedule": "0 3 * * *", "jobTemplate": inner}}


def config_map() -> dict[str, Any]:
    return {"metadata": {"name": NAME}}


def service() -> dict[str, Any]:
    return {"metadata": {"name": NAME}, "spec": {"selector": {"app": NAME}, "ports": [{"port": 80}]}}


def claim(storage_class: str) -> dict[str, Any]:
    room = {"requests": {"storage": "1Mi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": room}
    return {"metadata": {"name": NAME}, "spec": spec}


def budget() -> dict[str, Any]:
    return {"metadata": {"name": NAME}, "spec": {"selector": {"matchLabels": {"app": NAME}}}}


def ingress(host: str | None) -> dict[str, Any]:
    return {"metadata": {"name": NAME}, "spec": {"rules": [rule(host)]}}


def rule(host: str | None, backend: Object | None = None, path: str = "/", kind: str = "Prefix") -> dict[str, Any]:
    to = backend or {"service": {"name": NAME, "port": {"number": 80}}}
    paths = {"paths": [{"path": path, "pathType": kind, "backend": to}]}
    return {**({"host": host} if host else {}), "http": paths}
