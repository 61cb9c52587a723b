# Copyright (c) 2026 GreenLang. All rights reserved.
"""Kubernetes quantities ("500m", "4Gi", "1e3") as exact numbers, and back. Pure."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_PATTERN = re.compile(
    r"^([+-]?)(\d+\.?\d*|\.\d+)(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d{1,2}))?\Z", re.ASCII
)


@lru_cache(maxsize=65536)
def _parse_text(text: str) -> Fraction:
    match = _PATTERN.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity; write it as 500m, 2, 4Gi or 1e3")
    sign, number, suffix, exponent = match.groups()
    value = Fraction(number.rstrip(".") if number.endswith(".") else number)
    if suffix in _BINARY:
        value *= 1024 ** _BINARY[suffix]
    else:
        value *= Fraction(10) ** (int(exponent) if exponent else _DECIMAL[suffix or ""])
    return -value if sign == "-" else value


def parse(value: object) -> Fraction:
    """The number that a quantity means; numbers are taken as they are. ValueError when it is none."""
    return _parse_text(str(value).strip())


def is_memory_like(resource: object) -> bool:
    """Whether people count a resource in powers of 1024."""
    return str(resource).endswith(("memory", "storage")) or "hugepages-" in str(resource)


def show(value: Fraction, binary: bool = False) -> str:
    """The shortest exact way of writing a number as Kubernetes does; what no suffix fits is rounded away from zero, as
    there."""
    if value == 0:
        return "0"
    sign, size = ("-", -value) if value < 0 else ("", value)
    if binary and size.denominator == 1:
        for suffix, power in reversed(_BINARY.items()):
            if size % 1024**power == 0:
                return f"{sign}{size // 1024**power}{suffix}"
        return f"{sign}{size}"
    for suffix, power in sorted(_DECIMAL.items(), key=lambda item: -item[1]):
        scaled = size / Fraction(10) ** power
        if scaled.denominator == 1 and (power <= 0 or scaled >= 1) and (power != 0 or size >= 1):
            return f"{sign}{scaled}{suffix}"
    return f"{sign}{-(-size * 10**9 // 1)}n"
