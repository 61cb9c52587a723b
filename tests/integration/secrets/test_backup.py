# Copyright (c) 2026 GreenLang. All rights reserved.
"""The backup of sealing keys never loses one, and can be restored: in a namespace that stands for the controller's."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.controller import Place
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.sealing_keys import (
    Controller,
    Vault,
    back_up,
    renew,
    restore,
)

from tests.helpers import Client
from tests.unit.secrets.keys import certificate, fingerprint, pem, secret

LIB = VaultLib([("default", VaultSecret(b"vault password"))])


def _decrypted(text: str) -> str:
    try:
        return LIB.decrypt(text).decode()
    except AnsibleError:
        raise InputError("the backup cannot be decrypted") from None


VAULT = Vault(lambda text: LIB.encrypt(text).decode(), _decrypted)


class Keys:
    """The sealing keys of a namespace, and tasks on them."""

    def __init__(self, client: Client, namespace: str, folder: Path) -> None:
        self.client, self.namespace = client, namespace
        self.path = folder / "keys" / "backup.vault.yml"

    def add(self, *secrets: dict[str, Any]) -> None:
        for one in secrets:
            body = {**one, "metadata": {**one["metadata"], "namespace": self.namespace}}
            self.client.request("POST", f"/api/v1/namespaces/{self.namespace}/secrets", body=body)

    def lose(self) -> None:
        self.client.request("DELETE", f"/api/v1/namespaces/{self.namespace}/secrets")

    def there(self) -> dict[str, dict[str, Any]]:
        return {one["metadata"]["name"]: one for one in self.client.list("v1", "Secret", self.namespace)}

    def run(self, *tasks: dict[str, Any], check: bool = False) -> list[dict[str, Any]]:
        """What the plugin would answer to tasks with these options."""
        controller = Controller(Place(self.client, self.namespace), check, 30, print)
        return [self._answer(controller, **one) for one in tasks]

    def _answer(self, controller: Controller, state: str, **options: Any) -> dict[str, Any]:
        pair = [options.get(name, "").encode() for name in ("certificate", "private_key")]
        try:
            if state == "backed_up":
                return back_up(controller, self.path, VAULT, options.get("drop_unknown", False))
            if state == "restored":
                return restore(controller, self.path, VAULT)
            return renew(controller, *pair, 3650, options.get("min_age_days", 0))
        except VcciError as exc:
            return {"failed": True, "changed": False, "msg": exc.message}

    def write(self, text: str) -> None:
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_bytes(LIB.encrypt(text))

    def saved(self) -> list[dict[str, Any]]:
        return json.loads(LIB.decrypt(self.path.read_bytes()))["items"]


@pytest.fixture
def keys(client, namespace, tmp_path) -> Keys:
    return Keys(client, namespace, tmp_path)


BACKED_UP, RESTORED = {"state": "backed_up"}, {"state": "restored"}


def test_a_new_cluster_never_takes_the_keys_of_the_lost_one_out_of_the_file(keys: Keys) -> None:
    keys.add(secret(0), secret(1))
    [first] = keys.run(BACKED_UP)
    assert first["msg"] == f"2 sealing keys in {keys.path}: 2 keys added"
    before = keys.path.read_bytes()
    keys.lose()
    keys.add(secret(2))
    for check in (True, False):
        [refused] = keys.run(BACKED_UP, check=check)
        assert refused["failed"]
        for said in (
            "sealed-secrets-key0",
            fingerprint(1),
            "sealed-secrets-key2",
            "another environment",
            "new cluster",
            "Nothing was written",
            "playbooks/sealing_keys_restore.yml",
            "another path",
        ):
            assert said in refused["msg"]
        assert keys.path.read_bytes() == before
        assert [path.name for path in keys.path.parent.iterdir()] == [keys.path.name]
    restored, again, grown, same = keys.run(RESTORED, RESTORED, BACKED_UP, BACKED_UP)
    assert (restored["keys"], again["changed"]) == (["sealed-secrets-key0", "sealed-secrets-key1"], False)
    assert (grown["msg"], same["changed"]) == (f"3 sealing keys in {keys.path}: 1 key added", False)
    assert len(keys.there()) == len(keys.saved()) == 3


def test_what_only_the_file_has_stays_unless_that_is_asked_for(keys: Keys) -> None:
    keys.add(secret(0), secret(1))
    keys.run(BACKED_UP)
    keys.lose()
    keys.add(secret(1), secret(2))
    [predicted] = keys.run(BACKED_UP, check=True)
    [done] = keys.run(BACKED_UP)
    told = f"3 sealing keys in {keys.path}: 1 key added, 1 key kept that the cluster does not have"
    assert predicted["msg"] == done["msg"] == told
    assert predicted["changed"]
    assert [one["metadata"]["name"][-1] for one in keys.saved()] == ["0", "1", "2"]
    [dropped] = keys.run({**BACKED_UP, "drop_unknown": True})
    assert dropped["msg"] == f"2 sealing keys in {keys.path}: 1 key dropped"
    assert [one["metadata"]["name"][-1] for one in keys.saved()] == ["1", "2"]


def retired(name: str = "retired") -> dict[str, Any]:
    """A key that somebody put out of use by hand."""
    made = secret(3, name, label="compromised")
    made["data"]["tls.crt"] = base64.b64encode(b"retired by hand").decode()
    return made


def test_what_is_written_can_be_restored_though_one_is_damaged(keys: Keys) -> None:
    keys.add(secret(0), retired())
    [done, renewed] = keys.run(BACKED_UP, {"state": "renewed", "min_age_days": 30})
    for result in (done, renewed):
        assert [warning for warning in result["warnings"] if "Secret retired is not a PEM certificate" in warning]
    assert [one["metadata"]["name"] for one in keys.saved()] == ["sealed-secrets-key0"]
    keys.lose()
    [restored] = keys.run(RESTORED)
    assert not restored.get("failed")
    assert list(keys.there()) == ["sealed-secrets-key0"]


def test_only_damaged_keys_are_an_error(keys: Keys) -> None:
    keys.add(retired())
    [refused] = keys.run(BACKED_UP)
    assert "has no sealing key: Secret retired is not a PEM certificate" in refused["msg"]
    assert not keys.path.exists()


def test_a_damaged_file_gives_all_that_is_good_in_it(keys: Keys) -> None:
    keys.write(yaml.safe_dump_all([secret(0), retired(), secret(1)]))
    for added in (2, 0):
        [restored] = keys.run(RESTORED)
        assert restored["failed"]
        assert f"{added} sealing keys added; not restored: {keys.path}: Secret retired is not" in restored["msg"]
        assert sorted(keys.there()) == ["sealed-secrets-key0", "sealed-secrets-key1"]
    keys.write(yaml.safe_dump(retired()))
    [restored] = keys.run(RESTORED)
    assert "holds no sealing keys: Secret retired is not a PEM certificate" in restored["msg"]


def exported(number: int) -> str:
    """As `kubectl get -o yaml` writes it."""
    one = secret(number)
    one["metadata"] |= {"uid": "00000000-0000-0000-0000-000000000000", "resourceVersion": "1", "managedFields": []}
    one["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "the key in plain text"}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [one]})


FORMS: dict[str, Callable[[], str]] = {
    "kubectl's list": lambda: exported(0),
    "a list, then the key of before 0.9": lambda: (
        exported(0) + "---\n" + yaml.safe_dump(secret(1, "sealed-secrets-key", label=None))
    ),
    "a private key": lambda: pem(0).decode(),
    "a private key and its certificate": (certificate(0) + pem(0)).decode,
}


@pytest.mark.parametrize("form", FORMS)
def test_what_kubeseal_takes_is_restored_as_the_controller_reads_it(form: str, keys: Keys) -> None:
    keys.write(FORMS[form]())
    [restored, again, grown] = keys.run(RESTORED, RESTORED, BACKED_UP)
    assert restored["changed"]
    assert (again["changed"], grown.get("failed", False)) == (False, False)
    for one in keys.there().values():
        assert one["type"] == "kubernetes.io/tls"
        assert one["metadata"]["labels"]["sealedsecrets.bitnami.com/sealed-secrets-key"] == "active"
        assert not [note for note in one["metadata"].get("annotations", {}) if "last-applied" in note]


def test_a_key_is_never_written_over_another_of_its_name(keys: Keys) -> None:
    keys.add(secret(1, "same"))
    keys.write(yaml.safe_dump_all([secret(0, "same"), secret(2, "same")]))
    [restored] = keys.run(RESTORED)
    assert len(set(restored["keys"])) == 2
    assert base64.b64decode(keys.there()["same"]["data"]["tls.key"]) == pem(1)
    assert len(keys.there()) == 3


def test_an_empty_file_is_no_backup_and_a_strange_one_is_left_alone(keys: Keys) -> None:
    keys.add(secret(0))
    keys.path.parent.mkdir()
    keys.path.write_text("")
    [done] = keys.run(BACKED_UP)
    assert done["changed"]
    keys.path.write_bytes(VaultLib([("default", VaultSecret(b"another"))]).encrypt("x"))
    before = keys.path.read_bytes()
    [refused] = keys.run(BACKED_UP)
    assert "cannot be decrypted" in refused["msg"]
    assert keys.path.read_bytes() == before


def test_a_pair_that_will_not_be_the_newest_says_so(keys: Keys) -> None:
    keys.add(secret(0, began=10))
    own = {"state": "renewed", "certificate": certificate(1, began=20).decode(), "private_key": pem(1).decode()}
    first, second = keys.run(own, own)
    assert (first["changed"], second["changed"]) == (True, False)
    for result in (first, second):
        [warning] = result["warnings"]
        assert "is not the newest: new values are sealed with sealed-secrets-key0, of 2026-05-22" in warning
        assert "orders its keys by CertNotBefore" in warning
    marked = {"metadata": {"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "compromised"}}}
    path = f"/api/v1/namespaces/{keys.namespace}/secrets/{first['keys'][0]}"
    keys.client.request("PATCH", path, body=marked, content_type="application/merge-patch+json")
    [third] = keys.run(own)
    assert "is not active: nothing is sealed with it" in third["warnings"][0]


def test_a_new_key_is_the_newest_whatever_is_there(keys: Keys) -> None:
    keys.add(secret(0, began=-4000))  # it begins in years
    [young, renewed] = keys.run({"state": "renewed", "min_age_days": 30}, {"state": "renewed"})
    assert (young["changed"], renewed["changed"]) == (False, True)
    assert renewed["warnings"] == []
    assert len(keys.there()) == 2


def test_age_is_that_of_the_certificate_not_of_its_secret(keys: Keys) -> None:
    keys.add(secret(0, began=900))  # as after a restore
    [renewed] = keys.run({"state": "renewed", "min_age_days": 30})
    assert renewed["changed"]
