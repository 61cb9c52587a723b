# Copyright (c) 2026 GreenLang. All rights reserved.
"""Pods of a StatefulSet that are of an older revision and do not start.

The rolling update of a StatefulSet waits for each pod, and also for one whose revision can never start: a good setting
that follows a bad one would not reach it ("Forced rollback" in Kubernetes' page on StatefulSets). So such a pod is
deleted, and its controller makes the new one. It takes nothing from a disruption budget: these count pods that are
ready, and it is deleted only if it is still as it was seen. One at a time: the next when all pods of the new revision
are ready.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ..errors import Conflict, NotFound
from ..kubernetes.rules import conditions
from .context import Context
from .pods import CONTROLLER_HASH, owner_of
from .trouble import is_ready, of_pod

Object = Mapping[str, Any]
_INDEX = "apps.kubernetes.io/pod-index"


def hindrance(stateful_set: Object, pods: list[Object], patience: float) -> Object | None:
    """The pod that has to go next.

    patience  seconds for which a pod that runs may not be ready.
    """
    spec, status = stateful_set.get("spec") or {}, stateful_set.get("status") or {}
    strategy, revision = spec.get("updateStrategy") or {}, status.get("updateRevision")
    seen = status.get("observedGeneration") == stateful_set["metadata"].get("generation")
    if strategy.get("type") == "OnDelete" or not revision or not seen:
        return None
    own = [pod for pod in pods if owner_of(pod) == stateful_set["metadata"]["uid"]]
    if any(pod["metadata"].get("deletionTimestamp") for pod in own):
        return None
    old = [pod for pod in own if (pod["metadata"].get("labels") or {}).get(CONTROLLER_HASH) != revision]
    if not all(is_ready(pod) for pod in own if pod not in old):
        return None
    first = (spec.get("ordinals") or {}).get("start") or 0
    first += (strategy.get("rollingUpdate") or {}).get("partition") or 0
    late = [pod for pod in old if _ordinal(pod) >= first and not is_ready(pod) and _does_not_start(pod, patience)]
    return min(late, key=_ordinal, default=None)


def replace(run: Context, pod: Object) -> bool:
    """Delete it if it is still as it was seen; whether it was."""
    meta = pod["metadata"]
    name, namespace = meta["name"], meta["namespace"]
    same = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
    try:
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        run.client.request("DELETE", path, body={"preconditions": same})
    except (Conflict, NotFound):
        return False
    label = f"Pod {namespace}/{name}"
    run.say(f"{label} is of an older revision and does not start: deleted, so that the new one can follow")
    run.result.replaced.append(label)
    return True


def _does_not_start(pod: Object, patience: float) -> bool:
    trouble = of_pod(pod)
    return (trouble is not None and trouble.stands) or _late(pod) > patience


def _late(pod: Object) -> float:
    """Seconds since when a pod has not been ready."""
    ready = conditions(pod.get("status") or {}).get("Ready", {})
    since = ready.get("lastTransitionTime") or pod["metadata"].get("creationTimestamp")
    if not since:
        return 0.0
    moment = datetime.datetime.fromisoformat(str(since))
    return (datetime.datetime.now(datetime.UTC) - moment).total_seconds()


def _ordinal(pod: Object) -> int:
    index = (pod["metadata"].get("labels") or {}).get(_INDEX) or pod["metadata"]["name"].rpartition("-")[2]
    return int(index) if str(index).isdigit() else 0
