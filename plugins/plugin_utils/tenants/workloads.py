# Copyright (c) 2026 GreenLang. All rights reserved.
"""What stops a workload and lets it go on as before. Pure.

One patch each, so that a run killed in between leaves nothing half done; what it was is kept in an annotation of the
workload itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

BEFORE = "tenant.vcci.io/before-suspension"
NOWHERE = "tenant.vcci.io/suspended"  # a node selector that no node has: a DaemonSet cannot be scaled
REPLICAS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "ReplicationController"),
)
SUSPENDABLE = (("batch/v1", "CronJob"), ("batch/v1", "Job"))
KINDS = (*REPLICAS, *SUSPENDABLE, ("apps/v1", "DaemonSet"))

Object = Mapping[str, Any]
Patch = dict[str, Any]


def suspend_patch(workload: Object) -> Patch | None:
    """A merge patch that stops it; None when it has to do nothing, or does what its owner says."""
    if _owned(workload) or _finished(workload):
        return None
    kind, spec = workload["kind"], workload.get("spec") or {}
    if kind == "DaemonSet":
        selector = spec["template"]["spec"].get("nodeSelector") or {}
        return None if NOWHERE in selector else _patch(workload, "runs", _nodes("true"))
    if kind in ("CronJob", "Job"):
        return None if spec.get("suspend") else _patch(workload, "runs", {"suspend": True})
    replicas = spec.get("replicas", 1)
    return None if replicas == 0 else _patch(workload, str(replicas), {"replicas": 0})


def resume_patch(workload: Object) -> Patch | None:
    """A merge patch that makes it what it was before; None for what was not stopped by us."""
    before = (workload["metadata"].get("annotations") or {}).get(BEFORE)
    if before is None or _owned(workload):  # a ReplicaSet has the annotations of its Deployment
        return None
    kind, spec = workload["kind"], workload.get("spec") or {}
    if kind == "DaemonSet":
        return _patch(workload, None, _nodes(None))
    if kind in ("CronJob", "Job"):
        return _patch(workload, None, {"suspend": False})
    # Somebody who scaled it meanwhile knows better than we.
    ours = spec.get("replicas", 1) == 0 and before.isdigit()
    return _patch(workload, None, {"replicas": int(before)} if ours else {})


def bare(pods: Sequence[Object]) -> list[str]:
    """Running pods that nothing would make again."""
    return sorted(pod["metadata"]["name"] for pod in running(pods) if not _owned(pod))


def running(pods: Sequence[Object]) -> list[Object]:
    return [pod for pod in pods if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]


def _nodes(value: str | None) -> Patch:
    return {"template": {"spec": {"nodeSelector": {NOWHERE: value}}}}


def _owned(workload: Object) -> bool:
    # A Job of a CronJob is stopped itself: its CronJob only makes new ones.
    owners = workload["metadata"].get("ownerReferences") or []
    return any(owner.get("controller") and owner.get("kind") != "CronJob" for owner in owners)


def _finished(workload: Object) -> bool:
    conditions = (workload.get("status") or {}).get("conditions") or []
    ended = any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)
    return workload["kind"] == "Job" and ended


def _patch(workload: Object, before: str | None, spec: Patch) -> Patch:
    # With the version that was read: what somebody changed in between is read again.
    version = workload["metadata"]["resourceVersion"]
    return {"metadata": {"resourceVersion": version, "annotations": {BEFORE: before}}, "spec": spec}
