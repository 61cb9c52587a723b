# Copyright (c) 2026 GreenLang. All rights reserved.
"""From what came of each object to the result of the run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import diff
from .doomed import Doomed
from .owned import lost_fields, our_entry
from .plan import UNCHANGED, Item
from .result import Result

MAX_FAILURES_SHOWN = 10
MAX_FIELDS_SHOWN = 8


def conclude(result: Result, items: Iterable[Item], manager: str, show_diff: bool) -> None:
    """Enter each object into the list that its outcome names, and its difference. One that failed after something of
    it was written is in that list as well."""
    for item in items:
        if item.error:
            result.failed.append(item.error)
        if item.outcome:
            getattr(result, item.outcome).append(item.label)
            if show_diff and item.outcome != "unchanged":
                result.diff.append(_difference(item, manager))
        elif item.action == UNCHANGED:
            result.unchanged.append(item.label)
        elif not item.error:
            result.skipped.append(item.label)  # it was not reached


def list_deleted(result: Result, deleted: Iterable[Doomed], into: list[str], show_diff: bool) -> None:
    for entry in deleted:
        into.append(entry.ref.label)
        if show_diff:
            former = {"kind": entry.ref.kind, "metadata": entry.meta}
            result.diff.append(diff.entry(entry.ref.label, former, None))


def failures(items: Iterable[Item]) -> list[dict[str, str]]:
    return [{"object": item.label, "source": item.source, "message": item.error} for item in items if item.error]


def shown(lines: list[str]) -> str:
    """The first of many lines, and how many more there are."""
    rest = len(lines) - MAX_FAILURES_SHOWN
    return "\n".join([*lines[:MAX_FAILURES_SHOWN], *([f"… and {rest} more"] if rest > 0 else [])])


def _difference(item: Item, manager: str) -> dict[str, str]:
    before: Mapping[str, Any] | None = item.before
    after = item.desired if before is None or item.outcome == "recreated" else item.after
    # A status that is in the manifest still is a field as any other.
    entry = diff.entry(item.label, before, after, () if "status" in item.desired else ("status",))
    if before is not None and entry["before"] == entry["after"]:
        lost = lost_fields(item.desired, our_entry(before["metadata"], manager) or {})[:MAX_FIELDS_SHOWN]
        what = f"ownership taken back: {', '.join(lost)}" if lost else "only the record of what was applied is written"
        entry["after"] += f"# {what}\n"
    return entry
