# Copyright (c) 2026 GreenLang. All rights reserved.
"""How the nodes of a cluster stand when a procedure that replaces them ended midway. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .findings import Object


@dataclass(frozen=True)
class Stand:
    """What a node says: the version that its kubelet reported last, whether it takes new pods, and why it is not Ready
    ("" when it is)."""

    name: str
    version: str
    schedulable: bool
    trouble: str


def stand(node: Object) -> Stand:
    status, spec = node.get("status") or {}, node.get("spec") or {}
    ready: Object = next((one for one in status.get("conditions") or () if one.get("type") == "Ready"), {})
    trouble = "" if ready.get("status") == "True" else ready.get("reason") or "it never reported"
    if trouble and ready.get("message"):
        trouble = f"{trouble}: {ready['message']}"
    version = (status.get("nodeInfo") or {}).get("kubeletVersion") or "no version yet"
    return Stand(str(node["metadata"]["name"]), version, not spec.get("unschedulable"), trouble)


def order(nodes: Iterable[Object]) -> list[str]:
    """The order in which nodes go back: first those that are not Ready, for which nobody has to wait then."""
    return [one.name for one in sorted(map(stand, nodes), key=lambda one: (not one.trouble, one.name))]


def lines(nodes: Iterable[Object]) -> list[str]:
    """Which versions run where, which nodes take no pods, and which are not Ready."""
    stands = sorted(map(stand, nodes), key=lambda one: one.name)
    versions: dict[str, list[str]] = {}
    for one in stands:
        versions.setdefault(one.version, []).append(one.name)
    told = [
        f"kubelets, as they reported: {'; '.join(f'{each} on {_names(names)}' for each, names in versions.items())}"
    ]
    told += [f"cordoned: {_names([one.name for one in stands if not one.schedulable]) or 'none'}"]
    return [*told, *(f"not Ready: {one.name} ({one.trouble})" for one in stands if one.trouble)] if stands else []


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)
