# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing keys as Secrets, their making, and the renewal of ciphertexts under the newest of them. No I/O here, and no key in any message."""

from __future__ import annotations

import base64
import datetime
import random
import string
from typing import Any

from ..errors import InputError
from . import crypto as _sealing
from .report import SealingKey, sealing_keys

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
except ImportError:  # _sealing.MISSING says so
    pass

KEEP = ("name", "labels", "annotations", "creationTimestamp")  # of a key's metadata, in a backup


def backup(secrets: list[dict]) -> dict:
    """As `kubectl get -o yaml` writes them, so that kubectl and kubeseal can read a backup too."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {key: secret["metadata"][key] for key in KEEP if secret["metadata"].get(key)},
            "data": {key: secret["data"][key] for key in ("tls.crt", "tls.key")},
        }
        for secret in sorted(secrets, key=lambda s: s["metadata"]["name"])
        if {"tls.crt", "tls.key"} <= set(secret.get("data") or {})
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def read_backup(content: object, source: str) -> tuple[list[dict], list[SealingKey]]:
    """The Secrets of a backup, each with a certificate that belongs to its key."""
    items = content.get("items") if isinstance(content, dict) else None
    if not isinstance(items, list) or not items:
        raise InputError(f"{source} holds no sealing keys")
    for item in items:
        try:
            name, data = item["metadata"]["name"], item["data"]
            pair(base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"]), f"{source}, {name}")
        except (KeyError, TypeError, ValueError) as exc:
            raise InputError(f"{source} is not a backup of sealing keys") from exc
    return items, sealing_keys(items)


def pair(certificate: bytes, key: bytes, source: str) -> _sealing.Certificate:
    """A certificate and the private key that belongs to it."""
    read = _sealing.Certificate(certificate, source)
    try:
        private = _sealing.private_key(key)
    except (ValueError, TypeError) as exc:
        raise InputError(f"{source}: the private key is not unencrypted PEM") from exc
    if getattr(private.public_key(), "public_numbers", lambda: None)() != read.key.public_numbers():
        raise InputError(f"{source}: the private key does not belong to the certificate")
    return read


def make(now: datetime.datetime, days: int, bits: int = 4096) -> tuple[bytes, bytes]:
    """A certificate and its key, as the controller makes them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(minutes=5))
    made = made.not_valid_after(now + datetime.timedelta(days=days)).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem, form, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return made.sign(key, hashes.SHA256()).public_bytes(pem), key.private_bytes(pem, form, plain)


def secret(namespace: str, certificate: bytes, key: bytes, source: random.Random) -> dict:
    name = "sealed-secrets-key" + "".join(source.choice(string.ascii_lowercase + string.digits) for _i in range(5))
    data = {"tls.crt": base64.b64encode(certificate).decode(), "tls.key": base64.b64encode(key).decode()}
    metadata = {"name": name, "namespace": namespace, "labels": {_sealing.KEY_LABEL: "active"}}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def newest(keys: list[SealingKey]) -> SealingKey:
    found = next((one for one in keys if one.active), None)
    if found is None:
        raise InputError("there is no active sealing key")
    return found


def renewed(sealed: dict, keys: list[SealingKey]) -> dict[str, str]:
    """New ciphertexts of what the newest key does not decrypt. The scope is the SealedSecret's own, never its template's."""
    metadata = sealed.get("metadata") or {}
    where = f"SealedSecret {metadata.get('namespace')}/{metadata.get('name')}"
    bound_to = _sealing.label(_sealing.scope_of(metadata.get("annotations")), metadata.get("namespace") or "", metadata.get("name") or "")
    key: Any = newest(keys).private
    found = {}
    for name, text in ((sealed.get("spec") or {}).get("encryptedData") or {}).items():
        try:
            _sealing.unseal([key], text, bound_to)
            continue
        except _sealing.Unsealable:
            pass
        try:
            found[name] = _sealing.seal(key.public_key(), _sealing.unseal([one.private for one in keys], text, bound_to), bound_to)
        except _sealing.Unsealable as exc:
            raise InputError(f"{where}: no sealing key decrypts {name}: nothing was changed") from exc
    return found
