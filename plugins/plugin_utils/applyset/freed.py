# Copyright (c) 2026 GreenLang. All rights reserved.
"""What an object that is deleted gives back to its successor: its share of quotas, its addresses and ports. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from ..errors import ApiError
from ..kubernetes import quantity
from ..kubernetes.kinds import Resource

Object = Mapping[str, Any]
_EXCEEDED = re.compile(r"exceeded quota: [^,]+, requested: (\S+), used: (\S+), limited: (\S+)")


def is_exceeded(exc: ApiError) -> bool:
    return exc.status == 403 and "exceeded quota: " in str(exc)


def would_fit(exc: ApiError, old: Object, resource: Resource) -> bool:
    """Whether a quota that is exceeded would not be once the old object is gone."""
    match = _EXCEEDED.search(str(exc))
    if exc.status != 403 or match is None:
        return False
    try:
        requested, used, limited = (_amounts(text) for text in match.groups())
        return all(
            used.get(name, Fraction(0)) - _share(old, resource, name) + amount <= limited[name]
            for name, amount in requested.items()
        )
    except (ValueError, KeyError):
        return False


def _amounts(text: str) -> dict[str, Fraction]:
    """Of "pods=1,requests.cpu=500m"."""
    pairs = (part.rpartition("=") for part in text.split(","))
    return {name: quantity.parse(amount) for name, _equals, amount in pairs}


def _share(old: Object, resource: Resource, name: str) -> Fraction:
    """How much of a quota's resource of this name an object takes. 0 where that is not known."""
    plural = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    if name in (f"count/{plural}", plural):
        return Fraction(1)
    spec = old.get("spec") or {}
    if resource.kind == "Service" and not resource.group:
        kind, ports = spec.get("type"), spec.get("ports") or []
        numbers = {"services.loadbalancers": int(kind == "LoadBalancer"), "services.nodeports": _node_ports(ports)}
        return Fraction(numbers.get(name, 0))
    if resource.kind == "Pod" and not resource.group:
        return _of_pod(spec, name)
    return Fraction(0)


def _node_ports(ports: Iterable[Object]) -> int:
    return sum(1 for port in ports if port.get("nodePort"))


def _of_pod(spec: Object, name: str) -> Fraction:
    """What a pod's containers ask for together, or one of those that prepare them if that is more."""
    section, _dot, resource = (
        name.partition(".") if name.startswith(("requests.", "limits.")) else ("requests", "", name)
    )
    together = sum((_asked(one, section, resource) for one in spec.get("containers") or []), Fraction(0))
    before = [_asked(one, section, resource) for one in spec.get("initContainers") or []]
    extra = quantity.parse((spec.get("overhead") or {}).get(resource, 0))
    return max([together, *before]) + extra


def _asked(container: Object, section: str, resource: str) -> Fraction:
    return quantity.parse(((container.get("resources") or {}).get(section) or {}).get(resource, 0))


def without_taken(desired: Object, old: Object) -> dict[str, Any]:
    """A Service without those addresses and ports that the old one holds, and that nobody else may take meanwhile."""
    if desired["kind"] != "Service" or desired["apiVersion"] != "v1":
        return dict(desired)
    spec, held = dict(desired.get("spec") or {}), old.get("spec") or {}
    addresses = {held.get("clusterIP"), *(held.get("clusterIPs") or [])} - {"None", "", None}
    if addresses & {spec.get("clusterIP"), *(spec.get("clusterIPs") or [])}:
        spec.pop("clusterIP", None)
        spec.pop("clusterIPs", None)
    ports = {port.get("nodePort") for port in held.get("ports") or []}
    if "ports" in spec:
        spec["ports"] = [_without_node_port(port) if port.get("nodePort") in ports else port for port in spec["ports"]]
    if spec.get("healthCheckNodePort") == held.get("healthCheckNodePort"):
        spec.pop("healthCheckNodePort", None)
    return {**desired, "spec": spec}


def _without_node_port(port: Object) -> dict[str, Any]:
    return {key: value for key, value in port.items() if key != "nodePort"}
