# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every test that docs/conformance.md calls a proof is there."""

from __future__ import annotations

import re

import pytest

from tests.helpers import ROOT

PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"`((?:molecule|playbooks)/[\w/]+\.yml)`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "| shown by |" not in line]


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_the_proof_is_there(path: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_every_row_has_a_proof_or_is_open() -> None:
    assert [path for path in FILES if not (ROOT / path).is_file()] == []
    assert [row for row in ROWS if not re.search(r"`(?:tests|molecule)/|`verify`|\*\*open\*\*", row)] == []
    assert len(ROWS) > 30
