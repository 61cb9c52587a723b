# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is said at the end of a procedure, in a few lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import brief

LINES, LINE = 12, 300


def title(name: str, subject: str) -> str:
    return f"{name} {subject}".strip()


def duration(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def ended(named: str, seconds: float, lines: Iterable[object], *, check: bool) -> list[str]:
    what = "would be done, nothing was written" if check else "done"
    return [f"{named}: {what}, in {duration(seconds)}", *shown(lines)]


def shown(lines: Iterable[object]) -> list[str]:
    told = [brief(line, LINE) for line in lines if line not in (None, "")]
    return told if len(told) <= LINES else [*told[: LINES - 1], f"… and {len(told) - LINES + 1} more"]


def failed(
    named: str,
    seconds: float,
    task: str,
    result: Mapping[str, Any],
    step: str,
    taken: Sequence[str] = (),
    stands: Sequence[object] = (),
) -> list[str]:
    """Where it ended, why, what was done before, how things stand, and how to go on."""
    where = f" in step {step!r}" if step else ""
    first = f"{named}: FAILED after {duration(seconds)}{where}, at the task {task!r}"
    again = f"Run it again when that is remedied: it goes on with step {step!r}." if step else ""
    done = [f"Done before, and not done again: {', '.join(taken)}."] if taken else []
    return [first, *shown(reasons(result)), *done, *shown(stands), *([again] if again else [])]


def reasons(result: Mapping[str, Any]) -> list[str]:
    """Why a task failed, of a loop too."""
    errors = result.get("errors")
    if isinstance(errors, list) and errors:
        return [str(error) for error in errors]
    parts = result.get("results")
    if isinstance(parts, list):
        found = [part for part in parts if isinstance(part, Mapping) and part.get("failed")]
        told = [reason for part in found for reason in reasons(part)]
        if told:
            return told
    for name in ("msg", "stderr", "censored"):
        if result.get(name):
            return [str(result[name])]
    return ["the task says nothing about why"]
