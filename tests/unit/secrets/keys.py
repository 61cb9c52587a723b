# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing keys of tests: few pairs, since each takes time, in any number of Secrets."""

from __future__ import annotations

import base64
import datetime
import functools
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import sealing_certificate
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


@functools.cache
def private(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(number: int, form: str = "PKCS8") -> bytes:
    plain, shape = serialization.NoEncryption(), getattr(serialization.PrivateFormat, form)
    return private(number).private_bytes(serialization.Encoding.PEM, shape, plain)


@functools.cache
def certificate(number: int, began: int = 10, days: int = 3650) -> bytes:
    """That began so many days before NOW, and is valid for so many."""
    return sealing_certificate(private(number), NOW - datetime.timedelta(days=began), days)


def fingerprint(number: int) -> str:
    return crypto.fingerprint(private(number).public_key())


def secret(
    number: int, name: str = "", *, label: str | None = "active", created: str = "", **dates: int
) -> dict[str, Any]:
    """A sealing key as the Secret that it is in a cluster."""
    labels = {} if label is None else {"labels": {crypto.KEY_LABEL: label}}
    metadata = {"name": name or f"sealed-secrets-key{number}", "namespace": "kube-system", **labels}
    if created:
        metadata["creationTimestamp"] = created
    parts = {"tls.crt": certificate(number, **dates), "tls.key": pem(number)}
    data = {key: base64.b64encode(value).decode() for key, value in parts.items()}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}
