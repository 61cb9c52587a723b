# Copyright (c) 2026 GreenLang. All rights reserved.
"""On which nodes a pod may run, as the scheduler's own filters say it. Pure.

Heard: node selector, required node affinity, taints, required anti-affinity by host name, whether a node takes pods.
Not heard: what is only preferred, spreading, and whether a node is Ready, which is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..kubernetes.budgets import matches

Object = Mapping[str, Any]
HOSTNAME = "kubernetes.io/hostname"
KEEP_AWAY = ("NoSchedule", "NoExecute")
# What a node is given while it is away, and loses again
PASSING = "node.kubernetes.io/"


def hindrance(pod: Object, node: Object) -> str | None:
    """Why a pod may not run on a node, in words; None when it may."""
    spec, labels = pod.get("spec") or {}, node["metadata"].get("labels") or {}
    if (node.get("spec") or {}).get("unschedulable"):
        return "takes no pods"
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return "is none that its node selector names"
    taint = next((one for one in (node.get("spec") or {}).get("taints") or () if _repels(one, spec)), None)
    if taint:
        return f"has the taint {taint['key']}={taint.get('value', '')}:{taint['effect']}"
    wanted = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    if wanted and not any(_term(term, labels, node["metadata"]["name"]) for term in wanted["nodeSelectorTerms"]):
        return "is none that its affinity names"
    return None


def avoids(pod: Object, others: Iterable[Object]) -> bool:
    """Whether one of the pods on a node is one beside which this one must not be, or that must not be beside it."""
    return any(_repelled(pod, other) or _repelled(other, pod) for other in others)


def _repels(taint: Object, spec: Object) -> bool:
    if taint.get("effect") not in KEEP_AWAY or str(taint.get("key", "")).startswith(PASSING):
        return False
    return not any(_tolerates(one, taint) for one in spec.get("tolerations") or ())


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")


def _term(term: Object, labels: Mapping[str, str], name: str) -> bool:
    expressions = list(term.get("matchExpressions") or ())
    numeric = [one for one in expressions if one["operator"] in ("Gt", "Lt")]
    others = [one for one in expressions if one not in numeric]
    fields = term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    known = {"metadata.name": name}
    return (
        matches({"matchExpressions": others}, labels)
        and matches({"matchExpressions": fields}, known)
        and all(_compares(one, labels) for one in numeric)
    )


def _compares(wanted: Object, labels: Mapping[str, str]) -> bool:
    value, bound = labels.get(wanted["key"], ""), str(wanted["values"][0])
    if not (value.isdecimal() and bound.isdecimal()):
        return False
    return int(value) > int(bound) if wanted["operator"] == "Gt" else int(value) < int(bound)


def _repelled(one: Object, beside: Object) -> bool:
    affinity = ((one.get("spec") or {}).get("affinity") or {}).get("podAntiAffinity") or {}
    for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
        namespaces = term.get("namespaces") or [one["metadata"].get("namespace")]
        if term.get("topologyKey") != HOSTNAME or beside["metadata"].get("namespace") not in namespaces:
            continue
        if matches(term.get("labelSelector"), beside["metadata"].get("labels") or {}):
            return True
    return False
