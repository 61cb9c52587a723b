# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether the members of a cluster of Patroni stand by each other, as they tell at their pods. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..kubernetes.rules import FAILED, IN_PROGRESS, READY, State
from .state import Object, Seen

CLUSTER = "cluster-name"  # the label by which Patroni knows the pods of one cluster
TOLD = "status"  # the annotation in which each of them tells, in JSON


def state(seen: Seen, stateful_set: Object) -> State:
    """One primary, all others stream from it, and no node is lost with two of them."""
    pods = _members(seen, stateful_set)
    if not pods:
        return READY, ""
    told = {name: _told(pod) for name, pod in sorted(pods.items())}
    primaries = [name for name, one in told.items() if one.get("role") in ("primary", "master") and _runs(one)]
    if len(primaries) != 1:
        several = (
            f"{' and '.join(primaries)} say that they are the primary" if primaries else "no member is the primary"
        )
        return IN_PROGRESS, several
    behind = [name for name, one in told.items() if name not in primaries and not _streams(one)]
    if behind:
        states = ", ".join(f"{name} ({told[name].get('state') or 'has not told'})" for name in behind)
        return IN_PROGRESS, f"does not stream from {primaries[0]}: {states}"
    return _apart(pods)


def _members(seen: Seen, stateful_set: Object) -> dict[str, Object]:
    template = (stateful_set.get("spec") or {}).get("template") or {}
    cluster = ((template.get("metadata") or {}).get("labels") or {}).get(CLUSTER)
    home = stateful_set["metadata"].get("namespace")
    return {
        pod["metadata"]["name"]: pod
        for pod in seen.patroni
        if cluster and pod["metadata"].get("namespace") == home and pod["metadata"]["labels"].get(CLUSTER) == cluster
    }


def _told(pod: Object) -> Mapping[str, Any]:
    try:
        told = json.loads((pod["metadata"].get("annotations") or {}).get(TOLD) or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _runs(told: Mapping[str, Any]) -> bool:
    return bool(told.get("state") == "running")


def _streams(told: Mapping[str, Any]) -> bool:
    return _runs(told) and told.get("replication_state") == "streaming"


def _apart(pods: Mapping[str, Object]) -> State:
    by_node: dict[str, list[str]] = {}
    for name, pod in sorted(pods.items()):
        by_node.setdefault((pod.get("spec") or {}).get("nodeName") or "", []).append(name)
    shared = [f"{' and '.join(names)} are on {node}" for node, names in sorted(by_node.items()) if len(names) > 1]
    if not shared:
        return READY, ""
    return FAILED, f"{'; '.join(shared)}, and would be lost with it: its pool has too few nodes for {len(pods)} members"
