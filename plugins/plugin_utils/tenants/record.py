# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of an offboarding, and the certificate at its end. Pure. The clock is passed in.

The record is a ConfigMap in the platform's namespace. It is written before each step, so that the next run goes on
where one stopped, and stays when the tenant is gone, so that its id is never given again. Its phases: cordoned →
quarantined → deleting → deleted. What may be of any length is not in it, but in files beside the backup (kept.py).
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..labels import labels

COMPONENT = "tenant-offboarding"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
LISTS = "lists"  # name of a list → {file, bytes, sha256, number}: kept.py has what is in it
# The first three of a version that kept them here.
JSON_KEYS = ("copied", "existed", "backups", "tenant", "schemas", LISTS)
PASSING = ("Event", "EndpointSlice", "Endpoints", "Lease", "PodMetrics")  # kinds that come and go by themselves


def record_name(tenant_id: str) -> str:
    return f"tenant-offboarding-{tenant_id}"


def record(tenant_id: str, namespace: str, part_of: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The ConfigMap; whatever is not a text in it is JSON."""
    ours = labels(COMPONENT, part_of, tenant=tenant_id)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": record_name(tenant_id), "namespace": namespace, "labels": ours},
        "data": {key: _text(value) for key, value in data.items()},
    }


def parse_record(config_map: Mapping[str, Any] | None) -> dict[str, Any]:
    data = dict((config_map or {}).get("data") or {})
    return {key: json.loads(value) if key in JSON_KEYS else value for key, value in data.items()}


def later(moment: str, days: float) -> str:
    begun = datetime.datetime.strptime(moment, FORMAT).replace(tzinfo=datetime.UTC)
    return (begun + datetime.timedelta(days=days)).strftime(FORMAT)


def is_due(data: Mapping[str, Any], now: str) -> bool:
    """Whether the quarantine is over; texts of this format sort as times do."""
    phase = data.get("phase")
    return phase in ("deleting", "deleted") or (phase == "quarantined" and data["quarantined_until"] <= now)


def without_secrets(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest to keep. What a Secret holds goes with the tenant, and so does an annotation, which may repeat it."""
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    if obj["kind"] != "Secret":
        return {**obj, "metadata": meta}
    meta.pop("annotations", None)
    return {**obj, "metadata": meta, "data": dict.fromkeys(obj.get("data") or {}, "")}


def inventory(objects: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Kind → names, without what comes and goes by itself."""
    found: dict[str, set[str]] = {}
    for obj in objects:
        if obj["kind"] not in PASSING:
            found.setdefault(obj["kind"], set()).add(obj["metadata"]["name"])
    return {kind: sorted(names) for kind, names in sorted(found.items())}


def certificate(
    data: Mapping[str, Any], lists: Mapping[str, Any], *, cluster: str, swept: Mapping[str, Any], issued: str
) -> bytes:
    """The bytes that are signed; `lists` are existed, backups and forced."""
    content = {
        "certificate": "offboarding of a tenant",
        "cluster": cluster,
        "issued": issued,
        **{key: data[key] for key in ("tenant", "cordoned", "quarantined_until")},
        **lists,
        "backups_checked": data.get("backups_checked") or None,
        "swept": dict(swept),
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
