# Copyright (c) 2026 GreenLang. All rights reserved.
"""Reads what sealed_secret_info reports: SealedSecrets, and, as far as it may, Secrets, workloads and sealing keys."""

from __future__ import annotations

import datetime
from typing import Any

from ..errors import ApiError
from ..kubernetes.client import Client
from . import consumers
from .controller import NAME, Place
from .keyring import Keyring, SealingKey
from .report import Known, report, table
from .sealed import API_VERSION, Live
from .stores.objects import listed

Object = dict[str, Any]


def survey(
    client: Client, namespaces: list[str], controller_namespace: str, rotation_days: int, controller_name: str = NAME
) -> dict[str, Any]:
    """The result of sealed_secret_info; of all namespaces when none is named."""
    now, place = datetime.datetime.now(datetime.UTC), Place(client, controller_namespace, controller_name)
    ring = _keyring(place)
    sealed: list[Object] = []
    places: list[str | None] = [*namespaces] or [None]
    for where in places:
        sealed += client.list(API_VERSION, "SealedSecret", where)
    found: dict[str, Object] = {}
    for namespace in sorted({one["metadata"]["namespace"] for one in sealed}):
        there = [one for one in sealed if one["metadata"]["namespace"] == namespace]
        secrets = _secrets(place, namespace, [one["metadata"]["name"] for one in there])
        known = Known(ring, _workloads(place, namespace), secrets is not None, rotation_days, now)
        for one in there:
            name = one["metadata"]["name"]
            found[f"{namespace}/{name}"] = report(Live(one, (secrets or {}).get(name)), known)
    told = None if ring is None else [_told(key, ring, found, now) for key in ring.keys]
    return {"secrets": found, "sealing_keys": told, "table": table(found), "warnings": ring.warnings if ring else []}


def _keyring(place: Place) -> Keyring | None:
    """None where they may not be read."""
    try:
        return place.used_keyring()
    except ApiError as exc:
        if exc.status != 403:
            raise
        return None


def _secrets(place: Place, namespace: str, names: list[str]) -> dict[str, Object] | None:
    """By name; read one by one where they may not be listed, None where they may not be read either."""
    found = listed(place.client, "v1", "Secret", namespace)
    if found is not None:
        return {one["metadata"]["name"]: one for one in found}
    try:
        read = {name: place.client.get("v1", "Secret", name, namespace) for name in names}
    except ApiError as exc:
        if exc.status != 403:
            raise
        return None
    return {name: one for name, one in read.items() if one}


def _workloads(place: Place, namespace: str) -> list[Object] | None:
    """None where some of them may not be read: who consumes a Secret is then not known."""
    workloads: list[Object] = []
    for version, kind in consumers.KINDS:
        found = listed(place.client, version, kind, namespace)
        if found is None:
            return None
        workloads += found
    return workloads


def _told(key: SealingKey, ring: Keyring, found: dict[str, Object], now: datetime.datetime) -> Object:
    """What the result tells of a sealing key."""
    return {
        "name": key.name,
        "fingerprint": key.fingerprint,
        "active": key.active,
        "age_days": ring.age_days(key, now),
        "expires": f"{key.expires:%Y-%m-%dT%H:%M:%SZ}",
        "secrets": sum(key.name in (one["sealing_keys"] or []) for one in found.values()),
    }
