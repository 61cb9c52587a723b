# Copyright (c) 2026 GreenLang. All rights reserved.
"""What belongs or refers to a tenant after its namespace went, and what becomes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..labels import MANAGED_BY, PROTECTED, TENANT, US
from .tenant import PREFIX

HAS_LABEL = "has its label"
GOES, WAITS, STAYS = "goes", "waits", "stays"
OUTSIDE = ("metadata", "apiVersion", "kind", "managedFields")  # of an object: names nobody


def why_left(obj: Mapping[str, Any], tenant_id: str, namespace: str, own_record: tuple[str, str]) -> str | None:
    """Why an object belongs or refers to the tenant, None when it does not."""
    meta = obj["metadata"]
    where = (meta.get("namespace"), meta["name"])
    if where == own_record:
        return None
    if meta.get("namespace") == namespace or (obj["kind"] == "Namespace" and meta["name"] == namespace):
        return "is in its namespace"
    if (meta.get("labels") or {}).get(TENANT) == tenant_id:
        return HAS_LABEL
    if (meta.get("namespace") or "").startswith(PREFIX) or obj["kind"] in ("Event", "APIService"):
        return None  # other tenants refer to nobody; an event only tells what was
    if obj["kind"] == "FlowSchema" and (meta.get("labels") or {}).get(MANAGED_BY) == US:
        return None  # ours, of many tenants: the next run over them writes it without this one
    content = {key: value for key, value in obj.items() if key not in OUTSIDE}
    return "names its namespace" if _names(content, namespace) else None


def _names(value: Any, namespace: str) -> bool:
    if isinstance(value, str):
        if namespace not in value:
            return False
        at_its_end = value == namespace or value.endswith(f":{namespace}")
        return at_its_end or f":{namespace}:" in value or f".{namespace}.svc" in value
    if isinstance(value, Mapping):
        return any(_names(key, namespace) or _names(entry, namespace) for key, entry in value.items())
    return isinstance(value, list) and any(_names(entry, namespace) for entry in value)


def fate(obj: Mapping[str, Any], why: str, namespace: str) -> str:
    """Of an object that was left over: it GOES, since it was the tenant's alone, WAITS for somebody who removes it by
    himself, or STAYS: a person decides.
    """
    kind, spec = obj["kind"], obj.get("spec") or {}
    if kind == "PersistentVolume" and (spec.get("claimRef") or {}).get("namespace") == namespace:
        # Without the object nobody would know of the disk.
        return WAITS if spec.get("persistentVolumeReclaimPolicy") == "Delete" else STAYS
    if kind in PROTECTED:
        return STAYS
    if why == HAS_LABEL:  # the label alone says little: others use it too
        return GOES if (obj["metadata"].get("labels") or {}).get(MANAGED_BY) == US else STAYS
    if kind == "CiliumIdentity":  # what the network remembers of pods that are gone
        return GOES
    subjects = obj.get("subjects") or []
    its_own = bool(subjects) and all(subject.get("namespace") == namespace for subject in subjects)
    return GOES if kind in ("ClusterRoleBinding", "RoleBinding") and its_own else STAYS


def described(obj: Mapping[str, Any], why: str) -> str:
    meta = obj["metadata"]
    text = f"{obj['kind']} {meta['namespace'] + '/' if meta.get('namespace') else ''}{meta['name']} {why}"
    if obj["kind"] != "PersistentVolume":
        return text
    policy = (obj.get("spec") or {}).get("persistentVolumeReclaimPolicy")
    message = (obj.get("status") or {}).get("message")
    if policy == "Delete":
        return f"{text}, and its provisioner has not deleted it" + (f": {message}" if message else "")
    return f"{text}, and its policy {policy} keeps the disk: delete the disk where it is, then the PersistentVolume"
