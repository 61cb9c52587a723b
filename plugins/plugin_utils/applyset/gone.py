# Copyright (c) 2026 GreenLang. All rights reserved.
"""Waiting until an object that is being deleted is gone."""

from __future__ import annotations

from typing import Any

from ..errors import NotFound, WaitTimeout
from ..kubernetes.client import METADATA_ONLY
from ..kubernetes.kstatus import TERMINATING
from ..waiting import until
from .context import Context

GONE_TIMEOUT = 120.0  # seconds


def until_gone(run: Context, label: str, path: str, uid: str | None, timeout: float) -> None:
    """Until no object is at `path`, or another than that of this uid. The error does not name it."""
    meta: dict[str, Any] = {}

    def gone() -> bool:
        nonlocal meta
        try:
            meta = run.client.request("GET", path, accept=METADATA_ONLY)["metadata"]
        except NotFound:
            return True
        return meta.get("uid") != uid

    def late(waited: int) -> WaitTimeout:
        held = ", ".join(meta.get("finalizers") or []) or "its dependents"
        message = f"is being deleted and not gone after {waited} s; held by {held}"
        return WaitTimeout(message, [{"object": label, "state": TERMINATING, "message": message}])

    until(gone, timeout, run.say, awaited=lambda: f"{label} is being deleted", late=late, longest=2.0)
