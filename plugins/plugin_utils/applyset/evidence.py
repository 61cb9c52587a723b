# Copyright (c) 2026 GreenLang. All rights reserved.
"""Why an object is not ready: events of it and of its pods, and the ends of their logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ApiError
from ..kubernetes import kstatus
from ..kubernetes.client import Client
from .plan import Item

EVENTS, LOG_LINES, PODS_SHOWN, REPLICA_SETS_SHOWN = 4, 8, 2, 2
WITHOUT_PODS = ("PodDisruptionBudget", "Service", "PersistentVolumeClaim")  # their selectors are of others' pods
Object = Mapping[str, Any]


def evidence(client: Client, item: Item, obj: Object | None) -> list[str]:
    """Lines about one object, which is `obj` on the server, if it is there."""
    try:
        return _of_object(client, item, obj)
    except (ApiError, KeyError) as exc:
        return [f"  {item.label}: its pods and events cannot be read: {exc}"]


def _of_object(client: Client, item: Item, obj: Object | None) -> list[str]:
    ref = item.ref
    lines = [f"  {item.label}: {text}" for text in _events(client, ref.namespace or "default", ref.name, ref.kind)]
    labels = _selected(obj) if ref.kind not in WITHOUT_PODS else ""
    pods: list[Object] = []
    if ref.kind == "Pod" and obj:
        pods = [obj]
    elif labels:
        pods = [*client.list("v1", "Pod", ref.namespace, labels)]
        if not pods:
            lines += _of_replica_sets(client, ref.namespace, labels)
    waiting = [pod for pod in pods if kstatus.status({**pod, "kind": "Pod"})[0] != kstatus.READY]
    for pod in waiting[:PODS_SHOWN]:
        lines += _of_pod(client, pod)
    return lines


def _selected(obj: Object | None) -> str:
    """The labels of its pods, as a selector; empty for what has none."""
    selector = ((obj or {}).get("spec") or {}).get("selector")
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    return ",".join(f"{name}={value}" for name, value in (labels or {}).items())


def _of_replica_sets(client: Client, namespace: str, labels: str) -> list[str]:
    lines = []
    for replica_set in client.list("apps/v1", "ReplicaSet", namespace, labels)[-REPLICA_SETS_SHOWN:]:
        name = replica_set["metadata"]["name"]
        lines += [f"  ReplicaSet {name}: {text}" for text in _events(client, namespace, name, "ReplicaSet")]
    return lines


def _events(client: Client, namespace: str, name: str, kind: str) -> list[str]:
    about = f"involvedObject.name={name},involvedObject.kind={kind}"
    found = client.list("v1", "Event", namespace, field_selector=about)
    found = [event for event in found if event.get("type") != "Normal"] or found
    found.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return [f"{event.get('reason')}: {(event.get('message') or '').strip()}" for event in found[-EVENTS:]]


def _of_pod(client: Client, pod: Object) -> list[str]:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    lines = [f"  Pod {namespace}/{name}: {kstatus.status({**pod, 'kind': 'Pod'})[1]}"]
    lines += [f"    event {text}" for text in _events(client, namespace, name, "Pod")]
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state = container.get("state") or {}
        begun = container.get("restartCount") or state.get("running") or state.get("terminated")
        if begun and not container.get("ready"):
            log = _log(client, f"/api/v1/namespaces/{namespace}/pods/{name}/log", container)
            lines += [f"    {container['name']} | {line}" for line in log]
    return lines


def _log(client: Client, path: str, container: Object) -> list[str]:
    """The end of a container's log; of its last run, where it waits to be started again."""
    query = {"container": container["name"], "tailLines": str(LOG_LINES)}
    if (container.get("state") or {}).get("waiting") and container.get("restartCount"):
        query["previous"] = "true"
    try:
        text = client.text(path, query)
    except ApiError as exc:
        text = f"(log not readable: {exc})"
    return text.rstrip().splitlines()[-LOG_LINES:]
