# Copyright (c) 2026 GreenLang. All rights reserved.
"""Backup, restore and renewal of the controller's keys; re-encryption of everything under the newest. One function a state of the plugin."""

from __future__ import annotations

import base64
import datetime
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..applyset import owned as _owned
from ..applyset.manifests import DIGEST
from ..applyset.options import FIELD_MANAGER, ApplyOptions
from ..applyset.run import apply_set
from ..errors import InputError, WaitTimeout
from ..kubernetes.client import Client
from . import consumers as _sealed_consumers
from . import crypto as _sealing
from . import keyring as _sealing_keys
from . import report as _sealed_report
from . import sealed as _sealed
from .files import replace
from .rollout import Rollout

try:
    import yaml
except ImportError:  # it comes with Ansible
    pass

PAUSE = 0.3


@dataclass
class Keys:
    """`encrypt` and `decrypt` are the vault's; what is written to a file went through the first."""

    client: Client | None
    namespace: str
    deployment: str
    check: bool
    timeout: float
    tell: Callable[[str], None]
    encrypt: Callable[[str], str]
    decrypt: Callable[[str], str]

    # --- states ------------------------------------------------------------------------------------------------------
    def backed_up(self, path: str) -> dict:
        secrets = self.secrets()
        if not secrets:
            raise InputError(f"there is no sealing key in namespace {self.namespace}")
        content, target = _sealing_keys.backup(secrets), Path(path)
        names = [item["metadata"]["name"] for item in content["items"]]
        changed = not target.exists() or self.read(path)[0] != content["items"]
        if changed and not self.check:
            replace(target, self.encrypt(json.dumps(content, indent=1)), 0o600, 0o700)
        return {"changed": changed, "keys": names, "msg": f"{len(names)} sealing keys in {path}"}

    def restored(self, path: str) -> dict:
        items, _keys = self.read(path)
        for item in items:
            item["metadata"].pop("creationTimestamp", None)
            item["metadata"]["namespace"] = self.namespace
        present = {one.fingerprint for one in _sealed_report.sealing_keys(self.secrets())}
        return self.add([item for item in items if _fingerprint(item) not in present])

    def renewed(self, certificate: bytes, private_key: bytes, days: int, min_age_days: int) -> dict:
        now, secrets = datetime.datetime.now(datetime.UTC), self.secrets()
        keys = _sealed_report.sealing_keys(secrets)
        if certificate:
            given = _sealing_keys.pair(certificate, private_key, "the given certificate").check(now)
            if any(one.fingerprint == given.fingerprint for one in keys):
                return self.add([])
        elif min_age_days and any(one.active and (_sealed_report.days_since(one.created, now) or 0) < min_age_days for one in keys):
            return self.add([])
        else:
            certificate, private_key = _sealing_keys.make(now, days)
        return self.add([_sealing_keys.secret(self.namespace, certificate, private_key, random.SystemRandom())])

    def reencrypted(self, directory: str | None, path: str | None) -> dict:
        keys = self.read(path)[1] if path else _sealed_report.sealing_keys(self.secrets())
        changed = self.in_files(Path(directory), keys) if directory else self.in_cluster(keys)
        return {"changed": bool(changed), "secrets": changed, "msg": f"{len(changed)} SealedSecrets sealed anew with {_sealing_keys.newest(keys).name}"}

    # --- how ---------------------------------------------------------------------------------------------------------
    @property
    def cluster(self) -> Client:
        if self.client is None:
            raise InputError("this needs a cluster")
        return self.client

    def secrets(self) -> list[dict]:
        return self.cluster.list("v1", "Secret", self.namespace, label_selector=_sealing.KEY_LABEL)

    def read(self, path: str) -> tuple[list[dict], list]:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise InputError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or 'not text'}") from exc
        try:
            content = yaml.safe_load(self.decrypt(text))
        except yaml.YAMLError:
            raise InputError(f"{path} is not YAML when decrypted") from None
        return _sealing_keys.read_backup(content, path)

    def add(self, secrets: list[dict]) -> dict:
        """The controller reads its keys when it starts; a run may have ended between a key and the restart."""
        if secrets:
            apply_set(self.cluster, secrets, ApplyOptions(name=None, check=self.check, diff=False, say=self.tell))
        found = self.cluster.get("apps/v1", "Deployment", self.deployment, self.namespace)
        restarted = [{**found, "kind": "Deployment"}] if found and (secrets or self.unread(found)) else []
        if not self.check:
            Rollout(self.cluster, self.tell, self.timeout).restart(restarted, set())
        names = [one["metadata"]["name"] for one in secrets]
        said = f"{len(names)} sealing keys added{', the controller restarted' if restarted else ''}"
        return {"changed": bool(secrets or restarted), "keys": names, "msg": said}

    def unread(self, controller: dict) -> bool:
        """Whether a key that we added is younger than a pod of the controller, which reads its own at once."""
        added = [one["metadata"]["creationTimestamp"] for one in self.secrets() if _owned.our_entry(one["metadata"], FIELD_MANAGER)]
        pods = _sealed_consumers.pods_of(controller, self.cluster.list("v1", "Pod", self.namespace))
        return any(pod["metadata"]["creationTimestamp"] < max(added, default="") for pod in pods)

    def in_cluster(self, keys: list) -> list[str]:
        every = self.cluster.list(_sealed.API_VERSION, "SealedSecret")
        new = {_name(one): _sealing_keys.renewed(one, keys) for one in every}
        stale = [one for one in every if new[_name(one)]]
        for one in stale:
            own = _owned.our_entry(one["metadata"], FIELD_MANAGER) is not None
            metadata = {"name": one["metadata"]["name"], "namespace": one["metadata"]["namespace"]}
            if own:  # the whole of it, as its set would apply it: a part would take the rest away
                notes = {key: value for key, value in (one["metadata"].get("annotations") or {}).items() if key != DIGEST}
                metadata |= {key: value for key, value in (("labels", one["metadata"].get("labels")), ("annotations", notes)) if value}
                spec = {**one["spec"], "encryptedData": {**one["spec"]["encryptedData"], **new[_name(one)]}}
            else:
                spec = {"encryptedData": new[_name(one)]}
            obj = {"apiVersion": _sealed.API_VERSION, "kind": "SealedSecret", "metadata": metadata, "spec": spec}
            manager = FIELD_MANAGER if own else "greenlang.vcci.reencrypt"
            apply_set(self.cluster, [obj], ApplyOptions(name=None, check=self.check, diff=False, force_conflicts=not own, field_manager=manager))
        deadline = time.monotonic() + self.timeout
        for one in stale if not self.check else []:
            place, name = one["metadata"]["namespace"], one["metadata"]["name"]
            while not _sealed.Live(self.cluster.get(_sealed.API_VERSION, "SealedSecret", name, place), self.cluster.get("v1", "Secret", name, place)).in_step:
                if time.monotonic() > deadline:
                    raise WaitTimeout(f"the controller did not unseal {place}/{name} after it was sealed anew; is it running?")
                time.sleep(PAUSE)
        return sorted(_name(one) for one in stale)

    def in_files(self, directory: Path, keys: list) -> list[str]:
        """Only ciphertexts are exchanged in the text, so that comments and order stay. Nothing is written unless all of it decrypts."""
        texts: dict[Path, str] = {}
        changed = []
        for path in sorted(one for one in directory.rglob("*") if one.suffix in (".yml", ".yaml", ".json") and one.is_file()):
            try:
                text = path.read_text(encoding="utf-8")
                documents = [one for one in yaml.safe_load_all(text) if isinstance(one, dict)]
            except OSError as exc:
                raise InputError(f"{path} cannot be read: {exc.strerror}") from exc
            except (ValueError, yaml.YAMLError) as exc:
                raise InputError(f"{path} is not YAML") from exc
            lists = [document["items"] if isinstance(document.get("items"), list) else [document] for document in documents]
            for one in [item for items in lists for item in items if isinstance(item, dict)]:
                try:
                    new = _sealing_keys.renewed(one, keys) if one.get("kind") == "SealedSecret" else {}
                except (AttributeError, TypeError) as exc:
                    raise InputError(f"{path} holds a damaged SealedSecret: metadata and encryptedData must be mappings of texts") from exc
                for key, cipher in new.items():
                    before = one["spec"]["encryptedData"][key]
                    if before not in text:
                        raise InputError(f"{path}: the ciphertext of {key} is broken over lines; write it on one")
                    text = text.replace(before, cipher)
                    texts[path] = text
                changed += [_name(one)] if new else []
        for path, text in texts.items() if not self.check else ():
            replace(path, text)
        return sorted(changed)


def _name(sealed: dict) -> str:
    return f"{sealed['metadata'].get('namespace')}/{sealed['metadata']['name']}"


def _fingerprint(item: dict) -> str:
    return _sealing.Certificate(base64.b64decode(item["data"]["tls.crt"]), item["metadata"]["name"]).fingerprint
