# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which version may follow which (kubernetes.io/releases/version-skew-policy). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import InputError, brief
from .findings import Finding, Object
from .standing import stand

OLDEST = 3  # minors that a kubelet may be older than the API server; it may never be newer
SUPPORTED = range(35, 38)  # minors for which this collection is tested
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?", re.ASCII)


def parse(version: object, field: str = "version") -> tuple[int, int | None]:
    """Minor and patch; None for a patch that is not said. InputError names the field."""
    found = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if not found or found[1] != "1":
        hint = ' in quotes, such as "1.37"' if isinstance(version, float | int) else " such as 1.37 or v1.37.2"
        raise InputError(f"{field}: {brief(version)!r} is no version of Kubernetes. Remedy: give one{hint}")
    return int(found[2]), int(found[3]) if found[3] else None


def of_control_plane(current: str, target: str) -> list[Finding]:
    """One minor at a time, and never back."""
    (here, patch), (there, wanted) = parse(current, "the cluster's version"), parse(target)
    back = "Remedy: a lower version is only reached by cluster_rollback, from the snapshot that an upgrade took"
    if there < here:
        return [_no(f"version: {target} is lower than the cluster's {current}. {back}")]
    if there > here + 1:
        return [
            _no(f"version: {target} skips minors after the cluster's {current}. Remedy: upgrade to 1.{here + 1} first")
        ]
    if there == here and wanted is not None and patch is not None and wanted < patch:
        return [_no(f"version: {target} is lower than the cluster's {current}. {back}")]
    if there not in SUPPORTED:
        supported = f"1.{SUPPORTED[0]} to 1.{SUPPORTED[-1]}"
        return [
            _no(f"version: {target} is not supported by this collection; {supported} are. Remedy: give one of them")
        ]
    return []


def of_nodes(nodes: Iterable[Object], current: str, target: str) -> list[Finding]:
    """Kubelets must be in reach of the new API server, and none may be ahead of the old one."""
    here, there = parse(current, "the cluster's version")[0], parse(target)[0]
    found = []
    for node in nodes:
        name = node["metadata"]["name"]
        version = ((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion") or ""
        kubelet = _VERSION.match(version)
        if not kubelet:
            continue  # no kubelet of Kubernetes: a simulated one
        minor = int(kubelet[2])
        if minor > max(here, there):
            found.append(
                _no(f"node {name} runs {version}, newer than the cluster. Remedy: replace it by one of 1.{here}")
            )
        elif there - minor > OLDEST:
            found.append(
                _no(f"node {name} runs {version}, over {OLDEST} minors older than 1.{there}. Remedy: upgrade it first")
            )
    return found


def ready(nodes: Iterable[Object]) -> list[Finding]:
    """Every node is Ready and takes pods before anything begins."""
    found = []
    for node in nodes:
        name = node["metadata"]["name"]
        why = stand(node).trouble
        if why:
            found.append(Finding("nodes", True, f"node {name} is not Ready ({why}). Remedy: mend or remove it first"))
        elif (node.get("spec") or {}).get("unschedulable"):
            found.append(
                Finding("nodes", True, f"node {name} takes no pods. Remedy: return it first (node_maintenance)")
            )
    return found


def _no(what: str) -> Finding:
    return Finding("skew", True, what)
