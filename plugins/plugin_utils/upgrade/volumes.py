# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which pods cannot leave their nodes, since their volumes are there and nowhere else. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .findings import Finding
from .placing import hindrance

Object = Mapping[str, Any]


def bound(
    pods: Iterable[Object],
    claims: Iterable[Object],
    volumes: Iterable[Object],
    nodes: Sequence[Object],
    away: Collection[str] = (),
) -> dict[str, str]:
    """Pods (namespace/name) → the names of the nodes, without any of which their volumes are out of reach: their own,
    and those that are `away` at the same time."""
    of_claim = {_name(claim): (claim.get("spec") or {}).get("volumeName") for claim in claims}
    by_name = {volume["metadata"]["name"]: volume for volume in volumes}
    found = {}
    for pod in pods:
        here = (pod.get("spec") or {}).get("nodeName")
        used = filter(None, (by_name.get(of_claim.get(name) or "") for name in _claims(pod)))
        reach = [set(places(volume, nodes)) for volume in used]
        common = set.intersection(*reach) if reach else set()
        if here and common and common <= {here, *away}:
            found[_name(pod)] = ", ".join(sorted(common))
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
    """Where nodes `return` with their disks, their pods wait for them; where others come, their data is lost."""
    found = []
    for where in sorted(set(pods.values())):
        names = ", ".join(sorted(name for name, nodes in pods.items() if nodes == where))
        several = ", " in where
        waits = f"they are down until {'one of these' if several else 'it'} is back"
        after = waits if returns else "back it up and restore it elsewhere, or its data is lost"
        on = f"nodes {where}" if several else f"node {where}"
        found.append(Finding("volumes", not returns, f"volumes of {names} are on {on} alone. Remedy: {after}"))
    return found


def _claims(pod: Object) -> list[str]:
    where, volumes = pod["metadata"].get("namespace", ""), (pod.get("spec") or {}).get("volumes") or ()
    named = [one["persistentVolumeClaim"]["claimName"] for one in volumes if one.get("persistentVolumeClaim")]
    own = [f"{pod['metadata']['name']}-{one['name']}" for one in volumes if one.get("ephemeral")]
    return [f"{where}/{name}" for name in (*named, *own)]


def _name(obj: Object) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
