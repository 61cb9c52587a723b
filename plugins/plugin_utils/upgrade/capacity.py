# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether the pods of nodes find room on the others while these are away. Pure.

Pods are placed as a careful scheduler would, the largest first, each where most is free; what it cannot place, a real
one may by moving others, but nobody should count on that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..kubernetes.quantity import parse
from .findings import Finding
from .placing import avoids, hindrance

Object = Mapping[str, Any]
MIRROR = "kubernetes.io/config.mirror"
SHOWN = 5


@dataclass
class Room:
    """A node, what of it is free, and the pods on it."""

    node: Object
    free: dict[str, Fraction]
    pods: list[Object] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.node["metadata"]["name"])

    def take(self, pod: Object, needs: Mapping[str, Fraction]) -> None:
        self.pods.append(pod)
        for resource, amount in needs.items():
            self.free[resource] = self.free.get(resource, Fraction(0)) - amount


def without(
    away: Collection[str], nodes: Sequence[Object], pods: Iterable[Object], bound: Mapping[str, str] | None = None
) -> list[str]:
    """The pods of the nodes `away` that find no room, with the reason.

    bound  pods (namespace/name) → the nodes to which volumes of theirs are bound: they are not looked at here.
    """
    alive = [pod for pod in pods if not _ended(pod) and (pod.get("spec") or {}).get("nodeName")]
    rooms = [_room(node, alive) for node in nodes if node["metadata"]["name"] not in away]
    leaving = [
        pod for pod in alive if pod["spec"]["nodeName"] in away and not stays(pod) and _name(pod) not in (bound or {})
    ]
    homeless = []
    for pod in sorted(leaving, key=_size, reverse=True):
        needs = requests(pod)
        fitting = [room for room in rooms if _why_not(pod, needs, room) is None]
        if fitting:
            max(fitting, key=lambda room: room.free.get("cpu", Fraction(0))).take(pod, needs)
        else:
            homeless.append(f"{_name(pod)} ({_reasons(pod, needs, rooms)})")
    return homeless


def room_left(
    nodes: Sequence[Object],
    pods: Sequence[Object],
    bound: Mapping[str, str],
    groups: Iterable[Sequence[str]],
    *,
    returns: bool,
) -> list[Finding]:
    """For each group of nodes that are away together. Where they return, what has to wait for them is only told."""
    found = []
    for away in groups:
        homeless = without(away, nodes, pods, bound)
        if homeless:
            more = f" and {len(homeless) - SHOWN} more" if len(homeless) > SHOWN else ""
            one = len(away) == 1
            names = f"node{'' if one else 's'} {', '.join(away)}"
            what = f"without {names} no room is left for {', '.join(homeless[:SHOWN])}{more}"
            waits = f"they wait until {'it is' if one else 'these are'} back"
            remedy = waits if returns else "add a node to the pool first (nodes_scale)"
            found.append(Finding("capacity", not returns, f"{what}. Remedy: {remedy}"))
    return found


def requests(pod: Object) -> dict[str, Fraction]:
    """What the scheduler counts: containers together, or the greatest of what is first; and one pod."""
    spec = pod.get("spec") or {}
    total: dict[str, Fraction] = {}
    sidecars: dict[str, Fraction] = {}
    first: dict[str, Fraction] = {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            _add(sidecars, container)
        else:
            for resource, amount in _requested(container).items():
                first[resource] = max(first.get(resource, Fraction(0)), amount + sidecars.get(resource, Fraction(0)))
    for container in spec.get("containers") or ():
        _add(total, container)
    for resource, amount in sidecars.items():
        total[resource] = total.get(resource, Fraction(0)) + amount
    for resource, amount in first.items():
        total[resource] = max(total.get(resource, Fraction(0)), amount)
    for resource, amount in (spec.get("overhead") or {}).items():
        total[resource] = total.get(resource, Fraction(0)) + parse(amount)
    return {**total, "pods": Fraction(1)}


def stays(pod: Object) -> bool:
    """What every node has of its own: pods of DaemonSets, and those that the node itself runs."""
    meta = pod["metadata"]
    daemon = any(one.get("controller") and one["kind"] == "DaemonSet" for one in meta.get("ownerReferences") or ())
    return daemon or MIRROR in (meta.get("annotations") or {})


def _room(node: Object, pods: Sequence[Object]) -> Room:
    sizes = (node.get("status") or {}).get("allocatable") or {}
    room = Room(node, {resource: parse(amount) for resource, amount in sizes.items()})
    for pod in pods:
        if pod["spec"]["nodeName"] == room.name:
            room.take(pod, requests(pod))
    return room


def _why_not(pod: Object, needs: Mapping[str, Fraction], room: Room) -> str | None:
    reason = hindrance(pod, room.node)
    if reason:
        return reason
    short = [resource for resource, amount in needs.items() if amount > room.free.get(resource, Fraction(0))]
    if short:
        return f"has too little {short[0]}"
    return "has a pod beside which it must not be" if avoids(pod, room.pods) else None


def _reasons(pod: Object, needs: Mapping[str, Fraction], rooms: Iterable[Room]) -> str:
    told = [f"{room.name} {_why_not(pod, needs, room)}" for room in rooms]
    return "; ".join(told[:SHOWN]) or "there is no other node"


def _requested(container: Object) -> dict[str, Fraction]:
    asked = (container.get("resources") or {}).get("requests") or {}
    return {resource: parse(amount) for resource, amount in asked.items()}


def _add(total: dict[str, Fraction], container: Object) -> None:
    for resource, amount in _requested(container).items():
        total[resource] = total.get(resource, Fraction(0)) + amount


def _size(pod: Object) -> tuple[Fraction, Fraction]:
    needs = requests(pod)
    return needs.get("memory", Fraction(0)), needs.get("cpu", Fraction(0))


def _ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _name(pod: Object) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"
