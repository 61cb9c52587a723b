# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant's end: cordon, backup, quarantine, deletion, sweep, certificate; each is recorded before it is taken."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, VcciError
from ..files import draft
from ..kubernetes.kinds import Resource
from ..labels import OURS, TENANT
from . import digests, kept, record, sweep
from .backup import Backup
from .certify import FILE as CERTIFICATE
from .certify import certify, signing_key
from .cluster import ANNOTATION
from .ending import Entry
from .life import Life
from .removal import remove_namespace

RBAC = "rbac.authorization.k8s.io/v1"
NOT_KEPT = ("Event", "Pod", "EndpointSlice", "Endpoints", "ReplicaSet", "ControllerRevision")  # made by what is kept


class Offboarding:
    """`folder` takes the tenant's backup and its certificate; the record is in `record_namespace`."""

    def __init__(
        self, life: Life, *, record_namespace: str, folder: Path, quarantine_days: float, backup: Backup
    ) -> None:
        life.note = self._force
        self.life, self.client, self.check = life, life.client, life.check
        self.record_namespace, self.folder = record_namespace, folder
        self.quarantine_days, self.backup = quarantine_days, backup
        self.own_record = (record_namespace, record.record_name(life.id))
        found = self.client.get("v1", "ConfigMap", self.own_record[1], record_namespace)
        self.data: dict[str, Any] = record.parse_record(found)

    @property
    def phase(self) -> str:
        return str(self.data.get("phase", ""))

    def status(self) -> dict[str, Any]:
        due = record.is_due(self.data, _now())
        said = {name: self.data.get(name) for name in ("quarantined_until", "schemas")}
        return {"phase": self.phase, **said, "due": due}

    # --- the steps ------------------------------------------------------------------------------------------------
    def cordon(self, delete_pods: bool) -> None:
        """Nobody gets in any more, and then nothing runs: who still had access could start it again."""
        if self.phase not in ("", "cordoned"):
            return
        namespace = self.life.must_live()["metadata"]
        if self.phase:
            self.backup.remove_reader()
        self.life.refuse_alone(delete_pods)
        if not self.phase:
            now, annotations = _now(), namespace["annotations"]
            tenant = {key: annotations.get(ANNOTATION + key) for key in ("id", "name", "tier", "created")}
            until_then = record.later(now, self.quarantine_days)
            uid = namespace["uid"]
            self._put_aside(now)
            self._record(phase="cordoned", tenant=tenant, uid=uid, cordoned=now, quarantined_until=until_then)
        self._take_access()
        self.life.halt(delete_pods, ended=True)

    def _put_aside(self, now: str) -> None:
        """The certificate names what is in the folder at its end: nothing that an offboarding before this one left."""
        found = digests.earlier(self.folder)
        if not found:
            return
        aside = self.folder / (digests.EARLIER + re.sub(r"[-:]", "", now))
        self.life.changes.append(str(aside))
        if not self.check:
            digests.keep_aside(found, aside)

    def _take_access(self) -> None:
        for binding in self.client.list(RBAC, "RoleBinding", self.life.namespace):
            self.life.delete(RBAC, "RoleBinding", binding["metadata"]["name"], self.life.namespace)
        its_own = f"{OURS},{TENANT}={self.life.id}"
        for binding in self.client.list(RBAC, "ClusterRoleBinding", label_selector=its_own):
            self.life.delete(RBAC, "ClusterRoleBinding", binding["metadata"]["name"])

    def back_up(self) -> None:
        """Copies every volume; one whose copy is there is not read again, since nothing has run since the cordon."""
        self._must_be_under_way()
        if self.phase != "cordoned":
            return
        for claim in self.backup.volumes():
            copied = self._kept("copied", {}) or {}
            if claim in copied and digests.difference(self.folder, copied[claim]) is None:
                continue
            if self.check:
                self.life.changes.append(str(self.backup.file_of(claim)))
            else:
                self._keep("copied", {**copied, claim: self.backup.copy(claim)})

    def quarantine(self, schemas: Sequence[str] = ()) -> None:
        """Takes note of the backups: every file in the tenant's folder, with its digest; `schemas` are those of the
        database that were dumped into one of them."""
        self._must_be_under_way()
        if self.phase != "cordoned" or self.check:
            return
        copied = self._kept("copied", {}) or {}
        missing = [claim for claim in self.backup.volumes() if claim not in copied]
        if missing:
            remedy = "bring it into the state backed_up first"
            raise InputError(f"tenant {self.life.id}: volumes {', '.join(missing)} are not backed up; {remedy}")
        self.backup.remove_reader()
        self._write_objects()
        backups = digests.of_folder(self.folder)
        empty = [entry["file"] for entry in backups if not entry["bytes"]]
        if empty:
            what = f"{', '.join(empty)} in {self.folder} is empty, which is no backup"
            raise VcciError(f"{what}; remove it and run this again")
        self._keep("backups", backups, phase="quarantined", schemas=list(schemas))
        self.life.stop(pods=0)

    def take_back(self) -> None:
        """The tenant goes on; its owners get in again when it is in the data and converged."""
        if self.phase in ("deleting", "deleted"):
            why = "it cannot be taken back; its data is in the backup"
            raise InputError(f"tenant {self.life.id} is {self.phase}: {why}")
        if self.phase:
            self.backup.remove_reader()
            self.life.delete("v1", "ConfigMap", self.own_record[1], self.record_namespace)
            self.data = {}

    def begin_deletion(self, without_backup: bool) -> None:
        """What forbids a deletion is found before anything goes; then it is recorded, and nothing takes it back."""
        if not record.is_due(self.data, _now()):
            since = self.data.get("quarantined_until")
            phase = self.phase or "not cordoned"
            raise InputError(f"tenant {self.life.id} is {phase}; it may be deleted from {since} on")
        self._same_namespace()
        if self.phase == "deleted":
            return
        if not without_backup:
            self._check_backups()
        if self.phase == "quarantined":
            there = sweep.in_namespace(self.client, self._kinds(), self.life.namespace)
            checked = "" if without_backup else _now()
            self._keep("existed", record.inventory(there), phase="deleting", backups_checked=checked)

    def delete(self, database: Mapping[str, int], without_backup: bool) -> None:
        """Everything goes; then proof that it went. A certificate that is there is not written again."""
        if self.phase not in ("deleting", "deleted"):
            self.begin_deletion(without_backup)
        self._same_namespace()
        if self.check:
            self.life.changes += [] if self.phase == "deleted" else [f"Namespace {self.life.namespace}"]
            return
        resources = self._kinds()
        if self.phase == "deleting" and self._same_namespace() is not None:
            remove_namespace(self.life, resources)
        looked = sweep.sweep(self.life, resources, self.own_record)
        left = {name: number for name, number in database.items() if number}
        if left:
            raise VcciError(f"tenant {self.life.id}: the database still has {left}; nothing is certified")
        if self.phase == "deleting" or not (self.folder / CERTIFICATE).exists():
            self._certify(looked, database)
        if self.phase == "deleting":
            self._record(phase="deleted", deleted=_now())

    # --- deletion -------------------------------------------------------------------------------------------------
    def _same_namespace(self) -> dict[str, Any] | None:
        found = self.life.find()
        if found is not None and found["metadata"]["uid"] != self.data["uid"]:
            what = f"namespace {self.life.namespace} is not the one that was cordoned"
            raise InputError(f"{what}: it was made again since; nothing was deleted")
        return found

    def _check_backups(self) -> None:
        """Every file that was recorded is there as it was: it is all that remains."""
        entries = self._kept("backups", [])
        of_list = () if entries is not None else (self.data[record.LISTS]["backups"],)
        differences = (digests.difference(self.folder, entry) for entry in (*of_list, *(entries or ())))
        wrong = [why for why in differences if why is not None]
        if wrong:
            raise VcciError(
                f"tenant {self.life.id}: its backup is not what was recorded: {'; '.join(wrong)}; nothing was deleted. "
                "Put the files back, or set without_backup (tenant_offboard_without_backup) if they are safe elsewhere "
                "or not wanted"
            )

    # --- what is kept ---------------------------------------------------------------------------------------------
    def _record(self, **changes: Any) -> None:
        self.data.update(changes)
        self.life.write(record.record(self.life.id, self.record_namespace, self.life.part_of, self.data))

    def _must_be_under_way(self) -> None:
        if not self.phase:
            raise InputError(f"tenant {self.life.id} is not cordoned")

    def _keep(self, name: str, entries: Any, **changes: Any) -> None:
        """Record a list of any length; its file not in check mode."""
        if self.check:
            self._record(**changes)
            return
        said = kept.write(self.folder, name, entries)
        self.data.pop(name, None)  # where a version before had it
        self._record(**{record.LISTS: {**self.data.get(record.LISTS, {}), name: said}}, **changes)
        kept.tidy(self.folder, name, said)

    def _kept(self, name: str, empty: Any) -> Any:
        """What was recorded of that name; None when its file is not there, or is another."""
        said = self.data.get(record.LISTS, {}).get(name)
        return self.data.get(name, empty) if said is None else kept.read(self.folder, said)

    def _force(self, entries: list[Entry]) -> None:
        self.life.tell(entries)
        if self.phase:
            self._keep("forced", [*(self._kept("forced", []) or []), *entries])

    def _kinds(self) -> list[Resource]:
        return sweep.kinds(self.client, self.life.wait_timeout, self.life.say)

    def _write_objects(self) -> None:
        """The manifests, without what Secrets hold: that goes with the tenant."""
        with draft(self.folder / "objects.json", 0o600, folder_mode=0o700) as handle:
            begin = "["
            for obj in sweep.in_namespace(self.client, self._kinds(), self.life.namespace):
                if obj["kind"] not in NOT_KEPT:
                    text = json.dumps(record.without_secrets(obj), indent=1, sort_keys=True)
                    handle.write(f"{begin}\n{text}".encode())
                    begin = ","
            handle.write(b"[]" if begin == "[" else b"\n]")

    def _certify(self, looked: tuple[int, int], database: Mapping[str, int]) -> None:
        """A list whose file was lost since is named by its number and digest."""
        key = signing_key(self.client, self.record_namespace, self.life.part_of)
        cluster = self.client.get("v1", "Namespace", "kube-system") or {}
        uid = (cluster.get("metadata") or {}).get("uid", "")
        swept = {"kinds": looked[0], "objects": looked[1], "remaining": 0, "database": dict(database)}
        lists: dict[str, Any] = {}
        for name, empty in (("existed", {}), ("backups", []), ("forced", [])):
            found = self._kept(name, empty)
            lists[name] = self.data[record.LISTS][name] if found is None else found
        certify(self.folder, record.certificate(self.data, lists, cluster=uid, swept=swept, issued=_now()), key)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime(record.FORMAT)
