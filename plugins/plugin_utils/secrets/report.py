# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is known of one SealedSecret. Pure.

Scope, keys and their ages, sealing key, whether it decrypts and equals its Secret, who consumes it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from .. import tables
from . import consumers, crypto, resealing
from .keyring import Keyring, SealingKey
from .sealed import Live

SECONDS_OF_A_DAY = 86400
COLUMNS = ("SECRET", "SCOPE", "KEYS", "AGE", "SEALING KEY", "DECRYPTS", "EQUAL", "CONSUMERS", "OVERDUE", "PROBLEMS")


def days_since(text: str | None, now: datetime.datetime) -> int | None:
    try:
        then = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return int((now - then).total_seconds() // SECONDS_OF_A_DAY)


@dataclass(frozen=True)
class Known:
    """What all reports of a namespace need; None stands for what may not be read: then what needs it is null.

    ring       the sealing keys.
    workloads  what may consume Secrets.
    secrets    whether Secrets may be read.
    """

    ring: Keyring | None
    workloads: list[dict[str, Any]] | None
    secrets: bool
    rotation_days: int
    now: datetime.datetime


def report(live: Live, known: Known) -> dict[str, Any]:
    metadata = (live.sealed or {}).get("metadata") or {}
    times = consumers.changed_at(live.sealed)
    made, now = metadata.get("creationTimestamp"), known.now
    ages = {key: days_since(times.get(key) or made, now) for key in sorted(live.encrypted)}
    late = [key for key, age in ages.items() if known.rotation_days and age is not None and age > known.rotation_days]
    using = None if known.workloads is None else consumers.consumers(known.workloads, metadata["name"])
    return {
        "scope": live.scope,
        "keys": sorted(live.encrypted),
        "age_days": ages,
        "overdue": late,
        **_opened(live, known),
        "synced": live.in_step if known.secrets else Live(live.sealed, {}).in_step,
        "message": live.synced.get("message") or "",
        "consumers": None if using is None else sorted(consumers.name_of(one) for one in using),
    }


def _opened(live: Live, known: Known) -> dict[str, Any]:
    """What is known of the ciphertexts when they are unsealed. What only an inactive key opens is lost with the next
    restart of the controller: it counts as what nothing opens."""
    ring, sealed = known.ring, live.sealed or {}
    problems = ["spec.data is the form of before version 0.7: not looked at"] if resealing.of_old_form(sealed) else []
    if ring is None:
        return {**dict.fromkeys(("sealing_keys", "on_newest_key", "decrypts", "equal")), "problems": problems}
    used: set[str] = set()
    opened: dict[str, bytes] = {}
    for name, text in live.encrypted.items():
        try:
            key, value = _unsealed(ring, text, resealing.place_of(sealed))
        except crypto.Unsealable as exc:
            problems.append(f"{name}: {exc.message}")
            continue
        used.add(key.name)
        if key.active:
            opened[name] = value
        else:
            problems.append(f"{name}: only with the inactive key {key.name}: re-encrypt")
    # Of which nothing is sealed, or not in this form, nothing can be said.
    decrypts = len(opened) == len(live.encrypted) if live.encrypted else None
    return {
        "sealing_keys": sorted(used),
        "on_newest_key": decrypts and used == {ring.newest(known.now).name},
        "decrypts": decrypts,
        "equal": _equal(live, opened) if known.secrets and not resealing.of_old_form(sealed) else None,
        "problems": problems,
    }


def _equal(live: Live, opened: dict[str, bytes]) -> bool:
    """Whether the Secret holds what is sealed and what the template makes, and no more where others may not add any."""
    template = ((live.sealed or {}).get("spec") or {}).get("template") or {}
    rendered = set(template.get("data") or {})  # of these only the controller knows what they are to be
    sealed = set(live.encrypted) - rendered
    held = {key: value for key, value in live.values.items() if key in sealed}
    as_sealed = held == {key: value for key, value in opened.items() if key in sealed}
    return live.secret is not None and not live.added - rendered and rendered <= set(live.values) and as_sealed


def _unsealed(ring: Keyring, text: str, bound_to: bytes) -> tuple[SealingKey, bytes]:
    """With an active key where there is one."""
    for key in sorted(ring.keys, key=lambda key: not key.active):
        try:
            return key, crypto.unseal([key.private], text, bound_to)
        except crypto.NotSealed:
            raise
        except crypto.Unsealable:
            continue
    raise crypto.Unsealable("no sealing key decrypts it")


def table(found: dict[str, dict[str, Any]]) -> list[str]:
    """The reports as lines of text."""
    return tables.table([COLUMNS, *(_row(name, one) for name, one in sorted(found.items()))])


def _row(name: str, one: dict[str, Any]) -> tuple[str, ...]:
    oldest = max((age for age in one["age_days"].values() if age is not None), default=0)
    key = "?" if one["sealing_keys"] is None else ", ".join(one["sealing_keys"]) or "none"
    if one["on_newest_key"] is False and one["sealing_keys"]:
        key += " (old)"
    users = "?" if one["consumers"] is None else ", ".join(one["consumers"]) or "none"
    overdue = ", ".join(one["overdue"]) or "-"
    answers = _said(one["decrypts"]), _said(one["equal"])
    problems = "; ".join(one["problems"]) or "-"
    return name, one["scope"], str(len(one["keys"])), f"{oldest} d", key, *answers, users, overdue, problems


def _said(value: bool | None) -> str:
    if value is None:
        return "?"
    return "yes" if value else "NO"
