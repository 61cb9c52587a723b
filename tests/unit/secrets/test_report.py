# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is told of a SealedSecret: only active keys count, and nothing is said of what was not looked at."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.keyring import keyring
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.report import Known, report, table
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.sealed import Live

from tests.unit.secrets.keys import NOW, private, secret

NEWEST, OLD, MARKED, UNKNOWN = range(4)
RING = keyring(
    [
        secret(NEWEST, "newest", began=1),
        secret(OLD, "old", began=9),
        secret(MARKED, "marked", began=5, label="compromised"),
    ]
)
KNOWN = Known(RING, [], True, 90, NOW)
HELD = b"value"


def cipher(number: int, end: str = "") -> str:
    return crypto.seal(private(number).public_key(), HELD, b"n/s", os.urandom) + end


def live(encrypted: dict[str, Any] | None, held: dict[str, bytes] | None, **spec: Any) -> Live:
    """A SealedSecret n/s, and its Secret where there is one."""
    sealed = {
        "metadata": {"namespace": "n", "name": "s", "creationTimestamp": "2026-05-01T00:00:00Z"},
        "spec": {**({} if encrypted is None else {"encryptedData": encrypted}), **spec},
    }
    texts = {key: base64.b64encode(value).decode() for key, value in (held or {}).items()}
    return Live(sealed, None if held is None else {"metadata": {}, "data": texts})


BOTH = {"a": HELD, "b": HELD}
INACTIVE = "b: only with the inactive key marked: re-encrypt"
TEMPLATE = {"data": {"url": "x://{{ .a }}"}}
# Of each: what there is; decrypts, equal, on_newest_key; the keys; the problems.
CASES: dict[str, tuple[Live, tuple[bool | None, ...], list[str], list[str]]] = {
    "all on the newest": (live({"a": cipher(NEWEST), "b": cipher(NEWEST)}, BOTH), (True, True, True), ["newest"], []),
    "one on an old key": (
        live({"a": cipher(NEWEST), "b": cipher(OLD)}, BOTH),
        (True, True, False),
        ["newest", "old"],
        [],
    ),
    "one on an inactive key": (
        live({"a": cipher(NEWEST), "b": cipher(MARKED)}, BOTH),
        (False, False, False),
        ["marked", "newest"],
        [INACTIVE],
    ),
    "all on an inactive key": (live({"b": cipher(MARKED)}, {"b": HELD}), (False, False, False), ["marked"], [INACTIVE]),
    "on a key that is gone": (
        live({"a": cipher(UNKNOWN)}, {"a": HELD}),
        (False, False, False),
        [],
        ["a: no sealing key decrypts it"],
    ),
    "over lines": (live({"a": cipher(NEWEST, "\n")}, {"a": HELD}), (True, True, True), ["newest"], []),
    "no base64": (live({"a": "so so"}, {"a": HELD}), (False, False, False), [], ["a: what is sealed is not base64"]),
    "cut off": (live({"a": "AgB="}, {"a": HELD}), (False, False, False), [], ["a: what is sealed is too short"]),
    "no text": (live({"a": 12}, {"a": HELD}), (False, False, False), [], ["a: what is sealed is not base64"]),
    "nothing is sealed": (live(None, {}), (None, True, None), [], []),
    "nothing is sealed, of null": (live(None, {}, encryptedData=None), (None, True, None), [], []),
    "of the old form": (
        live(None, {"a": HELD}, data=cipher(NEWEST)),
        (None, None, None),
        [],
        ["spec.data is the form of before version 0.7: not looked at"],
    ),
    "without a Secret": (live({"a": cipher(NEWEST)}, None), (True, False, True), ["newest"], []),
    "another value": (live({"a": cipher(NEWEST)}, {"a": b"other"}), (True, False, True), ["newest"], []),
    "a key is lacking": (live({"a": cipher(NEWEST)}, {}), (True, False, True), ["newest"], []),
    "a key was added": (live({"a": cipher(NEWEST)}, BOTH), (True, False, True), ["newest"], []),
    "a key that the template makes": (
        live({"a": cipher(NEWEST)}, {"a": HELD, "url": b"x://value"}, template=TEMPLATE),
        (True, True, True),
        ["newest"],
        [],
    ),
    "the template's key is lacking": (
        live({"a": cipher(NEWEST)}, {"a": HELD}, template=TEMPLATE),
        (True, False, True),
        ["newest"],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_told(case: str) -> None:
    there, answers, keys, problems = CASES[case]
    found = report(there, KNOWN)
    assert (found["decrypts"], found["equal"], found["on_newest_key"]) == answers
    assert (found["sealing_keys"], found["problems"]) == (keys, problems)
    [_head, row] = table({"n/s": found})
    assert ("; ".join(problems) or "-") in row
    assert HELD.decode() not in row


def test_what_may_not_be_read_is_null() -> None:
    one = live({"a": cipher(NEWEST)}, {"a": HELD})
    found = report(one, Known(None, None, True, 90, NOW))
    null = ("sealing_keys", "on_newest_key", "decrypts", "equal", "consumers")
    assert [found[name] for name in null] == [None] * len(null)
    found = report(one, Known(RING, [], False, 90, NOW))
    assert (found["decrypts"], found["equal"], found["consumers"]) == (True, None, [])
