# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is written in expressions of roles, playbooks and scenarios."""

from __future__ import annotations

import re

from tests.helpers import ROOT

PLACES = (
    "roles/*/*/**/*.yml",
    "playbooks/**/*.yml",
    "molecule/**/*.yml",
    "group_vars/**/*.yml",
    "inventories/**/*.yml",
)
DOTTED = re.compile(r"(?:attribute=|(?:select|reject)attr\(|groupby\()\s*['\"]([^'\"]*/[^'\"]*)['\"]")


def test_the_name_of_a_label_is_no_path_of_attributes():
    """Of `vcci.greenlang.io/tenant` filters look for `vcci` and what is in it, and take the default without a word."""
    assert DOTTED.findall("""map(attribute='a.io/b', default='c') | selectattr("a.io/b")""") == ["a.io/b"] * 2
    texts = {file: file.read_text(encoding="utf-8") for place in PLACES for file in ROOT.glob(place)}
    assert len(texts) > 100
    assert {str(file.relative_to(ROOT)): found for file, text in texts.items() if (found := DOTTED.findall(text))} == {}
