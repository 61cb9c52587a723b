# Copyright (c) 2026 GreenLang. All rights reserved.
"""Rows as lines of aligned columns, and as CSV. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """One line a row, each column as wide as its widest cell; no spaces at the end."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """One line a row; what spreadsheets would take for a formula is marked as a text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow(map(_safe, row))
    return out.getvalue()


def _safe(cell: object) -> object:
    """Spreadsheets take a text that begins like this for a formula; quantities may be negative."""
    text = str(cell)
    return "'" + text if text[:1] in ("=", "+", "@", "\t") or (text[:1] == "-" and not text[1:2].isdigit()) else cell
