# Copyright (c) 2026 GreenLang. All rights reserved.
"""What tenants use, for people."""
from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable, Iterator, Mapping

from ansible_collections.greenlang.vcci.plugins.plugin_utils.tables import table

DOCUMENTATION = r"""
name: tenant_report
short_description: Show the use of tenants as a table, as CSV or as an HTML page
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Takes what M(greenlang.vcci.tier_quota_info) returns. The table has a line a tenant with the fullest of its limits; CSV has a line for each limit of
    each tenant; the page has a bar for each limit, and needs nothing but itself.
positional: _input, form, title
options:
  _input:
    description: Tenants by id.
    type: dict
    required: true
  form:
    description: What to make of them.
    type: str
    required: true
    choices: [table, csv, html]
  title:
    description: Headline of the page.
    type: str
    default: Tenants
"""

EXAMPLES = r"""
- name: Show the table
  ansible.builtin.debug:
    msg: "{{ usage.tenants | greenlang.vcci.tenant_report('table') }}"
"""

RETURN = r"""
_value:
  description: Lines for V(table), text for V(csv) and V(html).
  type: raw
"""

COLUMNS = ("id", "name", "tier", "state", "resource", "used", "hard", "headroom", "share")
STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222 } h2 { margin: 1.5em 0 .3em; font-size: 1.1em }
table { border-collapse: collapse } td { padding: 1px 10px 1px 0; white-space: nowrap } small { color: #666; font-weight: normal }
.bar { width: 20em; background: #e6e6e6 } .bar div { height: 1em; background: #2a7 } .bar .high { background: #d92 } .bar .full { background: #c33 }
"""


def tenant_report(tenants: Mapping[str, Mapping], form: str, title: str = "Tenants") -> list[str] | str:
    """The report; see the filter's documentation."""
    makers: dict[str, Callable[[Mapping[str, Mapping]], list[str] | str]] = {
        "table": _table, "csv": _csv, "html": lambda given: _html(given, title)}
    if form not in makers:
        raise ValueError(f"tenant_report: form must be one of {', '.join(makers)}, not {form!r}")
    return makers[form](tenants)


def _table(tenants: Mapping[str, Mapping]) -> list[str]:
    rows = [("tenant", "tier", "state", "cpu", "memory", "pods", "fullest")]
    for name, tenant in tenants.items():
        share = {resource: part for resource, part in tenant["share"].items() if tenant["hard"].get(resource) != "0"}
        fullest = max(share, key=lambda resource: share[resource], default=None)
        amounts = [f"{tenant['used'].get(r, '0')}/{tenant['hard'][r]}" if r in tenant["hard"] else "-" for r in ("requests.cpu", "requests.memory", "pods")]
        rows.append((name, str(tenant["tier"]), tenant["state"], *amounts, f"{fullest} {share[fullest]:.0%}" if fullest else "-"))
    return table(rows)


def _csv(tenants: Mapping[str, Mapping]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, tenant in tenants.items():
        for resource, hard in tenant["hard"].items():
            cells = (name, tenant["name"], tenant["tier"], tenant["state"], resource, tenant["used"][resource], hard, tenant["headroom"][resource],
                     tenant["share"].get(resource, ""))
            writer.writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def _safe(cell: object) -> object:
    """Spreadsheets take a text that begins like this for a formula; quantities may be negative."""
    text = str(cell)
    return "'" + text if text[:1] in ("=", "+", "@", "\t") or (text[:1] == "-" and not text[1:2].isdigit()) else cell


def _html(tenants: Mapping[str, Mapping], title: str) -> str:
    head = (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style></head>\n'
            f"<body><h1>{html.escape(title)}</h1>\n")
    return head + "".join(line for name, tenant in tenants.items() for line in _section(name, tenant)) + "</body></html>\n"


def _section(name: str, tenant: Mapping) -> Iterator[str]:
    words = (html.escape(str(word)) for word in (tenant["name"], tenant["tier"], tenant["state"]))
    yield f'<h2 id="{html.escape(name)}">{html.escape(name)} <small>{" · ".join(words)}</small></h2>\n<table>\n'
    for resource, hard in tenant["hard"].items():
        share = tenant["share"].get(resource)
        if share is None:
            continue  # nothing is allowed, nothing is used
        level = "full" if share > 0.95 else "high" if share > 0.8 else ""
        yield (f'<tr><td>{html.escape(resource)}</td><td class="bar"><div class="{level}" style="width:{min(share, 1):.1%}"></div></td>'
               f"<td>{html.escape(tenant['used'][resource])} of {html.escape(hard)}</td><td>{share:.0%}</td></tr>\n")
    yield "</table>\n"


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict:
        """Name to function, as Ansible asks for."""
        return {"tenant_report": tenant_report}
