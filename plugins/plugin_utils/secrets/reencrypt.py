# Copyright (c) 2026 GreenLang. All rights reserved.
"""Seals anew what the newest sealing key does not decrypt, in the cluster or in files.

Nothing is written unless all of it decrypts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from ..applyset.manifests import DIGEST
from ..applyset.membership import PART_OF, set_of
from ..applyset.options import FIELD_MANAGER, ApplyOptions
from ..applyset.owned import our_entry
from ..applyset.run import apply_set
from ..errors import InputError, WaitTimeout
from ..kubernetes.client import Client
from ..waiting import Deadline, until
from . import keyring
from .keyring import SealingKey
from .sealed import API_VERSION, Live
from .sealing_keys import Controller, Vault, read_backup
from .stores.directory import write_manifest

Object = dict[str, Any]
FOREIGN_MANAGER = "greenlang.vcci.reencrypt"  # of what somebody else applied, only the ciphertexts become ours


def reencrypt_cluster(controller: Controller, path: Path | None, vault: Vault) -> Object:
    """Every SealedSecret of the cluster, with its keys, or those of the backup at `path`."""
    keys = read_backup(path, vault)[1] if path else keyring.sealing_keys(controller.secrets())
    client, stale = controller.client, []
    for one in client.list(API_VERSION, "SealedSecret"):
        new = keyring.resealed(one, keys, os.urandom)
        if new:
            stale.append((one, new))
    for one, new in stale:
        _apply(client, one, new, controller.check)
    deadline = Deadline(controller.timeout)
    for one, _new in stale if not controller.check else []:
        _await_unsealed(client, one, deadline)
    return _result([one for one, _new in stale], keys)


def reencrypt_files(directory: Path, path: Path, vault: Vault, check: bool) -> Object:
    """Every SealedSecret in the manifests below the directory, with the keys of the backup.

    Only ciphertexts are exchanged in the text, so that comments and order stay.
    """
    keys = read_backup(path, vault)[1]
    texts: dict[Path, str] = {}
    changed: list[Object] = []
    for file in sorted(directory.rglob("*")):
        if file.suffix in (".yml", ".yaml", ".json") and file.is_file():
            text, found = _resealed_text(file, keys)
            changed += found
            if found:
                texts[file] = text
    for file, text in texts.items() if not check else ():
        write_manifest(file, text)
    return _result(changed, keys)


# --- in the cluster --------------------------------------------------------------------------------------------------
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
    manager = FIELD_MANAGER if own else FOREIGN_MANAGER
    member_of = set_of(one["metadata"]) or None if own else None
    options = ApplyOptions(member_of=member_of, check=check, diff=False, force_conflicts=not own, field_manager=manager)
    apply_set(client, [obj], options)


def _await_unsealed(client: Client, one: Object, deadline: Deadline) -> None:
    name, place = one["metadata"]["name"], one["metadata"]["namespace"]

    def in_step() -> bool:
        sealed, secret = client.get(API_VERSION, "SealedSecret", name, place), client.get("v1", "Secret", name, place)
        return Live(sealed, secret).in_step

    why = f"the controller did not unseal {place}/{name} after it was sealed anew; is it running?"
    until(in_step, deadline.left, late=lambda _seconds: WaitTimeout(why), longest=0.3)


# --- in files --------------------------------------------------------------------------------------------------------
def _resealed_text(file: Path, keys: list[SealingKey]) -> tuple[str, list[Object]]:
    """The text of a file with new ciphertexts, and the SealedSecrets that got some."""
    text, documents = _documents(file)
    changed = []
    for one in _objects(documents):
        try:
            new = keyring.resealed(one, keys, os.urandom) if one.get("kind") == "SealedSecret" else {}
        except (AttributeError, TypeError) as exc:
            wrong = "holds a damaged SealedSecret: metadata and encryptedData must be mappings of texts"
            raise InputError(f"{file} {wrong}") from exc
        for key, ciphertext in new.items():
            before = one["spec"]["encryptedData"][key]
            if before not in text:
                raise InputError(f"{file}: the ciphertext of {key} is broken over lines; write it on one")
            text = text.replace(before, ciphertext)
        if new:
            changed.append(one)
    return text, changed


def _documents(file: Path) -> tuple[str, list[Object]]:
    try:
        text = file.read_text(encoding="utf-8")
        return text, [one for one in yaml.safe_load_all(text) if isinstance(one, dict)]
    except OSError as exc:
        raise InputError(f"{file} cannot be read: {exc.strerror}") from exc
    except (ValueError, yaml.YAMLError) as exc:
        raise InputError(f"{file} is not YAML") from exc


def _objects(documents: list[Object]) -> list[Object]:
    """The objects of manifests; some are lists."""
    found: list[Any] = []
    for document in documents:
        found += document["items"] if isinstance(document.get("items"), list) else [document]
    return [one for one in found if isinstance(one, dict)]


def _result(changed: list[Object], keys: list[SealingKey]) -> Object:
    names = sorted(f"{one['metadata'].get('namespace')}/{one['metadata']['name']}" for one in changed)
    said = f"{len(names)} SealedSecrets sealed anew with {keyring.newest(keys).name}"
    return {"changed": bool(names), "secrets": names, "msg": said}
