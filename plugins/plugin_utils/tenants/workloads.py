# Copyright (c) 2026 GreenLang. All rights reserved.
"""What stops a workload and lets it go on as before. Pure.

One patch each, so that a run killed in between leaves nothing half done; what it was is kept in an annotation of the
workload itself. A tenant may have written anything into its objects: an owner counts only if it is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..kubernetes.owning import Owners, follows

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
MOST = 2147483647  # replicas

Object = Mapping[str, Any]
Patch = dict[str, Any]

# What its owner stops: a Job of a CronJob is stopped itself, since its CronJob only makes new ones.
_OF_OWNER = {"ReplicaSet": {("apps", "Deployment")}}
_NUMBER = re.compile(r"[0-9]{1,10}\Z")


def suspend_patch(workload: Object, there: Owners) -> Patch | None:
    """A merge patch that stops it; None when it has to do nothing, or does what its owner says."""
    if follows(workload, _OF_OWNER.get(workload["kind"], set()), there) or _finished(workload):
        return None
    kind, spec = workload["kind"], workload.get("spec") or {}
    if kind == "DaemonSet":
        selector = spec["template"]["spec"].get("nodeSelector") or {}
        return None if NOWHERE in selector else _patch(workload, "runs", _nodes("true"))
    if kind in ("CronJob", "Job"):
        return None if spec.get("suspend") else _patch(workload, "runs", {"suspend": True})
    replicas = spec.get("replicas", 1)
    return None if replicas == 0 else _patch(workload, str(replicas), {"replicas": 0})


def resume_patch(workload: Object, there: Owners) -> Patch | None:
    """A merge patch that makes it what it was before; None for what was not stopped by us."""
    before = _before(workload)
    # A ReplicaSet has the annotations of its Deployment.
    if before is None or follows(workload, _OF_OWNER.get(workload["kind"], set()), there):
        return None
    kind, spec = workload["kind"], workload.get("spec") or {}
    if kind == "DaemonSet":
        return _patch(workload, None, _nodes(None))
    if kind in ("CronJob", "Job"):
        return _patch(workload, None, {"suspend": False})
    # Somebody who scaled it meanwhile knows better than we.
    ours = spec.get("replicas", 1) == 0 and _is_number(before)
    return _patch(workload, None, {"replicas": int(before)} if ours else {})


def odd(workload: Object, there: Owners) -> str | None:
    """Why a workload stays at zero although it says what it was before: the value is none that we wrote."""
    before = _before(workload)
    counted = (workload["apiVersion"], workload["kind"]) in REPLICAS
    if before is None or not counted or _is_number(before) or resume_patch(workload, there) is None:
        return None
    return f"its annotation {BEFORE} is {before!r}, which is no number from 0 to {MOST}: it keeps the replicas it has"


def _before(workload: Object) -> str | None:
    value: str | None = (workload["metadata"].get("annotations") or {}).get(BEFORE)
    return value


def _is_number(text: str) -> bool:
    return _NUMBER.match(text) is not None and int(text) <= MOST


def _nodes(value: str | None) -> Patch:
    return {"template": {"spec": {"nodeSelector": {NOWHERE: value}}}}


def _finished(workload: Object) -> bool:
    conditions = (workload.get("status") or {}).get("conditions") or []
    ended = any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)
    return workload["kind"] == "Job" and ended


def _patch(workload: Object, before: str | None, spec: Patch) -> Patch:
    # With the version that was read: what somebody changed in between is read again.
    version = workload["metadata"]["resourceVersion"]
    return {"metadata": {"resourceVersion": version, "annotations": {BEFORE: before}}, "spec": spec}
