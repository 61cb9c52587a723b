# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which pods cannot leave their node, since a volume of theirs is there and nowhere else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .findings import Finding
from .placing import hindrance

Object = Mapping[str, Any]


def bound(
    pods: Iterable[Object], claims: Iterable[Object], volumes: Iterable[Object], nodes: Sequence[Object]
) -> dict[str, str]:
    """Pods (namespace/name) → their node, of which another node cannot have a volume."""
    of_claim = {_name(claim): (claim.get("spec") or {}).get("volumeName") for claim in claims}
    by_name = {volume["metadata"]["name"]: volume for volume in volumes}
    found = {}
    for pod in pods:
        here = (pod.get("spec") or {}).get("nodeName")
        used = [by_name.get(of_claim.get(name) or "") for name in _claims(pod)]
        if here and any(volume and places(volume, nodes) == [here] for volume in used):
            found[_name(pod)] = here
    return found


def places(volume: Object, nodes: Iterable[Object]) -> list[str]:
    """The names of the nodes that can have a volume."""
    required = ((volume.get("spec") or {}).get("nodeAffinity") or {}).get("required")
    if not required:
        return [node["metadata"]["name"] for node in nodes]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    visitor = {"spec": {"affinity": affinity, "tolerations": [{"operator": "Exists"}]}}
    ready = [{**node, "spec": {}} for node in nodes]
    return [node["metadata"]["name"] for node in ready if hindrance(visitor, node) is None]


def bound_to(pods: Mapping[str, str], *, returns: bool) -> list[Finding]:
    """Where a node `returns` with its disks, its pods wait for it; where another comes, their data is lost."""
    found = []
    for node in sorted(set(pods.values())):
        names = ", ".join(sorted(name for name, where in pods.items() if where == node))
        after = (
            "they are down until it is back" if returns else "back it up and restore it elsewhere, or its data is lost"
        )
        found.append(Finding("volumes", not returns, f"volumes of {names} are on node {node} alone. Remedy: {after}"))
    return found


def _claims(pod: Object) -> list[str]:
    where, volumes = pod["metadata"].get("namespace", ""), (pod.get("spec") or {}).get("volumes") or ()
    named = [one["persistentVolumeClaim"]["claimName"] for one in volumes if one.get("persistentVolumeClaim")]
    own = [f"{pod['metadata']['name']}-{one['name']}" for one in volumes if one.get("ephemeral")]
    return [f"{where}/{name}" for name in (*named, *own)]


def _name(obj: Object) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
