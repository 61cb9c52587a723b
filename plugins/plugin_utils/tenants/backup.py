# Copyright (c) 2026 GreenLang. All rights reserved.
"""The volumes of a tenant that is cordoned, copied to files: one reader for each, since two volumes need not be within reach of one node."""
from __future__ import annotations

import hashlib
import os
import time
import zlib
from collections.abc import Mapping
from typing import Any

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set
from ..errors import InputError, VcciError, WaitTimeout
from ..kubernetes import exec as _exec
from . import objects as _tenant_objects
from . import reader as _tenant_reader
from . import workloads as _tenant_workloads
from .life import Life
from .offboarding_record import COMPONENT

READER = "vcci-tenant-backup"
LABELS = {"app.kubernetes.io/managed-by": _tenant_objects.MANAGED_BY, "app.kubernetes.io/component": COMPONENT}
ROOM = 1 << 20  # bytes that are unpacked at a time


class Archive:
    """A gzip archive on its way into a file: its digest, and whether it is whole by its own checksum."""

    def __init__(self, handle: Any) -> None:
        self.handle, self.sha256, self.size = handle, hashlib.sha256(), 0
        self.check, self.after = zlib.decompressobj(31), 0  # bytes that came after its end

    def write(self, chunk: bytes) -> None:
        self.handle.write(chunk)
        self.sha256.update(chunk)
        self.size += len(chunk)
        self.after += len(chunk) if self.check.eof else 0
        try:
            while chunk and not self.check.eof:
                self.check.decompress(chunk, ROOM)
                chunk = self.check.unconsumed_tail
        except zlib.error as exc:
            raise VcciError(f"the archive does not arrive as it was written: {exc}; run this again") from exc

    def end(self) -> None:
        if not self.check.eof or self.check.unused_data or self.after:
            raise VcciError("the archive is not whole; run this again")


class Backup:
    def __init__(self, life: Life, *, directory: str, image: str, users: Mapping[str, int]) -> None:
        self.life, self.client, self.directory, self.image, self.users = life, life.client, directory, image, users

    def volumes(self) -> list[str]:
        """The claims to copy, or why not all can be."""
        claims = self.client.list("v1", "PersistentVolumeClaim", self.life.namespace)
        if blocks := _tenant_reader.unreadable(claims):
            raise InputError(f"tenant {self.life.id}: {', '.join(blocks)} are block devices without files: "
                             "back them up by your storage's snapshots, then remove their claims")
        names = _tenant_reader.bound(claims)
        if strangers := sorted(set(self.users) - set(names)):
            raise InputError(f"users: tenant {self.life.id} has no volume {', '.join(strangers)}; it has {', '.join(names) or 'none'}")
        return names

    def copy(self, claim: str) -> dict:
        """One volume as volume-<claim>.tgz; its digest. The name appears when the file is whole and on disk."""
        target = os.path.join(self.directory, f"volume-{claim}.tgz")
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        draft = os.path.join(self.directory, f".volume-{claim}.tgz.new")
        workloads = [one for api_version, kind in _tenant_workloads.KINDS for one in self.client.list(api_version, kind, self.life.namespace)]
        pod = _tenant_reader.reader(READER, self.life.namespace, self.image, claim, LABELS, workloads, self.users.get(claim))
        self.remove_reader()  # that of another volume, or one that failed
        self.life.until_counted()
        self.life.tell(f"copying volume {claim} as user {pod['spec']['securityContext']['runAsUser']}")
        try:
            apply_set(self.client, [pod], ApplyOptions(name=None, diff=False, wait=True, wait_timeout=self.life.wait_timeout, say=self.life.tell))
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
                archive = Archive(handle)
                _exec.stream(
                    self.client, self.life.namespace, READER, "reader", _tenant_reader.COMMAND, archive.write, timeout=self.life.wait_timeout
                )
                archive.end()
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(draft, target)
        except VcciError as exc:
            raise VcciError(f"volume {claim}: {exc.message}") from exc
        finally:
            if os.path.exists(draft):
                os.unlink(draft)
            self.remove_reader(wait=False)
        self.life.changes.append(target)
        return {"file": os.path.basename(target), "bytes": archive.size, "sha256": archive.sha256.hexdigest()}

    def remove_reader(self, wait: bool = True) -> None:
        """Until it is gone, since only one may run."""
        deadline, asked = time.monotonic() + self.life.wait_timeout, False
        while self.client.get("v1", "Pod", READER, self.life.namespace) is not None:
            if not asked:
                self.life.delete("v1", "Pod", READER, self.life.namespace)
            asked = True
            if self.life.check or not wait:
                return
            if time.monotonic() > deadline:
                raise WaitTimeout(f"pod {self.life.namespace}/{READER} does not end; see kubectl describe pod {READER} -n {self.life.namespace}")
            time.sleep(0.3)
