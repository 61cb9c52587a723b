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

from ..labels import PROTECTED

COMPONENT = "tenant-offboarding"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
PHASES = ("cordoned", "quarantined", "deleting", "deleted")
MANAGED_BY = "greenlang.vcci"
HAS_LABEL = "has its label"
GOES, WAITS, STAYS = "goes", "waits", "stays"


def record_name(tenant_id: str) -> str:
    return f"tenant-offboarding-{tenant_id}"


def record(tenant_id: str, namespace: str, part_of: str, data: Mapping[str, Any]) -> dict:
    """The ConfigMap; whatever is not a text in it is JSON."""
    labels = {
        "app.kubernetes.io/part-of": part_of,
        "app.kubernetes.io/managed-by": MANAGED_BY,
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
    return {key: json.loads(value) if key in ("copied", "existed", "backups", "tenant") else value for key, value in data.items()}


def later(moment: str, days: float) -> str:
    return (datetime.datetime.strptime(moment, FORMAT) + datetime.timedelta(days=days)).strftime(FORMAT)


def is_due(data: Mapping[str, Any], now: str) -> bool:
    """Whether the quarantine is over; texts of this format sort as times do."""
    return data.get("phase") in ("deleting", "deleted") or (data.get("phase") == "quarantined" and data["quarantined_until"] <= now)


def why_left(obj: Mapping, tenant_id: str, namespace: str, own_record: tuple[str, str]) -> str | None:
    """Why an object belongs or refers to the tenant, None when it does not."""
    meta = obj["metadata"]
    where = (meta.get("namespace"), meta["name"])
    if where == own_record:
        return None
    if meta.get("namespace") == namespace or (obj["kind"] == "Namespace" and meta["name"] == namespace):
        return "is in its namespace"
    if (meta.get("labels") or {}).get("tenant") == tenant_id:
        return HAS_LABEL
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


def fate(obj: Mapping, why: str, namespace: str) -> str:
    """Of an object that was left over: it GOES, since it was the tenant's alone, WAITS for somebody who removes it by himself, or STAYS: a person decides."""
    kind, spec = obj["kind"], obj.get("spec") or {}
    if kind == "PersistentVolume" and (spec.get("claimRef") or {}).get("namespace") == namespace:
        return WAITS if spec.get("persistentVolumeReclaimPolicy") == "Delete" else STAYS  # without the object nobody would know of the disk
    if kind in PROTECTED:
        return STAYS
    if why == HAS_LABEL:  # the label alone says little: others use it too
        return GOES if (obj["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == MANAGED_BY else STAYS
    if kind == "CiliumIdentity":  # what the network remembers of pods that are gone
        return GOES
    subjects = obj.get("subjects") or []
    return GOES if kind in ("ClusterRoleBinding", "RoleBinding") and subjects and all(s.get("namespace") == namespace for s in subjects) else STAYS


def described(obj: Mapping, why: str) -> str:
    meta = obj["metadata"]
    text = f"{obj['kind']} {meta['namespace'] + '/' if meta.get('namespace') else ''}{meta['name']} {why}"
    if obj["kind"] != "PersistentVolume":
        return text
    policy, message = (obj.get("spec") or {}).get("persistentVolumeReclaimPolicy"), (obj.get("status") or {}).get("message")
    if policy == "Delete":
        return f"{text}, and its provisioner has not deleted it" + (f": {message}" if message else "")
    return f"{text}, and its policy {policy} keeps the disk: delete the disk where it is, then the PersistentVolume"


def without_secrets(obj: Mapping) -> dict:
    """A manifest to keep: what a Secret holds goes with the tenant, also where an annotation repeats it, as kubectl apply has it."""
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    if obj["kind"] != "Secret":
        return {**obj, "metadata": meta}
    meta.pop("annotations", None)
    return {**obj, "metadata": meta, "data": dict.fromkeys(obj.get("data") or {}, "")}


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
        "backups_checked": data.get("backups_checked") or None, "swept": dict(swept)}
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
