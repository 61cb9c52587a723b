# Copyright (c) 2026 GreenLang. All rights reserved.
"""Suspending a tenant and letting it go on. Offboarding, which begins with it, is in tenant_offboarding.py."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set, delete_set
from ..errors import Conflict, InputError, NotFound, VcciError, WaitTimeout
from ..kubernetes.client import MERGE_PATCH, Client
from . import objects as _tenant_objects
from . import workloads as _tenant_workloads
from .offboarding_record import COMPONENT as OFFBOARDING
from .read import SUSPENSION
from .tenant import PREFIX

ATTEMPTS = 5


class Life:
    """One tenant's namespace; `changes` are what was, or in check mode would be, done."""

    def __init__(self, client: Client, tenant_id: str, *, check: bool, tell: Callable[[str], None], part_of: str, wait_timeout: float) -> None:
        self.client, self.id, self.check, self.tell = client, tenant_id, check, tell
        self.part_of, self.wait_timeout = part_of, wait_timeout
        self.namespace = PREFIX + tenant_id
        self.changes: list[str] = []

    def live(self) -> dict | None:
        """The namespace, when it is this tenant's."""
        found = self.client.get("v1", "Namespace", self.namespace)
        if found is not None and (found["metadata"].get("annotations") or {}).get(_tenant_objects.ID) != self.id:
            raise InputError(f"namespace {self.namespace} exists and is not tenant {self.id}'s (annotation {_tenant_objects.ID}); nothing was changed")
        return found

    def must_live(self) -> dict:
        found = self.live()
        if found is None:
            raise InputError(f"there is no tenant {self.id}: namespace {self.namespace} does not exist")
        return found

    # --- stop and go on ----------------------------------------------------------------------------------------------
    def suspend(self, pods: int = 0, delete_pods: bool = False) -> None:
        """No new pods first, or what is stopped would be replaced; then every workload to nothing; then wait for the pods to end."""
        self.must_live()
        alone = _tenant_workloads.bare(self._pods())
        if alone and not delete_pods:
            raise InputError(f"tenant {self.id} has pods that nothing would make again: {', '.join(alone)}; have their owner remove them, or set delete_pods")
        self.write(self._stop(pods))
        self._patch_all(_tenant_workloads.suspend_patch, "stopped")
        for name in alone:
            self.delete("v1", "Pod", name, self.namespace)
        if not self.check:
            self._until_stopped()

    def resume(self) -> None:
        self.must_live()
        if self.client.get("v1", "ResourceQuota", SUSPENSION, self.namespace) is not None:
            done = delete_set(self.client, [self._stop(0)], ApplyOptions(name=None, check=self.check, diff=False))
            self.changes += done.deleted
        self._patch_all(_tenant_workloads.resume_patch, "as before")

    def _stop(self, pods: int) -> dict:
        return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": SUSPENSION, "namespace": self.namespace, "labels": {
            "app.kubernetes.io/part-of": self.part_of, "app.kubernetes.io/managed-by": _tenant_objects.MANAGED_BY,
            "app.kubernetes.io/component": SUSPENSION, "tenant": self.id}}, "spec": {"hard": {"pods": str(pods)}}}

    def _patch_all(self, patch_of: Callable[[Any], dict | None], what: str) -> None:
        for api_version, kind in _tenant_workloads.KINDS:
            for workload in self.client.list(api_version, kind, self.namespace):
                if self._patch(workload, patch_of):
                    self.changes.append(f"{kind} {self.namespace}/{workload['metadata']['name']}")
                    self.tell(f"{kind} {workload['metadata']['name']}: {what}")

    def _patch(self, workload: dict | None, patch_of: Callable[[Any], dict | None]) -> bool:
        for _attempt in range(ATTEMPTS):
            body = patch_of(workload) if workload else None
            if workload is None or body is None:
                return False
            if self.check:
                return True
            kind, name = workload["kind"], workload["metadata"]["name"]
            path = self.client.resource(workload["apiVersion"], kind).path(self.namespace, name)
            try:
                self.client.request("PATCH", path, body=body, content_type=MERGE_PATCH, query={"fieldManager": "greenlang.vcci.tenant"})
                return True
            except Conflict:
                workload = self.client.get(workload["apiVersion"], kind, name, self.namespace)
            except NotFound:
                return False
        raise VcciError(f"{kind} {self.namespace}/{name} changed {ATTEMPTS} times while it was read; who is at work on it?")

    def _until_stopped(self) -> None:
        deadline, said = time.monotonic() + self.wait_timeout, 0.0
        while left := [pod["metadata"]["name"] for pod in _tenant_workloads.running(self._pods())]:
            if time.monotonic() > deadline:
                raise WaitTimeout(f"tenant {self.id}: not stopped after {int(self.wait_timeout)} s: pods {', '.join(sorted(left)[:10])}")
            if time.monotonic() - said > 5:
                said = time.monotonic()
                self.tell(f"waiting for {len(left)} pods to end: {', '.join(sorted(left)[:5])}")
            time.sleep(0.5)

    def until_counted(self) -> None:
        """The quota's controller counts pods that have ended a little later; until then none may start."""
        deadline = time.monotonic() + self.wait_timeout
        while not self.check:
            quota = self.client.get("v1", "ResourceQuota", SUSPENSION, self.namespace) or {}
            running = _tenant_workloads.running(self.client.list("v1", "Pod", self.namespace))
            if str(len(running)) == ((quota.get("status") or {}).get("used") or {}).get("pods"):
                return
            if time.monotonic() > deadline:
                raise WaitTimeout(f"tenant {self.id}: ResourceQuota {SUSPENSION} does not count its pods; is the controller manager at work?")
            time.sleep(0.5)

    def _pods(self) -> list[dict]:
        """The tenant's own, not the one that reads its volumes."""
        return self.client.list("v1", "Pod", self.namespace, label_selector=f"app.kubernetes.io/component!={OFFBOARDING}")

    # --- what both need ----------------------------------------------------------------------------------------------
    def write(self, obj: dict) -> None:
        done = apply_set(self.client, [obj], ApplyOptions(name=None, check=self.check, diff=False, say=self.tell))
        self.changes += [*done.created, *done.configured]

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        self.changes.append(f"{kind} {namespace + '/' if namespace else ''}{name}")
        if not self.check:
            try:
                self.client.request("DELETE", self.client.resource(api_version, kind).path(namespace, name), body={"propagationPolicy": "Background"})
            except NotFound:
                pass
