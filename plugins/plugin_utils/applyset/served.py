# Copyright (c) 2026 GreenLang. All rights reserved.
"""Definitions must be in force before their objects can be sent: a new one is served some time after it is established,
and one that was changed is established all the while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ApiError, ApplyError, NotFound
from ..kubernetes import kstatus
from ..kubernetes.kinds import Resource
from ..waiting import Deadline, until
from .context import Context
from .plan import Item, defined_kinds

ESTABLISH_TIMEOUT = 60.0  # seconds
SETTLE = 3.0  # seconds after which names that are taken count as taken for good
SCHEMA_PATIENCE = 10.0  # seconds until a definition that was changed is in force on a busy machine


def until_served(run: Context, items: list[Item], sent: list[Item]) -> None:
    """Wait for the definitions among those that were `sent`, and give the set's items the kinds that these brought."""
    definitions = [item for item in sent if item.ref.kind == "CustomResourceDefinition"]
    if not definitions:
        return
    deadline = Deadline(ESTABLISH_TIMEOUT)
    _until_established(run, definitions, deadline)
    run.client.forget_kinds()
    kinds = defined_kinds(definitions)
    for resource in kinds.values():
        _until_kind_served(run, resource, deadline)
    mark_redefined(items, [item for item in definitions if item.outcome == "configured"])
    for item in items:
        if item.planned_kind and (item.desired["apiVersion"], item.ref.kind) in kinds:
            item.resource = run.client.resource(item.desired["apiVersion"], item.ref.kind)
            item.planned_kind = False


def mark_redefined(items: list[Item], changed: list[Item]) -> None:
    """Note in each item whether its definition is among those that change."""
    kinds = {(resource.group, resource.kind) for resource in defined_kinds(changed).values()}
    for item in items:
        item.redefined = item.redefined or (item.ref.group, item.ref.kind) in kinds


def sent_patiently(
    run: Context, item: Item, send: Callable[[], dict[str, Any]], patience: float = SCHEMA_PATIENCE
) -> dict[str, Any]:
    """The answer of `send`, which is repeated for so many seconds as long as it is refused by what may be the
    definition as it was before this run changed it."""
    if not item.redefined:
        return send()
    refusals: list[ApiError] = []

    def accepted() -> dict[str, Any] | None:
        try:
            return send()
        except ApiError as exc:
            if not is_of_schema(exc):
                raise
            refusals.append(exc)
            return None

    return until(
        accepted,
        patience,
        run.say,
        awaited=lambda: f"{item.label}: its definition as it was changed",
        late=lambda _waited: refusals[-1],
    )


def is_of_schema(exc: ApiError) -> bool:
    """Whether an object is refused as its definition would refuse it: another definition may accept it."""
    if exc.status == 404:
        return not exc.details.get("name")
    typed = ("failed to create typed patch object", "not declared in schema")  # a 500, but not one that passes
    return exc.status in (400, 422) or any(words in str(exc) for words in typed)


def _until_established(run: Context, definitions: list[Item], deadline: Deadline) -> None:
    pending, settling = definitions, Deadline(SETTLE)

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


def _until_kind_served(run: Context, resource: Resource, deadline: Deadline) -> None:
    refusal = ""

    def served() -> bool:
        nonlocal refusal
        try:
            run.client.resource(resource.api_version, resource.kind)
        except NotFound as exc:
            refusal = str(exc)
            run.client.forget_kinds()
            return False
        return True

    def late(_waited: int) -> ApplyError:
        return ApplyError(f"{resource.kind} {resource.api_version}: {refusal}", result=run.finish())

    until(served, deadline.left, run.say, awaited=lambda: refusal, late=late)


def _refusal(definition: Mapping[str, Any]) -> str:
    """Why a definition can never be established; empty where it may."""
    state, why = kstatus.status(definition)
    return f"refused: {why}" if state == kstatus.FAILED else ""


def _is_established(definition: Mapping[str, Any]) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or []
    states = {condition["type"]: condition["status"] for condition in conditions}
    return states.get("Established") == "True" and states.get("NamesAccepted") == "True"
