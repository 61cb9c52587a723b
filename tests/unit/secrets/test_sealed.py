# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which ciphertexts are kept: a table of what may have happened to a SealedSecret and its Secret."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import notes
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import sealed as _sealed
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.decide import keep_ciphertexts
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import Wanted

DATA = {"a": b"one", "b": b"two"}
COPIES = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubecfg.ksonnet.io/last-applied-configuration",
    "kapp.k14s.io/original",
)
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


def newer(sealed: dict, secret: dict) -> None:
    sealed["metadata"]["generation"] = 4


def rendered(sealed: dict, secret: dict) -> None:
    more(sealed, secret)
    sealed["spec"]["template"] = {"data": {"c": "{{ .a }}"}}


CASES: dict[str, tuple[Callable[[dict, dict], object], dict[str, bytes], set[str]]] = {
    "nothing happened": (lambda sealed, secret: None, {}, {"a", "b"}),
    "another value is wanted": (lambda sealed, secret: secret["data"].update(a="eA=="), {}, {"b"}),
    "a key was removed": (lambda sealed, secret: secret["data"].pop("a"), {}, {"b"}),
    "a key was added": (more, {}, set()),
    "a key was added where others may": (patched, {}, {"a", "b"}),
    "touched, and sealed is something else": (touched, {"a": b"other"}, {"b"}),
    "touched, and sealed is the same": (touched, {"a": b"one"}, {"a", "b"}),
    "touched, and what is sealed may not be read": (touched, {}, {"a", "b"}),
    "a key is made by the template": (rendered, {}, {"a", "b"}),
    "not unsealed yet, and sealed is the same": (newer, {"a": b"one", "b": b"two"}, {"a", "b"}),
    "not unsealed yet, and sealed is something else": (newer, {"a": b"other", "b": b"two"}, {"b"}),
    "removed, and sealed is the same": (lambda sealed, secret: secret["data"].pop("a"), {"a": b"one"}, {"b"}),
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


STATUS = {"manager": "controller", "fieldsV1": {"f:status": {}}}
FROM_A_BACKUP = {**OURS, "manager": "velero"}
WITNESSES: dict[str, tuple[Callable[[dict, dict], object], set[str]]] = {
    "the controller wrote it": (lambda sealed, secret: None, set()),
    "removed": (lambda sealed, secret: secret["data"].pop("a"), {"a"}),
    "emptied": (lambda sealed, secret: secret["data"].update(a=""), {"a"}),
    "edited": (touched, {"a"}),
    "nobody's": (lambda sealed, secret: ours_of(secret)["fieldsV1"]["f:data"].pop("f:b"), {"b"}),
    "managedFields were stripped": (lambda sealed, secret: secret["metadata"].pop("managedFields"), {"a", "b"}),
    "no data": (lambda sealed, secret: secret.pop("data"), {"a", "b"}),
    "from a backup": (
        lambda sealed, secret: [
            sealed["metadata"].update(managedFields=[STATUS]),
            secret["metadata"].update(managedFields=[FROM_A_BACKUP]),
        ],
        {"a", "b"},
    ),
    "the controller is known by its name": (
        lambda sealed, secret: [
            sealed["metadata"].update(managedFields=[STATUS]),
            ours_of(secret)["fieldsV1"].pop("f:metadata"),
        ],
        set(),
    ),
    "stripped, and seen by a run": (
        lambda sealed, secret: [
            sealed["metadata"].update(annotations={notes.SEEN: "12"}),
            secret["metadata"].pop("managedFields"),
            secret["metadata"].update(resourceVersion="12"),
        ],
        set(),
    ),
    "changed since it was seen": (
        lambda sealed, secret: [
            sealed["metadata"].update(annotations={notes.SEEN: "12"}),
            secret["metadata"].pop("managedFields"),
            secret["metadata"].update(resourceVersion="13"),
        ],
        {"a", "b"},
    ),
}


def ours_of(secret: dict) -> dict:
    return secret["metadata"]["managedFields"][0]


@pytest.mark.parametrize("case", WITNESSES)
def test_of_which_keys_a_secret_is_no_witness(case: str) -> None:
    happened, keys = WITNESSES[case]
    sealed, secret = copy.deepcopy(SEALED), copy.deepcopy(SECRET)
    happened(sealed, secret)
    assert _sealed.Live(sealed, secret).touched == keys


def test_whole_copies_in_annotations_are_never_written() -> None:
    copies = dict.fromkeys(COPIES, '{"data": {"a": "b25l"}}')
    wanted = Wanted("n", "s", annotations={**copies, "kept": "x"})
    former = {"metadata": {"annotations": copies}, "spec": {"template": {"metadata": {"annotations": copies}}}}
    for made in (_sealed.build(wanted, {}, {}, copies, former), _sealed.build_plain(wanted, {}, {}, copies)):
        assert "b25l" not in str(made)
        assert "kept" in str(made)


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
