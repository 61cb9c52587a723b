# Copyright (c) 2026 GreenLang. All rights reserved.
"""Waiting until objects that are being deleted are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ApiError, NotFound, WaitTimeout
from ..kubernetes.client import METADATA_ONLY
from ..kubernetes.kstatus import TERMINATING, conditions
from ..waiting import until
from .context import Context
from .doomed import Doomed

GONE_TIMEOUT = 120.0  # seconds
LABELS_SHOWN = 4
# Conditions of a namespace that tell what it waits for: the last ones that an API group does not answer.
_REMAINING = (
    "NamespaceContentRemaining",
    "NamespaceFinalizersRemaining",
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
)


def until_gone(run: Context, label: str, path: str, uid: str | None, timeout: float) -> None:
    """Until no object is at `path`, or another than that of this uid. The error does not name it."""
    meta: Mapping[str, Any] = {}

    def gone() -> bool:
        nonlocal meta
        found = _meta(run, path, uid)
        meta = found or {}
        return found is None

    def late(waited: int) -> WaitTimeout:
        message = f"is being deleted and not gone after {waited} s; held by {_holders(run, path, meta)}"
        return WaitTimeout(message, [{"object": label, "state": TERMINATING, "message": message}])

    until(gone, timeout, run.say, awaited=lambda: f"{label} is being deleted", late=late, longest=2.0)


def until_all_gone(run: Context, going: Iterable[Doomed], timeout: float) -> None:
    """Until all of them are gone. The error names each that is left, and what holds it."""
    pending = list(going)
    metas: list[Mapping[str, Any] | None] = []

    def gone() -> bool:
        nonlocal pending, metas
        found = run.workers.map(lambda entry: _meta(run, entry.path, entry.meta.get("uid")), pending)
        pending = [entry for entry, meta in zip(pending, found, strict=True) if meta is not None]
        metas = [meta for meta in found if meta is not None]
        return not pending

    def awaited() -> str:
        more = len(pending) - LABELS_SHOWN
        names = ", ".join(entry.ref.label for entry in pending[:LABELS_SHOWN])
        return f"to be gone: {names}" + (f" and {more} more" if more > 0 else "")

    def late(waited: int) -> WaitTimeout:
        details = []
        for entry, meta in zip(pending, metas, strict=True):
            message = f"is being deleted and not gone after {waited} s; held by {_holders(run, entry.path, meta or {})}"
            details.append({"object": entry.ref.label, "state": TERMINATING, "message": message})
        lines = [f"{detail['object']} {detail['message']}" for detail in details[:LABELS_SHOWN]]
        more = [f"… and {len(details) - LABELS_SHOWN} more"] if len(details) > LABELS_SHOWN else []
        return WaitTimeout("\n".join([*lines, *more]), details)

    until(gone, timeout, run.say, awaited=awaited, late=late, longest=2.0)


def _meta(run: Context, path: str, uid: str | None) -> Mapping[str, Any] | None:
    """The object's metadata; None when it is gone."""
    try:
        meta: Mapping[str, Any] = run.client.request("GET", path, accept=METADATA_ONLY)["metadata"]
    except NotFound:
        return None
    return meta if meta.get("uid") == uid else None


def _holders(run: Context, path: str, meta: Mapping[str, Any]) -> str:
    """Its finalizers; of a namespace, what is left in it, as its controller says, or what that cannot know."""
    finalizers = ", ".join(meta.get("finalizers") or [])
    if path.startswith("/api/v1/namespaces/") and path.count("/") == 4:
        try:
            conditions = (run.client.request("GET", path).get("status") or {}).get("conditions") or []
        except ApiError:
            conditions = []
        left = [c.get("message", "") for c in conditions if c.get("type") in _REMAINING and c.get("status") == "True"]
        left = left or _silent(run)
        return "; ".join([part for part in (finalizers, *left) if part]) or "what is in it"
    return finalizers or "its dependents"


def _silent(run: Context) -> list[str]:
    """APIs for which nobody answers: while there is one, nobody knows whether a namespace is empty."""
    try:
        services = run.client.list("apiregistration.k8s.io/v1", "APIService")
    except ApiError:
        return []
    away = [
        one for one in services if conditions(one.get("status") or {}).get("Available", {}).get("status") == "False"
    ]
    return [f"APIService {one['metadata']['name']}, which is not available, in every namespace" for one in away]
