# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which disruption budgets keep which pods, now or for ever, as the API server's eviction judges it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

_PERCENT = re.compile(r"(\d{1,3})%", re.ASCII)


@dataclass(frozen=True)
class Kept:
    """`pod` cannot be evicted, because of `budget`. `never`: waiting does not help."""

    pod: str
    owner: str
    budget: str
    never: bool
    why: str

    def __str__(self) -> str:
        return f"Pod {self.pod} of {self.owner} is kept by PodDisruptionBudget {self.budget}: {self.why}"


def keeping(pods: Iterable[Object], budgets: Sequence[Object], scales: Mapping[str, int] | None = None) -> list[Kept]:
    """Of these pods those that an eviction would be refused.

    scales  uid of what controls pods → how many it wants; without it a budget's own count is all that is known.
    """
    found = []
    for pod in pods:
        ours = [budget for budget in budgets if _selects(budget, pod)]
        if len(ours) > 1:
            names = " and ".join(_name(budget) for budget in ours)
            found.append(
                Kept(_name(pod), owner(pod), names, True, "an eviction heeds one budget alone, and refuses at two")
            )
        elif ours and not _may_go_unready(ours[0], pod):
            why, never = _refusal(ours[0], scales or {}, pod)
            if why:
                found.append(Kept(_name(pod), owner(pod), _name(ours[0]), never, why))
    return found


def kept_together(pods: Iterable[Object], budgets: Iterable[Object]) -> list[tuple[str, str]]:
    """What is said of the budgets, each with its namespace, that do not let all of these pods be away at one time.

    Those that never allow a disruption are `keeping`'s.
    """
    found, there = [], [pod for pod in pods if _is_ready(pod)]
    for budget in budgets:
        ours, status = sorted(_name(pod) for pod in there if _selects(budget, pod)), budget.get("status") or {}
        most = int(status.get("expectedPods") or 0) - int(status.get("desiredHealthy") or 0)
        if len(ours) > most and not never(budget):
            lets = f"lets {most} of {', '.join(ours)} be away at one time, and they find no place meanwhile"
            found.append((str(budget["metadata"].get("namespace", "")), f"PodDisruptionBudget {_name(budget)} {lets}"))
    return found


def never(budget: Object, wanted: int | None = None) -> str | None:
    """Why a budget never allows a disruption; None when it does, as soon as all its pods are well.

    wanted  how many pods a workload of it wants, which may be more than there are, and than its status counts.
    """
    spec, status = budget.get("spec") or {}, budget.get("status") or {}
    expected = max(wanted or 0, int(status.get("expectedPods") or 0))
    most, least = spec.get("maxUnavailable"), spec.get("minAvailable")
    if most is not None:
        return f"maxUnavailable is {most}" if expected and _scaled(most, expected) == 0 else None
    if least is None or not expected:
        return None
    needed = _scaled(least, expected)
    return f"minAvailable is {least} of {expected}" if needed >= expected else None


def owner(pod: Object) -> str:
    """What controls a pod, for a message; of a ReplicaSet that a Deployment made, the Deployment."""
    meta = pod["metadata"]
    for one in meta.get("ownerReferences") or ():
        if one.get("controller"):
            template = (meta.get("labels") or {}).get("pod-template-hash")
            if one["kind"] == "ReplicaSet" and template and one["name"].endswith(f"-{template}"):
                return f"Deployment {one['name'].removesuffix(f'-{template}')}"
            return f"{one['kind']} {one['name']}"
    return "nobody"


def matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """As policy/v1 has it: an empty selector is all pods of the namespace, none is no pod."""
    if selector is None:
        return False
    for name, value in (selector.get("matchLabels") or {}).items():
        if labels.get(name) != value:
            return False
    return all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(wanted: Object, labels: Mapping[str, str]) -> bool:
    name, values, operator = wanted["key"], wanted.get("values") or (), wanted["operator"]
    if operator == "Exists":
        return name in labels
    if operator == "DoesNotExist":
        return name not in labels
    return (labels.get(name) in values) if operator == "In" else (labels.get(name) not in values)


def _selects(budget: Object, pod: Object) -> bool:
    if budget["metadata"].get("namespace") != pod["metadata"].get("namespace"):
        return False
    return matches((budget.get("spec") or {}).get("selector"), pod["metadata"].get("labels") or {})


def _may_go_unready(budget: Object, pod: Object) -> bool:
    """A pod that has not begun or has ended is no matter of budgets; nor may be one that is not Ready."""
    if (pod.get("status") or {}).get("phase") in ("Pending", "Succeeded", "Failed"):
        return True
    if pod["metadata"].get("deletionTimestamp"):
        return True
    status, spec = budget.get("status") or {}, budget.get("spec") or {}
    if _is_ready(pod):
        return False
    enough = int(status.get("currentHealthy") or 0) >= int(status.get("desiredHealthy") or 0) > 0
    return spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow" or enough


def _refusal(budget: Object, scales: Mapping[str, int], pod: Object) -> tuple[str, bool]:
    status = budget.get("status") or {}
    uids = (one.get("uid") for one in pod["metadata"].get("ownerReferences") or () if one.get("controller"))
    why = never(budget, scales.get(next(uids, "")))
    if why:
        return f"it never allows a disruption ({why})", True
    if int(status.get("disruptionsAllowed") or 0) > 0:
        return "", False
    healthy, needed = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    return f"{healthy} are healthy, {needed} must be; it allows none now", False


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _scaled(value: object, expected: int) -> int:
    """A number, or a share of `expected`, rounded up as Kubernetes does for both fields of a budget."""
    percent = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if percent:
        return -(-int(percent[1]) * expected // 100)
    return int(str(value))


def _name(obj: Object) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
