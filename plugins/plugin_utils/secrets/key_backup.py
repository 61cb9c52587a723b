# Copyright (c) 2026 GreenLang. All rights reserved.
"""A backup of sealing keys: what is read of one, and how it grows. Pure. No key is in any message.

It is read in every form that `kubeseal --recovery-private-key` takes: one Secret, several documents of them, a list as
kubectl writes it, or a private key in PEM; and written as `kubectl get -o yaml` writes it, so that both read it, too.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..errors import InputError
from . import crypto, keyring
from .encoding import decode
from .keyring import NEVER, Keyring, SealingKey

NOT_KEPT = (  # of annotations and labels: what is of one cluster
    "applyset.greenlang.io/",
    "applyset.kubernetes.io/",
    "kubectl.kubernetes.io/last-applied",
)
PLAIN = ("tls.crt", "tls.key")

Object = dict[str, Any]


@dataclass(frozen=True)
class Backup:
    """What a file holds.

    keys     those that can be restored. One that is a private key alone has no certificate yet, and began never.
    others   what else is in it, as it is; `damaged` says of each why it is no key.
    """

    keys: list[SealingKey] = field(default_factory=list)
    others: list[Object] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    @property
    def ring(self) -> Keyring:
        return Keyring(keyring.ordered(self.keys), self.damaged)

    @property
    def content(self) -> Object:
        """The file, each key once."""
        items = [written(key) for key in sorted(self.keys, key=lambda key: (key.name, key.fingerprint))]
        return {"apiVersion": "v1", "kind": "List", "items": [*items, *self.others]}


def read(text: str, source: str) -> Backup:
    """InputError where it has no key that can be restored."""
    found = _of_pem(text) if text.lstrip().startswith("-----BEGIN ") else _secrets(text, source)
    keys: dict[str, SealingKey] = {}
    others, damaged = [], []
    for number, one in enumerate(found, 1):
        try:
            key = _key(one, f"item {number}")
            keys.setdefault(key.fingerprint, key)
        except InputError as exc:
            others.append(one)
            damaged.append(exc.message)
    if not keys:
        why = f": {'; '.join(damaged)}" if damaged else ""
        raise InputError(f"{source} holds no sealing keys{why}")
    return Backup(_named_apart(keys.values()), others, damaged)


def grown(before: Backup, cluster: Keyring) -> Backup:
    """With the keys of the cluster besides, as they are there."""
    keys = {key.fingerprint: key for key in (*before.keys, *cluster.keys)}
    return Backup(_named_apart(keys.values()), before.others, before.damaged)


def written(key: SealingKey) -> Object:
    """A key in a backup."""
    metadata: Object = {"name": key.name, "creationTimestamp": key.created}
    for part in ("labels", "annotations"):
        texts = key.secret["metadata"].get(part)
        metadata[part] = dict(filter(_is_kept, texts.items())) if isinstance(texts, dict) else {}
    metadata = {name: value for name, value in metadata.items() if value}
    data = {name: key.secret["data"][name] for name in PLAIN if key.secret["data"].get(name)}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def _is_kept(text: tuple[str, str]) -> bool:
    return not text[0].startswith(NOT_KEPT)


def _of_pem(text: str) -> list[Object]:
    """A private key, and a certificate if one is beside it."""
    data = {"tls.key": base64.b64encode(text.encode()).decode()}
    certificates = crypto.pem_blocks(text.encode(), "CERTIFICATE")
    if certificates:
        data["tls.crt"] = base64.b64encode(certificates[0]).decode()
    return [{"data": data}]


def _secrets(text: str, source: str) -> list[Object]:
    found: list[Any] = []
    try:
        for document in yaml.safe_load_all(text):
            items = document.get("items") if isinstance(document, dict) else None
            found += items if isinstance(items, list) else [document]
    except (yaml.YAMLError, ValueError):
        raise InputError(f"{source} is not YAML when decrypted") from None
    return [one for one in found if one is not None]


def _key(one: Object, where: str) -> SealingKey:
    metadata = one.get("metadata") if isinstance(one, dict) else None
    metadata = metadata if isinstance(metadata, dict) else {}
    name = str(metadata.get("name") or keyring.PREFIX)
    labels = metadata.get("labels")
    # Whoever put a key into a backup without the label means it to be used, as kubeseal does.
    labels = {crypto.KEY_LABEL: keyring.ACTIVE, **(labels if isinstance(labels, dict) else {})}
    data = one.get("data") if isinstance(one, dict) else None
    if not isinstance(data, dict):
        raise InputError(f"{where}{f', {name}' if metadata else ''}: no key pair: it is no Secret with data")
    secret = {"metadata": {**metadata, "name": name, "labels": labels}, "data": data}
    return keyring.sealing_key(secret) if data.get("tls.crt") else _bare(secret, name)


def _bare(secret: Object, name: str) -> SealingKey:
    """A private key without a certificate."""
    try:
        private = crypto.private_key(decode(secret["data"].get("tls.key")))
    except ValueError as exc:
        raise InputError(f"Secret {name}: no key pair: it has no unencrypted RSA key in PEM as tls.key") from exc
    active = secret["metadata"]["labels"][crypto.KEY_LABEL] == keyring.ACTIVE
    created = keyring.created(secret["metadata"])
    return SealingKey(name, crypto.fingerprint(private.public_key()), NEVER, NEVER, created, active, private, secret)


def _named_apart(keys: Iterable[SealingKey]) -> list[SealingKey]:
    """No two of the same name, of which kubectl would write one over the other."""
    found: dict[str, SealingKey] = {}
    for key in keys:
        name = key.name
        if name in found:
            ending = "".join(filter(str.isalnum, key.fingerprint.partition(":")[2].lower()))
            name = f"{name}-{ending[:10]}"
        found[name] = dataclasses.replace(key, name=name)
    return list(found.values())
