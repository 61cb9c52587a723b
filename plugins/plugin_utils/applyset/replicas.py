# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whose `spec.replicas` of a workload is. Pure.

A manifest without it leaves it to an autoscaler or to whoever scales. The server's part in that is a trap: a workload
that is created without a number gets one replica, and so does one whose last owner of the number gives it up. So a
workload with an autoscaler in its set is created at the autoscaler's minimum, and a number that is ours and no longer
wanted is first handed over, as it is, to a manager that owns nothing else ("Transferring ownership" in Kubernetes' page
on server-side apply). Whoever scales next takes it from there.

None at all is no number to leave alone: an autoscaler rests then, for ever. A workload that has one and was put at 0 by
hand is brought back to its minimum, unless a procedure says by an annotation that it is at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..kubernetes.kinds import group_of
from .manifests import DIGEST, Ref, mapping
from .owned import our_entry

HANDOVER_MANAGER = "greenlang.vcci-replicas-handover"
HELD = "vcci.greenlang.io/held-at-zero"  # annotation of a workload that a procedure put at 0; its value names it
SCALED_KINDS = {("apps", "Deployment"), ("apps", "StatefulSet")}
Manifest = Mapping[str, Any]


def minimums(objects: Iterable[Manifest]) -> dict[Ref, int]:
    """The least replicas of workloads for which one of the objects is an autoscaler, where that may not go to 0."""
    found: dict[Ref, int] = {}
    for obj in objects:
        if obj["kind"] != "HorizontalPodAutoscaler" or group_of(obj["apiVersion"]) != "autoscaling":
            continue
        spec = mapping(obj.get("spec"))
        target, least = mapping(spec.get("scaleTargetRef")), spec.get("minReplicas")
        least = 1 if least is None else least  # the server's default
        version, kind, name = (str(target.get(key) or "") for key in ("apiVersion", "kind", "name"))
        if isinstance(least, int) and least > 0 and kind and name:
            found[Ref(group_of(version), kind, obj["metadata"].get("namespace") or "", name)] = least
    return found


def leaves_number(desired: Manifest) -> bool:
    """Whether this is the manifest of a workload that leaves the number of replicas to others."""
    if (group_of(desired["apiVersion"]), desired["kind"]) not in SCALED_KINDS:
        return False
    return mapping(desired.get("spec")).get("replicas") is None


def start(minimum: int) -> int | None:
    """The number to say when a workload is created: one is what the server gives it anyhow."""
    return minimum if minimum > 1 else None


def rests(desired: Manifest, live: Manifest, minimum: int) -> bool:
    """Whether a workload that an autoscaler keeps at `minimum` or above is at 0, and no procedure holds it there."""
    number = mapping(live.get("spec")).get("replicas")
    held = (live["metadata"].get("annotations") or {}).get(HELD)
    return minimum > 0 and leaves_number(desired) and number == 0 and not held


def number_is_ours(meta: Manifest, manager: str) -> bool:
    """Whether an object's metadata says that the number on the server is what we applied."""
    fields = our_entry(meta, manager) or {}
    return "f:replicas" in (fields.get("f:spec") or {})


def with_number(desired: Manifest, number: int) -> dict[str, Any]:
    return {**desired, "spec": {**(desired.get("spec") or {}), "replicas": number}}


def unfinished(desired: Manifest) -> dict[str, Any]:
    """A manifest without its digest, which says that all of it was applied: a run that ends before the next step must
    not be taken for complete."""
    meta = dict(desired["metadata"])
    annotations = {key: value for key, value in (meta.pop("annotations", None) or {}).items() if key != DIGEST}
    if annotations:
        meta["annotations"] = annotations
    return {**desired, "metadata": meta}


def number_alone(desired: Manifest, number: int) -> dict[str, Any]:
    """What HANDOVER_MANAGER applies."""
    meta = {key: desired["metadata"][key] for key in ("name", "namespace") if key in desired["metadata"]}
    return {
        "apiVersion": desired["apiVersion"],
        "kind": desired["kind"],
        "metadata": meta,
        "spec": {"replicas": number},
    }
