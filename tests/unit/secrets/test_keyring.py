# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing keys in the controller's order; those that it does not use, and Secrets that are no keys."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.crypto import KEY_LABEL
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.keyring import (
    BY_CERTIFICATE,
    BY_SECRET,
    keyring,
    order_of,
    pair,
)

from tests.unit.secrets.keys import NOW, certificate, pem, private, secret

DAY, LATER = "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"
OLD, YOUNG = {"began": 900}, {"began": 30}
ENDED = {"began": 5, "days": 1}

# What each Secret is, by name; the newest by either order.
ORDERS: dict[str, tuple[dict[str, dict[str, Any]], str, str]] = {
    "after a restore, all of one second": (
        {"zzzzz": {**OLD, "created": DAY}, "aaaaa": {**YOUNG, "created": DAY}},
        "aaaaa",
        "aaaaa",
    ),
    "an old certificate in a young Secret": (
        {"a": {**OLD, "created": LATER}, "b": {**YOUNG, "created": DAY}},
        "b",
        "a",
    ),
    "equal certificates: the older Secret": (
        {"a": {**YOUNG, "created": LATER}, "b": {**YOUNG, "created": DAY}},
        "b",
        "a",
    ),
    "all equal: by name": ({"b": {**YOUNG, "created": DAY}, "a": {**YOUNG, "created": DAY}}, "a", "a"),
    "without times of Secrets": ({"a": OLD, "b": YOUNG}, "b", "a"),
    "the newest is not active": (
        {"a": {**YOUNG, "created": LATER, "label": "compromised"}, "b": {**OLD, "created": DAY}},
        "b",
        "b",
    ),
    "the newest has expired": ({"a": {**ENDED, "created": LATER}, "b": {**OLD, "created": DAY}}, "b", "b"),
    "all have expired": (
        {"a": {**ENDED, "created": LATER}, "b": {"began": 900, "days": 1, "created": DAY}},
        "a",
        "a",
    ),
    "it begins tomorrow": ({"a": {"began": -1, "created": DAY}, "b": {**YOUNG, "created": LATER}}, "a", "b"),
}


@pytest.mark.parametrize("case", ORDERS)
def test_the_newest_is_the_controllers(case: str) -> None:
    secrets, by_certificate, by_secret = ORDERS[case]
    found = [secret(number, name, **how) for number, (name, how) in enumerate(secrets.items())]
    for given in (found, found[::-1]):
        assert keyring(given).newest(NOW).name == by_certificate
        assert keyring(given, BY_SECRET).newest(NOW).name == by_secret


def test_age_is_told_by_the_same_time() -> None:
    found = [secret(0, "a", began=30, created="2026-05-31T00:00:00Z")]
    for order, days in ((BY_CERTIFICATE, 30), (BY_SECRET, 1)):
        ring = keyring(found, order)
        assert ring.age_days(ring.newest(NOW), NOW) == days
    assert keyring([secret(0)], BY_SECRET).age_days(keyring([secret(0)], BY_SECRET).keys[0], NOW) is None


LABELS = {"active": True, "compromised": False, "": False, "Active": False, None: False}


@pytest.mark.parametrize(("label", "active"), LABELS.items())
def test_only_the_label_active_counts(label: str | None, active: bool) -> None:
    [key] = keyring([secret(0, "sealed-secrets-keyabc", label=label)]).keys
    assert key.active == active


@pytest.mark.parametrize("label", LABELS)
def test_the_key_of_before_the_label_counts_without_it(label: str | None) -> None:
    assert keyring([secret(0, "sealed-secrets-key", label=label)]).keys[0].active


def broken(**data: object) -> dict[str, Any]:
    """A Secret of key 0, of which this is other, or missing."""
    made = secret(0, "sealed-secrets-keyodd")
    changed = {**made["data"], **{name.replace("_", "."): value for name, value in data.items()}}
    made["data"] = {name: value for name, value in changed.items() if value is not None}
    return made


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


DAMAGED: dict[str, tuple[dict[str, Any], str]] = {
    "no data": ({**broken(), "data": None}, "it has no tls.crt"),
    "no certificate": (broken(tls_crt=None), "it has no tls.crt"),
    "an empty certificate": (broken(tls_crt=""), "it has no tls.crt"),
    "no key": (broken(tls_key=None), "it has no tls.key"),
    "retired by hand": (broken(tls_crt=encoded(b"retired")), "is not a PEM certificate"),
    "another certificate": (broken(tls_crt=encoded(certificate(1))), "does not belong to the certificate"),
    "no private key": (broken(tls_key=encoded(b"nothing")), "is not an unencrypted RSA key in PEM"),
    "a certificate as key": (broken(tls_key=encoded(certificate(0))), "is not an unencrypted RSA key in PEM"),
    "a key as certificate": (broken(tls_crt=encoded(pem(0))), "is not a PEM certificate"),
    "no base64": (broken(tls_crt="%%%"), "not base64"),
    "cut off": (broken(tls_key=encoded(pem(0)[:-40])), "is not an unencrypted RSA key in PEM"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_no_key_pair_is_passed_over_and_named(case: str) -> None:
    damaged, why = DAMAGED[case]
    ring = keyring([secret(1), damaged])
    assert [key.name for key in ring.keys] == ["sealed-secrets-key1"]
    [warning] = ring.warnings
    assert "Secret sealed-secrets-keyodd" in warning
    assert why in warning
    assert "may not start with it" in warning
    damaged["metadata"]["labels"][KEY_LABEL] = "compromised"
    assert "may not start" not in keyring([damaged]).warnings[0]
    with pytest.raises(InputError, match=r"no active sealing key: Secret sealed-secrets-keyodd"):
        keyring([damaged]).newest(NOW)


FORMS = {
    "PKCS1": pem(0, "TraditionalOpenSSL"),
    "PKCS8": pem(0),
    "other blocks before it": b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    + pem(0),
    "a text before it": b"Bag Attributes\n    friendlyName: x\n" + pem(0),
    "CRLF": pem(0).replace(b"\n", b"\r\n"),
    "the certificate beside it": certificate(0) + pem(0),
}


@pytest.mark.parametrize("form", FORMS)
def test_keys_in_every_form_that_the_controller_reads(form: str) -> None:
    assert pair(certificate(0), FORMS[form], "here").fingerprint == keyring([secret(0)]).keys[0].fingerprint
    [key] = keyring([broken(tls_key=encoded(FORMS[form]))]).keys
    assert key.private.public_key().public_numbers() == private(0).public_key().public_numbers()


CHAINS = {
    "a chain": certificate(0) + certificate(1),
    "a text before it": b"subject=/CN=x\n" + certificate(0),
    "CRLF": certificate(0).replace(b"\n", b"\r\n"),
    "with the key": certificate(0) + pem(0),
}


@pytest.mark.parametrize("form", CHAINS)
def test_of_several_certificates_the_first_counts(form: str) -> None:
    assert len(keyring([broken(tls_crt=encoded(CHAINS[form]))]).keys) == 1


def deployment(**container: object) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "controller", **container}]}}}}


VARIABLE = "SEALED_SECRETS_KEY_ORDER_PRIORITY"
FLAGS: dict[str, tuple[dict[str, Any] | None, str]] = {
    "no Deployment": (None, BY_CERTIFICATE),
    "nothing is said": (deployment(args=["--update-status"]), BY_CERTIFICATE),
    "by certificate": (deployment(args=["--key-order-priority", "CertNotBefore"]), BY_CERTIFICATE),
    "by Secret": (deployment(args=["--key-order-priority", "SecretCreationTimestamp"]), BY_SECRET),
    "in one word": (deployment(args=["--key-order-priority=SecretCreationTimestamp"]), BY_SECRET),
    "in the command": (deployment(command=["controller", "--key-order-priority=SecretCreationTimestamp"]), BY_SECRET),
    "in the environment": (deployment(env=[{"name": VARIABLE, "value": "SecretCreationTimestamp"}]), BY_SECRET),
    "the flag goes before the environment": (
        deployment(
            args=["--key-order-priority", "CertNotBefore"], env=[{"name": VARIABLE, "value": "SecretCreationTimestamp"}]
        ),
        BY_CERTIFICATE,
    ),
    "what it does not know": (deployment(args=["--key-order-priority", "Alphabet"]), BY_CERTIFICATE),
    "no containers": ({"spec": {"template": {"spec": {}}}}, BY_CERTIFICATE),
}


@pytest.mark.parametrize("case", FLAGS)
def test_the_order_is_what_the_controller_is_told(case: str) -> None:
    found, order = FLAGS[case]
    assert order_of(found) == order
