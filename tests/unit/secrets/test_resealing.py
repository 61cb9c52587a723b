# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is sealed anew keeps its scope, and what cannot be is named."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.keyring import sealing_key
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.resealing import Resealer

from tests.unit.secrets.keys import private, secret

OLD, NEW = sealing_key(secret(0)), sealing_key(secret(1))
RESEALER = Resealer([NEW, OLD], NEW, os.urandom)


def cipher(number: int, bound_to: bytes = b"place/name") -> str:
    return crypto.seal(private(number).public_key(), b"value", bound_to, os.urandom)


def sealed(scope: str = "strict", **metadata: Any) -> dict[str, Any]:
    """Sealed with the old key for this scope; `metadata` replaces some of its own."""
    known = {"namespace": "place", "name": "name", "annotations": crypto.scope_annotations(scope)}
    named = {key: value for key, value in {**known, **metadata}.items() if value is not None}
    text = cipher(0, crypto.label(scope, "place", "name"))
    return {"kind": "SealedSecret", "metadata": named, "spec": {"encryptedData": {"a": text}}}


@pytest.mark.parametrize("scope", crypto.SCOPES)
def test_the_scope_stays(scope: str) -> None:
    one = sealed(scope)
    # Upstream took it from the template once, which may be wider.
    one["spec"]["template"] = {"metadata": {"annotations": crypto.scope_annotations("cluster-wide")}}
    again = RESEALER.renewed(one)["a"]
    for other in crypto.SCOPES:
        bound_to = crypto.label(other, "place", "name")
        if other == scope:
            assert crypto.unseal([NEW.private], again, bound_to) == b"value"
        else:
            with pytest.raises(crypto.Unsealable):
                crypto.unseal([NEW.private], again, bound_to)


def test_what_the_newest_opens_stays() -> None:
    one = sealed()
    one["spec"]["encryptedData"] |= {"b": cipher(1), "c": cipher(0) + "\n", "d": cipher(1) + "\r\n"}
    assert sorted(RESEALER.renewed(one)) == ["a", "c"]


def test_no_place_is_needed_where_nothing_is_bound_to_it() -> None:
    assert list(RESEALER.renewed(sealed("cluster-wide", namespace=None, name=None))) == ["a"]
    assert list(RESEALER.renewed(sealed("namespace-wide", name=None))) == ["a"]
    assert RESEALER.renewed({"kind": "SealedSecret", "metadata": {"namespace": "n", "name": "a"}}) == {}


def odd(value: object) -> dict[str, Any]:
    one = sealed()
    one["spec"]["encryptedData"]["a"] = value
    return one


WRONG = {
    "strict without a namespace": (
        sealed(namespace=None),
        r"SealedSecret \(no namespace\)/name is sealed strict and has no metadata.namespace",
    ),
    "namespace-wide without a namespace": (
        sealed("namespace-wide", namespace=""),
        "is sealed namespace-wide and has no metadata.namespace: write there the one it was sealed for",
    ),
    "strict without a name": (sealed(name=None), r"SealedSecret place/\(no name\) is sealed strict and has no"),
    "of another place": (
        sealed(name="other"),
        "SealedSecret place/other: no sealing key decrypts a: nothing was changed",
    ),
    "of another key": (odd(cipher(2)), "SealedSecret place/name: no sealing key decrypts a: nothing was changed"),
    "no base64": (odd("not sealed"), "SealedSecret place/name: a: what is sealed is not base64: nothing was changed"),
    "a template": (odd("{{ x }}"), "a: what is sealed is not base64"),
    "nothing": (odd(""), "SealedSecret place/name: a: what is sealed is too short: nothing was changed"),
    "null": (odd(None), "a: what is sealed is not base64"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_sealed_anew_is_named(case: str) -> None:
    one, message = WRONG[case]
    with pytest.raises(InputError, match=message):
        RESEALER.renewed(one)
