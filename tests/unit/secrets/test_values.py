# Copyright (c) 2026 GreenLang. All rights reserved.
"""Values are generated once, composed with encoding, and checked all at once; no message shows one."""

from __future__ import annotations

import datetime
import random
from urllib.parse import unquote

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import generators, values
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import Generator
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import Wanted, Where, read
from hypothesis import given, settings
from hypothesis import strategies as st

CANARY = "canary/ü@:"
NOW = datetime.datetime.now(datetime.UTC)


def wanted(**secrets: dict) -> list[Wanted]:
    return read([{"name": name, "values": entries} for name, entries in secrets.items()], "here")


def resolve(
    secrets: list[Wanted], held: dict[Where, bytes], rotate: frozenset[Where] = frozenset()
) -> dict[Where, bytes]:
    return values.resolve(secrets, held, rotate, Generator(random.SystemRandom(), NOW))


def test_a_generated_value_is_kept() -> None:
    secrets = wanted(db={"password": {"generate": {"length": 40}}})
    first = resolve(secrets, {})
    assert len(first[("here", "db", "password")]) == 40
    assert resolve(secrets, first) == first
    assert resolve(secrets, first, frozenset(first)) != first


def test_a_composed_value_follows_its_parts_encoded() -> None:
    secrets = wanted(db={"password": CANARY}, app={"url": {"compose": "postgresql://u:${db/password|url}@h/$${x}"}})
    assert resolve(secrets, {})[("here", "app", "url")] == b"postgresql://u:canary%2F%C3%BC%40%3A@h/${x}"


def test_a_generated_part_is_kept_inside_a_composed_value() -> None:
    secrets = wanted(db={"dsn": {"generate": {}, "compose": "postgresql://m:${generated|url}@localhost"}})
    first = resolve(secrets, {})
    assert len(first[("here", "db", "dsn")]) == len("postgresql://m:@localhost") + 32
    assert resolve(secrets, first) == first


@pytest.mark.parametrize(
    ("entries", "message"),
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
def test_bad_values_are_refused(entries: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wanted(s=entries)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("${other/key}", "does not have"),
        ("${url}", "composed from itself"),
        ("${p|rot13}", "filter 'rot13' is none of"),
    ],
)
def test_bad_templates_are_refused(template: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        resolve(wanted(s={"p": CANARY, "url": {"compose": template}}), {})
    assert CANARY not in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        read(
            [
                {"name": "UPPER", "values": {"a": CANARY}},
                {"name": "b", "scope": "wide", "values": {"a": ""}, "extra": 1},
            ],
            "here",
        )
    text = str(caught.value)
    assert all(part in text for part in ("name must be", "scope must be", "is empty", "unknown field extra"))
    assert CANARY not in text


def test_a_secret_has_a_limit() -> None:
    with pytest.raises(InputError, match="at most"):
        resolve(wanted(s={"a": "x" * (values.LIMIT + 1)}), {})


HOW = st.fixed_dictionaries(
    {"length": st.integers(8, 80), "format": st.sampled_from(["text", "hex", "base64", "uuid"])},
    optional={"alphabet": st.sampled_from([*generators.ALPHABETS, "ABCDEFGHIJKL-/:@"])},
)


@settings(max_examples=60, deadline=None)
@given(how=HOW, seed=st.integers())
def test_generated_values_are_as_asked(how: dict, seed: int) -> None:
    made, again = (Generator(random.Random(seed), NOW).value(how).decode() for _i in range(2))
    assert made == again
    if how["format"] == "text":
        named = how.get("alphabet", "alphanumeric")
        assert len(made) == how["length"]
        assert set(made) <= set(generators.ALPHABETS.get(named, named))
    elif how["format"] == "hex":
        assert len(bytes.fromhex(made)) == how["length"]


@settings(max_examples=60, deadline=None)
@given(
    how=HOW,
    given_text=st.text(min_size=1, max_size=30).filter(lambda text: text.strip() != ""),
    host=st.sampled_from(["a", "b.example"]),
    rotated=st.booleans(),
)
def test_what_is_kept_stays_and_what_depends_on_it_follows(
    how: dict, given_text: str, host: str, rotated: bool
) -> None:
    def secrets(host: str) -> list[Wanted]:
        compose = "scheme://u:${db/password|url}:${given|url}@" + host
        return wanted(
            db={"password": {"generate": how}}, app={"given": {"value": given_text}, "url": {"compose": compose}}
        )

    password, url = ("here", "db", "password"), ("here", "app", "url")
    first = resolve(secrets("first"), {})
    second = resolve(secrets(host), first, frozenset([password]) if rotated else frozenset())
    assert (second[password] != first[password]) == rotated
    inside = second[url].decode().removeprefix("scheme://u:").removesuffix("@" + host).split(":")
    assert [unquote(part) for part in inside] == [second[password].decode(), given_text]
    assert resolve(secrets(host), second) == second


def test_an_unencoded_generated_part_is_as_it_was_made() -> None:
    how = {"alphabet": "ABCDEFGHIJ/:@", "length": 200}
    plain, encoded = (
        resolve(wanted(s={"a": {"generate": how, "compose": f"${{{what}}}"}}), {})[("here", "s", "a")].decode()
        for what in ("generated", "generated|url")
    )
    assert set(plain) & set("/:@")
    assert not set(encoded) & set("/:@")
