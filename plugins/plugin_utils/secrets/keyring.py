# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing keys as the Secrets that they are, in the controller's own order. Pure. No key is in any message."""

from __future__ import annotations

import base64
import datetime
import itertools
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from . import crypto
from .encoding import decode
from .generators import Source

PREFIX = "sealed-secrets-key"  # begins the names of keys; one of just that name, of before 0.9, needs no label
ACTIVE = "active"
BY_CERTIFICATE, BY_SECRET = "CertNotBefore", "SecretCreationTimestamp"  # of --key-order-priority
FLAG, VARIABLE = "--key-order-priority", "SEALED_SECRETS_KEY_ORDER_PRIORITY"
NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)  # when what has no certificate began, and ended

Object = dict[str, Any]


@dataclass(frozen=True)
class SealingKey:
    """One of the controller's keys.

    begins, expires  of its certificate.
    created          when its Secret was made: as ISO 8601, empty where that is not known.
    active           whether the controller reads it when it starts.
    secret           what it was read from.
    """

    name: str
    fingerprint: str
    begins: datetime.datetime
    expires: datetime.datetime
    created: str
    active: bool
    private: Any
    secret: Object

    def began(self, order: str) -> str:
        """The time that it is ordered by."""
        return self.created if order == BY_SECRET else self.begins.isoformat(timespec="seconds")


@dataclass(frozen=True)
class Keyring:
    """Keys, the newest first: by their certificates' begin, or by their Secrets' creation where the controller is told
    so; of two that are equal in that, the one with the older Secret, as in the controller.

    damaged  why Secrets that should be keys are none, each with its name. They are passed over.
    """

    keys: list[SealingKey]
    damaged: list[str] = field(default_factory=list)
    order: str = BY_CERTIFICATE

    def newest(self, now: datetime.datetime) -> SealingKey:
        """The active key that new values are sealed with: one that has expired only where all have. InputError."""
        active = [key for key in self.keys if key.active]
        if not active:
            why = f": {'; '.join(self.damaged)}" if self.damaged else ""
            raise InputError(f"there is no active sealing key{why}")
        return next((key for key in active if key.expires > now), active[0])

    def age_days(self, key: SealingKey, now: datetime.datetime) -> int | None:
        """None where it is not known."""
        try:
            return (now - datetime.datetime.fromisoformat(key.began(self.order))).days
        except ValueError:
            return None

    @property
    def fingerprints(self) -> set[str]:
        return {key.fingerprint for key in self.keys}

    @property
    def warnings(self) -> list[str]:
        return [f"passed over: {why}" for why in self.damaged]


def keyring(secrets: Iterable[Object], order: str = BY_CERTIFICATE) -> Keyring:
    """The keys in these Secrets of the controller's namespace."""
    keys, damaged = [], []
    for secret in secrets:
        try:
            keys.append(sealing_key(secret))
        except InputError as exc:
            crashes = " (the controller may not start with it: label it compromised, or delete it)"
            damaged.append(f"{exc.message}{crashes if _is_active(secret['metadata']) else ''}")
    return Keyring(ordered(keys, order), damaged, order)


def ordered(keys: Iterable[SealingKey], order: str = BY_CERTIFICATE) -> list[SealingKey]:
    oldest_secrets_first = sorted(keys, key=lambda key: (key.created, key.name))
    return sorted(oldest_secrets_first, key=lambda key: key.began(order), reverse=True)


def order_of(deployment: Object | None) -> str:
    """How the controller of this Deployment orders its keys: by its flag, else by its environment, else by default."""
    template = ((deployment or {}).get("spec") or {}).get("template") or {}
    for container in (template.get("spec") or {}).get("containers") or []:
        words = [word for text in (container.get("command"), container.get("args")) for word in text or []]
        given = [text for flag, text in itertools.pairwise(words) if flag == FLAG]
        given += [word.partition("=")[2] for word in words if word.startswith(f"{FLAG}=")]
        given += [one.get("value") for one in container.get("env") or [] if one.get("name") == VARIABLE]
        if given:
            return BY_SECRET if given[0] == BY_SECRET else BY_CERTIFICATE
    return BY_CERTIFICATE


def sealing_key(secret: Object) -> SealingKey:
    """InputError names what is wrong with a Secret that is no key pair."""
    metadata, data = secret["metadata"], secret.get("data") or {}
    where = f"Secret {metadata['name']}"
    for name in ("tls.crt", "tls.key"):
        if not data.get(name):
            raise InputError(f"{where}: no key pair: it has no {name}")
    try:
        certificate, key = decode(data["tls.crt"]), decode(data["tls.key"])
    except ValueError as exc:
        raise InputError(f"{where}: no key pair: not base64") from exc
    read = pair(b"\n".join(crypto.pem_blocks(certificate, "CERTIFICATE")), key, where)
    return SealingKey(
        name=metadata["name"],
        fingerprint=read.fingerprint,
        begins=read.begins,
        expires=read.expires,
        created=created(metadata),
        active=_is_active(metadata),
        private=crypto.private_key(key),
        secret=secret,
    )


def created(metadata: Object) -> str:
    """YAML reads a time that has no quotes."""
    when = metadata.get("creationTimestamp") or ""
    return f"{when:%Y-%m-%dT%H:%M:%SZ}" if isinstance(when, datetime.datetime) else str(when)


def _is_active(metadata: Object) -> bool:
    return metadata["name"] == PREFIX or (metadata.get("labels") or {}).get(crypto.KEY_LABEL) == ACTIVE


def pair(certificate: bytes, key: bytes, source: str) -> crypto.Certificate:
    """A certificate and the private key that belongs to it. InputError."""
    read = crypto.Certificate(certificate, source)
    try:
        private = crypto.private_key(key)
    except ValueError as exc:
        raise InputError(f"{source}: the private key is not an unencrypted RSA key in PEM") from exc
    if private.public_key().public_numbers() != read.key.public_numbers():
        raise InputError(f"{source}: the private key does not belong to the certificate")
    return read


def key_secret(namespace: str, certificate: bytes, key: bytes, source: Source) -> Object:
    """A sealing key as the Secret that the controller reads."""
    data = {"tls.crt": base64.b64encode(certificate).decode(), "tls.key": base64.b64encode(key).decode()}
    labels = {crypto.KEY_LABEL: ACTIVE}
    metadata = {"name": new_name(source), "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def new_name(source: Source) -> str:
    return PREFIX + "".join([source.choice(string.ascii_lowercase + string.digits) for _i in range(5)])
