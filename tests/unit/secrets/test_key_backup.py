# Copyright (c) 2026 GreenLang. All rights reserved.
"""A backup of sealing keys: every form of one is read, and it only grows."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import key_backup
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.key_backup import Backup
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.keyring import NEVER, keyring

from tests.unit.secrets.keys import certificate, fingerprint, pem, secret

BARE = {"kind": "Secret", "data": {"tls.key": base64.b64encode(pem(0)).decode()}}
SERVER = {"uid": "x", "resourceVersion": "1", "managedFields": [], "creationTimestamp": "2026-01-01T00:00:00Z"}


def listed(*secrets: Any, kind: str = "List") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "items": list(secrets)}


def exported(number: int) -> dict[str, Any]:
    """As `kubectl get -o yaml` writes it."""
    one = secret(number)
    return {**one, "metadata": {**one["metadata"], **SERVER}}


def documents(*contents: Any) -> str:
    return yaml.safe_dump_all(contents)


# A text, and the numbers of the keys that are in it.
FORMS: dict[str, tuple[str, list[int]]] = {
    "a list": (json.dumps(listed(secret(0), secret(1))), [0, 1]),
    "a list in YAML": (documents(listed(exported(0), exported(1))), [0, 1]),
    "a SecretList": (documents(listed(secret(0), kind="SecretList")), [0]),
    "a list without a kind": (documents({"items": [secret(0)]}), [0]),
    "one Secret": (documents(secret(0)), [0]),
    "one Secret in JSON": (json.dumps(secret(0)), [0]),
    "a list, then a Secret": (documents(listed(secret(0)), secret(1)), [0, 1]),
    "empty documents between": (f"---\n---\n{documents(secret(0))}---\n", [0]),
    "one key twice": (documents(listed(secret(0), secret(0, "other"))), [0]),
    "the key of before labels": (documents(secret(0, "sealed-secrets-key", label=None)), [0]),
    "a private key": (pem(0).decode(), [0]),
    "a private key, PKCS1": (pem(0, "TraditionalOpenSSL").decode(), [0]),
    "a private key and its certificate": ((certificate(0) + pem(0)).decode(), [0]),
    "a Secret with a private key alone": (documents(BARE), [0]),
    "a time without quotes": (
        documents(secret(0)).replace("  namespace:", "  creationTimestamp: 2026-01-01T00:00:00Z\n  namespace:"),
        [0],
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_kubeseals_recovery_is_read(form: str) -> None:
    text, numbers = FORMS[form]
    found = key_backup.read(text, "here")
    assert sorted(key.fingerprint for key in found.keys) == sorted(map(fingerprint, numbers))
    assert all(key.active for key in found.keys)
    assert (found.others, found.damaged) == ([], [])
    again = key_backup.read(json.dumps(found.content), "here")
    assert again.content == found.content
    assert again.ring.fingerprints == found.ring.fingerprints


def test_a_key_that_somebody_marked_stays_marked() -> None:
    [key] = key_backup.read(documents(secret(0, label="compromised")), "here").keys
    assert not key.active


def test_a_private_key_alone_is_never_the_newest() -> None:
    found = key_backup.read(documents(BARE, secret(1, began=5000)), "here")
    assert [key.fingerprint for key in found.ring.keys] == [fingerprint(1), fingerprint(0)]
    assert found.ring.keys[1].begins == NEVER


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "here holds no sealing keys"),
        ("items: []", "here holds no sealing keys"),
        ("{}", r"here holds no sealing keys: item 1: no key pair: it is no Secret with data"),
        ("- a", "here holds no sealing keys: item 1: no key pair"),
        ("text", "here holds no sealing keys: item 1: no key pair"),
        ("items: [1, 2]", "item 1: no key pair: it is no Secret with data; item 2: no key pair"),
        ("a: [", "here is not YAML when decrypted"),
        (documents(listed({"metadata": {"name": "x"}, "data": {"a": "b"}})), "Secret x: no key pair"),
        (certificate(0).decode(), "unencrypted RSA key in PEM"),
        ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "unencrypted RSA key in PEM"),
    ],
)
def test_what_holds_no_key_is_one_clear_error(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        key_backup.read(text, "here")
    assert "BEGIN" not in str(caught.value)


def test_what_is_damaged_stays_in_the_file_beside_what_is_good() -> None:
    retired = secret(1, "retired")
    retired["data"]["tls.crt"] = base64.b64encode(b"retired").decode()
    found = key_backup.read(documents(listed(retired, "odd", secret(0))), "here")
    assert [key.fingerprint for key in found.keys] == [fingerprint(0)]
    assert [why.split(":")[0] for why in found.damaged] == ["Secret retired is not a PEM certificate", "item 2"]
    assert found.content["items"][1:] == [retired, "odd"]
    grown = key_backup.grown(found, keyring([secret(2)]))
    assert grown.content["items"][2:] == [retired, "odd"]


# The numbers of keys: in the file, in the cluster, and afterwards in the file.
GROWTH = {
    "a new file": ([], [0, 1], [0, 1]),
    "the same": ([0, 1], [0, 1], [0, 1]),
    "a new key": ([0], [0, 1], [0, 1]),
    "one that the cluster lost": ([0, 1], [1, 2], [0, 1, 2]),
    "all that the cluster lost": ([0, 1], [2], [0, 1, 2]),
}


@pytest.mark.parametrize("case", GROWTH)
def test_a_backup_only_grows(case: str) -> None:
    file, cluster, after = GROWTH[case]
    before = key_backup.read(documents(*map(secret, file)), "here") if file else Backup()
    grown = key_backup.grown(before, keyring(map(secret, cluster)))
    assert grown.ring.fingerprints == set(map(fingerprint, after))
    assert (grown.content == before.content) == (case == "the same")


def test_keys_are_told_apart_by_what_they_are_not_by_name() -> None:
    before = key_backup.read(documents(secret(0, "same")), "here")
    grown = key_backup.grown(before, keyring([secret(1, "same")]))
    names = {key.fingerprint: key.name for key in grown.keys}
    assert names[fingerprint(0)] == "same"
    assert names[fingerprint(1)].startswith("same-")
    again = key_backup.read(json.dumps(grown.content), "here")
    assert key_backup.grown(again, keyring([secret(1, "same")])).content == grown.content
    assert len(key_backup.grown(Backup(), keyring([secret(0, "old"), secret(0, "new")])).keys) == 1


def test_what_the_cluster_says_of_a_key_counts() -> None:
    before = key_backup.read(documents(secret(0)), "here")
    grown = key_backup.grown(before, keyring([secret(0, label="compromised")]))
    assert [key.active for key in grown.keys] == [False]
    assert grown.content != before.content


def test_what_is_of_one_cluster_only_is_left_out() -> None:
    one = exported(0)
    one["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": "the key in plain text",
        "applyset.greenlang.io/digest": "x",
        "note": "kept",
    }
    one["metadata"]["labels"]["applyset.kubernetes.io/part-of"] = "x"
    [written] = key_backup.grown(Backup(), keyring([one])).content["items"]
    assert sorted(written["metadata"]) == ["annotations", "creationTimestamp", "labels", "name"]
    assert written["metadata"]["annotations"] == {"note": "kept"}
    assert list(written["metadata"]["labels"]) == ["sealedsecrets.bitnami.com/sealed-secrets-key"]
