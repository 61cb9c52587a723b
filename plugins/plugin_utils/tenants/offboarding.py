# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant's end: cordon, quarantine, deletion, sweep, certificate; each step is recorded before it is taken."""
from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set
from ..errors import InputError, VcciError, WaitTimeout
from . import objects as _tenant_objects
from . import offboarding_record as _tenant_offboarding
from . import sweep as tenant_sweep
from .backup import Backup
from .life import Life
from .offboarding_record import FORMAT, GOES, STAYS

KEY = "tenant-offboarding-key"  # Secret with the key that signs
RBAC = "rbac.authorization.k8s.io/v1"


class Offboarding:
    def __init__(self, life: Life, *, record_namespace: str, directory: str, quarantine_days: float, backup: Backup) -> None:
        self.life, self.client, self.check, self.tell = life, life.client, life.check, life.tell
        self.record_namespace, self.directory, self.quarantine_days, self.backup = record_namespace, directory, quarantine_days, backup
        self.own_record = (record_namespace, _tenant_offboarding.record_name(life.id))
        found = self.client.get("v1", "ConfigMap", self.own_record[1], record_namespace)
        self.data: dict[str, Any] = _tenant_offboarding.read_record(found)

    @property
    def phase(self) -> str:
        return self.data.get("phase", "")

    def status(self) -> dict:
        return {"phase": self.phase, "quarantined_until": self.data.get("quarantined_until"), "due": _tenant_offboarding.is_due(self.data, _now())}

    def cordon(self, delete_pods: bool) -> None:
        """Nothing runs any more and nobody gets in; one pod at a time of ours may run, to read a volume."""
        if self.phase not in ("", "cordoned"):
            return
        namespace = self.life.must_live()["metadata"]
        if not self.phase:
            now, annotations = _now(), namespace["annotations"]
            tenant = {key: annotations.get(_tenant_objects.ANNOTATION + key) for key in ("id", "name", "tier", "created")}
            self._record(phase="cordoned", tenant=tenant, uid=namespace["uid"], cordoned=now,
                         quarantined_until=_tenant_offboarding.later(now, self.quarantine_days))
        self.life.suspend(pods=1, delete_pods=delete_pods)
        for binding in self.client.list(RBAC, "RoleBinding", self.life.namespace):
            self.life.delete(RBAC, "RoleBinding", binding["metadata"]["name"], self.life.namespace)

    def back_up(self) -> None:
        """Copies every volume; one whose copy is there is not read again, since nothing has run since the cordon."""
        self._must_be_under_way()
        if self.phase != "cordoned":
            return
        for claim in self.backup.volumes():
            copied = self.data.get("copied") or {}
            if claim not in copied or _differs(self.directory, copied[claim]):
                if self.check:
                    self.life.changes.append(os.path.join(self.directory, f"volume-{claim}.tgz"))
                else:
                    self._record(copied={**copied, claim: self.backup.copy(claim)})

    def quarantine(self) -> None:
        """Takes note of the backups: every file in the tenant's directory, with its digest."""
        self._must_be_under_way()
        if self.phase != "cordoned" or self.check:
            return
        missing = [claim for claim in self.backup.volumes() if claim not in (self.data.get("copied") or {})]
        if missing:
            raise InputError(f"tenant {self.life.id}: volumes {', '.join(missing)} are not backed up; bring it into the state backed_up first")
        self.backup.remove_reader()
        self._write_objects()
        backups = [_digest(self.directory, name) for name in _files(self.directory)]
        if empty := [entry["file"] for entry in backups if not entry["bytes"]]:
            raise VcciError(f"{', '.join(empty)} in {self.directory} is empty, which is no backup; remove it and run this again")
        self._record(phase="quarantined", backups=backups)
        self.life.write(self.life._stop(0))

    def take_back(self) -> None:
        """The tenant goes on; its owners get in again when it is in the data and converged."""
        if self.phase in ("deleting", "deleted"):
            raise InputError(f"tenant {self.life.id} is {self.phase}: it cannot be taken back; its data is in the backup")
        if self.phase:
            self.backup.remove_reader()
            self.life.delete("v1", "ConfigMap", self.own_record[1], self.record_namespace)
            self.data = {}

    def begin_deletion(self, without_backup: bool) -> None:
        """What forbids a deletion is found before anything goes; then it is recorded, and nothing takes it back."""
        if not _tenant_offboarding.is_due(self.data, _now()):
            raise InputError(f"tenant {self.life.id} is {self.phase or 'not cordoned'}; it may be deleted from {self.data.get('quarantined_until')} on")
        self._same_namespace()
        if self.phase == "deleted":
            return
        if not without_backup:
            self._check_backups()
        if self.phase == "quarantined":
            existed = _tenant_offboarding.inventory(tenant_sweep.in_namespace(self.client, tenant_sweep.kinds(self.client), self.life.namespace))
            self._record(phase="deleting", existed=existed, backups_checked="" if without_backup else _now())

    def delete(self, database: Mapping[str, int], without_backup: bool) -> None:
        """Everything goes; then proof that it went. A certificate that is there is not written again."""
        if self.phase not in ("deleting", "deleted"):
            self.begin_deletion(without_backup)
        self._same_namespace()
        if self.check:
            self.life.changes += [] if self.phase == "deleted" else [f"Namespace {self.life.namespace}"]
            return
        resources = tenant_sweep.kinds(self.client)
        if self.phase == "deleting":
            self._delete_namespace()
        kinds, objects = self._sweep(resources)
        left = {name: number for name, number in database.items() if number}
        if left:
            raise VcciError(f"tenant {self.life.id}: the database still has {left}; nothing is certified")
        if self.phase == "deleting" or not os.path.exists(os.path.join(self.directory, "certificate.json")):
            self._certify({"kinds": kinds, "objects": objects, "remaining": 0, "database": dict(database)})
        if self.phase == "deleting":
            self._record(phase="deleted", deleted=_now())

    # --- deletion ----------------------------------------------------------------------------------------------------
    def _same_namespace(self) -> dict | None:
        found = self.life.live()
        if found is not None and found["metadata"]["uid"] != self.data["uid"]:
            raise InputError(f"namespace {self.life.namespace} is not the one that was cordoned: it was made again since; nothing was deleted")
        return found

    def _check_backups(self) -> None:
        """Every file that was recorded is there as it was: it is all that remains."""
        if wrong := [why for entry in self.data["backups"] if (why := _differs(self.directory, entry))]:
            raise VcciError(f"tenant {self.life.id}: its backup is not what was recorded: {'; '.join(wrong)}; nothing was deleted. Put the files back, "
                            "or set without_backup (tenant_offboard_without_backup) if they are safe elsewhere or not wanted")

    def _delete_namespace(self) -> None:
        if self._same_namespace() is None:
            return
        self.life.delete("v1", "Namespace", self.life.namespace)
        deadline, said = time.monotonic() + self.life.wait_timeout, time.monotonic()
        while (found := self.client.get("v1", "Namespace", self.life.namespace)) is not None:
            why = "; ".join(c.get("message", "") for c in (found.get("status") or {}).get("conditions") or [] if c.get("status") == "True")
            if time.monotonic() > deadline:
                raise WaitTimeout(f"namespace {self.life.namespace} is not gone after {int(self.life.wait_timeout)} s: {why or 'no reason is given'}; "
                                  "remedy what holds it, and run this again: it goes on from here")
            if time.monotonic() - said > 5:
                said = time.monotonic()
                self.tell(f"waiting for the namespace to go: {why or 'its contents are being deleted'}")
            time.sleep(0.5)

    def _sweep(self, resources: list) -> tuple[int, int]:
        """Everywhere, until nothing is left; (kinds, objects) that were looked at."""
        self.tell(f"looking through {len(resources)} kinds for what is left")
        deadline, pause = time.monotonic() + self.life.wait_timeout, 0.5
        while True:
            seen, left = 0, []
            for obj in tenant_sweep.everywhere(self.client, resources):
                seen += 1
                why = _tenant_offboarding.why_left(obj, self.life.id, self.life.namespace, self.own_record)
                if why is not None:
                    left.append((obj, _tenant_offboarding.fate(obj, why, self.life.namespace), _tenant_offboarding.described(obj, why)))
            if stays := sorted(text for _obj, fate, text in left if fate == STAYS):
                raise VcciError(f"tenant {self.life.id}: somebody must decide about what is left, then run this again: {'; '.join(stays[:20])}")
            if not left:
                return len(resources), seen
            if time.monotonic() > deadline:
                raise VcciError(f"tenant {self.life.id}: {len(left)} objects do not go in {int(self.life.wait_timeout)} s; remedy what holds them, "
                                f"and run this again: {'; '.join(text for _obj, _fate, text in left[:20])}")
            for obj, fate, _text in left:
                if fate == GOES and not obj["metadata"].get("deletionTimestamp"):
                    self.life.delete(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace"))
            time.sleep(pause)
            pause = min(pause * 1.5, 10)

    # --- what is kept ------------------------------------------------------------------------------------------------
    def _record(self, **changes: Any) -> None:
        self.data.update(changes)
        self.life.write(_tenant_offboarding.record(self.life.id, self.record_namespace, self.life.part_of, self.data))

    def _must_be_under_way(self) -> None:
        if not self.phase:
            raise InputError(f"tenant {self.life.id} is not cordoned")

    def _write_objects(self) -> None:
        """The manifests, without what Secrets hold: that goes with the tenant."""
        resources = tenant_sweep.kinds(self.client)
        objects = []
        for obj in tenant_sweep.in_namespace(self.client, resources, self.life.namespace):
            if obj["kind"] not in ("Event", "Pod", "EndpointSlice", "Endpoints", "ReplicaSet", "ControllerRevision"):
                objects.append(_tenant_offboarding.without_secrets(obj))
        _write(self.directory, "objects.json", json.dumps(objects, indent=1, sort_keys=True).encode())

    def _certify(self, swept: Mapping[str, Any]) -> None:
        from cryptography.hazmat.primitives import serialization

        key = self._key()
        cluster = self.client.get("v1", "Namespace", "kube-system") or {}
        text = _tenant_offboarding.certificate(self.data, cluster=(cluster.get("metadata") or {}).get("uid", ""), swept=swept, issued=_now())
        public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        _write(self.directory, "certificate.pub.pem", public)
        _write(self.directory, "certificate.json.sig", key.sign(text))
        _write(self.directory, "certificate.json", text)  # last: where it is, the others are

    def _key(self) -> Any:
        """The Ed25519 key of this cluster, made when it is first needed; it exists in its Secret only."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519

        found = self.client.get("v1", "Secret", KEY, self.record_namespace)
        if found is None:
            made = ed25519.Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            found = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": KEY, "namespace": self.record_namespace, "labels": {
                "app.kubernetes.io/part-of": self.life.part_of, "app.kubernetes.io/managed-by": _tenant_objects.MANAGED_BY,
                "app.kubernetes.io/component": _tenant_offboarding.COMPONENT + "-key"}}, "data": {"key.pem": base64.b64encode(made).decode()}}
            apply_set(self.client, [found], ApplyOptions(name=None, diff=False))
        key = serialization.load_pem_private_key(base64.b64decode(found["data"]["key.pem"]), None)
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise InputError(f"Secret {self.record_namespace}/{KEY}: key.pem must be an Ed25519 key")
        return key


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime(FORMAT)


def _files(directory: str) -> list[str]:
    """Without drafts (.<name>.new), which a run that was killed leaves behind."""
    return sorted(os.path.relpath(os.path.join(folder, name), directory) for folder, _dirs, names in os.walk(directory) for name in names
                  if not (name.startswith(".") and name.endswith(".new")))


def _digest(directory: str, name: str) -> dict:
    digest = hashlib.sha256()
    with open(os.path.join(directory, name), "rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
        size = handle.tell()
    return {"file": name, "bytes": size, "sha256": digest.hexdigest()}


def _differs(directory: str, entry: Mapping) -> str | None:
    """Why a file is not the one that was recorded."""
    path = os.path.join(directory, entry["file"])
    try:
        size = os.path.getsize(path)
        if size != entry["bytes"]:
            return f"{path} has {size} bytes, not {entry['bytes']}"
        return None if _digest(directory, entry["file"]) == entry else f"{path} has another SHA-256"
    except OSError as exc:
        return f"{path}: {exc.strerror or exc}"


def _write(directory: str, name: str, content: bytes) -> None:
    os.makedirs(directory, mode=0o700, exist_ok=True)
    draft = os.path.join(directory, f".{name}.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(draft, os.path.join(directory, name))
