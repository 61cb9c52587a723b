# Copyright (c) 2026 GreenLang. All rights reserved.
"""The tables of docs/faults.md, one a store, which the tests write that produce them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.helpers import ROOT
from tests.injection.figures import Figures
from tests.injection.store import Case

PAGE = ROOT / "docs" / "faults.md"
OUTAGE = 0.5  # seconds, below which clients count none
COLUMNS = ("case", "fault", "to reach", "acknowledged", "lost", "writes", "reads", "whole again", "leaders", "load")


def row(case: Case, what: str, found: Figures) -> str:
    weaker = "" if found.unconfirmed is None else f"; {found.unconfirmed} unconfirmed"
    cells = (
        case.name,
        what,
        case.reach,
        found.acknowledged,
        f"{found.lost}{weaker}",
        lasted(found.writes),
        lasted(found.reads),
        f"{found.redundant:.1f} s",
        " → ".join(member.rpartition("-")[2] for member in found.primaries) or "-",
        f"{os.getloadavg()[0]:.0f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def lasted(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds else f"< {OUTAGE} s"


def write(section: str, lines: dict[str, str], page: Path = PAGE) -> None:
    """Have these rows in a section's table, by case, beside those of other cases that are there."""
    text = page.read_text(encoding="utf-8")
    begin, end = (f"<!-- {section}: {word} -->\n" for word in ("begin", "end"))
    before, _mark, rest = text.partition(begin)
    table, found, after = rest.partition(end)
    assert found, f"{page.name} has no section {section}"
    known = {line.split("|")[1].strip(): line for line in table.splitlines()[2:]} | lines
    head = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    rows = [known[name] for name in sorted(known, key=_natural)]
    page.write_text(before + begin + "\n".join([*head, *rows, ""]) + end + after, encoding="utf-8")


def _natural(name: str) -> list[tuple[int, str]]:
    """P2 comes before P16."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
