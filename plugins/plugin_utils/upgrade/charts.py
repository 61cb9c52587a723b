# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether a chart says that it runs on a version of Kubernetes: kubeVersion, as Helm reads it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .findings import Finding

Version = tuple[int, int, int]

_ONE = re.compile(
    r"(>=|=>|<=|=<|!=|>|<|=|~>|~|\^)?\s*v?(\d+)(?:\.(\d+|x|X|\*))?(?:\.(\d+|x|X|\*))?(?:-[0-9A-Za-z.-]+)?(?:\+\S+)?"
)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")


def of_charts(charts: Mapping[str, str | None], minor: int, patch: int) -> list[Finding]:
    """Charts by name with what their kubeVersion is; None says nothing, and so forbids nothing."""
    found = []
    for name, wanted in sorted(charts.items()):
        if wanted is None:
            continue
        answer = allows(wanted, minor, patch)
        if answer is None:
            found.append(
                Finding("charts", False, f"chart {name}: kubeVersion {wanted!r} cannot be read. Remedy: look at it")
            )
        elif not answer:
            what = f"chart {name} supports Kubernetes {wanted}, not 1.{minor}.{patch}"
            found.append(Finding("charts", True, f"{what}. Remedy: upgrade the chart first"))
    return found


def allows(constraint: str, minor: int, patch: int = 0) -> bool | None:
    """Whether 1.<minor>.<patch> is within a constraint; None when that cannot be read."""
    try:
        return any(_all(part, (1, minor, patch)) for part in constraint.split("||"))
    except ValueError:
        return None


def _all(part: str, version: Version) -> bool:
    part = _HYPHEN.sub(r">=\1 <=\2", part.strip().replace(",", " "))
    if part in ("", "*"):
        return True
    pieces = list(_ONE.finditer(part))
    if not pieces or _ONE.sub("", part).strip():
        raise ValueError(part)
    return all(_holds(piece, version) for piece in pieces)


def _holds(piece: re.Match[str], version: Version) -> bool:
    operator = piece[1] or "="
    given = [int(text) if text and text.isdecimal() else None for text in (piece[2], piece[3], piece[4])]
    low: Version = (given[0] or 0, given[1] or 0, given[2] or 0)
    above = _next(low, _exact(given))
    after = _next(low, 1 if operator == "^" or given[1] is None else 2)
    rules: dict[str, Callable[[], bool]] = {
        "=": lambda: low <= version < above,
        "!=": lambda: not low <= version < above,
        ">": lambda: version >= above if _exact(given) < 3 else version > low,
        "<": lambda: version < low,
        ">=": lambda: version >= low,
        "<=": lambda: version < above,
        "~": lambda: low <= version < after,
        "^": lambda: low <= version < after,
    }
    same = {"=>": ">=", "=<": "<=", "~>": "~"}
    return rules[same.get(operator, operator)]()


def _exact(given: list[int | None]) -> int:
    """How many of its numbers a version says."""
    return 1 if given[1] is None else 2 if given[2] is None else 3


def _next(low: Version, numbers: int) -> Version:
    """The first version after all that begin with so many numbers of this one."""
    if numbers == 1:
        return (low[0] + 1, 0, 0)
    return (low[0], low[1] + 1, 0) if numbers == 2 else (low[0], low[1], low[2] + 1)
