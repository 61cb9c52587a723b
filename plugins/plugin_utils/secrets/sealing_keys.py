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

from ..applyset.options import FIELD_MANAGER, ApplyOptions
from ..applyset.owned import our_entry
from ..applyset.run import apply_set
from ..errors import InputError, VcciError
from ..files import why, write_whole
from ..kubernetes.client import Client
from . import consumers, key_backup, keyring
from .controller import Place
from .generators import sealing_certificate, sealing_pair
from .key_backup import Backup
from .keyring import Keyring, SealingKey
from .rollout import Rollout

# Of a key that comes without a certificate: it must never be the newest.
LONG_AGO, DAYS_OF_A_CENTURY = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC), 36500
MOST_NAMED = 5  # keys in a message

Object = dict[str, Any]


@dataclass(frozen=True)
class Vault:
    """How text that is written to a file is encrypted, and what is read from one decrypted."""

    encrypt: Callable[[str], str]
    decrypt: Callable[[str], str]


@dataclass(frozen=True)
class Controller:
    """The controller as one that is given keys: it reads them, in its namespace, when it starts."""

    place: Place
    check: bool
    timeout: float
    say: Callable[[str], None]

    @property
    def client(self) -> Client:
        return self.place.client

    def add(self, secrets: list[Object]) -> Object:
        """Give it keys, and restart it when it has not read all; a run may have ended between a key and the restart."""
        if secrets:
            apply_set(self.client, secrets, ApplyOptions(name=None, check=self.check, diff=False, say=self.say))
        found = self.place.deployment()
        restarted = [found] if found and (secrets or self._unread(found)) else []
        if not self.check:
            Rollout(self.client, self.say, self.timeout).restart(restarted, set())
        names = [one["metadata"]["name"] for one in secrets]
        said = f"{len(names)} sealing keys added{', the controller restarted' if restarted else ''}"
        return {"changed": bool(secrets or restarted), "keys": names, "msg": said}

    def _unread(self, deployment: Object) -> bool:
        """Whether a key that we added is younger than a pod of the controller, which reads its own at once."""
        metadata = [one["metadata"] for one in self.place.secrets()]
        added = [one["creationTimestamp"] for one in metadata if our_entry(one, FIELD_MANAGER)]
        pods = consumers.pods_of(deployment, self.client.list("v1", "Pod", self.place.namespace))
        return any(pod["metadata"]["creationTimestamp"] < max(added, default="") for pod in pods)


# --- backup ----------------------------------------------------------------------------------------------------------
def back_up(controller: Controller, path: Path, vault: Vault, drop: bool = False) -> Object:
    """Add the keys of the cluster to the file, encrypted. What only the file has stays in it, unless `drop`."""
    ring = controller.place.used_keyring()
    if not ring.keys:
        raise InputError(f"there is no sealing key in namespace {controller.place.namespace}")
    before = read_backup(path, vault) if _is_there(path) else Backup()
    if not drop:
        _refuse_strange(path, before, ring)
    after = key_backup.grown(Backup() if drop else before, ring)
    changed = after.content != before.content
    if changed and not controller.check:
        text = vault.encrypt(json.dumps(after.content, indent=1, default=str))
        try:
            write_whole(path, text, 0o600, folder_mode=0o700)
        except OSError as exc:
            raise InputError(f"{path} cannot be written: {why(exc)}") from exc
    stays = [f"{path}: {wrong}: left as it is" for wrong in after.damaged]
    return {
        "changed": changed,
        "keys": [key.name for key in after.ring.keys],
        "msg": f"{len(after.keys)} sealing keys in {path}{_compared(before, after, ring)}",
        "warnings": [*ring.warnings, *stays],
    }


def _is_there(path: Path) -> bool:
    """A file without content may be what a loss of power left of one."""
    return path.exists() and (path.is_dir() or path.stat().st_size > 0)


def _refuse_strange(path: Path, before: Backup, ring: Keyring) -> None:
    """A file whose keys are all unknown here may be the only copy of what another cluster, or a lost one, needs."""
    if before.keys and not before.ring.fingerprints & ring.fingerprints:
        raise VcciError(
            f"{path}: its sealing keys ({_named(before.ring)}) are others than this cluster's ({_named(ring)}): "
            "it looks like the backup of another environment, or this is a new cluster. Nothing was written. Restore "
            "it into this cluster first (state restored, playbooks/sealing_keys_restore.yml), or name another path"
        )


def _named(ring: Keyring) -> str:
    """The newest of some keys."""
    more = len(ring.keys) - MOST_NAMED
    told = [f"{key.name} {key.fingerprint}" for key in ring.keys[:MOST_NAMED]]
    return ", ".join([*told, *([f"{more} more"] if more > 0 else [])])


def _compared(before: Backup, after: Backup, ring: Keyring) -> str:
    """What a backup did, in numbers."""
    known, kept = before.ring.fingerprints, after.ring.fingerprints - ring.fingerprints
    gone = known - after.ring.fingerprints
    told = {"added": ring.fingerprints - known, "kept that the cluster does not have": kept, "dropped": gone}
    said = [f"{_keys(len(which))} {what}" for what, which in told.items() if which]
    return f": {', '.join(said)}" if said else ""


# --- restore ---------------------------------------------------------------------------------------------------------
def restore(controller: Controller, path: Path, vault: Vault) -> Object:
    """Add the keys of the backup that the cluster lacks. What is damaged in it fails it when the rest is there."""
    backup, ring = read_backup(path, vault), controller.place.keyring()
    missing = [key for key in backup.ring.keys if key.fingerprint not in ring.fingerprints]
    result = controller.add([_restored(key, controller.place) for key in missing])
    result["warnings"] = ring.warnings
    if backup.damaged:
        errors = [f"{path}: {wrong}" for wrong in backup.damaged]
        result |= {"failed": True, "errors": errors, "msg": f"{result['msg']}; not restored: {'; '.join(errors)}"}
    return result


def _restored(key: SealingKey, place: Place) -> Object:
    """Its Secret, under a name that no other has: another key may be there."""
    secret = key_backup.written(key)
    metadata, data = secret["metadata"], secret["data"]
    metadata.pop("creationTimestamp", None)
    if not data.get("tls.crt"):
        data["tls.crt"] = base64.b64encode(sealing_certificate(key.private, LONG_AGO, DAYS_OF_A_CENTURY)).decode()
    while place.client.get("v1", "Secret", metadata["name"], place.namespace):
        metadata["name"] = keyring.new_name(random.SystemRandom())
    metadata["namespace"] = place.namespace
    return secret


# --- renewal ---------------------------------------------------------------------------------------------------------
def renew(controller: Controller, certificate: bytes, private_key: bytes, days: int, min_age_days: int) -> Object:
    """Add the given key, or without one a new one, when the newest is `min_age_days` old."""
    now = datetime.datetime.now(datetime.UTC)
    ring = controller.place.keyring()
    newest = ring.newest(now) if any(key.active for key in ring.keys) else None
    if certificate:
        given = keyring.pair(certificate, private_key, "the given certificate").check(now)
        same = next((key for key in ring.keys if key.fingerprint == given.fingerprint), None)
        if same:
            return {**controller.add([]), "warnings": [*ring.warnings, *_not_newest(same, ring, now)]}
    elif newest and min_age_days and _is_young(ring, newest, min_age_days, now):
        return {**controller.add([]), "warnings": ring.warnings}
    else:
        certificate, private_key = sealing_pair(_after(ring, now), days)
    made = keyring.key_secret(controller.place.namespace, certificate, private_key, random.SystemRandom())
    result = controller.add([made])
    added = keyring.sealing_key({**made, "metadata": {**made["metadata"], "creationTimestamp": now.isoformat()}})
    later = Keyring(keyring.ordered([*ring.keys, added], ring.order), order=ring.order)
    return {**result, "warnings": [*ring.warnings, *_not_newest(added, later, now)]}


def _is_young(ring: Keyring, newest: SealingKey, min_age_days: int, now: datetime.datetime) -> bool:
    age = ring.age_days(newest, now)
    return newest.expires > now and age is not None and age < min_age_days


def _after(ring: Keyring, now: datetime.datetime) -> datetime.datetime:
    """When the certificate of a new key begins: later than that of every other, or it would not be the newest."""
    return max([now, *(key.begins + datetime.timedelta(seconds=1) for key in ring.keys if key.active)])


def _not_newest(key: SealingKey, ring: Keyring, now: datetime.datetime) -> list[str]:
    """What there is to say of a key of one's own that is not used for new values."""
    newest = ring.newest(now) if any(one.active for one in ring.keys) else None
    if newest and newest.fingerprint == key.fingerprint:
        return []
    if not key.active:
        return [f"the given key is there as {key.name}, which is not active: nothing is sealed with it"]
    used = f"{newest.name}, of {newest.began(ring.order)}" if newest else "none"
    told = f"the given key, of {key.began(ring.order)}, is not the newest: new values are sealed with {used}"
    return [f"{told} (the controller orders its keys by {ring.order})"]


# --- files -----------------------------------------------------------------------------------------------------------
def read_backup(path: Path, vault: Vault) -> Backup:
    """What a file of keys holds. InputError where it has none that can be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or 'not text'}") from exc
    return key_backup.read(vault.decrypt(text), str(path))


def _keys(number: int) -> str:
    return "1 key" if number == 1 else f"{number} keys"
