# Copyright (c) 2026 GreenLang. All rights reserved.
"""When objects of the server's own kinds are ready: one function a kind, of its spec, status and conditions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Object = Mapping[str, Any]
State = tuple[str, str]  # one of the following and, unless it is ready, what is missing
READY, IN_PROGRESS, FAILED, TERMINATING = "ready", "in progress", "failed", "terminating"
_NO_DEADLINE = 2**31 - 1  # seconds of a Deployment whose controller keeps no account of its progress
UNSEEN = "not seen by its controller yet"


def conditions(st: Object) -> dict[str, Object]:
    """By their types. What others wrote there may be anything."""
    listed = st.get("conditions") if isinstance(st, Mapping) else None
    return {str(one.get("type")): one for one in listed if isinstance(one, Mapping)} if isinstance(listed, list) else {}


def why(condition: Object) -> str:
    """Reason and message of a condition."""
    return (
        ": ".join(str(condition[k]) for k in ("reason", "message") if condition.get(k))
        or f"{condition.get('type')}={condition.get('status')}"
    )


def _is_true(condition: Object | None) -> bool:
    return condition is not None and condition.get("status") == "True"


def _deployment(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    progressing = found.get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return FAILED, why(progressing)
    if "observedGeneration" not in st:
        return IN_PROGRESS, UNSEEN
    if spec.get("paused"):
        return READY, ""
    wanted, total, updated = spec.get("replicas", 1), st.get("replicas", 0), st.get("updatedReplicas", 0)
    ready, available = st.get("readyReplicas", 0), st.get("availableReplicas", 0)
    missing = ""
    if total < wanted or updated < wanted:
        missing = f"{min(total, updated)}/{wanted} replicas updated"
    elif total > updated:
        missing = f"{total - updated} old replicas still running"
    elif total > wanted:
        missing = f"{total - wanted} replicas too many"
    elif available < updated or ready < wanted:
        missing = f"{min(ready, available)}/{wanted} replicas available"
    elif spec.get("progressDeadlineSeconds", _NO_DEADLINE) != _NO_DEADLINE and not _is_rolled_out(progressing):
        missing = f"not rolled out: {why(progressing)}" if progressing else "not rolled out"
    elif not _is_true(found.get("Available")):
        missing = "not available"
    failure = found.get("ReplicaFailure")
    if missing and failure and _is_true(failure):  # pods that a quota or a policy refuses
        missing += f": {why(failure)}"
    return (IN_PROGRESS, missing) if missing else (READY, "")


def _is_rolled_out(progressing: Object) -> bool:
    return _is_true(progressing) and progressing.get("reason") == "NewReplicaSetAvailable"


def _stateful_set(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return READY, ""
    if "observedGeneration" not in st:
        return IN_PROGRESS, UNSEEN
    wanted, there = spec.get("replicas", 1), st.get("replicas", 0)
    if there < wanted or st.get("readyReplicas", 0) < wanted:
        return IN_PROGRESS, f"{st.get('readyReplicas', 0)}/{wanted} pods ready"
    if spec.get("minReadySeconds") and st.get("availableReplicas", 0) < wanted:
        return IN_PROGRESS, f"{st.get('availableReplicas', 0)}/{wanted} pods available"
    if there > wanted:
        return IN_PROGRESS, f"{there - wanted} pods too many"
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    updated = st.get("updatedReplicas", 0)
    if partition:
        done = updated >= wanted - partition
        return (READY, "") if done else (IN_PROGRESS, f"{updated}/{wanted - partition} pods updated")
    if st.get("currentReplicas", 0) < wanted or st.get("currentRevision") != st.get("updateRevision"):
        return IN_PROGRESS, f"{updated}/{wanted} pods updated"
    return READY, ""


def _daemon_set(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    if "observedGeneration" not in st or "desiredNumberScheduled" not in st:
        return IN_PROGRESS, UNSEEN
    wanted = st["desiredNumberScheduled"]
    by_hand = (spec.get("updateStrategy") or {}).get("type") == "OnDelete"
    for name, what in (
        ("currentNumberScheduled", "scheduled"),
        *(() if by_hand else (("updatedNumberScheduled", "updated"),)),
        ("numberAvailable", "available"),
        ("numberReady", "ready"),
    ):
        if st.get(name, 0) < wanted:
            return IN_PROGRESS, f"{st.get(name, 0)}/{wanted} pods {what}"
    return READY, ""


def _replica_set(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    failure = found.get("ReplicaFailure")
    if failure and _is_true(failure):
        return IN_PROGRESS, why(failure)
    wanted = spec.get("replicas", 1)
    done = min(st.get(name, 0) for name in ("fullyLabeledReplicas", "availableReplicas", "readyReplicas"))
    if done < wanted:
        return IN_PROGRESS, f"{done}/{wanted} replicas available"
    more = st.get("replicas", 0) - wanted
    return (IN_PROGRESS, f"{more} replicas too many") if more > 0 else (READY, "")


def _job(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    if _is_true(found.get("Complete")):
        return READY, ""
    for name in ("Failed", "FailureTarget"):
        if _is_true(found.get(name)):
            return FAILED, why(found[name])
    if spec.get("suspend") or spec.get("parallelism") == 0:
        return READY, ""
    done = f"{st.get('succeeded', 0)}/{spec.get('completions', 1)} completed"
    return IN_PROGRESS, f"{done}, {st.get('active', 0)} active, {st.get('failed', 0)} failed"


def _pod(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    phase = st.get("phase")
    if phase == "Succeeded":
        return READY, ""
    if phase == "Failed":
        return FAILED, st.get("message") or st.get("reason") or "failed"
    if phase == "Running" and _is_true(found.get("Ready")):
        return READY, ""
    for container in [*(st.get("initContainerStatuses") or []), *(st.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason") not in (None, "PodInitializing"):
            return IN_PROGRESS, f"container {container['name']}: {waiting['reason']}"
    gates = ", ".join(str(gate.get("name")) for gate in spec.get("schedulingGates") or [])
    if gates:
        return IN_PROGRESS, f"held by its scheduling gates: {gates}"
    scheduled = found.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return IN_PROGRESS, why(scheduled)
    return IN_PROGRESS, f"phase {phase or 'unknown'}, not ready"


def _claim(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    phase = st.get("phase") or "unknown"
    if phase == "Lost":
        return FAILED, "its volume is lost"
    return (READY, "") if phase == "Bound" else (IN_PROGRESS, f"phase {phase}, not bound")


def _service(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    if spec.get("type") != "LoadBalancer" or (st.get("loadBalancer") or {}).get("ingress"):
        return READY, ""
    return IN_PROGRESS, "no load balancer address yet"


def _definition(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    refused, established = found.get("NamesAccepted", {}), found.get("Established", {})
    if refused.get("status") == "False":
        return FAILED, why(refused)
    if established.get("status") == "False" and established.get("reason") != "Installing":
        return FAILED, why(established)
    return (READY, "") if _is_true(established) else (IN_PROGRESS, "not established")


def _disruption_budget(spec: Object, st: Object, found: Mapping[str, Object]) -> State:
    return (READY, "") if "observedGeneration" in st else (IN_PROGRESS, UNSEEN)


RULES: dict[tuple[str, str], Callable[[Object, Object, Mapping[str, Object]], State]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "ReplicationController"): _replica_set,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("policy", "PodDisruptionBudget"): _disruption_budget,
}
