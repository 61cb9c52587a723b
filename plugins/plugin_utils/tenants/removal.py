# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant's namespace goes, in bounded time, whatever its objects wait for.

Controllers have their time to take their finalizers off. Then all go that nobody took off, each told before.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..errors import ConnectionFailed, VcciError, WaitTimeout
from ..kubernetes.kinds import Resource
from ..waiting import until
from . import sweep
from .ending import Entry, take_finalizers
from .finalizers import going, staying
from .life import Life

AT_LEAST = 60  # seconds that the namespace's controller has after that, since it looks again only now and then
SHOWN = 10

Object = dict[str, Any]


def remove_namespace(life: Life, resources: list[Resource]) -> None:
    """Delete it and wait until it is gone; WaitTimeout says what holds it. Pods first: the controller does likewise."""
    life.end(life.pods)
    removal = _Removal(life, resources)
    life.delete("v1", "Namespace", life.namespace)
    if not removal.is_gone(life.wait_timeout, force=False):
        removal.is_gone(max(life.wait_timeout, AT_LEAST), force=True)


class _Removal:
    def __init__(self, life: Life, resources: list[Resource]) -> None:
        self.life, self.client, self.resources = life, life.client, resources
        self.why = ""
        self.held: dict[str, str] = {}  # object → why it cannot be freed
        self.told: set[str] = set()  # uids

    def is_gone(self, seconds: float, *, force: bool) -> bool:
        """Whether it is within so many seconds; with force, WaitTimeout when it is not."""

        def gone() -> bool:
            found = self.client.get("v1", "Namespace", self.life.namespace)
            self.why = what_holds(found) if found is not None else ""
            if found is not None and force:
                self._free()
            return found is None

        try:
            return until(
                gone,
                seconds,
                self.life.say,
                awaited=lambda: f"the namespace to go: {self.why or 'its contents are being deleted'}",
                late=self._late,
                longest=5,
            )
        except WaitTimeout:
            if force:
                raise
            return False

    def _late(self, _waited: int) -> WaitTimeout:
        held = [f"{who}: {why}" for who, why in sorted(self.held.items())][:SHOWN]
        why = "; ".join([self.why or "no reason is given", *held])
        remedy = "remedy what holds it, and run this again: it goes on from here"
        return WaitTimeout(
            f"namespace {self.life.namespace} is not gone after {int(self.life.wait_timeout)} s: {why}; {remedy}"
        )

    def _free(self) -> None:
        """Of what is being deleted, take the finalizers off."""
        there = sweep.in_namespace(self.client, self.resources, self.life.namespace)
        stuck = [obj for obj in there if obj["metadata"].get("deletionTimestamp") and obj["metadata"].get("finalizers")]
        self.held = {_name(obj): f"finalizer {', '.join(staying(obj))}" for obj in stuck if staying(obj)}
        free = [obj for obj in stuck if going(obj)]
        new = [obj for obj in free if obj["metadata"]["uid"] not in self.told]
        self.told |= {obj["metadata"]["uid"] for obj in new}
        if new:
            self.life.note([_entry(obj) for obj in new])
        with ThreadPoolExecutor(max_workers=sweep.CONCURRENCY) as pool:
            list(pool.map(self._free_one, free))

    def _free_one(self, obj: Object) -> None:
        try:
            take_finalizers(self.client, obj, staying(obj))
        except ConnectionFailed:
            raise
        except VcciError as exc:
            self.held[_name(obj)] = exc.message


def what_holds(namespace: Mapping[str, Any]) -> str:
    """Why a namespace is still there, in its controller's words."""
    conditions = [c for c in (namespace.get("status") or {}).get("conditions") or [] if c.get("status") == "True"]
    said = [str(c.get("message", "")) for c in conditions]
    unknown = any(c.get("type") == "NamespaceDeletionDiscoveryFailure" for c in conditions)
    return "; ".join([*said, *(["an API does not answer: see kubectl get apiservice"] if unknown else [])])


def _name(obj: Mapping[str, Any]) -> str:
    return f"{obj['kind']} {obj['metadata']['name']}"


def _entry(obj: Mapping[str, Any]) -> Entry:
    return {"object": _name(obj), "what": f"finalizers taken off: {', '.join(going(obj))}"}
