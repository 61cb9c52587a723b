# Copyright (c) 2026 GreenLang. All rights reserved.
"""Reads what sealed_secret_info reports: SealedSecrets, their Secrets, workloads, and, if it may, sealing keys."""

from __future__ import annotations

import datetime
from typing import Any

from ..errors import ApiError
from ..kubernetes.client import Client
from . import consumers, crypto
from .keyring import SealingKey, sealing_keys
from .report import days_since, report, table
from .sealed import API_VERSION, Live

Object = dict[str, Any]


def survey(client: Client, namespaces: list[str], controller_namespace: str, rotation_days: int) -> dict[str, Any]:
    """The result of sealed_secret_info; of all namespaces when none is named."""
    now = datetime.datetime.now(datetime.UTC)
    keys = _keys(client, controller_namespace)
    sealed: list[Object] = []
    places: list[str | None] = [*namespaces] or [None]
    for place in places:
        sealed += client.list(API_VERSION, "SealedSecret", place)
    found: dict[str, Object] = {}
    for namespace in sorted({one["metadata"]["namespace"] for one in sealed}):
        workloads: list[Object] = []
        for version, kind in consumers.KINDS:
            workloads += client.list(version, kind, namespace)
        secrets = {one["metadata"]["name"]: one for one in client.list("v1", "Secret", namespace)}
        for one in sealed:
            name = one["metadata"]["name"]
            if one["metadata"]["namespace"] == namespace:
                found[f"{namespace}/{name}"] = report(Live(one, secrets.get(name)), workloads, keys, rotation_days, now)
    told = None if keys is None else [_told(key, found, now) for key in keys]
    return {"secrets": found, "sealing_keys": told, "table": table(found)}


def _keys(client: Client, namespace: str) -> list[SealingKey] | None:
    """None where they may not be read."""
    try:
        return sealing_keys(client.list("v1", "Secret", namespace, label_selector=crypto.KEY_LABEL))
    except ApiError as exc:
        if exc.status != 403:
            raise
        return None


def _told(key: SealingKey, found: dict[str, Object], now: datetime.datetime) -> Object:
    """What the result tells of a sealing key."""
    return {
        "name": key.name,
        "fingerprint": key.fingerprint,
        "active": key.active,
        "age_days": days_since(key.created, now),
        "expires": f"{key.expires:%Y-%m-%dT%H:%M:%SZ}",
        "secrets": sum(key.name in (one["sealing_keys"] or []) for one in found.values()),
    }
