# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing as sealed-secrets does it: a session key by RSA-OAEP(SHA-256), the value by AES-256-GCM. Pure.

The format, of sealed-secrets 0.40: two bytes of big-endian length, that many bytes of encrypted session key, the
encrypted value with its tag. The nonce is zero because a session key encrypts one value only. The label binds a value
to a name or a namespace.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import re
import struct
from collections.abc import Callable
from typing import Any

from ..errors import InputError
from .encoding import decode

with contextlib.suppress(ImportError):  # ansible-core brings it; where ansible-test imports this, it is not
    from cryptography import x509
    from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCOPES = ("strict", "namespace-wide", "cluster-wide")
PREFIX = "sealedsecrets.bitnami.com/"
KEY_LABEL = PREFIX + "sealed-secrets-key"
SESSION_KEY_BYTES = 32
NONCE = bytes(12)


class Unsealable(InputError):
    """No key decrypts it: another key, name or namespace, or a damaged value."""


class NotSealed(Unsealable):
    """It is none of what sealing makes, so that no key ever decrypts it."""


def label(scope: str, namespace: str, name: str) -> bytes:
    if scope == "cluster-wide":
        return b""
    if scope == "namespace-wide":
        return namespace.encode()
    if scope == "strict":
        return f"{namespace}/{name}".encode()
    raise InputError(f"scope {scope!r} is none of {', '.join(SCOPES)}")


def scope_annotations(scope: str) -> dict[str, str]:
    return {} if scope == "strict" else {PREFIX + scope: "true"}


def scope_of(annotations: dict[str, str] | None) -> str:
    """As the controller reads it: cluster-wide wins."""
    for scope in ("cluster-wide", "namespace-wide"):
        if (annotations or {}).get(PREFIX + scope) == "true":
            return scope
    return "strict"


def _oaep(bound_to: bytes) -> Any:
    return padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=bound_to or None)


def seal(key: Any, value: bytes, bound_to: bytes, random: Callable[[int], bytes]) -> str:
    """One value, as text for encryptedData. `random` gives the session key; the padding takes randomness of its own."""
    session = random(SESSION_KEY_BYTES)
    wrapped = key.encrypt(session, _oaep(bound_to))
    return base64.b64encode(
        struct.pack(">H", len(wrapped)) + wrapped + AESGCM(session).encrypt(NONCE, value, None)
    ).decode()


def taken_apart(sealed: object) -> tuple[bytes, bytes]:
    """The encrypted session key and the encrypted value. NotSealed, without a key being asked."""
    try:
        data = decode(sealed)
    except ValueError as exc:
        raise NotSealed("what is sealed is not base64") from exc
    size = struct.unpack(">H", data[:2])[0] if len(data) >= 2 else 0
    if len(data) < size + 2 or not size:
        raise NotSealed("what is sealed is too short")
    return data[2 : size + 2], data[size + 2 :]


def unseal(keys: list[Any], sealed: str, bound_to: bytes) -> bytes:
    """The value, with the first of the private keys that decrypts it."""
    wrapped, encrypted = taken_apart(sealed)
    for key in keys:
        try:
            session = key.decrypt(wrapped, _oaep(bound_to))
            return AESGCM(session).decrypt(NONCE, encrypted, None)
        except (ValueError, InvalidTag):
            continue
    raise Unsealable("no sealing key decrypts it")


class Certificate:
    """The public half of a sealing key."""

    def __init__(self, pem: bytes, source: str) -> None:
        if b"PRIVATE KEY-----" in pem:
            raise InputError(
                f"{source} holds a private key; the certificate alone is needed, and the key should not be there"
            )
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            key = certificate.public_key()
        except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as exc:
            raise InputError(f"{source} is not a PEM certificate") from exc
        if not isinstance(key, rsa.RSAPublicKey):
            raise InputError(f"{source} has no RSA key, which sealing needs")
        self.source, self.key = source, key
        self.begins, self.expires = certificate.not_valid_before_utc, certificate.not_valid_after_utc

    def check(self, now: datetime.datetime) -> Certificate:
        """InputError when it has expired."""
        if self.expires <= now:
            expired = f"expired on {self.expires:%Y-%m-%d}; fetch the current one"
            raise InputError(f"the sealing certificate of {self.source} {expired}")
        return self

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.key)


def fingerprint(key: Any) -> str:
    """Of a public key, as ssh writes it, which is how the controller names its keys."""
    raw = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).split()[1]
    digest = hashlib.sha256(base64.b64decode(raw)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def pem_blocks(data: bytes, *kinds: str) -> list[bytes]:
    """The blocks of these kinds, whatever stands around them."""
    named = "|".join(kinds).encode()
    return [
        found[0] for found in re.finditer(rb"-----BEGIN (" + named + rb")-----.*?-----END \1-----", data, re.DOTALL)
    ]


def private_key(pem: bytes) -> Any:
    """The first RSA key in it that is not encrypted, as the controller reads it. ValueError."""
    for block in pem_blocks(pem, "RSA PRIVATE KEY", "PRIVATE KEY"):
        with contextlib.suppress(ValueError, TypeError, UnsupportedAlgorithm):
            key = serialization.load_pem_private_key(block, None)
            if isinstance(key, rsa.RSAPrivateKey):
                return key
    raise ValueError("no unencrypted RSA key in PEM")


def private_keys(secrets: list[dict[str, Any]]) -> list[Any]:
    """Of Secrets with sealing keys, active or not, the private halves of those that have one."""
    found = []
    for one in secrets:
        with contextlib.suppress(ValueError):
            found.append(private_key(base64.b64decode((one.get("data") or {}).get("tls.key") or "")))
    return found
