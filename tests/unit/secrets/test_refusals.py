# Copyright (c) 2026 GreenLang. All rights reserved.
"""What Kubernetes or the controller would not make of a Secret is refused before anything is written: a table."""

from __future__ import annotations

import base64
import datetime
import random
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.decide import Evidence, decide
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import Generator
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.sealed import Live
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.state import SecretState
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

NEW = Generator(random.SystemRandom(), datetime.datetime.now(datetime.UTC))
BASIC = "kubernetes.io/basic-auth"


def live(kind: str | None = None, *, immutable: bool = False, orphan: bool = False, values: str = "a=x") -> Live:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in [values.split("=")]}
    owner = {"kind": "SealedSecret", "uid": "gone" if orphan else "u"}
    secret: dict[str, Any] = {"metadata": {"ownerReferences": [owner]}, "data": data}
    secret |= {"type": kind} if kind else {}
    secret |= {"immutable": True} if immutable else {}
    sealed = {
        "metadata": {"uid": "u", "generation": 1},
        "spec": {"encryptedData": dict.fromkeys(data, "C")},
        "status": {"observedGeneration": 1, "conditions": [{"type": "Synced", "status": "True"}]},
    }
    return Live(sealed, secret)


CASES: dict[str, tuple[Live, dict[str, Any], bool, str]] = {
    # what is there, what is asked for, merge, what is said
    "the same type": (live(BASIC, values="username=x"), {"type": BASIC, "values": {"username": "x"}}, False, ""),
    "no type there": (live(), {}, False, ""),
    "another type": (live(BASIC), {"type": "Opaque"}, False, f"has type {BASIC}, which Kubernetes never changes"),
    "none named": (live("example.com/x"), {}, False, "and Opaque is asked for: ask for type example.com/x; or delete"),
    "none named, merge": (live("example.com/x"), {}, True, ""),
    "another type, merge": (live("example.com/x"), {"type": "Opaque"}, True, "and Opaque is asked for"),
    "another type, and it will be gone": (live("example.com/x", orphan=True), {"type": "example.com/y"}, False, ""),
    "there is none": (Live(), {"type": "example.com/y", "immutable": True}, False, ""),
    "immutable, the same": (live(immutable=True), {"immutable": True}, False, ""),
    "immutable, another value": (
        live(immutable=True),
        {"immutable": True, "values": {"a": "y"}},
        False,
        "is immutable, and a would change: delete the Secret, after spec.template.immutable",
    ),
    "immutable, one more": (
        live(immutable=True),
        {"immutable": True, "values": {"a": "x", "b": "y"}},
        False,
        "immutable, and b would change",
    ),
    "immutable, one less": (
        live(immutable=True, values="b=x"),
        {"immutable": True, "values": {"a": "x"}},
        False,
        "immutable, and a, b would change",
    ),
    "immutable no longer": (live(immutable=True), {"immutable": False}, False, "ask for immutable: true"),
    "immutable, not named": (live(immutable=True), {}, False, "ask for immutable: true"),
    "immutable, not named, merge": (live(immutable=True), {}, True, ""),
    "immutable from now on": (live(), {"immutable": True}, False, "the controller only makes new ones so"),
    "basic-auth without both": (Live(), {"type": BASIC}, False, f"type {BASIC} needs username or password"),
    "tls without a key": (
        Live(),
        {"type": "kubernetes.io/tls", "values": {"tls.crt": "x"}},
        False,
        "needs tls.key, which is not among its values",
    ),
    "docker": (Live(), {"type": "kubernetes.io/dockerconfigjson"}, False, r"needs \.dockerconfigjson"),
    "ssh": (Live(), {"type": "kubernetes.io/ssh-auth"}, False, "needs ssh-privatekey"),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_before_anything_is_written(case: str) -> None:
    there, fields, merge, message = CASES[case]
    wanted = read([{"name": "s", "namespace": "n", "values": {"a": "x"}, **fields}])
    states = [SecretState(wanted[0], there, held=dict(there.values))]
    if message:
        with pytest.raises(InputError, match=message):
            decide(states, "ciphertexts", frozenset(), NEW, merge)
    else:
        decide(states, "ciphertexts", frozenset(), NEW, merge)


@pytest.mark.parametrize("evidence", ["ciphertexts", "values"])
def test_who_writes_secrets_itself_can_make_them_immutable(evidence: Evidence) -> None:
    wanted = read([{"name": "s", "namespace": "n", "values": {"a": "x"}, "immutable": True}])
    there = Live(None, {"metadata": {}, "data": {"a": base64.b64encode(b"x").decode()}})
    states = [SecretState(wanted[0], there, held=dict(there.values))]
    if evidence == "values":
        decide(states, evidence, frozenset(), NEW)
        return
    with pytest.raises(InputError, match="only makes new ones so"):
        decide(states, evidence, frozenset(), NEW)


def test_what_no_key_unseals_is_an_error_that_names_it_unless_it_is_rotated() -> None:
    wanted = read([{"name": "s", "namespace": "n", "values": {"a": {"generate": {}}, "b": "given"}}])
    there = live()
    states = [SecretState(wanted[0], there, held=dict(there.values), lost={"a", "b"})]
    with pytest.raises(InputError, match=r"Secret n/s: what is sealed as a can be unsealed with none .* or rotate s/a"):
        decide(states, "ciphertexts", frozenset(), NEW)
    [decided] = decide(states, "ciphertexts", frozenset([("n", "s", "a")]), NEW)
    assert decided.changed == ["a", "b"]
    assert decided.values["a"] != b"x"
