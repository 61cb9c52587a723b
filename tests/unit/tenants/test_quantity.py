# Copyright (c) 2026 GreenLang. All rights reserved.
"""Quantities: exact, as Kubernetes reads and writes them."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import quantity as q
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("2", 2),
        (3, 3),
        (0.5, Fraction(1, 2)),
        ("500m", Fraction(1, 2)),
        ("1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("4Gi", 4 * 1024**3),
        ("1.5Gi", 3 * 512 * 1024**2),
        ("1k", 1000),
        ("2E", 2 * 10**18),
        ("1e3", 1000),
        ("1E3", 1000),
        ("12e-1", Fraction(6, 5)),
        ("100n", Fraction(1, 10**7)),
        ("-1", -1),
        ("+1Ki", 1024),
        (" 7 ", 7),
    ],
)
def test_parse(text, value):
    assert q.parse(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "1 Gi", "1gi", "1K", "--1", "1e", "1e3Gi", "0x1", None, True, [], {}, "1,5", "٣x"]
)
def test_parse_refuses(text):
    with pytest.raises(ValueError, match="is not a quantity"):
        q.parse(text)


@pytest.mark.parametrize(
    ("value", "binary", "text"),
    [
        (0, False, "0"),
        (Fraction(1, 2), False, "500m"),
        (2, False, "2"),
        (1500, False, "1500"),
        (2000, False, "2k"),
        (1024, True, "1Ki"),
        (3 * 1024**3, True, "3Gi"),
        (1025, True, "1025"),
        (-(1024**2), True, "-1Mi"),
        (Fraction(-1, 4), False, "-250m"),
        (Fraction(3, 2), False, "1500m"),
        (Fraction(1, 3), False, "333333334n"),
        (Fraction(1, 2), True, "500m"),
    ],
)
def test_show(value, binary, text):
    assert q.show(Fraction(value), binary) == text


@given(
    st.fractions(min_value=-(10**15), max_value=10**15, max_denominator=1000).map(
        lambda f: Fraction(round(f * 1000), 1000)
    ),
    st.booleans(),
)
def test_what_is_shown_is_read_back(value, binary):
    assert q.parse(q.show(value, binary)) == value


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ValueError):
        q.parse(text)
