# Copyright (c) 2026 GreenLang. All rights reserved.
"""The certificate of an offboarding on disk, and the key of the cluster that signs it."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path
from typing import Any

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set
from ..errors import InputError
from ..files import write_whole
from ..kubernetes.client import Client
from ..labels import labels
from .record import COMPONENT

with contextlib.suppress(ImportError):  # ansible-core brings it; where ansible-test imports this, it is not
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY = "tenant-offboarding-key"  # Secret with the key that signs
FILE = "certificate.json"


def certify(folder: Path, text: bytes, key: Ed25519PrivateKey) -> None:
    """Write the certificate, its signature, and the key to verify it with."""
    pem, public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    files = {
        "certificate.pub.pem": key.public_key().public_bytes(pem, public),
        "certificate.json.sig": key.sign(text),
        FILE: text,  # last: where it is, the others are
    }
    for name, content in files.items():
        write_whole(folder / name, content, 0o600, folder_mode=0o700)


def signing_key(client: Client, namespace: str, part_of: str) -> Ed25519PrivateKey:
    """The Ed25519 key of this cluster, made when it is first needed; it exists in its Secret only."""
    found = client.get("v1", "Secret", KEY, namespace)
    if found is None:
        found = _new_key(namespace, part_of)
        apply_set(client, [found], ApplyOptions(diff=False))
    key = serialization.load_pem_private_key(base64.b64decode(found["data"]["key.pem"]), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"Secret {namespace}/{KEY}: key.pem must be an Ed25519 key")
    return key


def _new_key(namespace: str, part_of: str) -> dict[str, Any]:
    made = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    metadata = {"name": KEY, "namespace": namespace, "labels": labels(f"{COMPONENT}-key", part_of)}
    data = {"key.pem": base64.b64encode(made).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
