# Copyright (c) 2026 GreenLang. All rights reserved.
"""The volumes of a tenant that is cordoned, copied to files.

There is one reader for each, since two volumes need not be within reach of one node.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set
from ..errors import ApiError, InputError, VcciError
from ..files import draft
from ..kubernetes.exec import stream
from ..labels import labels
from . import record
from .ending import delete_pod
from .life import Life
from .reader import COMMAND, bound, fitting, reader, unreadable

READER = "vcci-tenant-backup"
GRACE = 1  # seconds that the reader has to stop
FORBIDDEN = 403
ROOM = 1 << 20  # bytes that are unpacked at a time


class Archive:
    """A gzip archive on its way into a file: its digest, and whether it is whole by its own checksum."""

    def __init__(self, handle: BinaryIO) -> None:
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
    """`users` are claim → user's number, where that is not its workload's."""

    def __init__(self, life: Life, *, folder: Path, image: str, users: Mapping[str, int]) -> None:
        self.life, self.client, self.folder, self.image, self.users = life, life.client, folder, image, users

    def volumes(self) -> list[str]:
        """The claims to copy, or why not all can be."""
        who = f"tenant {self.life.id}"
        claims = self.client.list("v1", "PersistentVolumeClaim", self.life.namespace)
        blocks, names = unreadable(claims), bound(claims)
        strangers = sorted(set(self.users) - set(names))
        if blocks:
            remedy = "back them up by your storage's snapshots, then remove their claims"
            raise InputError(f"{who}: {', '.join(blocks)} are block devices without files: {remedy}")
        if strangers:
            there = ", ".join(names) or "none"
            raise InputError(f"users: {who} has no volume {', '.join(strangers)}; it has {there}")
        return names

    def file_of(self, claim: str) -> Path:
        return self.folder / f"volume-{claim}.tgz"

    def copy(self, claim: str) -> dict[str, Any]:
        """One volume as volume-<claim>.tgz; its digest. The name appears when the file is whole and on disk."""
        target = self.file_of(claim)
        self.folder.mkdir(
            0o700, parents=True, exist_ok=True
        )  # one that cannot be made is known before anything is done
        pod = self._reader(claim)
        self.remove_reader()  # that of another volume, or one that failed
        self._make_room()
        pod = self._admitted(pod)
        self.life.say(f"copying volume {claim} as user {pod['spec']['securityContext']['runAsUser']}")
        timeout, say = self.life.wait_timeout, self.life.say
        try:
            apply_set(self.client, [pod], ApplyOptions(diff=False, wait=True, wait_timeout=timeout, say=say))
            with draft(target, 0o600, folder_mode=0o700, alone=True) as handle:
                archive = Archive(handle)
                stream(self.client, self.life.namespace, READER, "reader", COMMAND, archive.write, timeout=timeout)
                archive.end()
        except VcciError as exc:
            raise VcciError(f"volume {claim}: {exc.message}") from exc
        finally:
            self.remove_reader(wait=False)
            self.life.stop(0)
        self.life.changes.append(str(target))
        return {"file": target.name, "bytes": archive.size, "sha256": archive.sha256.hexdigest()}

    def _make_room(self) -> None:
        """One pod may start, and it is ours: what was changed in the last moment before the cordon starts none."""
        troubles = self.life.stop_workloads()
        if troubles:
            raise VcciError(f"tenant {self.life.id}: not stopped: {'; '.join(troubles)}", troubles)
        self.life.stop(1)
        self.life.until_counted()

    def _admitted(self, pod: dict[str, Any]) -> dict[str, Any]:
        """Without the tolerations of its workload where they are refused: nobody judges what a template asks for."""
        path = self.client.resource("v1", "Pod").path(self.life.namespace)
        try:
            self.client.request("POST", path, body=pod, query={"dryRun": "All"})
        except ApiError as exc:
            if exc.status == FORBIDDEN and pod["spec"]["tolerations"]:
                return {**pod, "spec": {**pod["spec"], "tolerations": []}}
        return pod

    def _reader(self, claim: str) -> dict[str, Any]:
        ours, user, where = labels(record.COMPONENT), self.users.get(claim), self.life.namespace
        pod = reader(READER, where, self.image, claim, ours, self.life.workloads(), user)
        quotas = ({**one, "status": {}} for one in self.client.list("v1", "ResourceQuota", where))  # nothing else runs
        bounds = [*self.client.list("v1", "LimitRange", where), *quotas]
        pod["spec"]["containers"][0]["resources"] = fitting(bounds)
        return pod

    def remove_reader(self, wait: bool = True) -> None:
        """Until it is gone, since only one may run; also what a tenant called by its name."""
        found = self._readers()
        if not found:
            return
        self.life.changes.append(f"Pod {self.life.namespace}/{READER}")
        if self.life.check:
            return
        delete_pod(self.client, found[0], GRACE)
        if wait:
            self.life.end(self._readers)

    def _readers(self) -> list[dict[str, Any]]:
        found = self.client.get("v1", "Pod", READER, self.life.namespace)
        return [] if found is None else [found]
