# Copyright (c) 2026 GreenLang. All rights reserved.
"""Generated values, alone and inside composed ones, are kept exactly, or there is an error: never a guess."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import Generator
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.keep_generated import UNNOTED, Parts, Place
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.values import Resolver
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

WHERE = ("n", "s", "a")
PART = "Abcdefgh1234567890xy"
REMEDY = "n/s/a: what is there cannot be told apart .* or rotate it"
HOW = {"length": len(PART)}


def made(spec: object, held: bytes | None, parts: Parts | None = None, *, rotate: bool = False) -> bytes:
    wanted = read([{"name": "s", "namespace": "n", "values": {"a": spec}}])
    now = Generator(random.SystemRandom(), datetime.datetime.now(datetime.UTC))
    rotated = frozenset([WHERE] if rotate else [])
    resolver = Resolver(wanted, {WHERE: held} if held is not None else {}, rotated, now, parts)
    return resolver.resolved()[WHERE]


def around(template: str, how: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"generate": HOW if how is None else how, "compose": template}


PLACES: dict[str, tuple[str, Place | None, str, dict[str, Any], str | None]] = {
    # what is there, where its part was noted, the template and recipe now, what it becomes
    "unchanged": (f"app-{PART}", Place(4, 0, False), "app-${generated}", HOW, f"app-{PART}"),
    "a prefix is gone": (f"app-{PART}", Place(4, 0, False), "${generated}", HOW, PART),
    "a prefix of the same length": (f"app-{PART}", Place(4, 0, False), "web-${generated}", HOW, f"web-{PART}"),
    "a shorter prefix that still fits": (f"app-{PART}", Place(4, 0, False), "a${generated}", HOW, f"a{PART}"),
    "a shorter suffix that still fits": (f"{PART}-end", Place(0, 4, False), "${generated}d", HOW, f"{PART}d"),
    "both, and another recipe": (f"x{PART}y", Place(1, 1, False), "<${generated}>", {"length": 99}, f"<{PART}>"),
    "a part that looks like the text around": ("aaaaaaaaaaaa", Place(4, 0, False), "${generated}", {}, "aaaaaaaa"),
    "encoded from now on": ("p:a/b:c", Place(2, 0, False), "q=${generated|url}", {}, "q=a%2Fb%3Ac"),
    "no longer encoded": ("q=a%2Fb%3Ac", Place(2, 0, True), "p:${generated}", {}, "p:a/b:c"),
    "encoded in another way, and so asked for": ("q=a%2fb", Place(2, 0, True), "r=${generated|url}", {}, "r=a%2fb"),
    "a note that does not fit": ("short", Place(3, 3, False), "${generated}", HOW, None),
    "of the version before, unchanged": (f"app-{PART}", UNNOTED, "app-${generated}", HOW, f"app-{PART}"),
    "of the version before, a prefix is gone": (f"app-{PART}", UNNOTED, "${generated}", HOW, PART),
    "of the version before, another recipe": (f"app-{PART}", UNNOTED, "app-${generated}", {"length": 30}, None),
    "of the version before, both changed": (f"app-{PART}", UNNOTED, "${generated}", {"length": 30}, None),
    "of the version before, two might be it": (f"{PART}:{PART}", UNNOTED, "x${generated}", HOW, None),
    "of the version before, bytes of hex": ("k" + "ab" * 16, UNNOTED, "k${generated}", {"format": "hex"}, None),
    "made by hand": ("u:by hand@h", None, "u:${generated}@h", HOW, "u:by hand@h"),
    "made by hand, and not so": ("something", None, "u:${generated}@h", HOW, None),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_generated_part_is_put_into_the_template_of_now(case: str) -> None:
    there, place, template, how, becomes = PLACES[case]
    parts = {} if place is None else {WHERE: place}
    spec = around(template, how)
    if becomes is None:
        with pytest.raises(InputError, match=REMEDY) as refused:
            made(spec, there.encode(), parts)
        assert there not in str(refused.value)
        assert made(spec, there.encode(), parts, rotate=True) != there.encode()
    else:
        assert made(spec, there.encode(), parts).decode() == becomes


@pytest.mark.parametrize("form", ["text", "hex", "base64", "uuid", "rsa", "ed25519"])
@pytest.mark.parametrize("encoded", ["", "|url"])
def test_what_the_version_before_made_of_any_format_is_kept(form: str, encoded: str) -> None:
    how = {"format": form, **({"length": 2048} if form == "rsa" else {})}
    spec = around(f"scheme://u:${{generated{encoded}}}@host?x=1", how)
    first = made(spec, None)
    assert made(spec, first, {WHERE: UNNOTED}) == first


@pytest.mark.parametrize("place", [None, UNNOTED, Place(1, 0, False)])
def test_what_is_no_text_is_never_rewritten(place: Place | None) -> None:
    parts = {} if place is None else {WHERE: place}
    with pytest.raises(InputError, match=REMEDY):
        made(around("x${generated}"), b"x\xff\xfe" + PART.encode(), parts)


@pytest.mark.parametrize("spec", [{"generate": {}}, around("x${generated}"), {"generate": {"format": "rsa"}}])
def test_an_empty_value_is_an_error_and_no_password(spec: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"n/s/a is to be generated, and an empty value is there"):
        made(spec, b"")
    assert made(spec, b"", rotate=True)


def test_binary_values_that_are_generated_alone_are_kept() -> None:
    assert made({"generate": {}}, b"\xff\x00") == b"\xff\x00"
