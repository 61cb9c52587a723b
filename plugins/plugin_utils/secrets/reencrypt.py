# Copyright (c) 2026 GreenLang. All rights reserved.
"""Seals anew what the newest sealing key does not decrypt, in the cluster or in files.

Nothing is written unless all of it decrypts.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

from ..applyset.manifests import DIGEST, ref_of
from ..applyset.membership import PART_OF, set_of
from ..applyset.options import FIELD_MANAGER, ApplyOptions
from ..applyset.owned import our_entry
from ..applyset.run import apply_set
from ..errors import ApiError, InputError, Overtaken, VcciError, WaitTimeout
from ..files import is_draft, why, write_all
from ..kubernetes.client import Client
from ..waiting import Deadline, until
from . import crypto, resealing
from .key_backup import Backup
from .keyring import Keyring
from .manifest_text import Place, exchanged, sealed_secrets
from .resealing import Resealer
from .sealed import API_VERSION, Live
from .sealing_keys import Controller, Vault, read_backup

Object = dict[str, Any]
FOREIGN_MANAGER = "greenlang.vcci.reencrypt"  # of what somebody else applied, only the ciphertexts become ours
TRIES = 5  # of sealing an object anew that somebody else is writing, too
SUFFIXES = (".yml", ".yaml", ".json")


def reencrypt_cluster(controller: Controller, path: Path | None, vault: Vault) -> Object:
    """Every SealedSecret of the cluster, with its keys, and those of the backup at `path`."""
    resealer, warnings = _for_cluster(controller, read_backup(path, vault) if path else Backup())
    client, stale = controller.client, []
    for one in client.list(API_VERSION, "SealedSecret"):
        warnings += _passed_over(one)
        if resealer.renewed(one):
            stale.append(one)
    written = [one for one in stale if _write(client, one, resealer, controller.check)]
    deadline = Deadline(controller.timeout)
    for one in written if not controller.check else []:
        _await_unsealed(client, one, deadline)
    return _result(written, resealer, warnings)


def reencrypt_files(directory: Path, path: Path, vault: Vault, check: bool) -> Object:
    """Every SealedSecret in the manifests below the directory, with the keys of the backup.

    Only ciphertexts are exchanged in the text, so that every other byte stays.
    """
    ring = read_backup(path, vault).ring
    resealer = Resealer(ring.keys, ring.newest(_now()), os.urandom)
    if not directory.is_dir():
        raise InputError(f"directory: {directory} is no directory")
    texts: dict[Path, bytes | str] = {}
    changed: list[Object] = []
    warnings = ring.warnings
    for file in sorted(directory.rglob("*")):
        if file.suffix.lower() in SUFFIXES and file.is_file() and not is_draft(file.name):
            text, found, passed = _resealed_text(file, resealer)
            changed += found
            warnings += passed
            if found:
                texts[file] = text
    if not check:
        _write_files(directory, texts)
    return _result(changed, resealer, warnings)


# --- in the cluster --------------------------------------------------------------------------------------------------
def _for_cluster(controller: Controller, backup: Backup) -> tuple[Resealer, list[str]]:
    """With which keys, and warnings. New values are for the cluster's newest key, whatever a backup has."""
    try:
        ring = controller.place.used_keyring()
    except ApiError as exc:
        if exc.status != 403 or not backup.keys:
            raise
        ring = _served(controller, backup)
    more = [key for key in backup.ring.keys if key.fingerprint not in ring.fingerprints]
    return Resealer([*ring.keys, *more], ring.newest(_now()), os.urandom), [*ring.warnings, *backup.ring.warnings]


def _served(controller: Controller, backup: Backup) -> Keyring:
    """Where the controller's keys may not be read, that whose certificate it gives out must be in the backup."""
    served = crypto.Certificate(controller.place.served_certificate(), f"Service {controller.place.name}").fingerprint
    found = [key for key in backup.keys if key.fingerprint == served]
    if not found:
        raise InputError(
            f"the backup lacks the key {served}, with which the controller seals now, and its keys may not be read "
            "here: have the keys backed up first (state backed_up)"
        )
    return Keyring(found)


def _write(client: Client, one: Object, resealer: Resealer, check: bool) -> bool:
    """Whether it was sealed anew. When somebody has written it since it was read, it is decided again."""
    for _try in range(TRIES):
        new = resealer.renewed(one)
        if not new:
            return False
        try:
            _apply(client, one, new, check)
        except Overtaken:
            metadata = one["metadata"]
            found = client.get(API_VERSION, "SealedSecret", metadata["name"], metadata["namespace"])
            if found is None:
                return False
            one.clear()
            one.update({"apiVersion": API_VERSION, "kind": "SealedSecret", **found})
        else:
            return True
    raise VcciError(f"{resealing.name_of(one)} was written by somebody else {TRIES} times meanwhile: run this again")


def _apply(client: Client, one: Object, new: dict[str, str], check: bool) -> None:
    own = our_entry(one["metadata"], FIELD_MANAGER) is not None
    metadata = {"name": one["metadata"]["name"], "namespace": one["metadata"]["namespace"]}
    spec: Object = {"encryptedData": new}
    if own:  # the whole of it, as its set would apply it: a part would take the rest away
        annotations = one["metadata"].get("annotations") or {}
        notes = {key: value for key, value in annotations.items() if key != DIGEST}
        labels = {key: value for key, value in (one["metadata"].get("labels") or {}).items() if key != PART_OF}
        kept = (("labels", labels), ("annotations", notes))
        metadata |= {key: value for key, value in kept if value}
        spec = {**one["spec"], "encryptedData": {**one["spec"]["encryptedData"], **new}}
    obj = {"apiVersion": API_VERSION, "kind": "SealedSecret", "metadata": metadata, "spec": spec}
    options = ApplyOptions(
        member_of=set_of(one["metadata"]) or None if own else None,
        check=check,
        diff=False,
        force_conflicts=not own,
        field_manager=FIELD_MANAGER if own else FOREIGN_MANAGER,
        bound={ref_of(obj): one},
    )
    apply_set(client, [obj], options)


def _await_unsealed(client: Client, one: Object, deadline: Deadline) -> None:
    name, place = one["metadata"]["name"], one["metadata"]["namespace"]
    last = Live(one)

    def in_step() -> bool:
        nonlocal last
        found = client.get(API_VERSION, "SealedSecret", name, place)
        last = Live(found, {})  # the controller's word is enough: Secrets need not be read for this
        return found is None or last.in_step

    def late(_seconds: int) -> WaitTimeout:
        said = f" The controller says: {last.synced['message']}" if last.synced.get("message") else ""
        return WaitTimeout(
            f"the controller did not unseal {place}/{name} after it was sealed anew; is it running?{said}"
        )

    until(in_step, deadline.left, late=late, longest=0.3)


# --- in files --------------------------------------------------------------------------------------------------------
def _resealed_text(file: Path, resealer: Resealer) -> tuple[bytes, list[Object], list[str]]:
    """The text of a file with new ciphertexts, the SealedSecrets that got some, and warnings of others."""
    text, changed, warnings = _text(file), [], []
    edits: dict[Place, str] = {}
    for found in sealed_secrets(text, str(file)):
        warnings += [f"{file}: {why}" for why in _passed_over(found.sealed)]
        try:
            new = resealer.renewed(found.sealed)
        except InputError as exc:
            raise InputError(f"{file}: {exc.message}") from exc
        if new:
            changed.append(found.sealed)
            edits |= {found.places[key]: ciphertext for key, ciphertext in new.items()}
    return exchanged(text, edits).encode(), changed, warnings


def _text(file: Path) -> str:
    """As it is: line ends are not translated."""
    try:
        return file.read_bytes().decode()
    except OSError as exc:
        raise InputError(f"{file} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise InputError(f"{file} is not YAML") from exc


def _write_files(directory: Path, texts: dict[Path, bytes | str]) -> None:
    try:
        write_all(texts)
    except OSError as exc:
        raise InputError(f"{exc.filename or directory} cannot be written: {why(exc)}; nothing was changed") from exc


# --- both ------------------------------------------------------------------------------------------------------------
def _passed_over(sealed: Object) -> list[str]:
    if not resealing.of_old_form(sealed):
        return []
    old = "has spec.data, the form of before version 0.7, which is not sealed anew"
    return [f"{resealing.name_of(sealed)} {old}: do so with kubeseal before an old key goes"]


def _result(changed: list[Object], resealer: Resealer, warnings: list[str]) -> Object:
    names = sorted(f"{one['metadata'].get('namespace')}/{one['metadata']['name']}" for one in changed)
    said = f"{len(names)} SealedSecrets sealed anew with {resealer.target.name}"
    return {"changed": bool(names), "secrets": names, "msg": said, "warnings": warnings}


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
