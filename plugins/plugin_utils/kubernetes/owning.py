# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who makes which pods: an owner counts only if it is there, since anybody may name one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .kinds import group_of

Object = Mapping[str, Any]
Owner = tuple[str, str, str]  # group, kind, name
Owners = Mapping[str, Owner]  # by uid

# What makes pods.
MAKERS = (
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("v1", "ReplicationController"),
)
_OF_PODS = {(group_of(api_version), kind) for api_version, kind in MAKERS}


def owners(workloads: Iterable[Object]) -> dict[str, Owner]:
    """The workloads that are there, as those that an object may name as its owner."""
    found: dict[str, Owner] = {}
    for workload in workloads:
        meta = workload["metadata"]
        found[meta.get("uid", "")] = (group_of(workload["apiVersion"]), workload["kind"], meta["name"])
    return found


def bare(pods: Sequence[Object], there: Owners) -> list[Object]:
    """Running pods that nothing would make again: whatever owner they name, it is not there, or makes no pods."""
    stay = [pod for pod in pods if not has_ended(pod) and not pod["metadata"].get("deletionTimestamp")]
    alone = [pod for pod in stay if not follows(pod, _OF_PODS, there)]
    return sorted(alone, key=lambda pod: str(pod["metadata"]["name"]))


def has_ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def follows(obj: Object, kinds: set[tuple[str, str]], there: Owners) -> bool:
    """Whether the owner that controls it is there, is the one that it names, and is of these kinds."""
    for owner in obj["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            named = (group_of(owner.get("apiVersion", "")), owner.get("kind"), owner.get("name"))
            return named[:2] in kinds and there.get(owner.get("uid", "")) == named
    return False
