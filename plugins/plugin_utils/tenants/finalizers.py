# Copyright (c) 2026 GreenLang. All rights reserved.
"""Finalizers of the objects in a namespace that goes: which are taken off by force. Pure.

A tenant may put any on its objects, and nobody need take it off again. When their controllers have had their time, all
go but those behind which something outside the cluster would be left that costs money and takes traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LOAD_BALANCERS = {  # by which a cloud's controller knows what it made for a Service or an Ingress
    "service.kubernetes.io/load-balancer-cleanup",
    "service.k8s.aws/resources",
    "ingress.k8s.aws/resources",
    "networking.gke.io/ingress-finalizer-V2",
}

Object = Mapping[str, Any]


def staying(obj: Object) -> list[str]:
    """Those that are left on it: where a load balancer has an address, the one for which its controller removes it."""
    has_address = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    if obj["kind"] not in ("Service", "Ingress") or not has_address:
        return []
    return [one for one in _finalizers(obj) if one in LOAD_BALANCERS]


def going(obj: Object) -> list[str]:
    """Those that are taken off."""
    stay = staying(obj)
    return [one for one in _finalizers(obj) if one not in stay]


def _finalizers(obj: Object) -> list[str]:
    return list(obj["metadata"].get("finalizers") or [])
