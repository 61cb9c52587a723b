# Copyright (c) 2026 GreenLang. All rights reserved.
"""What an apply would do where the server cannot be asked, since this run changes the definition of the object."""

from __future__ import annotations

from typing import Any

from .context import Context
from .fields import left_by, overlay, pruned, union
from .owned import our_entry
from .plan import Item
from .takeover import entries_of


def foresee(run: Context, item: Item) -> None:
    """Leave in the item what the manifest alone tells."""
    run.result.warnings.append(
        f"{item.label}: its definition changes first, so the server could not be asked about it; "
        "what is predicted is the difference of the manifest"
    )
    if item.before is None:
        item.outcome, item.after = "created", item.desired
        return
    version = item.desired["apiVersion"]
    item.before = {**item.before, "apiVersion": version, "kind": item.ref.kind}
    item.outcome, item.after = "configured", merged(item.before, item.desired, run.options.field_manager)


def merged(before: dict[str, Any], desired: dict[str, Any], manager: str) -> dict[str, Any]:
    """What an apply makes of an object, as far as that can be told without its schema."""
    meta = before["metadata"]
    ours = our_entry(meta, manager) or {}
    entries = [entry for entry in entries_of(meta) if entry.get("fieldsV1")]
    kept = union(*(entry["fieldsV1"] for entry in entries if entry["fieldsV1"] is not ours))
    known = union(*(entry["fieldsV1"] for entry in entries))
    stale = left_by({key: value for key, value in desired.items() if key not in ("apiVersion", "kind")}, ours)
    result: dict[str, Any] = overlay(pruned(before, stale, kept), desired, known)
    return result
