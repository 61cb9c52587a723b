# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether an object is still what was read of it: a table."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import bound


def of(**metadata: object) -> dict[str, Any]:
    known = {"uid": "u", "generation": 3, "resourceVersion": "7", "annotations": {"a": "b"}}
    return {"metadata": {key: value for key, value in {**known, **metadata}.items() if value is not None}}


@pytest.mark.parametrize(
    ("read", "now", "same"),
    [
        (of(), of(), True),
        (of(), of(resourceVersion="8", managedFields=[{}]), True),
        (of(), of(generation=4), False),
        (of(), of(annotations={"a": "c"}), False),
        (of(), of(annotations=None), False),
        (of(), of(labels={"a": "b"}), False),
        (of(), of(uid="another"), False),
        (of(), None, False),
        (None, of(), False),
        (None, None, True),
        (of(generation=None), of(generation=None), True),
        (of(generation=None), of(generation=None, resourceVersion="8"), False),
    ],
    ids=[
        "itself",
        "its status changed",
        "its content changed",
        "an annotation changed",
        "its annotations are gone",
        "a label was added",
        "made again",
        "deleted",
        "made",
        "still not there",
        "of a kind without generations",
        "of such a kind, changed",
    ],
)
def test_is_same(read: dict[str, Any] | None, now: dict[str, Any] | None, same: bool) -> None:
    assert bound.is_same(read, now) == same
