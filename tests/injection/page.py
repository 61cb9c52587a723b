# Copyright (c) 2026 GreenLang. All rights reserved.
"""The tables of docs/faults.md, which the tests write that produce them."""

from __future__ import annotations

import os
from pathlib import Path

from tests.helpers import ROOT
from tests.injection.figures import Figures
from tests.injection.postgresql import Case

PAGE = ROOT / "docs" / "faults.md"
OUTAGE = 0.5  # seconds, below which clients count none
COLUMNS = ("case", "fault", "to reach", "acknowledged", "lost", "writes", "reads", "whole again", "primaries", "load")


def row(name: str, case: Case, found: Figures) -> str:
    cells = (
        name,
        case.what,
        case.reach,
        found.acknowledged,
        found.lost,
        lasted(found.writes),
        lasted(found.reads),
        f"{found.redundant:.1f} s",
        " → ".join(member.rpartition("-")[2] for member in found.primaries),
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
    rows = [known[name] for name in sorted(known, key=lambda name: int(name[1:]))]
    page.write_text(before + begin + "\n".join([*head, *rows, ""]) + end + after, encoding="utf-8")
