# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whoever is called by an alert of the data layer finds what to do in the runbook that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.helpers import ROOT


def alerts(content: Any) -> Iterator[dict[str, Any]]:
    """All rules in a file of variables, wherever they are."""
    if isinstance(content, dict):
        if "alert" in content:
            yield content
        content = list(content.values())
    for one in content if isinstance(content, list) else []:
        yield from alerts(one)


def test_each_alert_has_its_remedy_in_the_runbook_that_it_names() -> None:
    found, missing = 0, []
    for path in sorted((ROOT / "roles/data/vars/main").glob("*.yml")):
        known = yaml.safe_load(path.read_text(encoding="utf-8"))
        for rule in alerts(known):
            found += 1
            named = re.sub(r"\{\{ (\w+) \}\}", lambda seen, known=known: known[seen[1]], rule["annotations"]["runbook"])
            rows = re.findall(r"^\| ([^|]*) \|", (ROOT / named).read_text(encoding="utf-8"), re.MULTILINE)
            if not any(f"`{rule['alert']}`" in row for row in rows):
                missing.append(f"{rule['alert']}: {named}")
    assert found > 30
    assert not missing
