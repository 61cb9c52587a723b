# Copyright (c) 2026 GreenLang. All rights reserved.
"""Check mode: what a run would do, by dry runs of the server where it can judge, by what is planned where it cannot."""

from __future__ import annotations

from ..errors import ApiError
from . import order, unasked
from .context import Context
from .manifests import Ref
from .options import Planned
from .plan import APPLY, CREATE, Item, defined_kinds
from .served import mark_redefined
from .write import send, to_write


def predict(run: Context, items: list[Item]) -> None:
    """Leave in each item what would come of it."""
    todo = to_write(items)
    missing = _missing_namespaces(run, items)
    mark_redefined(items, [item for item in todo if item.ref.kind == "CustomResourceDefinition"])
    for item in items:
        item.redefined = item.redefined or (item.desired["apiVersion"], item.ref.kind) in run.planned.kinds
    for item in todo:
        remember(run.planned, item)
    planned = {item.ref for item in items if item.action == CREATE}
    run.workers.map(lambda item: _predict_one(run, item, missing, planned), todo)


def remember(planned: Planned, item: Item) -> None:
    """What an object would bring, for later tasks of the same run."""
    if item.ref.kind == "Namespace" and not item.ref.group:
        planned.namespaces.add(item.ref.name)
    elif item.ref.kind == "CustomResourceDefinition":
        planned.kinds.update(defined_kinds([item]))


def _missing_namespaces(run: Context, items: list[Item]) -> set[str]:
    """Namespaces that objects to be created would go to and that are not there yet, or are to come again."""
    again = {item.ref.name for item in items if item.ref.kind == "Namespace" and item.live.get("deletionTimestamp")}
    wanted = sorted({item.ref.namespace for item in items if item.action == CREATE and item.ref.namespace} - again)
    there = run.workers.map(lambda name: _may_exist(run, name), wanted)
    return again | {name for name, known in zip(wanted, there, strict=True) if not known}


def _may_exist(run: Context, namespace: str) -> bool:
    """Whether a namespace is there, or whoever we are may not know: then the dry runs in it will tell."""
    try:
        return run.client.get("v1", "Namespace", namespace) is not None
    except ApiError as exc:
        if exc.status != 403:
            raise
        return True


def _predict_one(run: Context, item: Item, missing: set[str], planned: set[Ref]) -> None:
    namespace = item.ref.namespace
    if namespace in missing and namespace not in run.planned.namespaces:
        run.result.warnings.append(
            f"{item.label}: namespace {namespace} does not exist and nothing so far creates it; "
            "predicted as created, which is right only if something creates it first"
        )
    being_deleted = item.action == APPLY and item.live.get("deletionTimestamp")
    if namespace in missing or being_deleted or (item.planned_kind and item.before is None):
        item.outcome, item.after = "created", item.desired
        return
    if item.planned_kind:
        unasked.foresee(run, item)
        return
    send(run, item, dry_run=True)
    if item.action == CREATE and order.is_on_its_way(item.error, item.ref, planned):
        # The server looks up what is only planned as well: a role for its binding, an account for its pod.
        item.error, item.outcome, item.after = "", "created", item.desired
