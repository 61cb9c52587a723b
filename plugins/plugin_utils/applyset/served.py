# Copyright (c) 2026 GreenLang. All rights reserved.
"""Definitions must be established before their objects can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ApplyError, NotFound
from ..kubernetes import kstatus
from ..waiting import Deadline, until
from .context import Context
from .plan import Item

ESTABLISH_TIMEOUT = 60.0  # seconds
SETTLE = 3.0  # seconds after which names that are taken count as taken for good


def until_served(run: Context, items: list[Item], sent: list[Item]) -> None:
    """Wait for the definitions among those that were `sent`, and give the set's items the kinds that these brought."""
    pending = [item for item in sent if item.ref.kind == "CustomResourceDefinition"]
    if not pending:
        return
    deadline, settling = Deadline(ESTABLISH_TIMEOUT), Deadline(SETTLE)

    def names() -> str:
        return ", ".join(item.ref.name for item in pending)

    def established() -> bool:
        nonlocal pending
        found = run.workers.map(lambda item: run.client.request("GET", item.path), pending)
        refused = [f"{item.label}: {why}" for item, why in zip(pending, map(_refusal, found), strict=True) if why]
        if refused and settling.passed:
            raise ApplyError("\n".join(refused), result=run.finish())
        pending = [item for item, obj in zip(pending, found, strict=True) if not _is_established(obj)]
        return not pending

    def late(waited: int) -> ApplyError:
        return ApplyError(f"not established after {waited} s: {names()}; see their conditions", result=run.finish())

    until(established, deadline.left, run.say, awaited=lambda: f"definitions to be established: {names()}", late=late)
    run.client.forget_kinds()
    for item in items:
        if item.planned_kind:
            _until_kind_served(run, item, deadline)


def _until_kind_served(run: Context, item: Item, deadline: Deadline) -> None:
    refusal = ""

    def served() -> bool:
        nonlocal refusal
        try:
            item.resource = run.client.resource(item.desired["apiVersion"], item.ref.kind)
        except NotFound as exc:
            refusal = str(exc)
            run.client.forget_kinds()
            return False
        item.planned_kind = False
        return True

    def late(_waited: int) -> ApplyError:
        return ApplyError(f"{item.label}: {refusal}", result=run.finish())

    until(served, deadline.left, run.say, awaited=lambda: f"{item.label}: {refusal}", late=late)


def _refusal(definition: Mapping[str, Any]) -> str:
    """Why a definition can never be established; empty where it may."""
    state, why = kstatus.status(definition)
    return f"refused: {why}" if state == kstatus.FAILED else ""


def _is_established(definition: Mapping[str, Any]) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or []
    states = {condition["type"]: condition["status"] for condition in conditions}
    return states.get("Established") == "True" and states.get("NamesAccepted") == "True"
