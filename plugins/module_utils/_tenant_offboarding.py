# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of an offboarding, what refers to a tenant, and the certificate at its end. Pure; the clock is passed in.

The record is a ConfigMap in the platform's namespace. It is written before each step, so that the next run goes on where one stopped, and stays
when the tenant is gone, so that its id is never given again. Its phases: cordoned → quarantined → deleting → deleted.
"""
from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any

COMPONENT = "tenant-offboarding"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
PHASES = ("cordoned", "quarantined", "deleting", "deleted")


def record_name(tenant_id: str) -> str:
    return f"tenant-offboarding-{tenant_id}"


def record(tenant_id: str, namespace: str, part_of: str, data: Mapping[str, Any]) -> dict:
    """The ConfigMap; whatever is not a text in it is JSON."""
    labels = {
        "app.kubernetes.io/part-of": part_of,
        "app.kubernetes.io/managed-by": "greenlang.vcci",
        "app.kubernetes.io/component": COMPONENT,
        "tenant": tenant_id,
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": record_name(tenant_id), "namespace": namespace, "labels": labels},
        "data": {key: value if isinstance(value, str) else json.dumps(value, sort_keys=True) for key, value in data.items()},
    }


def read_record(config_map: Mapping | None) -> dict[str, Any]:
    data = dict((config_map or {}).get("data") or {})
    return {key: json.loads(value) if key in ("existed", "backups", "tenant") else value for key, value in data.items()}


def later(moment: str, days: float) -> str:
    return (datetime.datetime.strptime(moment, FORMAT) + datetime.timedelta(days=days)).strftime(FORMAT)


def is_due(data: Mapping[str, Any], now: str) -> bool:
    """Whether the quarantine is over; texts of this format sort as times do."""
    return data.get("phase") in ("deleting", "deleted") or (data.get("phase") == "quarantined" and data["quarantined_until"] <= now)


def reader(name: str, namespace: str, image: str, volumes: Iterable[str]) -> dict:
    """A pod that waits, with the tenant's volumes below /data and room of its own in /work."""
    claims = list(volumes)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {
        "app": name, "app.kubernetes.io/managed-by": "greenlang.vcci", "app.kubernetes.io/component": COMPONENT}}, "spec": {
        "automountServiceAccountToken": False, "enableServiceLinks": False, "terminationGracePeriodSeconds": 1, "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001, "fsGroupChangePolicy": "OnRootMismatch",
                            "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "reader", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "infinity"],
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}},
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "work", "mountPath": "/work"},
                             *({"name": f"volume-{number}", "mountPath": f"/data/{claim}", "readOnly": True} for number, claim in enumerate(claims))]}],
        "volumes": [{"name": "work", "emptyDir": {}},
                    *({"name": f"volume-{number}", "persistentVolumeClaim": {"claimName": claim}} for number, claim in enumerate(claims))]}}


def why_left(obj: Mapping, tenant_id: str, namespace: str, own_record: tuple[str, str]) -> str | None:
    """Why an object belongs or refers to the tenant, None when it does not."""
    meta = obj["metadata"]
    where = (meta.get("namespace"), meta["name"])
    if where == own_record:
        return None
    if meta.get("namespace") == namespace or (obj["kind"] == "Namespace" and meta["name"] == namespace):
        return "is in its namespace"
    if (meta.get("labels") or {}).get("tenant") == tenant_id:
        return "has its label"
    if (meta.get("namespace") or "").startswith("vcci-tenant-") or obj["kind"] in ("Event", "APIService"):
        return None  # other tenants refer to nobody; an event only tells what was
    content = {key: value for key, value in obj.items() if key not in ("metadata", "apiVersion", "kind", "managedFields")}
    return "names its namespace" if _names(content, namespace) else None


def _names(value: Any, namespace: str) -> bool:
    if isinstance(value, str):
        return value == namespace or f":{namespace}:" in value or value.endswith(f":{namespace}") or f".{namespace}.svc" in value
    if isinstance(value, Mapping):
        return any(_names(entry, namespace) for pair in value.items() for entry in pair)
    return isinstance(value, list) and any(_names(entry, namespace) for entry in value)


def may_go(obj: Mapping, why: str, namespace: str) -> bool:
    """Whether an object that was left over is the tenant's alone, and may be deleted; else a person decides."""
    if why == "has its label" or obj["kind"] == "CiliumIdentity":  # what the network remembers of pods that are gone
        return True
    if obj["kind"] == "PersistentVolume":
        return ((obj.get("spec") or {}).get("claimRef") or {}).get("namespace") == namespace
    subjects = obj.get("subjects") or []
    return obj["kind"] in ("ClusterRoleBinding", "RoleBinding") and all(subject.get("namespace") == namespace for subject in subjects)


def inventory(objects: Iterable[Mapping]) -> dict[str, list[str]]:
    """Kind → names, without what comes and goes by itself."""
    found: dict[str, list[str]] = {}
    for obj in objects:
        if obj["kind"] not in ("Event", "EndpointSlice", "Endpoints", "Lease", "PodMetrics"):
            found.setdefault(obj["kind"], []).append(obj["metadata"]["name"])
    return {kind: sorted(set(names)) for kind, names in sorted(found.items())}


def certificate(data: Mapping[str, Any], *, cluster: str, swept: Mapping[str, Any], issued: str) -> bytes:
    """The bytes that are signed."""
    content = {
        "certificate": "offboarding of a tenant", "cluster": cluster, "issued": issued, "tenant": data["tenant"],
        "cordoned": data["cordoned"], "quarantined_until": data["quarantined_until"], "existed": data["existed"], "backups": data["backups"],
        "swept": dict(swept)}
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
