# Copyright (c) 2026 GreenLang. All rights reserved.
"""Why an object is not ready: events of it, of what creates its pods and of the pods, and what their logs say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import VcciError
from ..kubernetes import kstatus
from ..kubernetes.client import Client
from . import logs, pods, trouble
from .plan import Item

EVENTS, LOG_LINES, LOG_TAIL, PODS_SHOWN, REPLICA_SETS_SHOWN = 4, 8, 400, 2, 2
WITHOUT_PODS = {("policy", "PodDisruptionBudget"), ("", "Service"), ("", "PersistentVolumeClaim")}  # others' pods
Object = Mapping[str, Any]


def evidence(client: Client, item: Item, obj: Object | None) -> list[str]:
    """Lines about one object, which is `obj` on the server, if it is there."""
    try:
        return _of_object(client, item, obj)
    except (VcciError, KeyError) as exc:
        return [f"  {item.label}: its pods and events cannot be read: {exc}"]


def _of_object(client: Client, item: Item, obj: Object | None) -> list[str]:
    ref = item.ref
    lines = [f"  {item.label}: {text}" for text in _events(client, ref.namespace or "default", ref.name, ref.kind)]
    if obj is None or (ref.group, ref.kind) in WITHOUT_PODS:
        return lines
    whole, new = pods.pods_of(client, ref, obj)
    if ref.kind == "Deployment" and len(new) < (obj.get("spec") or {}).get("replicas", 1):
        lines += _of_replica_sets(client, ref.namespace, pods.selector_of(obj))
    others = [pod for pod in whole if pod not in new]
    late = [pod for pod in (*new, *others) if _is_late(pod)]
    for pod in late[:PODS_SHOWN]:
        lines += _of_pod(client, pod)
    return lines


def _is_late(pod: Object) -> bool:
    return kstatus.status(_pod(pod))[0] != kstatus.READY


def _pod(pod: Object) -> Object:
    return {**pod, "apiVersion": "v1", "kind": "Pod"}


def _of_replica_sets(client: Client, namespace: str, labels: str) -> list[str]:
    lines = []
    for replica_set in client.list("apps/v1", "ReplicaSet", namespace, labels)[-REPLICA_SETS_SHOWN:]:
        name = replica_set["metadata"]["name"]
        lines += [f"  ReplicaSet {name}: {text}" for text in _events(client, namespace, name, "ReplicaSet", most=1)]
    return lines


def _events(client: Client, namespace: str, name: str, kind: str, most: int = EVENTS) -> list[str]:
    found = pods.events(client, namespace, name, kind)
    found = [event for event in found if event.get("type") != "Normal"] or found
    return [f"{event.get('reason')}: {(event.get('message') or '').strip()}" for event in found[-most:]]


def _of_pod(client: Client, pod: Object) -> list[str]:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    found = trouble.of_pod(pod)
    lines = [f"  Pod {namespace}/{name}: {found.text if found else kstatus.status(_pod(pod))[1]}"]
    lines += [f"    event {text}" for text in _events(client, namespace, name, "Pod")]
    if found and found.kind == trouble.ROOM:
        lines += _of_claims(client, pod)
    for container in trouble.containers(pod):
        state = container.get("state") or {}
        begun = container.get("restartCount") or state.get("running") or state.get("terminated")
        if begun and not container.get("ready"):
            ended = trouble.crash(container)
            lines += [f"    {container['name']} {ended}"] if ended else []
            log = _log(client, f"/api/v1/namespaces/{namespace}/pods/{name}/log", container)
            lines += [f"    {container['name']} | {line}" for line in log]
    return lines


def _of_claims(client: Client, pod: Object) -> list[str]:
    """A pod that cannot be placed may wait for a volume: its claim knows why there is none."""
    namespace, lines = pod["metadata"]["namespace"], []
    for volume in (pod.get("spec") or {}).get("volumes") or []:
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        claim = client.get("v1", "PersistentVolumeClaim", name, namespace) if name else None
        if name and claim is None:
            lines.append(f"    claim {name} is not there")
        elif claim is not None and (claim.get("status") or {}).get("phase") != "Bound":
            said = _events(client, namespace, str(name), "PersistentVolumeClaim")
            lines += [f"    claim {name}: {text}" for text in said]
    return lines


def _log(client: Client, path: str, container: Object) -> list[str]:
    """What a container's log says of its end; the log of its last run, where it waits to be started again."""
    query = {"container": container["name"], "tailLines": str(LOG_TAIL)}
    if not (container.get("state") or {}).get("terminated") and container.get("restartCount"):
        query["previous"] = "true"
    try:
        data = client.raw("GET", path, query=query, accept="*/*", retry=False)[1]
    except VcciError as exc:
        return [f"(log not readable: {exc})"]
    return logs.reasons(data.decode("utf-8", "replace"), LOG_LINES)
