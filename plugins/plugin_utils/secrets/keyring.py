# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing keys as Secrets, their backup, and new ciphertexts under the newest. Pure. No key is in any message."""

from __future__ import annotations

import base64
import datetime
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from . import crypto
from .generators import Source

KEPT = ("name", "labels", "annotations", "creationTimestamp")  # of a key's metadata, in a backup

Object = dict[str, Any]


@dataclass
class SealingKey:
    """One of the controller's keys."""

    name: str
    fingerprint: str
    expires: datetime.datetime
    created: str
    active: bool
    private: Any


def sealing_keys(secrets: list[Object]) -> list[SealingKey]:
    """The newest first; the newest active one is that which new values are sealed with."""
    found = [_sealing_key(secret) for secret in secrets if _is_whole(secret)]
    return sorted(found, key=lambda key: (key.created, key.name), reverse=True)


def _is_whole(secret: Object) -> bool:
    data = secret.get("data") or {}
    return bool(data.get("tls.crt") and data.get("tls.key"))


def _sealing_key(secret: Object) -> SealingKey:
    data, metadata = secret["data"], secret["metadata"]
    certificate = crypto.Certificate(base64.b64decode(data["tls.crt"]), f"Secret {metadata['name']}")
    return SealingKey(
        name=metadata["name"],
        fingerprint=certificate.fingerprint,
        expires=certificate.expires,
        created=metadata.get("creationTimestamp") or "",
        active=(metadata.get("labels") or {}).get(crypto.KEY_LABEL) == "active",
        private=crypto.private_key(base64.b64decode(data["tls.key"])),
    )


def backup(secrets: list[Object]) -> Object:
    """As `kubectl get -o yaml` writes them, so that kubectl and kubeseal can read a backup too."""
    found = sorted((secret for secret in secrets if _is_whole(secret)), key=lambda secret: secret["metadata"]["name"])
    return {"apiVersion": "v1", "kind": "List", "items": [_backed_up(secret) for secret in found]}


def _backed_up(secret: Object) -> Object:
    metadata = {key: secret["metadata"][key] for key in KEPT if secret["metadata"].get(key)}
    data = {key: secret["data"][key] for key in ("tls.crt", "tls.key")}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def read_backup(content: object, source: str) -> tuple[list[Object], list[SealingKey]]:
    """The Secrets of a backup, each with a certificate that belongs to its key."""
    secrets = content.get("items") if isinstance(content, dict) else None
    if not isinstance(secrets, list) or not secrets:
        raise InputError(f"{source} holds no sealing keys")
    for one in secrets:
        try:
            name, data = one["metadata"]["name"], one["data"]
            pair(base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"]), f"{source}, {name}")
        except (KeyError, TypeError, ValueError) as exc:
            raise InputError(f"{source} is not a backup of sealing keys") from exc
    return secrets, sealing_keys(secrets)


def pair(certificate: bytes, key: bytes, source: str) -> crypto.Certificate:
    """A certificate and the private key that belongs to it."""
    read = crypto.Certificate(certificate, source)
    try:
        private = crypto.private_key(key)
    except (ValueError, TypeError) as exc:
        raise InputError(f"{source}: the private key is not unencrypted PEM") from exc
    if getattr(private.public_key(), "public_numbers", lambda: None)() != read.key.public_numbers():
        raise InputError(f"{source}: the private key does not belong to the certificate")
    return read


def key_secret(namespace: str, certificate: bytes, key: bytes, source: Source) -> Object:
    """A sealing key as the Secret that the controller reads."""
    ending = "".join([source.choice(string.ascii_lowercase + string.digits) for _i in range(5)])
    data = {"tls.crt": base64.b64encode(certificate).decode(), "tls.key": base64.b64encode(key).decode()}
    labels = {crypto.KEY_LABEL: "active"}
    metadata = {"name": f"sealed-secrets-key{ending}", "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def newest(keys: list[SealingKey]) -> SealingKey:
    found = next((one for one in keys if one.active), None)
    if found is None:
        raise InputError("there is no active sealing key")
    return found


def resealed(sealed: Object, keys: list[SealingKey], random: Callable[[int], bytes]) -> dict[str, str]:
    """New ciphertexts of what the newest key does not decrypt.

    The scope is the SealedSecret's own, never its template's.
    """
    metadata = sealed.get("metadata") or {}
    namespace, name = metadata.get("namespace"), metadata.get("name")
    bound_to = crypto.label(crypto.scope_of(metadata.get("annotations")), namespace or "", name or "")
    target, others = newest(keys).private, [one.private for one in keys]
    found = {}
    for key, text in ((sealed.get("spec") or {}).get("encryptedData") or {}).items():
        if _decrypts(target, text, bound_to):
            continue
        try:
            value = crypto.unseal(others, text, bound_to)
        except crypto.Unsealable as exc:
            where = f"SealedSecret {namespace}/{name}"
            raise InputError(f"{where}: no sealing key decrypts {key}: nothing was changed") from exc
        found[key] = crypto.seal(target.public_key(), value, bound_to, random)
    return found


def _decrypts(key: Any, text: str, bound_to: bytes) -> bool:
    try:
        crypto.unseal([key], text, bound_to)
    except crypto.Unsealable:
        return False
    return True
