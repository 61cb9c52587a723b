# Copyright (c) 2026 GreenLang. All rights reserved.
"""What YAML's parser does not survive is known before."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import manifests
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.nesting import is_deep

TEXTS = {
    "brackets": ("[" * 100_000, True),
    "braces": ('{"a": ' * 100_000, True),
    "both": ("[{a: " * 1000, True),
    "in a line": ("- " * 100_000, True),
    "keys": ("? " * 100_000, True),
    "in lines": ("".join(f"{' ' * level}a:\n" for level in range(1000)), True),
    "nothing": ("", False),
    "many side by side": ("[[]]\n" * 10_000 + "- a\n" * 10_000, False),
    "brackets in a text": ("a: '" + "[" * 10_000 + "'", False),
    "a long way to the right": ("a: |\n  b\n" + " " * 2000 + "c\n", False),
    "a line of dashes": ("a: |\n  b\n  " + "-" * 2000 + "\n", False),
    "no YAML": ("a: [" + "}" * 10_000, False),
    "a zero byte": ("[" * 1000 + "\0", False),
}


@pytest.mark.parametrize("case", TEXTS)
def test_depth(case: str) -> None:
    text, expected = TEXTS[case]
    assert is_deep(text) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
        ("? " * 100_000, "nested too deeply"),
        ("a: \ud800", "half a surrogate pair"),
    ],
)
def test_manifests_are_refused_before_they_are_read(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        manifests.parse(text, "here")
