# Copyright (c) 2026 GreenLang. All rights reserved.
"""The report: a table, CSV that no spreadsheet takes for a formula, a page that no name breaks."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import pytest
from ansible_collections.greenlang.vcci.plugins.filter.tenant_report import tenant_report

TENANTS = {
    "acme": {
        "name": "ACME <b>&",
        "tier": "enterprise",
        "state": "active",
        "hard": {"requests.cpu": "4", "pods": "10", "services.nodeports": "0"},
        "used": {"requests.cpu": "1", "pods": "9", "services.nodeports": "0"},
        "headroom": {"requests.cpu": "3", "pods": "1", "services.nodeports": "0"},
        "share": {"requests.cpu": 0.25, "pods": 0.9},
    },
    "bare": {"name": "=1+1", "tier": None, "state": "quarantined", "hard": {}, "used": {}, "headroom": {}, "share": {}},
    "evil": {
        "name": "=cmd()",
        "tier": "t",
        "state": "on",
        "hard": {"pods": "1"},
        "used": {"pods": "3"},
        "headroom": {"pods": "-2"},
        "share": {"pods": 3.0},
    },
}


def test_table():
    lines = tenant_report(TENANTS, "table")
    assert lines[1].split() == ["acme", "enterprise", "active", "1/4", "-", "9/10", "pods", "90%"]
    assert len(lines) == 4
    assert lines[2].endswith("-")


def test_csv():
    rows = list(csv.DictReader(io.StringIO(tenant_report(TENANTS, "csv"))))
    assert len(rows) == 4
    assert rows[0]["resource"] == "requests.cpu"
    assert rows[0]["share"] == "0.25"
    assert rows[3]["name"] == "'=cmd()"
    assert rows[3]["headroom"] == "-2"


def test_html():
    page = tenant_report(TENANTS, "html", "A & B")
    assert "ACME &lt;b&gt;&amp;" in page
    assert "<b>" not in page
    assert page.count('class="bar"') == 3
    assert 'class="high" style="width:90.0%"' in page
    assert 'class="full" style="width:100.0%"' in page
    assert "300%" in page
    HTMLParser().feed(page)


def test_fields_of_the_tier_that_are_no_limits():
    contract = {
        "node_pools": ["compute", "gpu"],
        "priority_classes": [],
        "annotations": {"a.b/c": ["1", "2"], "d.e/f": None},
    }
    sold = {"acme": {**TENANTS["acme"], "contract": {**contract, "max_grace_seconds": 300}}}
    rows = list(csv.DictReader(io.StringIO(tenant_report(sold, "csv"))))
    said = {row["resource"]: row["hard"] for row in rows[3:]}
    assert said == {
        "node_pools": "compute, gpu",
        "priority_classes": "none",
        "annotations": "a.b/c=1|2, d.e/f",
        "max_grace_seconds": "300",
    }
    page = tenant_report(sold, "html")
    assert "<td>node_pools</td><td></td><td>compute, gpu</td>" in page
    assert tenant_report(sold, "table")[1].split() == tenant_report(TENANTS, "table")[1].split()


def test_unknown_form():
    with pytest.raises(ValueError, match="table, csv, html"):
        tenant_report(TENANTS, "pdf")
