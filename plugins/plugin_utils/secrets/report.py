# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is known of one SealedSecret: scope, keys and their ages, sealing key, whether it decrypts and equals its Secret, who consumes it. No I/O here."""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass
from typing import Any

from . import consumers as _sealed_consumers
from . import crypto as _sealing
from .sealed import Live

SECONDS_OF_A_DAY = 86400


@dataclass
class SealingKey:
    """One of the controller's keys."""

    name: str
    fingerprint: str
    expires: datetime.datetime
    created: str
    active: bool
    private: Any


def sealing_keys(secrets: list[dict]) -> list[SealingKey]:
    """The newest first; the newest active one is that which new values are sealed with."""
    found = []
    for secret in sorted(secrets, key=lambda s: (s["metadata"].get("creationTimestamp") or "", s["metadata"]["name"]), reverse=True):
        data, name = secret.get("data") or {}, secret["metadata"]["name"]
        if not data.get("tls.crt") or not data.get("tls.key"):
            continue
        certificate = _sealing.Certificate(base64.b64decode(data["tls.crt"]), f"Secret {name}")
        active = (secret["metadata"].get("labels") or {}).get(_sealing.KEY_LABEL) == "active"
        created = secret["metadata"].get("creationTimestamp") or ""
        private = _sealing.private_key(base64.b64decode(data["tls.key"]))
        found.append(SealingKey(name, certificate.fingerprint, certificate.expires, created, active, private))
    return found


def days_since(text: str | None, now: datetime.datetime) -> int | None:
    try:
        then = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return int((now - then).total_seconds() // SECONDS_OF_A_DAY)


def report(live: Live, workloads: list[dict], keys: list[SealingKey] | None, rotation_days: int, now: datetime.datetime) -> dict:
    """`keys` is None where they may not be read: then what needs them is null."""
    metadata = (live.sealed or {}).get("metadata") or {}
    bound_to = _sealing.label(live.scope, metadata["namespace"], metadata["name"])
    times = _sealed_consumers.changed_at(live.sealed)
    ages = {key: days_since(times.get(key) or metadata.get("creationTimestamp"), now) for key in sorted(live.encrypted)}
    used: set[str] = set()
    opened: dict[str, bytes] = {}
    for key, text in live.encrypted.items() if keys is not None else ():
        for one in keys or []:
            try:
                opened[key] = _sealing.unseal([one.private], text, bound_to)
            except _sealing.Unsealable:
                continue
            used.add(one.name)
            break
    newest = next((one.name for one in keys or [] if one.active), None)
    return {
        "scope": live.scope,
        "keys": sorted(live.encrypted),
        "age_days": ages,
        "overdue": [key for key, age in ages.items() if rotation_days and age is not None and age > rotation_days],
        "sealing_keys": sorted(used) if keys is not None else None,
        "on_newest_key": used <= {newest} and len(opened) == len(live.encrypted) if keys is not None else None,
        "decrypts": len(opened) == len(live.encrypted) if keys is not None else None,
        "equal": _equal(live, opened) if keys is not None else None,
        "synced": live.in_step,
        "message": live.synced.get("message") or "",
        "consumers": sorted(_sealed_consumers.name_of(one) for one in _sealed_consumers.consumers(workloads, metadata["name"])),
    }


def _equal(live: Live, opened: dict[str, bytes]) -> bool:
    """Where others may add keys to the Secret, only its own are compared."""
    values = live.values
    return live.secret is not None and not live.added() and opened == {key: value for key, value in values.items() if key in live.encrypted}


COLUMNS = ("SECRET", "SCOPE", "KEYS", "AGE", "SEALING KEY", "DECRYPTS", "EQUAL", "CONSUMERS", "OVERDUE")


def table(found: dict[str, dict]) -> list[str]:
    def said(value: bool | None) -> str:
        return "?" if value is None else "yes" if value else "NO"

    rows = [COLUMNS]
    for name, one in sorted(found.items()):
        oldest = max((age for age in one["age_days"].values() if age is not None), default=0)
        key = "?" if one["sealing_keys"] is None else ", ".join(one["sealing_keys"]) or "none"
        key += " (old)" if one["on_newest_key"] is False and one["sealing_keys"] else ""
        rows.append((
            name, one["scope"], str(len(one["keys"])), f"{oldest} d", key, said(one["decrypts"]), said(one["equal"]),
            ", ".join(one["consumers"]) or "none", ", ".join(one["overdue"]) or "-",
        ))
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
