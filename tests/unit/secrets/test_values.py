# Copyright (c) 2026 GreenLang. All rights reserved.
"""Values are generated once, composed with encoding, and checked all at once; no message shows one."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.module_utils import _values
from ansible_collections.greenlang.vcci.plugins.module_utils.errors import InputError

CANARY = "canary/ü@:"


def wanted(**secrets: dict) -> list[_values.Wanted]:
    return _values.read([{"name": name, "values": values} for name, values in secrets.items()], "here")


def test_a_generated_value_is_kept() -> None:
    secrets = wanted(db={"password": {"generate": {"length": 40}}})
    first = _values.resolve(secrets, {})
    assert len(first[("here", "db", "password")]) == 40
    assert _values.resolve(secrets, first) == first
    assert _values.resolve(secrets, first, frozenset(first)) != first


def test_a_composed_value_follows_its_parts_encoded() -> None:
    secrets = wanted(db={"password": CANARY}, app={"url": {"compose": "postgresql://u:${db/password|url}@h/$${x}"}})
    assert _values.resolve(secrets, {})[("here", "app", "url")] == b"postgresql://u:canary%2F%C3%BC%40%3A@h/${x}"


def test_a_generated_part_is_kept_inside_a_composed_value() -> None:
    secrets = wanted(db={"dsn": {"generate": {}, "compose": "postgresql://m:${generated|url}@localhost"}})
    first = _values.resolve(secrets, {})
    assert len(first[("here", "db", "dsn")]) == len("postgresql://m:@localhost") + 32
    assert _values.resolve(secrets, first) == first


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a b": "x"}, "key 'a b' is invalid"),
        ({"a": ""}, "is empty"),
        ({"a": 3}, "a text, or one of"),
        ({"a": {"generate": {"length": 2}}}, "from 8 to 65536"),
        ({"a": {"generate": {"format": "rot13"}}}, "format: one of"),
        ({"a": {"generate": {"alphabet": "abc"}}}, "ten different"),
        ({"a": {"base64": "?"}}, "is not base64"),
        ({"a": {"generate": {}, "compose": "nothing"}}, "must occur in it once"),
        ({}, "at least one key"),
    ],
)
def test_bad_values_are_refused(values: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wanted(s=values)


@pytest.mark.parametrize(
    ("template", "message"),
    [("${other/key}", "does not have"), ("${url}", "composed from itself"), ("${p|rot13}", "filter 'rot13' is none of")],
)
def test_bad_templates_are_refused(template: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _values.resolve(wanted(s={"p": CANARY, "url": {"compose": template}}), {})
    assert CANARY not in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        _values.read([{"name": "UPPER", "values": {"a": CANARY}}, {"name": "b", "scope": "wide", "values": {"a": ""}, "extra": 1}], "here")
    text = str(caught.value)
    assert all(part in text for part in ("name must be", "scope must be", "is empty", "unknown field extra"))
    assert CANARY not in text


def test_a_secret_has_a_limit() -> None:
    with pytest.raises(InputError, match="at most"):
        _values.resolve(wanted(s={"a": "x" * (_values.LIMIT + 1)}), {})
