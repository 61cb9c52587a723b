# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is known of one SealedSecret. Pure.

Scope, keys and their ages, sealing key, whether it decrypts and equals its Secret, who consumes it.
"""

from __future__ import annotations

import datetime
from typing import Any

from .. import tables
from . import consumers, crypto
from .keyring import SealingKey
from .sealed import Live

SECONDS_OF_A_DAY = 86400
COLUMNS = ("SECRET", "SCOPE", "KEYS", "AGE", "SEALING KEY", "DECRYPTS", "EQUAL", "CONSUMERS", "OVERDUE")


def days_since(text: str | None, now: datetime.datetime) -> int | None:
    try:
        then = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return int((now - then).total_seconds() // SECONDS_OF_A_DAY)


def report(
    live: Live,
    workloads: list[dict[str, Any]],
    keys: list[SealingKey] | None,
    rotation_days: int,
    now: datetime.datetime,
) -> dict[str, Any]:
    """`keys` is None where they may not be read: then what needs them is null."""
    metadata = (live.sealed or {}).get("metadata") or {}
    times = consumers.changed_at(live.sealed)
    ages = {key: days_since(times.get(key) or metadata.get("creationTimestamp"), now) for key in sorted(live.encrypted)}
    consuming = consumers.consumers(workloads, metadata["name"])
    return {
        "scope": live.scope,
        "keys": sorted(live.encrypted),
        "age_days": ages,
        "overdue": [key for key, age in ages.items() if rotation_days and age is not None and age > rotation_days],
        **_opened(live, metadata, keys),
        "synced": live.in_step,
        "message": live.synced.get("message") or "",
        "consumers": sorted(consumers.name_of(one) for one in consuming),
    }


def _opened(live: Live, metadata: dict[str, Any], keys: list[SealingKey] | None) -> dict[str, Any]:
    """What is known of the ciphertexts when they are unsealed."""
    if keys is None:
        return dict.fromkeys(("sealing_keys", "on_newest_key", "decrypts", "equal"))
    bound_to = crypto.label(live.scope, metadata["namespace"], metadata["name"])
    used: set[str] = set()
    opened: dict[str, bytes] = {}
    for name, text in live.encrypted.items():
        for key in keys:
            try:
                opened[name] = crypto.unseal([key.private], text, bound_to)
            except crypto.Unsealable:
                continue
            used.add(key.name)
            break
    newest = next((key.name for key in keys if key.active), None)
    decrypts = len(opened) == len(live.encrypted)
    # Where others may add keys to the Secret, only its own are compared.
    own = {key: value for key, value in live.values.items() if key in live.encrypted}
    return {
        "sealing_keys": sorted(used),
        "on_newest_key": used <= {newest} and decrypts,
        "decrypts": decrypts,
        "equal": live.secret is not None and not live.added and opened == own,
    }


def table(found: dict[str, dict[str, Any]]) -> list[str]:
    """The reports as lines of text."""
    return tables.table([COLUMNS, *(_row(name, one) for name, one in sorted(found.items()))])


def _row(name: str, one: dict[str, Any]) -> tuple[str, ...]:
    oldest = max((age for age in one["age_days"].values() if age is not None), default=0)
    key = "?" if one["sealing_keys"] is None else ", ".join(one["sealing_keys"]) or "none"
    if one["on_newest_key"] is False and one["sealing_keys"]:
        key += " (old)"
    users, overdue = ", ".join(one["consumers"]) or "none", ", ".join(one["overdue"]) or "-"
    answers = _said(one["decrypts"]), _said(one["equal"])
    return name, one["scope"], str(len(one["keys"])), f"{oldest} d", key, *answers, users, overdue


def _said(value: bool | None) -> str:
    if value is None:
        return "?"
    return "yes" if value else "NO"
