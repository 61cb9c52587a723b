# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which ciphertexts are kept: a table of what may have happened to a SealedSecret and its Secret."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import sealed as _sealed
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.decide import keep_ciphertexts
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import Wanted

DATA = {"a": b"one", "b": b"two"}
OURS = {
    "manager": "controller",
    "fieldsV1": {"f:metadata": {"f:ownerReferences": {}}, "f:data": {".": {}, "f:a": {}, "f:b": {}}},
}
SEALED = {
    "metadata": {"name": "s", "namespace": "n", "generation": 3},
    "spec": {"encryptedData": {"a": "A", "b": "B"}},
    "status": {"observedGeneration": 3, "conditions": [{"type": "Synced", "status": "True"}]},
}
SECRET = {
    "metadata": {"name": "s", "namespace": "n", "managedFields": [OURS]},
    "data": {key: base64.b64encode(value).decode() for key, value in DATA.items()},
}


def edit(sealed: dict, secret: dict, key: str, value: bytes) -> None:
    secret["data"][key] = base64.b64encode(value).decode()
    secret["metadata"]["managedFields"].append({"manager": "kubectl-edit", "fieldsV1": {"f:data": {f"f:{key}": {}}}})


def touched(sealed: dict, secret: dict) -> None:
    edit(sealed, secret, "a", b"one")


def widened(sealed: dict, secret: dict) -> None:
    sealed["metadata"]["annotations"] = _sealing.scope_annotations("cluster-wide")


def more(sealed: dict, secret: dict) -> None:
    secret["data"]["c"] = ""


def patched(sealed: dict, secret: dict) -> None:
    more(sealed, secret)
    secret["metadata"]["annotations"] = {_sealed.PATCHED: "true"}


CASES: dict[str, tuple[Callable[[dict, dict], object], dict[str, bytes], set[str]]] = {
    "nothing happened": (lambda sealed, secret: None, {}, {"a", "b"}),
    "another value is wanted": (lambda sealed, secret: secret["data"].update(a="eA=="), {}, {"b"}),
    "a key was removed": (lambda sealed, secret: secret["data"].pop("a"), {}, {"b"}),
    "a key was added": (more, {}, set()),
    "a key was added where others may": (patched, {}, {"a", "b"}),
    "touched, and sealed is something else": (touched, {"a": b"other"}, {"b"}),
    "touched, and sealed is the same": (touched, {"a": b"one"}, {"a", "b"}),
    "touched, and what is sealed may not be read": (touched, {}, {"a", "b"}),
    "not unsealed yet": (lambda sealed, secret: sealed["metadata"].update(generation=4), {}, set()),
    "not unsealable": (lambda sealed, secret: sealed["status"]["conditions"][0].update(status="False"), {}, set()),
    "sealed with another scope": (widened, {}, set()),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_ciphertexts_are_kept_while_they_are_right(case: str) -> None:
    happened, truth, kept = CASES[case]
    sealed, secret = copy.deepcopy(SEALED), copy.deepcopy(SECRET)
    happened(sealed, secret)
    live = _sealed.Live(sealed, secret)
    assert set(keep_ciphertexts(Wanted("n", "s", values=dict.fromkeys(DATA)), live, DATA, truth)) == kept


def test_nothing_is_kept_of_what_is_not_there() -> None:
    wanted = Wanted("n", "s", values=dict.fromkeys(DATA))
    assert keep_ciphertexts(wanted, _sealed.Live(), DATA, {}) == {}
    assert keep_ciphertexts(wanted, _sealed.Live(SEALED), DATA, {}) == {}
    assert keep_ciphertexts(wanted, _sealed.Live(None, SECRET), DATA, {}) == {}


def test_the_object_is_as_kubeseal_writes_it() -> None:
    wanted = Wanted(
        "n",
        "s",
        scope="namespace-wide",
        type="kubernetes.io/tls",
        labels={"a": "b"},
        annotations={"c": "d"},
        immutable=True,
    )
    assert _sealed.build(wanted, {"b": "sealed two", "a": "A"}, {"e": "f"}, {}) == {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {
            "name": "s",
            "namespace": "n",
            "labels": {"a": "b", "e": "f"},
            "annotations": {"sealedsecrets.bitnami.com/namespace-wide": "true"},
        },
        "spec": {
            "encryptedData": {"a": "A", "b": "sealed two"},
            "template": {
                "metadata": {
                    "name": "s",
                    "namespace": "n",
                    "labels": {"a": "b", "e": "f"},
                    "annotations": {"c": "d", "sealedsecrets.bitnami.com/namespace-wide": "true"},
                },
                "type": "kubernetes.io/tls",
                "immutable": True,
            },
        },
    }


def test_a_diff_names_keys_and_shows_nothing() -> None:
    wanted = Wanted("n", "s", values={"a": "", "c": ""})
    difference = _sealed.difference(wanted, _sealed.Live(SEALED, SECRET), ["c"])
    assert (difference["before"], difference["after"]) == (
        "a: (hidden)\nb: (hidden)\n",
        "a: (hidden)\nc: (hidden, sealed anew)\n",
    )


def test_a_scope_change_is_refused() -> None:
    with pytest.raises(InputError, match="Secret n/s is sealed strict and scope cluster-wide is asked for"):
        _sealed.check(Wanted("n", "s", scope="cluster-wide"), _sealed.Live(SEALED))
    _sealed.check(Wanted("n", "s", scope="cluster-wide"), _sealed.Live(SEALED), allow_scope_change=True)
