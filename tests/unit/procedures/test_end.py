# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which procedure ends a run: it tells what a preview foresees to be refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import planned
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import catalogue


@pytest.mark.parametrize(
    ("asked", "last"),
    [
        ((), "apps"),
        (("apps",), "apps"),
        (("site",), "tenant"),
        (("site", "verify"), "verify"),
        (("data", "apps"), "apps"),
    ],
)
def test_the_last_procedure_of_a_run(asked: tuple[str, ...], last: str) -> None:
    assert catalogue.last("apps", asked) == last


def test_what_is_foreseen_to_be_refused_is_kept_once(tmp_path: Path) -> None:
    assert planned.refused(str(tmp_path)) == []
    planned.note_refused(str(tmp_path), ["one\nof two lines", "two"])
    planned.note_refused(str(tmp_path), ["two", "three"])
    assert planned.refused(str(tmp_path)) == ["one\nof two lines", "two", "three"]
