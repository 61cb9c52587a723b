# Copyright (c) 2026 GreenLang. All rights reserved.
"""What tenants use, for people."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.tables import csv_text, table

DOCUMENTATION = r"""
name: tenant_report
short_description: Show the use of tenants as a table, as CSV or as an HTML page
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Takes what M(greenlang.vcci.tenants_info) returns. The table has a line a tenant with the fullest of its
    limits; CSV has a line for each limit of each tenant, and for each other field of its tier; the page has a bar for
    each limit, a line for each such field, and needs nothing but itself.
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
AMOUNTS = (("cpu", "requests.cpu"), ("memory", "requests.memory"), ("pods", "pods"))  # columns of the table
STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222 } h2 { margin: 1.5em 0 .3em; font-size: 1.1em }
table { border-collapse: collapse } td { padding: 1px 10px 1px 0; white-space: nowrap }
small { color: #666; font-weight: normal }
.bar { width: 20em; background: #e6e6e6 } .bar div { height: 1em; background: #2a7 }
.bar .high { background: #d92 } .bar .full { background: #c33 }
"""


Tenant = Mapping[str, Any]


def tenant_report(tenants: Mapping[str, Tenant], form: str, title: str = "Tenants") -> list[str] | str:
    """The report; see the filter's documentation."""
    match form:
        case "table":
            return _table(tenants)
        case "csv":
            return _csv(tenants)
        case "html":
            return _html(tenants, title)
    raise ValueError(f"tenant_report: form must be one of table, csv, html, not {form!r}")


def _table(tenants: Mapping[str, Tenant]) -> list[str]:
    rows = [("tenant", "tier", "state", *(name for name, _resource in AMOUNTS), "fullest")]
    for name, tenant in tenants.items():
        amounts = (_amount(tenant, resource) for _name, resource in AMOUNTS)
        rows.append((name, str(tenant["tier"]), tenant["state"], *amounts, _fullest(tenant)))
    return table(rows)


def _amount(tenant: Tenant, resource: str) -> str:
    hard = tenant["hard"].get(resource)
    return "-" if hard is None else f"{tenant['used'].get(resource, '0')}/{hard}"


def _fullest(tenant: Tenant) -> str:
    shares = {resource: share for resource, share in tenant["share"].items() if tenant["hard"].get(resource) != "0"}
    fullest = max(shares, key=lambda resource: shares[resource], default=None)
    return "-" if fullest is None else f"{fullest} {shares[fullest]:.0%}"


def _csv(tenants: Mapping[str, Tenant]) -> str:
    rows: list[Sequence[object]] = [COLUMNS]
    for name, tenant in tenants.items():
        who = (name, tenant["name"], tenant["tier"], tenant["state"])
        for resource, hard in tenant["hard"].items():
            amounts = (tenant["used"][resource], hard, tenant["headroom"][resource], tenant["share"].get(resource, ""))
            rows.append((*who, resource, *amounts))
        for field, text in _contract(tenant):
            rows.append((*who, field, "", text, "", ""))
    return csv_text(rows)


def _contract(tenant: Tenant) -> Iterator[tuple[str, str]]:
    """The fields of its tier that are no limits, in words; those of the version before said none."""
    for field, value in (tenant.get("contract") or {}).items():
        values = [value] if isinstance(value, (str, int)) else [*value]
        if isinstance(value, Mapping):
            values = [name if allowed is None else f"{name}={'|'.join(allowed)}" for name, allowed in value.items()]
        yield field, ", ".join(map(str, values)) or "none"


def _html(tenants: Mapping[str, Tenant], title: str) -> str:
    headline = html.escape(title)
    head = f'<meta charset="utf-8"><title>{headline}</title><style>{STYLE}</style>'
    begin = f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body><h1>{headline}</h1>\n'
    sections = itertools.chain.from_iterable(_section(name, tenant) for name, tenant in tenants.items())
    return "".join((begin, *sections, "</body></html>\n"))


def _section(name: str, tenant: Tenant) -> Iterator[str]:
    words = " · ".join(html.escape(str(tenant[key])) for key in ("name", "tier", "state"))
    who = html.escape(name)
    yield f'<h2 id="{who}">{who} <small>{words}</small></h2>\n<table>\n'
    for resource, hard in tenant["hard"].items():
        share = tenant["share"].get(resource)
        if share is None:
            continue  # nothing is allowed, nothing is used
        level = "full" if share > 0.95 else "high" if share > 0.8 else ""
        fill = f'<div class="{level}" style="width:{min(share, 1):.1%}"></div>'
        amount = f"{html.escape(tenant['used'][resource])} of {html.escape(hard)}"
        cells = f'<td>{html.escape(resource)}</td><td class="bar">{fill}</td>\n<td>{amount}</td><td>{share:.0%}</td>'
        yield f"<tr>{cells}</tr>\n"
    for field, text in _contract(tenant):
        yield f"<tr><td>{html.escape(field)}</td><td></td><td>{html.escape(text)}</td><td></td></tr>\n"
    yield "</table>\n"


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for."""
        return {"tenant_report": tenant_report}
