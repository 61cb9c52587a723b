# Copyright (c) 2026 GreenLang. All rights reserved.
"""A node whose machine is off for good: no kubelet says that its pods have ended, nor gives their volumes back.

As upstream has it (kubernetes.io, Non-graceful node shutdown): whoever knows that the machine is off says so by a
taint, and the control plane detaches the node's volumes at once. Of a kubelet that still reports nobody may say it:
its pods run, and would run a second time elsewhere.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ..errors import Conflict, InputError, VcciError
from ..kubernetes.client import MERGE_PATCH, Client
from .life import FIELD_MANAGER

KEY = "node.kubernetes.io/out-of-service"
TAINT = {"key": KEY, "value": "nodeshutdown", "effect": "NoExecute"}
GRACE = 60  # seconds that a node has been unreachable before somebody may say that it is gone
TRIES = 8  # writes that others were ahead of

Node = Mapping[str, Any]


def silent(node: Node, now: datetime.datetime) -> int | None:
    """Seconds since the control plane found that its kubelet does not report; None for one that does."""
    for condition in (node.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Ready" and condition["status"] == "Unknown":
            since = condition.get("lastTransitionTime")
            return int((now - datetime.datetime.fromisoformat(since)).total_seconds()) if since else 0
    return None


def require_silent(node: Node, now: datetime.datetime) -> None:
    """InputError for a node of which nobody may say that it is gone."""
    name, seconds = node["metadata"]["name"], silent(node, now)
    if seconds is None:
        raise InputError(
            f"gone: the kubelet of node {name} reports, so that its pods may run. Remedy: empty it as every other, "
            f"without gone; if its machine was just turned off, wait until the node's Ready is Unknown"
        )
    if seconds < GRACE:
        raise InputError(
            f"gone: node {name} has been unreachable for {seconds} s only. Remedy: make sure that its machine is off, "
            f"and run this again when it has been for {GRACE} s"
        )


def is_out(node: Node) -> bool:
    return any(taint["key"] == KEY for taint in (node.get("spec") or {}).get("taints") or ())


def put(client: Client, name: str, *, out: bool) -> None:
    """Have a node that is there be out of service, or be no more."""
    for _try in range(TRIES):
        node = client.get("v1", "Node", name)
        if node is None or is_out(node) == out:
            return
        others = [taint for taint in (node.get("spec") or {}).get("taints") or () if taint["key"] != KEY]
        taints = [*others, TAINT] if out else others
        body = {
            "metadata": {"resourceVersion": node["metadata"]["resourceVersion"]},
            "spec": {"taints": taints or None},
        }
        path, query = client.resource("v1", "Node").path(None, name), {"fieldManager": FIELD_MANAGER}
        try:
            client.request("PATCH", path, body=body, content_type=MERGE_PATCH, query=query)
        except Conflict:
            continue
        return
    raise VcciError(f"node {name} was changed {TRIES} times while its taints were to be written; run this again")
