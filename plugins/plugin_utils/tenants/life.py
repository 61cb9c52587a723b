# Copyright (c) 2026 GreenLang. All rights reserved.
"""Suspending a tenant and letting it go on. Offboarding, which begins with it, is in offboarding.py.

Both end in bounded time whatever the tenant made: an object that cannot be written does not keep the others, and pods
that do not end are ended (ending.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set, delete_set
from ..errors import Conflict, ConnectionFailed, InputError, NotFound, VcciError, WaitTimeout
from ..kubernetes import owning
from ..kubernetes.client import MERGE_PATCH, Client
from ..waiting import until
from . import workloads
from .cluster import ANNOTATION, ID
from .ending import MARGIN, Bounds, Entry, delete_pod, end_pods, grace_of
from .objects import SUSPENSION, suspension
from .tenant import PREFIX

ATTEMPTS = 5
FIELD_MANAGER = "greenlang.vcci.tenant"
GRACE_OF_TENANT = ANNOTATION + "max-grace-seconds"
GRACE = 300  # seconds that a tenant's pods have to stop where its namespace does not say

Object = dict[str, Any]
PatchOf = Callable[[Mapping[str, Any], owning.Owners], Object | None]


class Life:
    """One tenant's namespace.

    changes  what was, or in check mode would be, done.
    warnings what a person should know of.
    forced   what was removed, or ended, by force.
    note     is told of that before it is done.
    """

    def __init__(
        self,
        client: Client,
        tenant_id: str,
        *,
        check: bool,
        say: Callable[[str], None],
        part_of: str,
        wait_timeout: float,
    ) -> None:
        self.client, self.id, self.check, self.say = client, tenant_id, check, say
        self.part_of, self.wait_timeout = part_of, wait_timeout
        self.namespace = PREFIX + tenant_id
        self.changes: list[str] = []
        self.warnings: list[str] = []
        self.forced: list[Entry] = []
        self.note: Callable[[list[Entry]], None] = self.tell

    def find(self) -> Object | None:
        """The namespace, when it is this tenant's; InputError when it is another's."""
        found: Object | None = self.client.get("v1", "Namespace", self.namespace)
        if found is not None and (found["metadata"].get("annotations") or {}).get(ID) != self.id:
            whose = f"exists and is not tenant {self.id}'s (annotation {ID})"
            raise InputError(f"namespace {self.namespace} {whose}; nothing was changed")
        return found

    def must_live(self) -> Object:
        found = self.find()
        if found is None:
            raise InputError(f"there is no tenant {self.id}: namespace {self.namespace} does not exist")
        return found

    def tell(self, entries: Iterable[Entry]) -> None:
        """Of what is about to be done by force."""
        for entry in entries:
            self.forced.append(entry)
            self.changes.append(entry["object"].replace(" ", f" {self.namespace}/", 1))
            self.say(f"{entry['object']}: {entry['what']}")

    # --- stop and go on -------------------------------------------------------------------------------------------
    def suspend(self, delete_pods: bool = False) -> None:
        self.must_live()
        self.refuse_alone(delete_pods)
        self.halt(delete_pods)

    def refuse_alone(self, delete_pods: bool) -> None:
        """InputError for pods that would be lost, unless that is meant."""
        alone = [] if delete_pods else [pod["metadata"]["name"] for pod in self._alone()]
        if alone:
            remedy = "have their owner remove them, or set delete_pods"
            raise InputError(f"tenant {self.id} has pods that nothing would make again: {', '.join(alone)}; {remedy}")

    def halt(self, delete_pods: bool, *, ended: bool = False) -> None:
        """Let no pod start, or what is stopped would be replaced; stop every workload; see to it that the pods end.

        ended  those that have ended go as well.
        """
        grace = grace_of_namespace(self.must_live())
        self.stop(0)
        self.refuse_alone(delete_pods)  # what came while the quota was not there yet
        troubles = self.stop_workloads()
        for pod in self._alone():
            self.changes.append(f"Pod {self.namespace}/{pod['metadata']['name']}")
            if not self.check:
                delete_pod(self.client, pod, grace_of(pod, grace))
        if not self.check:
            self.end(self.pods if ended else self.running, grace)
            troubles = self._stop_late_ones()
        self._raise(troubles, "stopped, though their pods have ended")

    def _stop_late_ones(self) -> list[str]:
        """Look again until there is nothing to stop: a CronJob's controller, or whoever just lost access, may have
        written once more before it knew. Who keeps access may do so for ever, and gets no pods by it."""
        troubles: list[str] = []
        for _attempt in range(ATTEMPTS):
            known = len(self.changes)
            troubles = self.stop_workloads()
            if len(self.changes) == known:
                break
        return troubles

    def stop(self, pods: int) -> None:
        """Let no more than so many pods start; those that run go on."""
        self.write(suspension(self.id, self.part_of, pods))

    def stop_workloads(self) -> list[str]:
        """What could not be."""
        return self._patch_all(workloads.suspend_patch, "stopped")

    def end(self, find: Callable[[], list[Object]], grace: int = GRACE) -> None:
        """See to it that these pods end."""
        bounds, who = Bounds(self.wait_timeout, grace, min(MARGIN, self.wait_timeout)), f"tenant {self.id}"
        end_pods(self.client, find, bounds, who=who, note=self.note, say=self.say)

    def resume(self) -> None:
        self.must_live()
        if self.client.get("v1", "ResourceQuota", SUSPENSION, self.namespace) is not None:
            stop = suspension(self.id, self.part_of, 0)
            done = delete_set(self.client, [stop], ApplyOptions(check=self.check, diff=False))
            self.changes += done.deleted
        self._raise(self._patch_all(workloads.resume_patch, "as before"), "resumed, and all others are as before")

    # --- workloads ------------------------------------------------------------------------------------------------
    def workloads(self) -> list[Object]:
        found: list[Object] = []
        for api_version, kind in workloads.KINDS:
            found += self.client.list(api_version, kind, self.namespace)
        return found

    def _patch_all(self, patch_of: PatchOf, what: str) -> list[str]:
        """A sentence for each that could not be patched: it does not keep the others."""
        troubles: list[str] = []
        found = self.workloads()
        there = owning.owners(found)
        for workload in found:
            who = f"{workload['kind']} {workload['metadata']['name']}"
            strange = workloads.odd(workload, there) if patch_of is workloads.resume_patch else None
            try:
                patched = self._patch(workload, lambda one: patch_of(one, there))
            except ConnectionFailed:
                raise
            except VcciError as exc:
                troubles.append(f"{who}: {exc.message}")
                continue
            if patched:
                self.changes.append(who.replace(" ", f" {self.namespace}/"))
                self.say(f"{who}: {strange or what}")
                self.warnings += [f"{who}: {strange}"] if strange else []
        return troubles

    def _patch(self, workload: Object, patch_of: Callable[[Object], Object | None]) -> bool:
        kind, name = workload["kind"], workload["metadata"]["name"]
        path = self.client.resource(workload["apiVersion"], kind).path(self.namespace, name)
        found: Object | None = workload
        for attempt in range(ATTEMPTS):
            body = patch_of(found) if found else None
            if body is None:
                return False
            if self.check:
                return True
            if attempt == ATTEMPTS - 1:
                del body["metadata"]["resourceVersion"]  # who writes it all the time does not win by that
            try:
                query = {"fieldManager": FIELD_MANAGER}
                self.client.request("PATCH", path, body=body, content_type=MERGE_PATCH, query=query)
                return True
            except Conflict:
                found = self.client.get(workload["apiVersion"], kind, name, self.namespace)
            except NotFound:
                return False
        raise VcciError(f"{kind} {self.namespace}/{name} changes faster than it can be written")

    def _raise(self, troubles: list[str], done: str) -> None:
        if troubles:
            what = f"{len(troubles)} workloads could not be {done}: {'; '.join(troubles)}"
            raise VcciError(f"tenant {self.id}: {what}; remedy that, and run this again", troubles)

    # --- pods -----------------------------------------------------------------------------------------------------
    def until_counted(self) -> None:
        """The quota's controller counts pods that have ended a little later; until then none may start."""
        if self.check:
            return

        def counted() -> bool:
            quota = self.client.get("v1", "ResourceQuota", SUSPENSION, self.namespace) or {}
            status = quota.get("status") or {}
            used, hard = ((status.get(key) or {}).get("pods") for key in ("used", "hard"))
            same = hard == quota.get("spec", {}).get("hard", {}).get("pods")
            return bool(same and used == str(len(self.running())))

        what = f"tenant {self.id}: ResourceQuota {SUSPENSION} does not count its pods"
        until(
            counted,
            self.wait_timeout,
            self.say,
            awaited=lambda: f"ResourceQuota {SUSPENSION} to count the pods that ended",
            late=lambda _waited: WaitTimeout(f"{what}; is the controller manager at work?"),
        )

    def _alone(self) -> list[Object]:
        pods = self.pods()  # before their owners: one that comes in between has its owner by then
        found: list[Object] = [dict(pod) for pod in owning.bare(pods, owning.owners(self.workloads()))]
        return found

    def pods(self) -> list[Object]:
        """All of them: no label takes one out, since its tenant writes labels."""
        pods: list[Object] = self.client.list("v1", "Pod", self.namespace)
        return pods

    def running(self) -> list[Object]:
        return [pod for pod in self.pods() if not owning.has_ended(pod)]

    # --- what both need -------------------------------------------------------------------------------------------
    def write(self, obj: Object) -> None:
        done = apply_set(self.client, [obj], ApplyOptions(check=self.check, diff=False, say=self.say))
        self.changes += [*done.created, *done.configured]

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        self.changes.append(f"{kind} {namespace + '/' if namespace else ''}{name}")
        if self.check:
            return
        path = self.client.resource(api_version, kind).path(namespace, name)
        with contextlib.suppress(NotFound):
            self.client.request("DELETE", path, body={"propagationPolicy": "Background"})


def grace_of_namespace(namespace: Mapping[str, Any]) -> int:
    """The most seconds that the pods of a tenant have to stop."""
    said = str((namespace["metadata"].get("annotations") or {}).get(GRACE_OF_TENANT, ""))
    return int(said) if said.isascii() and said.isdigit() else GRACE
