# Copyright (c) 2026 GreenLang. All rights reserved.
"""What was tried to prove that tenants are isolated, for people."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence

from ansible_collections.greenlang.vcci.plugins.plugin_utils.tables import csv_text

DOCUMENTATION = r"""
name: tenant_proof
short_description: Show what a verification of tenants' isolation tried as a line, as CSV or as an HTML page
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Takes the rows of M(greenlang.vcci.tenant_attempts) and of P(greenlang.vcci.tenant_matrix#filter) by the part of the
    proof that they are. The page has a table for each part, with a line for what was tried and a column for each
    tenant, what must be allowed beside what must be refused; it needs nothing but itself.
positional: _input, form, title
options:
  _input:
    description: Name of a part to its rows, each of five texts, who, what, what must be, what was, and the verdict.
    type: dict
    required: true
  form:
    description: What to make of them.
    type: str
    required: true
    choices: [summary, csv, html]
  title:
    description: Headline of the page.
    type: str
    default: Isolation of tenants
"""

EXAMPLES = r"""
- name: Say how many cells there are
  ansible.builtin.debug:
    msg: "{{ {'API': attempts.rows} | greenlang.vcci.tenant_proof('summary') }}"
"""

RETURN = r"""
_value:
  description: A line for V(summary), a text for V(csv) and V(html).
  type: str
"""

COLUMNS = ("part", "tenant", "what", "must be", "was", "verdict")
GRANTED = ("allowed", "open", "answered")  # what must be possible, or nothing was proved
STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222 } h2 { margin: 1.5em 0 .3em; font-size: 1.1em }
table { border-collapse: collapse }
td, th { padding: 2px 12px 2px 4px; text-align: left; border-bottom: 1px solid #eee }
th { position: sticky; top: 0; background: #fff } small { color: #666; font-weight: normal }
.ok { color: #175 } .wrong { background: #c33; color: #fff } .open { color: #a60 }
.granted td:nth-child(2) { color: #175 }
"""

Row = Sequence[str]
Parts = Mapping[str, Sequence[Row]]


def tenant_proof(parts: Parts, form: str, title: str = "Isolation of tenants") -> str:
    """The proof; see the filter's documentation."""
    match form:
        case "summary":
            return _summary(parts)
        case "csv":
            return _csv(parts)
        case "html":
            return _html(parts, title)
    raise ValueError(f"tenant_proof: form must be one of summary, csv, html, not {form!r}")


def _summary(parts: Parts) -> str:
    rows = [row for part in parts.values() for row in part]
    granted = sum(must in GRANTED for _who, _what, must, _was, _verdict in rows)
    wrong = sum(verdict == "WRONG" for *_others, verdict in rows)
    unproved = sum(verdict == "not enforced" for *_others, verdict in rows)
    by_part = ", ".join(f"{name} {len(found)}" for name, found in parts.items())
    told = (
        f"{len(rows)} cells ({by_part}): {granted} must be allowed, {len(rows) - granted} must not; {wrong} are wrong"
    )
    return f"{told}, {unproved} are not enforced by this cluster" if unproved else told


def _csv(parts: Parts) -> str:
    rows: list[Row] = [COLUMNS]
    for name, part in parts.items():
        rows += [(name, *row) for row in part]
    return csv_text(rows)


def _html(parts: Parts, title: str) -> str:
    headline, summary = html.escape(title), html.escape(_summary(parts))
    head = f'<meta charset="utf-8"><title>{headline}</title><style>{STYLE}</style>'
    lines = [f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body><h1>{headline}</h1>\n<p>{summary}</p>\n']
    for name, rows in parts.items():
        lines += _section(name, rows)
    return "".join((*lines, "</body></html>\n"))


def _section(name: str, rows: Sequence[Row]) -> Iterator[str]:
    """A line for each thing that was tried, and what came of it for each tenant that tried it."""
    tenants = list(dict.fromkeys(row[0] for row in rows))
    lines: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        lines.setdefault((row[1], row[2]), {})[row[0]] = row
    yield f"<h2>{html.escape(name)} <small>{len(rows)} cells</small></h2>\n<table>\n"
    columns = "".join(f"<th>{html.escape(column)}</th>" for column in ("what", "must be", *tenants))
    yield f"<tr>{columns}</tr>\n"
    for (what, must), tried in lines.items():
        kind = ' class="granted"' if must in GRANTED else ""
        cells = "".join(_cell(tried.get(tenant)) for tenant in tenants)
        yield f"<tr{kind}><td>{html.escape(what)}</td><td>{html.escape(must)}</td>{cells}</tr>\n"
    yield "</table>\n"


def _cell(row: Row | None) -> str:
    if row is None:
        return "<td></td>"
    was, verdict = row[3], row[4]
    kind = {"ok": "ok", "WRONG": "wrong"}.get(verdict, "open")
    return f'<td class="{kind}">{html.escape(was)} {html.escape(verdict)}</td>'


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Name to function, as Ansible asks for."""
        return {"tenant_proof": tenant_proof}
