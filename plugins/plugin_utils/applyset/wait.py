# Copyright (c) 2026 GreenLang. All rights reserved.
"""Waiting until objects are ready, saying what is awaited, and showing why when it takes too long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..errors import NotFound, WaitTimeout
from ..kubernetes import kstatus
from ..kubernetes.client import Client
from ..kubernetes.kinds import BUILT_IN_KINDS, Resource
from ..waiting import until
from .context import Context
from .evidence import evidence
from .manifests import Ref
from .plan import Item
from .snapshot import ref_from

FEW = 6  # objects of a kind and namespace that are asked for one by one
FEW_PENDING = 20  # objects up to which they are asked for once a second
STATUS_GRACE = 3.0  # seconds for which a custom resource that we have just written may stay without any status
OBJECTS_SHOWN, LABELS_SHOWN = 3, 4
Live = dict[Ref, dict[str, Any]]


def wait_ready(run: Context, items: list[Item]) -> None:
    """Until all are ready, or those that are not have failed; `wait_timeout` seconds at most."""
    waiting = _Waiting(run, [item for item in items if kstatus.matters(item.desired)])
    longest = 1.0 if len(waiting.pending) <= FEW_PENDING else 2.0
    timeout = run.options.wait_timeout
    until(waiting.ready, timeout, run.say, awaited=waiting.awaited, late=waiting.late, pause=0.2, longest=longest)


class _Waiting:
    """Which objects are still awaited, and what they were like when they were last looked at."""

    def __init__(self, run: Context, items: list[Item]) -> None:
        self.pending = items
        self._run, self._begun = run, time.monotonic()
        self._live: Live = {}
        self._states: dict[Ref, tuple[str, str]] = {}

    def ready(self) -> bool:
        """Look again; an error when none of those that are left can become ready any more."""
        waited = time.monotonic() - self._begun
        self._live = _read(self._run, self.pending)
        for item in self.pending:
            self._states[item.ref] = _state(self._run.client, item, self._live.get(item.ref), waited)
        self.pending = [item for item in self.pending if self._states[item.ref][0] != kstatus.READY]
        if self.pending and all(self._states[item.ref][0] == kstatus.FAILED for item in self.pending):
            raise self._error(f"failed after {int(waited)} s")
        return not self.pending

    def awaited(self) -> str:
        parts = [f"{item.label} ({self._states[item.ref][1]})" for item in self.pending[:LABELS_SHOWN]]
        more = len(self.pending) - LABELS_SHOWN
        return ", ".join(parts) + (f" and {more} more" if more > 0 else "")

    def late(self, waited: int) -> WaitTimeout:
        return self._error(f"not ready after {waited} s")

    def _error(self, head: str) -> WaitTimeout:
        lines = [f"{head}: {self.awaited()}"]
        for item in self.pending[:OBJECTS_SHOWN]:
            lines += evidence(self._run.client, item, self._live.get(item.ref))
        details = []
        for item in self.pending:
            state, why = self._states[item.ref]
            details.append({"object": item.label, "state": state, "message": why})
        return WaitTimeout("\n".join(lines), details, self._run.finish())


def _read(run: Context, items: list[Item]) -> Live:
    """The objects as they are: one LIST for many of a kind and namespace."""
    groups: dict[tuple[Resource, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.resource, item.ref.namespace), []).append(item)
    jobs: list[Item | tuple[Resource, str]] = []
    for place, group in groups.items():
        jobs += group if len(group) <= FEW else [place]
    found: Live = {}
    for part in run.workers.map(lambda job: _ask(run.client, job), jobs):
        found.update(part)
    return found


def _ask(client: Client, job: Item | tuple[Resource, str]) -> Live:
    if isinstance(job, Item):
        try:
            return {job.ref: client.request("GET", job.path)}
        except NotFound:
            return {}
    resource, namespace = job
    names = {"kind": resource.kind, "apiVersion": resource.api_version}
    listed = client.iter_list(resource, namespace or None)
    return {ref_from(resource, obj["metadata"]): {**obj, **names} for obj in listed}


def _state(client: Client, item: Item, obj: Mapping[str, Any] | None, waited: float) -> tuple[str, str]:
    if obj is None:
        return kstatus.IN_PROGRESS, "was deleted by someone else"
    state, why = kstatus.status(obj)
    if state == kstatus.READY and not obj.get("status") and waited < STATUS_GRACE and _has_controller(item):
        return kstatus.IN_PROGRESS, "no status yet"
    claim = item.ref.kind == "PersistentVolumeClaim"
    if state == kstatus.IN_PROGRESS and claim and _waits_for_consumer(client, obj):
        return kstatus.READY, ""
    return state, why


def _has_controller(item: Item) -> bool:
    """Whether it is a custom resource that its controller may not have seen as it is now."""
    custom = "." in item.ref.group and item.ref.kind not in BUILT_IN_KINDS
    return custom and item.outcome in ("created", "configured", "recreated")


def _waits_for_consumer(client: Client, claim: Mapping[str, Any]) -> bool:
    if "volume.kubernetes.io/selected-node" in (claim["metadata"].get("annotations") or {}):
        return False
    name = (claim.get("spec") or {}).get("storageClassName")
    storage_class = client.get("storage.k8s.io/v1", "StorageClass", name) if name else None
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
