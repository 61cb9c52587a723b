# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing keys: backup, renewal, re-encryption in the scope that was, and a disaster.

A new cluster unseals the old manifests.
"""

from __future__ import annotations

import base64
import datetime
import itertools
import json
import pathlib
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import MERGE_PATCH, Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import keyring as _sealing_keys
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import sealed as _sealed
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.controller import Place
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import sealing_pair
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.reencrypt import TRIES, reencrypt_cluster
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.sealing_keys import Controller, Vault
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.survey import survey
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.helpers import PATIENCE, eventually, make_namespace, own_cluster, play
from tests.integration.secrets.conftest import install
from tests.integration.secrets.controller import running, status

NO_VAULT = Vault(str, str)
CANARY = "canary-in-a-disaster"
NUMBERS = range(116, 120)  # of clusters: one is lost, another takes its place
SECRETS = [
    {"name": scope, "scope": scope, "values": {"given": CANARY, "password": {"generate": {}}}, "labels": {"a": "b"}}
    for scope in _sealing.SCOPES
]


@pytest.fixture
def keys(tmp_path):
    """Run tasks of sealing_keys with a vault password; their results."""
    password = tmp_path / "password"
    password.write_text("vault password")

    def run(*tasks: dict, vault: bool = True) -> list[dict]:
        flags = ("--vault-password-file", str(password)) if vault else ()
        each = [{"greenlang.vcci.sealing_keys": task, "ignore_errors": True} for task in tasks]
        results, said = play(tmp_path, each, "-vvv", *flags)
        assert "PRIVATE KEY" not in said
        assert base64.b64encode(b"-----BEGIN").decode()[:12] not in said
        return results

    return run


def sealed(client: Client, namespace: str) -> dict[str, dict]:
    return {one["metadata"]["name"]: one for one in client.list("bitnami.com/v1alpha1", "SealedSecret", namespace)}


def plain(client: Client, namespace: str) -> dict[str, dict]:
    names = set(_sealing.SCOPES)
    return {
        one["metadata"]["name"]: one["data"]
        for one in client.list("v1", "Secret", namespace)
        if one["metadata"]["name"] in names
    }


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    """A cluster of its own with the real controller, which is started anew as a restart of its pod would."""
    for_all = tmp_path_factory.mktemp("lost")
    with own_cluster("seal", NUMBERS, nodes="simulated") as state:
        client = Client.from_params({"kubeconfig": str(state / "kubeconfig")})
        install(client, state / "kubeconfig", state, for_all)
        yield client, state, for_all
        client.close()


def controller(client: Client, state: pathlib.Path, work: pathlib.Path, name: str):
    folder = work / name
    folder.mkdir()
    return running(client, state / "kubeconfig", state, folder)


def test_from_backup_to_disaster_and_back(lost, keys, tmp_path) -> None:
    client, state, work = lost
    connection = {"kubeconfig": str(state / "kubeconfig")}
    backup = tmp_path / "new" / "keys.vault.yml"
    client.request(
        "POST", "/api/v1/namespaces", body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "place"}}
    )

    def seal(on: Client) -> dict:
        return run_secrets(on, read(SECRETS, "place"), Options(name="test", wait_timeout=PATIENCE))

    with controller(client, state, work, "first"):
        seal(client)
        theirs = sealed(client, "place")["cluster-wide"]  # as another tool would have applied it
        foreign = {
            "apiVersion": theirs["apiVersion"],
            "kind": "SealedSecret",
            "spec": theirs["spec"],
            "metadata": {
                "name": "foreign",
                "namespace": "place",
                "annotations": _sealing.scope_annotations("cluster-wide"),
            },
        }
        client.request("POST", "/apis/bitnami.com/v1alpha1/namespaces/place/sealedsecrets", body=foreign)
    before, values = sealed(client, "place"), plain(client, "place")

    # Renewal: only on request, with the controller restarted to see it; a pair of one's own only once.
    certificate, private = (pem.decode() for pem in sealing_pair(_now(), 30, 2048))
    own = {"state": "renewed", "certificate": certificate, "private_key": private, **connection}
    _other, stranger = (pem.decode() for pem in sealing_pair(_now(), 30, 2048))
    expired, expired_key = (pem.decode() for pem in sealing_pair(_now() - datetime.timedelta(days=60), 30, 2048))
    time.sleep(1.1)  # the newest is told by whole seconds
    results = keys(
        {"state": "renewed", "min_age_days": 1, **connection},
        {**own, "private_key": stranger},
        {**own, "certificate": expired, "private_key": expired_key},
        {**own, "certificate": private},
        own,
        own,
    )
    assert [result["changed"] for result in results] == [False, False, False, False, True, False]
    for result, message in zip(
        results[1:4], ("does not belong to the certificate", "expired on", "holds a private key"), strict=True
    ):
        assert message in result["msg"]
    # Re-encryption: the scope stays, values stay, a second run and the set's own run find nothing to do.
    with controller(client, state, work, "second"):
        results = keys({"state": "reencrypted", **connection}, {"state": "reencrypted", **connection})
        assert [result.get("secrets") for result in results] == [
            ["place/cluster-wide", "place/foreign", "place/namespace-wide", "place/strict"],
            [],
        ], results
        after = sealed(client, "place")
        assert all(after[name]["spec"]["encryptedData"] != before[name]["spec"]["encryptedData"] for name in before)
        assert {name: _sealed.Live(one).scope for name, one in after.items()} == {
            name: _sealed.Live(one).scope for name, one in before.items()
        }
        assert plain(client, "place") == values
        found = survey(client, ["place"], "kube-system", 90)
        assert all(one["decrypts"] and one["equal"] and one["on_newest_key"] for one in found["secrets"].values()), (
            found
        )
        assert [key["secrets"] for key in found["sealing_keys"]] == [4, 0]
        assert not seal(client)["changed"]

    # The backup is encrypted, complete, and written once.
    results = keys(
        {"state": "backed_up", "path": str(backup), **connection},
        {"state": "backed_up", "path": str(backup), **connection},
    )
    assert [result["changed"] for result in results] == [True, False]
    assert backup.read_text().startswith("$ANSIBLE_VAULT;")
    assert [oct(path.stat().st_mode)[-3:] for path in (backup, backup.parent)] == ["600", "700"]
    [refused] = keys({"state": "backed_up", "path": str(tmp_path / "other"), **connection}, vault=False)
    assert "needs a vault password" in refused["msg"]
    assert not (tmp_path / "other").exists()

    # Offline: old manifests, in files, onto the newest key of the backup; comments stay.
    folder = tmp_path / "sealed"
    folder.mkdir()
    clean = {
        name: {
            **one,
            "metadata": {
                key: one["metadata"][key] for key in ("name", "namespace", "annotations") if key in one["metadata"]
            },
        }
        for name, one in before.items()
    }
    for name, one in clean.items():
        one.pop("status", None)
        (folder / f"{name}.yml").write_text("# kept\n" + yaml.safe_dump(one, width=10**6))
    (folder / "other.yml").write_text("items: [a, b]\n---\nitems:\n---\njust text\n")
    offline = {"state": "reencrypted", "directory": str(folder), "path": str(backup)}
    assert [len(result["secrets"]) for result in keys(offline, offline)] == [4, 0]
    assert (folder / "strict.yml").read_text().startswith("# kept\n")
    damaged = b"kind: SealedSecret\nmetadata: {name: a, namespace: place}\nspec: {encryptedData: [a]}\n"
    for text, message in (
        (b"\xff\xfe", "is not YAML"),
        (b"when: 2026-13-01\n", "is not YAML"),
        (damaged, "holds a damaged SealedSecret"),
    ):
        (folder / "other.yml").write_bytes(text)
        [refused] = keys(offline)
        assert f"other.yml {message}" in refused["msg"]

    # The disaster: another cluster, its controller with a key of its own; the backup makes it unseal old manifests and
    # new ones.
    with own_cluster("seal", NUMBERS, nodes="simulated") as new_state:
        fresh = Client.from_params({"kubeconfig": str(new_state / "kubeconfig")})
        (work / "b").mkdir()
        install(fresh, new_state / "kubeconfig", new_state, work / "b")
        with controller(fresh, new_state, work, "own-key"):
            pass
        fresh_connection = {"kubeconfig": str(new_state / "kubeconfig")}
        # A backup that ran before it would lose them: it is refused. Afterwards the file has the new cluster's key too.
        restored = {"state": "restored", "path": str(backup), **fresh_connection}
        backed_up = {**restored, "state": "backed_up"}
        kept = backup.read_bytes()
        refused, *results = keys(backed_up, restored, restored)
        assert "it looks like the backup of another environment, or this is a new cluster" in refused["msg"]
        assert backup.read_bytes() == kept
        assert [(result["changed"], len(result["keys"])) for result in results] == [(True, 2), (False, 0)], results
        assert keys(backed_up)[0]["msg"] == f"3 sealing keys in {backup}: 1 key added"
        fresh.request(
            "POST", "/api/v1/namespaces", body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "place"}}
        )
        with controller(fresh, new_state, work, "restored"):
            for name, old in clean.items():
                one = old if name == "namespace-wide" else yaml.safe_load((folder / f"{name}.yml").read_text())
                fresh.request("POST", "/apis/bitnami.com/v1alpha1/namespaces/place/sealedsecrets", body=one)
            eventually(lambda: plain(fresh, "place") == values, lambda: json.dumps(sealed(fresh, "place")))
            found = survey(fresh, ["place"], "kube-system", 90)
            assert all(one["decrypts"] and one["equal"] for one in found["secrets"].values()), found
        fresh.close()


def test_a_run_that_ended_before_the_restart_is_finished_by_the_next(lost, keys) -> None:
    client, state, _work = lost
    time.sleep(1.1)  # ages are told by whole seconds
    made = _sealing_keys.key_secret("kube-system", *sealing_pair(_now(), 30, 2048), random.Random(3))
    apply_set(client, [made], ApplyOptions(name=None, diff=False))
    task = {"state": "renewed", "min_age_days": 1, "kubeconfig": str(state / "kubeconfig")}
    results = keys(task, task)
    said = [(True, "0 sealing keys added, the controller restarted"), (False, "0 sealing keys added")]
    assert [(result["changed"], result["msg"]) for result in results] == said


class Meanwhile(Client):
    """A client beside which somebody else works: `change` is called before each write to the SealedSecret `late`."""

    change: Callable[[], object]

    def request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        if method == "PATCH" and path.endswith("/sealedsecrets/late"):
            self.change()
        return super().request(method, path, **more)


def test_what_only_an_inactive_key_opens_is_named_and_moved_off_it_though_it_is_rotated_meanwhile(
    lost, tmp_path
) -> None:
    client, state, work = lost
    make_namespace(client, "later")
    given = [sealing_pair(_now() - datetime.timedelta(days=2), 30, 2048), sealing_pair(_now(), 30, 2048)]
    old, new = (_sealing_keys.key_secret("kube-system", *pair, random.Random(4 + at)) for at, pair in enumerate(given))
    apply_set(client, [old, new], ApplyOptions(name=None, diff=False))
    (tmp_path / "old.pem").write_bytes(given[0][0])

    def seal(value: str) -> None:
        task = read([{"name": "late", "values": {"foo": value}}], "later")
        run_secrets(client, task, Options(name="later", certificate=str(tmp_path / "old.pem"), wait=False))

    def reported() -> dict[str, Any]:
        return survey(client, ["later"], "kube-system", 90)["secrets"]["later/late"]

    seal("first")
    path = f"/api/v1/namespaces/kube-system/secrets/{old['metadata']['name']}"
    marked = {"metadata": {"labels": {_sealing.KEY_LABEL: "compromised"}}}
    client.request("PATCH", path, body=marked, content_type=MERGE_PATCH)
    with controller(client, state, work, "inactive") as address:
        manifest = sealed(client, "later")["late"]
        assert status(f"{address}/v1/verify", json.dumps(manifest).encode()) == 409
        found = reported()
        assert (found["decrypts"], found["equal"], found["on_newest_key"]) == (False, False, False)
        assert found["problems"] == [f"foo: only with the inactive key {old['metadata']['name']}: re-encrypt"]

        beside = Meanwhile(client.connection)
        values = itertools.count()
        beside.change = lambda: seal(f"value {next(values)}")
        place = Place(beside, "kube-system")
        with pytest.raises(VcciError, match="SealedSecret later/late was written by somebody else 5 times meanwhile"):
            reencrypt_cluster(Controller(place, False, 60, print), None, NO_VAULT)
        beside.change = lambda: seal("rotated") if next(values) == TRIES else None
        done = reencrypt_cluster(Controller(place, False, 60, print), None, NO_VAULT)
        beside.close()
        assert "later/late" in done["secrets"]
        data = client.get("v1", "Secret", "late", "later")["data"]
        assert base64.b64decode(data["foo"]) == b"rotated"
        found = reported()
        assert (found["decrypts"], found["equal"], found["problems"]) == (True, True, [])


def test_a_damaged_backup_restores_nothing(lost, keys, tmp_path) -> None:
    client, state, _work = lost
    count = len(client.list("v1", "Secret", "kube-system", label_selector=_sealing.KEY_LABEL))
    (tmp_path / "plain.yml").write_text("items: []")
    (tmp_path / "damaged.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    tasks = [
        {"state": "restored", "path": str(tmp_path / name), "kubeconfig": str(state / "kubeconfig")}
        for name in ("plain.yml", "damaged.yml", "none.yml")
    ]
    messages = ["is not encrypted by ansible-vault", "cannot be decrypted", "cannot be read"]
    for result, message in zip(keys(*tasks), messages, strict=True):
        assert message in result["msg"]
    assert len(client.list("v1", "Secret", "kube-system", label_selector=_sealing.KEY_LABEL)) == count


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
