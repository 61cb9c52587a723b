# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of procedures in the cluster: who is at work, which steps were taken, and what must outlive a kill. Pure.

It is the ConfigMap `procedures-<lock>` of kube-system. `holder` says which run has the lock; every other key is an
entry, of a procedure or of one and its subject. All is one object, so that taking the lock and recording a step are
each one write, bound to what was read. The clock is passed in, as texts that sort as times do.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..labels import labels

NAMESPACE, COMPONENT = "kube-system", "procedures"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
HOLDER = "holder"
KEPT = 200  # entries of what has ended; the oldest go
_NO_NAME = re.compile(r"[^a-z0-9.-]+")
_NO_KEY = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass
class Entry:
    """What is recorded of a procedure. `state`: running, failed or done.

    step    the one that is being taken, "" before the first
    taken   those before it: they are not taken again while the procedure is not done
    notes   what later steps, and other procedures, need of earlier ones
    target  the values of the variables that say what it is to reach
    """

    state: str = "running"
    begun: str = ""
    ended: str = ""
    step: str = ""
    taken: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)

    @property
    def unfinished(self) -> bool:
        return self.state != "done"

    @property
    def binding(self) -> bool:
        """Whether a later run goes on with it: not with one that ended, was refused or was killed before it changed
        anything."""
        return self.unfinished and bool(self.step or self.taken or self.notes)

    def take(self, step: str, *, again: bool = False) -> bool:
        """Begin a step, with which the one before it was taken. False if it was taken already, and not `again`."""
        if step in self.taken:
            if not again:
                return False
            self.taken.remove(step)
        if self.step and self.step != step:
            self.taken.append(self.step)
        self.step = step
        return True

    def end(self, *, done: bool, now: str) -> None:
        if done and self.step:
            self.taken, self.step = [*self.taken, self.step], ""
        self.state, self.ended = "done" if done else "failed", now


@dataclass
class Ledger:
    """What a ConfigMap of this kind holds."""

    holder: dict[str, Any] | None = None
    entries: dict[str, Entry] = field(default_factory=dict)


def object_name(lock: str) -> str:
    return f"procedures-{_NO_NAME.sub('-', lock.lower()).strip('-.')}"[:253]


def key(procedure: str, subject: str) -> str:
    """An entry's key in the ConfigMap."""
    return _NO_KEY.sub("-", f"{procedure}.{subject}" if subject else procedure)[:253]


def read(config_map: Mapping[str, Any] | None) -> Ledger:
    """What makes no sense in it is as if it were not there."""
    data = dict((config_map or {}).get("data") or {})
    holder = _parsed(data.pop(HOLDER, ""))
    entries = {name: _entry(_parsed(text)) for name, text in data.items()}
    return Ledger(holder if holder and isinstance(holder.get("id"), str) else None, entries)


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _entry(data: Mapping[str, Any]) -> Entry:
    kept = {name: value for name, value in data.items() if name in Entry.__dataclass_fields__}
    return Entry(**kept) if kept else Entry(state="done")


def written(lock: str, ledger: Ledger, version: str = "") -> dict[str, Any]:
    """The ConfigMap, bound to the version that was read."""
    ended = sorted((entry.ended, name) for name, entry in ledger.entries.items() if not entry.unfinished)
    dropped = {name for _ended, name in ended[: max(0, len(ended) - KEPT)]}
    data = {name: _text(asdict(entry)) for name, entry in ledger.entries.items() if name not in dropped}
    if ledger.holder:
        data[HOLDER] = _text(ledger.holder)
    bound = {"resourceVersion": version} if version else {}
    meta = {"name": object_name(lock), "namespace": NAMESPACE, "labels": labels(COMPONENT), **bound}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one moment to another; infinitely many if one is no moment."""
    try:
        begun, ended = (
            datetime.datetime.strptime(text, FORMAT)  # noqa: DTZ007  both are UTC
            for text in (earlier, later)
        )
    except (ValueError, TypeError):
        return float("inf")
    return (ended - begun).total_seconds()


def who(holder: Mapping[str, Any]) -> str:
    """Who holds a lock since when, for a message."""
    step = f", in step {holder['step']}" if holder.get("step") else ""
    return (
        f"{holder.get('procedure', 'a procedure')} (run {holder['id']}, process {holder.get('pid', '?')} on "
        f"{holder.get('host', 'an unknown machine')}), since {holder.get('since', '?')}{step}"
    )
