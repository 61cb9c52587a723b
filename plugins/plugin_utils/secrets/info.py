# Copyright (c) 2026 GreenLang. All rights reserved.
"""Reads what sealed_secret_info reports: SealedSecrets, their Secrets, the workloads, and the sealing keys where they may be read."""

from __future__ import annotations

import datetime

from ..errors import ApiError
from ..kubernetes.client import Client
from . import consumers as _sealed_consumers
from . import crypto as _sealing
from . import report as _sealed_report
from . import sealed as _sealed
from .report import SealingKey


def read_keys(client: Client, namespace: str) -> list[SealingKey] | None:
    try:
        return _sealed_report.sealing_keys(client.list("v1", "Secret", namespace, label_selector=_sealing.KEY_LABEL))
    except ApiError as exc:
        if exc.status != 403:
            raise
        return None


def read(client: Client, namespaces: list[str], controller_namespace: str, rotation_days: int) -> dict:
    now = datetime.datetime.now(datetime.UTC)
    keys = read_keys(client, controller_namespace)
    places: list[str | None] = [*namespaces] or [None]
    sealed = [one for place in places for one in client.list(_sealed.API_VERSION, "SealedSecret", place)]
    found = {}
    for place in sorted({one["metadata"]["namespace"] for one in sealed}):
        workloads = [one for version, kind in _sealed_consumers.KINDS for one in client.list(version, kind, place)]
        secrets = {one["metadata"]["name"]: one for one in client.list("v1", "Secret", place)}
        for one in (one for one in sealed if one["metadata"]["namespace"] == place):
            name = one["metadata"]["name"]
            found[f"{place}/{name}"] = _sealed_report.report(_sealed.Live(one, secrets.get(name)), workloads, keys, rotation_days, now)
    return {
        "secrets": found,
        "sealing_keys": None if keys is None else [
            {"name": one.name, "fingerprint": one.fingerprint, "active": one.active, "age_days": _sealed_report.days_since(one.created, now),
             "expires": f"{one.expires:%Y-%m-%dT%H:%M:%SZ}", "secrets": sum(one.name in (entry["sealing_keys"] or []) for entry in found.values())}
            for one in keys
        ],
        "table": _sealed_report.table(found),
    }
