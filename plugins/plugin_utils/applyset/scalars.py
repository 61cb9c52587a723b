# Copyright (c) 2026 GreenLang. All rights reserved.
"""What one scalar of a manifest means to kubectl and the API server, whose reader is sigs.k8s.io/yaml. Pure.

That reader is neither YAML 1.1 nor 1.2: `y` is true, `0644` and `0o644` are 420, `08` is 8, `1:30` and dates are texts,
and so is a number that fits into no float (`12345e789`, a commit). What is no JSON is refused.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import decimal
import functools
import math
import re
import struct

Scalar = str | int | float | bool | None
_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_FINITE = {
    **dict.fromkeys((".nan", ".NaN", ".NAN"), ".nan"),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), ".inf"),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), "-.inf"),
}  # and how they are written as a key
_HINTS = frozenset("yYnNtTfFoO~0123456789+-.")  # every scalar that is no text begins with one of these
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_DATE = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2})"
    r"(?:[Tt](\d{1,2}:\d{1,2}:\d{1,2})(?:[.,]\d+)?(?:Z|[-+]\d\d:\d\d)| (\d{1,2}:\d{1,2}:\d{1,2})(?:[.,]\d+)?)?",
    re.ASCII,
)
_POINT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?", re.ASCII)
_INT64, _UINT64 = 1 << 63, 1 << 64
_EXACT = 1 << 53  # up to it, every integer is a float
_WRITTEN_OUT = 1e21  # up to it, a float without fraction is written as an integer


class Unreadable(ValueError):
    """A value that no JSON can hold; `path` are the keys on the way to it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str] = []
        self.line = 0

    def within(self, key: str) -> Unreadable:
        self.path.insert(0, key)
        return self

    @property
    def field(self) -> str:
        return "".join(self.path).removeprefix(".")


def plain(text: str) -> Scalar:
    """The value of a scalar without quotes or tag."""
    if text and text[0] not in _HINTS:
        return text
    return _plain(text) if len(text) <= 40 else _resolved(text)


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag, quoted or not."""
    name = tag.removeprefix(_TAG) if tag.startswith(_TAG) else ""
    if name == "binary":
        return _binary(text)
    if name in ("str", "value", "merge", "yaml"):
        return text
    if name not in ("bool", "int", "float", "null", "timestamp"):
        raise Unreadable(f"nothing here knows the tag {shown(tag)}")
    value = _resolved(text)
    if name == "timestamp" and _is_timestamp(text):
        return text
    if name == "float" and value.__class__ is int and -_INT64 <= value < _INT64:
        return value
    if name == _tag_of(text, value):
        return value
    raise Unreadable(f"{text[:40]!r} is no {name}")


def shown(tag: str) -> str:
    """A tag as it is written."""
    return tag.replace(_TAG, "!!", 1)


def key(value: Scalar) -> str:
    """The text that a key becomes: JSON has no other keys."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise Unreadable("this number is too large for a key; quote it")
        return str(value)
    if isinstance(value, float):
        return _short(value)
    raise Unreadable("null is no key; quote it")


@functools.lru_cache(maxsize=65536)
def plain_key(text: str) -> str:
    """The text that a scalar without quotes or tag becomes as a key."""
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    value = plain(text)
    if isinstance(value, str) or not _is_float(text):
        return key(value)
    return _short(float(text.replace("_", "")))


def number(value: float) -> int | float:
    """As it is written in JSON: 1.0 is 1."""
    if abs(value) >= _WRITTEN_OUT or not value.is_integer():
        return value
    return int(value) if abs(value) <= _EXACT else int(decimal.Decimal(repr(value)))


def finite(value: float) -> int | float:
    """That number; Unreadable for what is none."""
    if not math.isfinite(value):
        raise Unreadable(f"{value} is no JSON number; quote it if it is meant as text")
    return number(value)


def moment(value: datetime.date) -> str:
    """A date, or a date and time, in ISO 8601, as it was probably written: UTC is Z."""
    return re.sub(r"\+00:00$", "Z", value.isoformat())


@functools.lru_cache(maxsize=65536)
def _plain(text: str) -> Scalar:
    """The same, remembered: manifests repeat the same few words."""
    return _resolved(text)


def _resolved(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text in _NOT_FINITE:
        raise Unreadable(f"{text} is no JSON number; quote it if it is meant as text")
    if text[:1] == ".":
        return _float(text.replace("_", ""), text) if _POINT.fullmatch(text) else text
    digits = text.replace("_", "")
    if digits[:1] not in "0123456789+-" or _is_timestamp(text):
        return text
    whole = _INTEGER.fullmatch(digits)
    value = _integer(whole) if whole else None
    if value is not None:
        return value
    return _float(digits, text) if _FLOAT.fullmatch(digits) else text


def _float(digits: str, text: str) -> Scalar:
    """A text where no float is that large."""
    value = float(digits)
    return number(value) if math.isfinite(value) else text


def _integer(match: re.Match[str]) -> int | None:
    """None for what does not fit into 64 bits: in decimal it is then a float, else a text."""
    sign, *parts = match.groups()
    digits, base = next((part, base) for part, base in zip(parts, (16, 2, 8, 10), strict=True) if part is not None)
    value = int(sign + digits, base) if len(digits) <= 80 else _UINT64
    if -_INT64 <= value < _INT64:
        return value
    return int(number(float(value))) if value < _UINT64 and not sign else None


def _is_float(text: str) -> bool:
    digits = text.replace("_", "")
    whole = _INTEGER.fullmatch(digits)
    return not (whole and _integer(whole) is not None) and bool(_FLOAT.fullmatch(digits))


def _tag_of(text: str, value: Scalar) -> str:
    """What the value of a plain scalar is called in YAML."""
    if isinstance(value, bool):
        return "bool"
    if value is None:
        return "null"
    if isinstance(value, str):
        return "str"
    return "float" if _is_float(text) else "int"


def _is_timestamp(text: str) -> bool:
    """Whether it is one that the reader knows; it stays the text that it is."""
    match = _DATE.fullmatch(text) if text[4:5] == "-" else None
    if match is None:
        return False
    try:
        year, month, day = map(int, match[1].split("-"))
        datetime.date(year or 4, month, day)  # Go has a year 0, which is a leap year
        hour, minute, second = map(int, (match[2] or match[3] or "0:0:0").split(":"))
        datetime.time(hour, minute, second)
    except ValueError:
        return False
    return True


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise Unreadable("!!binary is not base64 of a text") from exc


def _short(value: float) -> str:
    """A key that is a float, as that reader writes it: the shortest digits that name the same float of 32 bits."""
    if math.isnan(value):
        return ".nan"
    single = _single(value)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    text = _shortest(single)
    mantissa, _e, exponent = text.partition("e")
    if -4 <= int(exponent) < 6:
        return f"{float(text):.{max(0, len(mantissa.lstrip('-').replace('.', '')) - 1 - int(exponent))}f}"
    return f"{mantissa}e{int(exponent):+03d}"


def _shortest(single: float) -> str:
    for digits in range(17):
        text = f"{single:.{digits}e}"
        if _single(float(text)) == single:
            break
    return text


def _single(value: float) -> float:
    """That number in 32 bits."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)
