# Copyright (c) 2026 GreenLang. All rights reserved.
"""Waiting until objects are ready, saying what is awaited, and showing why when it takes too long."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ApiError, NotFound, WaitTimeout
from ..kubernetes import kstatus
from ..kubernetes.client import Client
from ..kubernetes.kinds import Resource
from ..waiting import until
from . import pods, readiness, replace
from .context import Context
from .evidence import evidence
from .manifests import Ref
from .plan import Item
from .snapshot import ref_from
from .told import Told, grouped
from .trouble import CREATE, Trouble

FEW = 6  # objects of a kind and namespace that are asked for one by one
FEW_PENDING = 20  # objects up to which they are asked for once a second
FEW_WATCHED = 6  # workloads whose pods are looked at, at a time
PODS_AFTER = 1.5  # seconds before which nobody asks why pods are not there yet
SETTLE = 3.0  # seconds for which others may still become ready, and what is deleted come back, before a failure counts
OBJECTS_SHOWN, LABELS_SHOWN = 3, 4
FINAL = (kstatus.FAILED, kstatus.TERMINATING)
Live = dict[Ref, dict[str, Any]]


def wait_ready(run: Context, items: list[Item]) -> None:
    """Until all are ready; an error when one has failed for good, or its pods do not start for `wait_grace` seconds, or
    after `wait_timeout` seconds."""
    waiting = _Waiting(run, [item for item in items if kstatus.matters(item.desired) or readiness.expected(run, item)])
    longest = 1.0 if len(waiting.pending) <= FEW_PENDING else 2.0
    timeout = run.options.wait_timeout
    until(waiting.ready, timeout, run.say, awaited=waiting.awaited, late=waiting.late, pause=0.2, longest=longest)


class _Since:
    """Since when something has been so, without a break, of objects."""

    def __init__(self) -> None:
        self._begun: dict[Ref, tuple[object, float]] = {}

    def lasts(self, ref: Ref, what: object) -> float:
        """Seconds for which it has been this; 0 for None, and when it has just become so."""
        if what is None:
            self._begun.pop(ref, None)
            return 0.0
        known, begun = self._begun.get(ref, (None, 0.0))
        if known != what:
            known, begun = what, time.monotonic()
            self._begun[ref] = known, begun
        return time.monotonic() - begun

    def clear(self) -> None:
        self._begun.clear()


class _Waiting:
    """Which objects are still awaited, and what they were like when they were last looked at."""

    def __init__(self, run: Context, items: list[Item]) -> None:
        self.pending = items
        self._run, self._begun = run, time.monotonic()
        self._live: Live = {}
        self._states: dict[Ref, tuple[str, str]] = {}
        self._watch = pods.Watch(run.client)
        self._sights: dict[Ref, pods.Sight] = {}
        self._hints: dict[Ref, str] = {}
        self._failing, self._stuck = _Since(), _Since()

    def ready(self) -> bool:
        """Look again; an error when it is clear that waiting longer would not help."""
        waited = time.monotonic() - self._begun
        known, self._live = self._live, _read(self._run, self.pending)
        for item in self.pending:
            live = self._live.get(item.ref)
            self._states[item.ref] = readiness.state(self._run, item, live, known.get(item.ref), waited)
        late = [item for item in self.pending if self._states[item.ref][0] != kstatus.READY]
        if len(late) < len(self.pending):  # others may have waited for just that
            self._stuck.clear()
        self.pending = late
        if late and waited >= PODS_AFTER:
            self._look()
        self._end(waited)
        return not late

    def _look(self) -> None:
        """At the pods of some workloads, those in trouble before all, the others in turn; and make way where an older
        pod holds up the new revision."""
        self._sights = {item.ref: self._sights[item.ref] for item in self.pending if item.ref in self._sights}
        waiting = [item for item in self.pending if (item.ref.group, item.ref.kind) in pods.WORKLOADS]
        waiting.sort(key=lambda item: (self._trouble_of(item) is None, self._watch.looked_at(item.ref)))
        for item in waiting[:FEW_WATCHED]:
            live = self._live.get(item.ref)
            sight = self._watch.look(item, live) if live else None
            if sight and live:
                self._sights[item.ref] = sight
                self._make_way(item, live, sight)
            else:
                self._sights.pop(item.ref, None)

    def _make_way(self, item: Item, live: Mapping[str, Any], sight: pods.Sight) -> None:
        if (item.ref.group, item.ref.kind) != ("apps", "StatefulSet"):
            return
        pod = replace.hindrance(live, sight.pods, 2 * self._run.options.wait_grace)
        if pod is None:
            return
        name = pod["metadata"]["name"]
        try:
            self._watch.forget(item.ref)
            if replace.replace(self._run, pod):
                self._hints.pop(item.ref, None)
        except ApiError as exc:
            self._hints[item.ref] = (
                f"pod {name} is of an older revision, does not start and holds up the new one; it could not be deleted "
                f"({exc}): kubectl delete pod {name} -n {item.ref.namespace}"
            )

    def _end(self, waited: float) -> None:
        """An error when one has failed for good, or is stuck for longer than its grace."""
        states = {item.ref: self._states[item.ref][0] for item in self.pending}
        failed = [item for item in self.pending if states[item.ref] in FINAL]
        lasting = [self._failing.lasts(ref, state if state in FINAL else None) for ref, state in states.items()]
        # What others delete they may be replacing.
        for_good = all(states[item.ref] == kstatus.FAILED and self._live.get(item.ref) for item in self.pending)
        if failed and (max(lasting) >= SETTLE or for_good):
            raise self._error(f"failed after {int(waited)} s", failed)
        stuck = [item for item in self.pending if self._is_stuck(item)]
        if stuck:
            groups = grouped((item.label, self._trouble(item)) for item in stuck)
            reasons = "; ".join(f"{_named(labels)} cannot start: {why}" for labels, why in groups[:OBJECTS_SHOWN])
            back = "Way back: run again with the former setting, or with a right one"
            raise self._error(f"{reasons}. Given up after {int(waited)} s. {back}. Not ready", stuck)

    def _is_stuck(self, item: Item) -> bool:
        trouble = self._trouble_of(item)
        if trouble is None or not trouble.ends_wait:
            self._stuck.lasts(item.ref, None)
            return False
        # A rollout that goes on beside it, pod by pod, begins anew.
        progress = "" if trouble.kind == CREATE else self._states[item.ref][1]
        lasts = self._stuck.lasts(item.ref, (trouble.kind, progress))
        return lasts >= (min(SETTLE, self._run.options.wait_grace) if trouble.final else self._run.options.wait_grace)

    def _trouble_of(self, item: Item) -> Trouble | None:
        sight = self._sights.get(item.ref)
        return sight.trouble if sight else None

    def _trouble(self, item: Item) -> str:
        """What keeps its pods from starting; empty where that is not known."""
        trouble = self._trouble_of(item)
        return self._hints.get(item.ref) or (trouble.text if trouble else "")

    def awaited(self) -> str:
        """Of the new pods, where that is known: it says more than the numbers of the workload."""
        lines = {ref: sight.line for ref, sight in self._sights.items()}
        return _listed((item.label, lines.get(item.ref) or self._states[item.ref][1]) for item in self.pending)

    def late(self, waited: int) -> WaitTimeout:
        groups = grouped((item.label, self._trouble(item)) for item in self.pending if self._trouble(item))
        lead = "; ".join(f"{_named(labels)}: {why}" for labels, why in groups[:OBJECTS_SHOWN])
        return self._error(f"{lead}; not ready after {waited} s" if lead else f"not ready after {waited} s", [])

    def _error(self, head: str, first: list[Item]) -> WaitTimeout:
        """With what is known of the first of them, `first` before all."""
        pending = [*first, *(item for item in self.pending if item not in first)]
        told = Told(head)
        lines = [f"{head}: {_listed((item.label, told.rest(self._states[item.ref][1])) for item in pending)}"]
        told.add(lines[0])
        for item in pending[:OBJECTS_SHOWN]:
            lines += told.rest_of(evidence(self._run.client, item, self._live.get(item.ref)))
        details = []
        for item in pending:
            state, why = self._states[item.ref]
            details.append({"object": item.label, "state": state, "message": self._trouble(item) or why})
        return WaitTimeout("\n".join(lines), details, self._run.finish())


def _named(labels: list[str]) -> str:
    more = len(labels) - LABELS_SHOWN
    return ", ".join(labels[:LABELS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _listed(entries: Iterable[tuple[str, str]]) -> str:
    return _named([f"{label} ({why})" if why else label for label, why in entries])


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
