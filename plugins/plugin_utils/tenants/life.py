# Copyright (c) 2026 GreenLang. All rights reserved.
"""Suspending a tenant and letting it go on. Offboarding, which begins with it, is in offboarding.py."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set, delete_set
from ..errors import Conflict, InputError, NotFound, VcciError, WaitTimeout
from ..kubernetes.client import MERGE_PATCH, Client
from ..labels import COMPONENT
from ..waiting import until
from . import record, workloads
from .cluster import ID
from .objects import SUSPENSION, suspension
from .tenant import PREFIX

ATTEMPTS = 5
FIELD_MANAGER = "greenlang.vcci.tenant"

Object = dict[str, Any]
PatchOf = Callable[[Mapping[str, Any]], Object | None]


class Life:
    """One tenant's namespace; `changes` are what was, or in check mode would be, done."""

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

    # --- stop and go on -------------------------------------------------------------------------------------------
    def suspend(self, pods: int = 0, delete_pods: bool = False) -> None:
        """Let no pod start, or what is stopped would be replaced; stop every workload; wait for the pods to end."""
        self.must_live()
        alone = workloads.bare(self._pods())
        if alone and not delete_pods:
            remedy = "have their owner remove them, or set delete_pods"
            raise InputError(f"tenant {self.id} has pods that nothing would make again: {', '.join(alone)}; {remedy}")
        self.stop(pods)
        self._patch_all(workloads.suspend_patch, "stopped")
        for name in alone:
            self.delete("v1", "Pod", name, self.namespace)
        if not self.check:
            self._until_stopped()

    def stop(self, pods: int) -> None:
        """Let no more than so many pods start; those that run go on."""
        self.write(suspension(self.id, self.part_of, pods))

    def resume(self) -> None:
        self.must_live()
        if self.client.get("v1", "ResourceQuota", SUSPENSION, self.namespace) is not None:
            stop = suspension(self.id, self.part_of, 0)
            done = delete_set(self.client, [stop], ApplyOptions(check=self.check, diff=False))
            self.changes += done.deleted
        self._patch_all(workloads.resume_patch, "as before")

    def _patch_all(self, patch_of: PatchOf, what: str) -> None:
        for api_version, kind in workloads.KINDS:
            for workload in self.client.list(api_version, kind, self.namespace):
                if self._patch(workload, patch_of):
                    self.changes.append(f"{kind} {self.namespace}/{workload['metadata']['name']}")
                    self.say(f"{kind} {workload['metadata']['name']}: {what}")

    def _patch(self, workload: Object, patch_of: PatchOf) -> bool:
        kind, name = workload["kind"], workload["metadata"]["name"]
        path = self.client.resource(workload["apiVersion"], kind).path(self.namespace, name)
        found: Object | None = workload
        for _attempt in range(ATTEMPTS):
            body = patch_of(found) if found else None
            if body is None:
                return False
            if self.check:
                return True
            try:
                query = {"fieldManager": FIELD_MANAGER}
                self.client.request("PATCH", path, body=body, content_type=MERGE_PATCH, query=query)
                return True
            except Conflict:
                found = self.client.get(workload["apiVersion"], kind, name, self.namespace)
            except NotFound:
                return False
        who = f"{kind} {self.namespace}/{name}"
        raise VcciError(f"{who} changed {ATTEMPTS} times while it was read; who is at work on it?")

    def _until_stopped(self) -> None:
        left: list[str] = []

        def stopped() -> bool:
            left[:] = sorted(pod["metadata"]["name"] for pod in workloads.running(self._pods()))
            return not left

        until(
            stopped,
            self.wait_timeout,
            self.say,
            awaited=lambda: f"{len(left)} pods to end: {', '.join(left[:5])}",
            late=lambda waited: WaitTimeout(
                f"tenant {self.id}: not stopped after {waited} s: pods {', '.join(left[:10])}"
            ),
        )

    def until_counted(self) -> None:
        """The quota's controller counts pods that have ended a little later; until then none may start."""
        if self.check:
            return

        def counted() -> bool:
            quota = self.client.get("v1", "ResourceQuota", SUSPENSION, self.namespace) or {}
            running = workloads.running(self.client.list("v1", "Pod", self.namespace))
            used = (quota.get("status") or {}).get("used") or {}
            return bool(used.get("pods") == str(len(running)))

        what = f"tenant {self.id}: ResourceQuota {SUSPENSION} does not count its pods"
        until(
            counted,
            self.wait_timeout,
            self.say,
            awaited=lambda: f"ResourceQuota {SUSPENSION} to count the pods that ended",
            late=lambda _waited: WaitTimeout(f"{what}; is the controller manager at work?"),
        )

    def _pods(self) -> list[Object]:
        """The tenant's own, not the one that reads its volumes."""
        others = f"{COMPONENT}!={record.COMPONENT}"
        pods: list[Object] = self.client.list("v1", "Pod", self.namespace, label_selector=others)
        return pods

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
