# Copyright (c) 2026 GreenLang. All rights reserved.
"""Backup, restore and renewal of the controller's sealing keys. Private keys are in memory, and encrypted in files."""

from __future__ import annotations

import base64
import datetime
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..applyset.options import FIELD_MANAGER, ApplyOptions
from ..applyset.owned import our_entry
from ..applyset.run import apply_set
from ..errors import InputError
from ..files import write_whole
from ..kubernetes.client import Client
from . import consumers, crypto, keyring
from .generators import sealing_pair
from .keyring import SealingKey
from .report import days_since
from .rollout import Rollout

Object = dict[str, Any]


@dataclass(frozen=True)
class Vault:
    """How text that is written to a file is encrypted, and what is read from one decrypted."""

    encrypt: Callable[[str], str]
    decrypt: Callable[[str], str]


@dataclass(frozen=True)
class Controller:
    """The sealed-secrets controller of a cluster: its Deployment reads its keys, in its namespace, when it starts."""

    client: Client
    namespace: str
    deployment: str
    check: bool
    timeout: float
    say: Callable[[str], None]

    def secrets(self) -> list[Object]:
        """Its keys, as the Secrets that they are."""
        found: list[Object] = self.client.list("v1", "Secret", self.namespace, label_selector=crypto.KEY_LABEL)
        return found

    def add(self, secrets: list[Object]) -> Object:
        """Give it keys, and restart it when it has not read all; a run may have ended between a key and the restart."""
        if secrets:
            apply_set(self.client, secrets, ApplyOptions(name=None, check=self.check, diff=False, say=self.say))
        found = self.client.get("apps/v1", "Deployment", self.deployment, self.namespace)
        restarted = [{**found, "kind": "Deployment"}] if found and (secrets or self._unread(found)) else []
        if not self.check:
            Rollout(self.client, self.say, self.timeout).restart(restarted, set())
        names = [one["metadata"]["name"] for one in secrets]
        said = f"{len(names)} sealing keys added{', the controller restarted' if restarted else ''}"
        return {"changed": bool(secrets or restarted), "keys": names, "msg": said}

    def _unread(self, deployment: Object) -> bool:
        """Whether a key that we added is younger than a pod of the controller, which reads its own at once."""
        metadata = [one["metadata"] for one in self.secrets()]
        added = [one["creationTimestamp"] for one in metadata if our_entry(one, FIELD_MANAGER)]
        pods = consumers.pods_of(deployment, self.client.list("v1", "Pod", self.namespace))
        return any(pod["metadata"]["creationTimestamp"] < max(added, default="") for pod in pods)


def back_up(controller: Controller, path: Path, vault: Vault) -> Object:
    """Write all keys to the file, encrypted, unless it holds them already."""
    secrets = controller.secrets()
    if not secrets:
        raise InputError(f"there is no sealing key in namespace {controller.namespace}")
    content = keyring.backup(secrets)
    names = [one["metadata"]["name"] for one in content["items"]]
    changed = not path.exists() or read_backup(path, vault)[0] != content["items"]
    if changed and not controller.check:
        try:
            write_whole(path, vault.encrypt(json.dumps(content, indent=1)), 0o600, folder_mode=0o700)
        except OSError as exc:
            raise InputError(f"{path} cannot be written: {exc.strerror}") from exc
    return {"changed": changed, "keys": names, "msg": f"{len(names)} sealing keys in {path}"}


def restore(controller: Controller, path: Path, vault: Vault) -> Object:
    """Add the keys of the backup that the cluster lacks."""
    secrets, _keys = read_backup(path, vault)
    for one in secrets:
        one["metadata"].pop("creationTimestamp", None)
        one["metadata"]["namespace"] = controller.namespace
    present = {one.fingerprint for one in keyring.sealing_keys(controller.secrets())}
    return controller.add([one for one in secrets if _fingerprint(one) not in present])


def renew(controller: Controller, certificate: bytes, private_key: bytes, days: int, min_age_days: int) -> Object:
    """Add the given key, or without one a new one, when the youngest active one is `min_age_days` old."""
    now = datetime.datetime.now(datetime.UTC)
    keys = keyring.sealing_keys(controller.secrets())
    if certificate:
        given = keyring.pair(certificate, private_key, "the given certificate").check(now)
        if any(one.fingerprint == given.fingerprint for one in keys):
            return controller.add([])
    elif min_age_days and any(one.active and (days_since(one.created, now) or 0) < min_age_days for one in keys):
        return controller.add([])
    else:
        certificate, private_key = sealing_pair(now, days)
    made = keyring.key_secret(controller.namespace, certificate, private_key, random.SystemRandom())
    return controller.add([made])


def read_backup(path: Path, vault: Vault) -> tuple[list[Object], list[SealingKey]]:
    """The Secrets of a backup and the keys in them."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or 'not text'}") from exc
    try:
        content = yaml.safe_load(vault.decrypt(text))
    except yaml.YAMLError:
        raise InputError(f"{path} is not YAML when decrypted") from None
    return keyring.read_backup(content, str(path))


def _fingerprint(secret: Object) -> str:
    certificate = base64.b64decode(secret["data"]["tls.crt"])
    return crypto.Certificate(certificate, secret["metadata"]["name"]).fingerprint
