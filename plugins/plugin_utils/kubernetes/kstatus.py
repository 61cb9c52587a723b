# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether an object has become what its specification asks for: the kstatus rules, and two of our own. Pure.

Ours: a Job is ready when it is complete, not when it has started, because whoever waits for a Job wants its work done;
and a claim that waits for its first consumer is ready, because nothing but a pod can help it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .kinds import BUILT_IN_KINDS

Object = Mapping[str, Any]

READY, IN_PROGRESS, FAILED, TERMINATING = "ready", "in progress", "failed", "terminating"
# The first of these that a custom resource has speaks for it.
SPEAKING_CONDITIONS = ("Ready", "Available", "Synced", "Established", "Healthy")


def status(obj: Object) -> tuple[str, str]:
    """State and, unless it is ready, what is missing."""
    meta = obj.get("metadata") or {}
    if meta.get("deletionTimestamp"):
        return TERMINATING, "is being deleted"
    observed = (obj.get("status") or {}).get("observedGeneration")
    if isinstance(observed, int) and observed < meta.get("generation", 0):
        return IN_PROGRESS, "its controller has not seen the change yet"
    kind = obj.get("kind", "")
    rule = _RULES.get(kind)
    if rule is not None:
        return rule(obj.get("spec") or {}, obj.get("status") or {}, obj)
    return (READY, "") if kind in BUILT_IN_KINDS and kind != "APIService" else _by_conditions(obj)


def matters(desired: Object) -> bool:
    """Whether objects of this kind can be anything but ready."""
    kind = desired["kind"]
    if kind == "Service":
        return (desired.get("spec") or {}).get("type") == "LoadBalancer"
    return kind in _RULES or kind == "APIService" or kind not in BUILT_IN_KINDS


def _conditions(st: Object) -> dict[str, Object]:
    return {str(c.get("type")): c for c in st.get("conditions") or [] if isinstance(c, dict)}


def _why(condition: Object) -> str:
    return (
        ": ".join(str(condition[k]) for k in ("reason", "message") if condition.get(k))
        or f"{condition.get('type')}={condition.get('status')}"
    )


def _by_conditions(obj: Object) -> tuple[str, str]:
    found = _conditions(obj.get("status") or {})
    stalled = found.get("Stalled")
    if stalled and stalled.get("status") == "True":
        return FAILED, _why(stalled)
    reconciling = found.get("Reconciling")
    if reconciling and reconciling.get("status") == "True":
        return IN_PROGRESS, _why(reconciling)
    for name in SPEAKING_CONDITIONS:
        if name in found:
            return (READY, "") if found[name].get("status") == "True" else (IN_PROGRESS, _why(found[name]))
    return READY, ""


def _deployment(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    progressing = _conditions(st).get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return FAILED, _why(progressing)
    if "observedGeneration" not in st:
        return IN_PROGRESS, "not seen by its controller yet"
    wanted = spec.get("replicas", 1)
    total, updated = st.get("replicas", 0), st.get("updatedReplicas", 0)
    ready, available = st.get("readyReplicas", 0), st.get("availableReplicas", 0)
    if total < wanted or updated < wanted:
        return IN_PROGRESS, f"{min(total, updated)}/{wanted} replicas updated"
    if total > updated:
        return IN_PROGRESS, f"{total - updated} old replicas still running"
    if available < updated or ready < wanted:
        return IN_PROGRESS, f"{min(ready, available)}/{wanted} replicas available"
    return READY, ""


def _stateful_set(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return READY, ""
    if "observedGeneration" not in st:
        return IN_PROGRESS, "not seen by its controller yet"
    wanted = spec.get("replicas", 1)
    if st.get("replicas", 0) < wanted or st.get("readyReplicas", 0) < wanted:
        return IN_PROGRESS, f"{st.get('readyReplicas', 0)}/{wanted} pods ready"
    if st.get("replicas", 0) > wanted:
        return IN_PROGRESS, f"{st['replicas'] - wanted} pods too many"
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    if partition:
        if st.get("updatedReplicas", 0) < wanted - partition:
            return IN_PROGRESS, f"{st.get('updatedReplicas', 0)}/{wanted - partition} pods updated"
        return READY, ""
    if st.get("currentReplicas", wanted) < wanted or st.get("currentRevision") != st.get("updateRevision"):
        return IN_PROGRESS, f"{st.get('updatedReplicas', 0)}/{wanted} pods updated"
    return READY, ""


def _daemon_set(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return READY, ""
    if "observedGeneration" not in st or "desiredNumberScheduled" not in st:
        return IN_PROGRESS, "not seen by its controller yet"
    wanted = st["desiredNumberScheduled"]
    for name, what in (
        ("currentNumberScheduled", "scheduled"),
        ("updatedNumberScheduled", "updated"),
        ("numberAvailable", "available"),
        ("numberReady", "ready"),
    ):
        if st.get(name, 0) < wanted:
            return IN_PROGRESS, f"{st.get(name, 0)}/{wanted} pods {what}"
    return READY, ""


def _replica_set(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    failure = _conditions(st).get("ReplicaFailure", {})
    if failure.get("status") == "True":
        return IN_PROGRESS, _why(failure)
    wanted = spec.get("replicas", 1)
    done = min(st.get(name, 0) for name in ("fullyLabeledReplicas", "availableReplicas", "readyReplicas"))
    if done < wanted:
        return IN_PROGRESS, f"{done}/{wanted} replicas available"
    return (
        (IN_PROGRESS, f"{st['replicas'] - wanted} replicas too many") if st.get("replicas", 0) > wanted else (READY, "")
    )


def _job(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    found = _conditions(st)
    if found.get("Complete", {}).get("status") == "True" or spec.get("suspend"):
        return READY, ""
    if found.get("Failed", {}).get("status") == "True":
        return FAILED, _why(found["Failed"])
    done = f"{st.get('succeeded', 0)}/{spec.get('completions', 1)} completed"
    return IN_PROGRESS, f"{done}, {st.get('active', 0)} active, {st.get('failed', 0)} failed"


def _pod(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    phase = st.get("phase")
    if phase == "Succeeded":
        return READY, ""
    if phase == "Failed":
        return FAILED, st.get("message") or st.get("reason") or "failed"
    ready = _conditions(st).get("Ready", {})
    if phase == "Running" and ready.get("status") == "True":
        return READY, ""
    for container in [*(st.get("initContainerStatuses") or []), *(st.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason") not in (None, "PodInitializing"):
            return IN_PROGRESS, f"container {container['name']}: {waiting['reason']}"
    scheduled = _conditions(st).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return IN_PROGRESS, _why(scheduled)
    return IN_PROGRESS, f"phase {phase or 'unknown'}, not ready"


def _claim(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    return (
        (READY, "") if st.get("phase") == "Bound" else (IN_PROGRESS, f"phase {st.get('phase') or 'unknown'}, not bound")
    )


def _service(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    if spec.get("type") != "LoadBalancer" or (st.get("loadBalancer") or {}).get("ingress"):
        return READY, ""
    return IN_PROGRESS, "no load balancer address yet"


def _definition(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    found = _conditions(st)
    refused = found.get("NamesAccepted", {})
    if refused.get("status") == "False":
        return FAILED, _why(refused)
    return (READY, "") if found.get("Established", {}).get("status") == "True" else (IN_PROGRESS, "not established")


def _disruption_budget(spec: Object, st: Object, obj: Object) -> tuple[str, str]:
    return (READY, "") if "observedGeneration" in st else (IN_PROGRESS, "not seen by its controller yet")


_RULES: dict[str, Callable[[Object, Object, Object], tuple[str, str]]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "ReplicaSet": _replica_set,
    "Job": _job,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "Service": _service,
    "CustomResourceDefinition": _definition,
    "PodDisruptionBudget": _disruption_budget,
}
