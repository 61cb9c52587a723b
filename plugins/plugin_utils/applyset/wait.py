# Copyright (c) 2026 GreenLang. All rights reserved.
"""Waiting until objects are ready, saying what is awaited, and showing why when it takes too long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ..errors import ApiError, NotFound, WaitTimeout
from ..kubernetes import kstatus as _kstatus
from ..kubernetes.client import Client
from .items import Item
from .result import Result
from .snapshot import ref_from

FEW = 6
STATUS_GRACE = 3.0  # how long a custom resource that we have just written may stay without any status
SAY_EVERY = 10.0
EVENTS, LOG_LINES, PODS_SHOWN, OBJECTS_SHOWN = 4, 8, 2, 3


def wait_ready(
    client: Client, items: Iterable[Item], *, timeout: float, progress: Callable[[str], None], run: Callable, result: Result
) -> None:
    pending = [i for i in items if _kstatus.matters(i.desired)]
    started = time.monotonic()
    delay, said, said_at, states = 0.2, "", started, {}
    while pending:
        live = _read(client, pending, run)
        waited = time.monotonic() - started
        states = {i.ref: _state(client, i, live.get(i.ref), waited) for i in pending}
        pending = [i for i in pending if states[i.ref][0] != _kstatus.READY]
        if not pending:
            return
        if waited > timeout or all(states[i.ref][0] == _kstatus.FAILED for i in pending):
            raise _timed_out(client, pending, states, live, waited, waited > timeout, result)
        line = _awaited(pending, states)
        now = time.monotonic()
        if (line != said and now - said_at > 1.0) or now - said_at > SAY_EVERY:
            said, said_at = line, now
            progress(f"waiting ({int(waited)} s): {line}")
        time.sleep(min(delay, max(0.05, timeout - waited)))
        delay = min(delay * 1.5, 1.0 if len(pending) <= 20 else 2.0)


def _read(client: Client, items: list[Item], run: Callable) -> dict:
    groups: dict = {}
    for item in items:
        groups.setdefault((item.resource, item.ref.namespace), []).append(item)
    jobs = [i for group in groups.values() if len(group) <= FEW for i in group]
    jobs += [key for key, group in groups.items() if len(group) > FEW]

    def one(job) -> dict:
        if isinstance(job, Item):
            try:
                return {job.ref: client.request("GET", job.path)}
            except NotFound:
                return {}
        resource, namespace = job
        return {
            ref_from(resource, obj["metadata"]): {**obj, "kind": resource.kind, "apiVersion": resource.api_version}
            for obj in client.iter_list(resource, namespace or None)
        }

    found: dict = {}
    for part in run(one, jobs):
        found.update(part)
    return found


def _state(client: Client, item: Item, obj: dict | None, waited: float) -> tuple[str, str]:
    if obj is None:
        return _kstatus.IN_PROGRESS, "was deleted by someone else"
    state, why = _kstatus.status(obj)
    if (
        state == _kstatus.READY
        and not obj.get("status")
        and "." in item.ref.group
        and waited < STATUS_GRACE
        and item.outcome in ("created", "configured", "recreated")
        and item.ref.kind not in _kstatus.BUILT_IN_KINDS
    ):
        return _kstatus.IN_PROGRESS, "no status yet"
    if state == _kstatus.IN_PROGRESS and item.ref.kind == "PersistentVolumeClaim" and _waits_for_consumer(client, obj):
        return _kstatus.READY, ""
    return state, why


def _waits_for_consumer(client: Client, claim: dict) -> bool:
    if "volume.kubernetes.io/selected-node" in (claim["metadata"].get("annotations") or {}):
        return False
    name = (claim.get("spec") or {}).get("storageClassName")
    storage_class = client.get("storage.k8s.io/v1", "StorageClass", name) if name else None
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


def _awaited(pending: list[Item], states: dict) -> str:
    parts = [f"{i.label} ({states[i.ref][1]})" for i in pending[:4]]
    return ", ".join(parts) + (f" and {len(pending) - 4} more" if len(pending) > 4 else "")


def _timed_out(client: Client, pending: list[Item], states: dict, live: dict, waited: float, late: bool, result: Result) -> WaitTimeout:
    head = f"not ready after {int(waited)} s" if late else f"failed after {int(waited)} s"
    lines = [f"{head}: " + _awaited(pending, states)]
    for item in pending[:OBJECTS_SHOWN]:
        try:
            lines += _evidence(client, item, live.get(item.ref))
        except (ApiError, KeyError) as exc:
            lines.append(f"  {item.label}: its pods and events cannot be read: {exc}")
    details = [{"object": i.label, "state": states[i.ref][0], "message": states[i.ref][1]} for i in pending]
    return WaitTimeout("\n".join(lines), details, result)


def _evidence(client: Client, item: Item, obj: dict | None) -> list[str]:
    lines = [f"  {item.label}: {text}" for text in _events(client, item.ref.namespace or "default", item.ref.name, item.ref.kind)]
    selector = ((obj or {}).get("spec") or {}).get("selector")
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    if item.ref.kind == "Pod" and obj:
        pods = [obj]
    elif labels and item.ref.kind not in ("PodDisruptionBudget", "Service", "PersistentVolumeClaim"):
        pods = client.list("v1", "Pod", item.ref.namespace, ",".join(f"{k}={v}" for k, v in labels.items()))
        if not pods:
            lines += [f"  {text}" for text in _events_of_replica_sets(client, item, labels)]
    else:
        pods = []
    bad = [p for p in pods if _kstatus.status({**p, "kind": "Pod"})[0] != _kstatus.READY]
    for pod in bad[:PODS_SHOWN]:
        lines += _pod_evidence(client, pod)
    return lines


def _events_of_replica_sets(client: Client, item: Item, labels: dict) -> list[str]:
    lines = []
    for replica_set in client.list("apps/v1", "ReplicaSet", item.ref.namespace, ",".join(f"{k}={v}" for k, v in labels.items()))[-2:]:
        name = replica_set["metadata"]["name"]
        lines += [f"ReplicaSet {name}: {text}" for text in _events(client, item.ref.namespace, name, "ReplicaSet")]
    return lines


def _events(client: Client, namespace: str, name: str, kind: str) -> list[str]:
    found = client.list("v1", "Event", namespace, field_selector=f"involvedObject.name={name},involvedObject.kind={kind}")
    found = [e for e in found if e.get("type") != "Normal"] or found
    found.sort(key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "")
    return [f"{e.get('reason')}: {(e.get('message') or '').strip()}" for e in found[-EVENTS:]]


def _pod_evidence(client: Client, pod: dict) -> list[str]:
    meta = pod["metadata"]
    name, namespace = meta["name"], meta["namespace"]
    state = _kstatus.status({**pod, "kind": "Pod"})[1]
    lines = [f"  Pod {namespace}/{name}: {state}"]
    lines += [f"    event {text}" for text in _events(client, namespace, name, "Pod")]
    statuses = [*(pod.get("status", {}).get("initContainerStatuses") or []), *(pod.get("status", {}).get("containerStatuses") or [])]
    for container in statuses:
        if container.get("ready") or not (
            container.get("restartCount")
            or (container.get("state") or {}).get("running")
            or (container.get("state") or {}).get("terminated")
        ):
            continue
        query = {"container": container["name"], "tailLines": str(LOG_LINES)}
        if (container.get("state") or {}).get("waiting") and container.get("restartCount"):
            query["previous"] = "true"
        try:
            text = client.text(f"/api/v1/namespaces/{namespace}/pods/{name}/log", query)
        except ApiError as exc:
            text = f"(log not readable: {exc})"
        lines += [f"    {container['name']} | {line}" for line in text.rstrip().splitlines()[-LOG_LINES:]]
    return lines
