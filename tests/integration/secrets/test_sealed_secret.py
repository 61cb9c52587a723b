# Copyright (c) 2026 GreenLang. All rights reserved.
"""The plugin sealed_secret with the real controller."""

from __future__ import annotations

import base64
import json
import pathlib
import threading
import uuid

import pytest
from ansible_collections.greenlang.vcci.plugins.module_utils import _sealing

from tests.integration.secrets.conftest import play

CANARY = f"canary-{uuid.uuid4()}"
pytestmark = pytest.mark.usefixtures("controller")


@pytest.fixture
def seal(kubeconfig, namespace, tmp_path):
    """Run the plugin; its result, and everything that was said."""

    def run(secrets: object, *flags: str, **options) -> tuple[dict, str]:
        task = {"kubeconfig": str(kubeconfig), "namespace": namespace, "name": namespace, "wait_timeout": 60, "secrets": secrets, **options}
        # The canary itself is in no file and in no argument: only in the environment, as an unlocked vault would be in memory.
        results, said = play(tmp_path / "play.json", [{"greenlang.vcci.sealed_secret": task}], *flags, environment={"CANARY": CANARY})
        return results[0], said

    return run


@pytest.fixture
def values(client, namespace):
    def read(name: str) -> dict[str, bytes]:
        return {key: base64.b64decode(text) for key, text in client.get("v1", "Secret", name, namespace)["data"].items()}

    return read


def patch(client, namespace: str, name: str, body: dict) -> None:
    client.request("PATCH", f"/api/v1/namespaces/{namespace}/secrets/{name}", body=body, content_type="application/merge-patch+json")


GIVEN = "{{ lookup('ansible.builtin.env', 'CANARY') }}"


def wanted(given: str = GIVEN) -> list[dict]:
    return [
        {"name": "strict", "values": {"password": {"generate": {}}, "given": given, "empty": {"value": ""}, "binary": {"base64": "AAH/"}}},
        {"name": "wide", "scope": "namespace-wide", "values": {"url": {"compose": "x://${strict/password|url}:${strict/given|url}@h"}}},
        {"name": "widest", "scope": "cluster-wide", "values": {"a.b-c_d": "ünicode"}, "type": "example.com/kind", "labels": {"a": "b"}},
    ]


def test_check_unsealed_and_unchanged(seal, values, client, namespace) -> None:
    planned, _said = seal(wanted(), "--check")
    assert planned["changed"]
    assert client.get("bitnami.com/v1alpha1", "SealedSecret", "strict", namespace) is None
    first, _said = seal(wanted())
    assert first["changed"]
    assert {name: state["changed_keys"] for name, state in planned["secrets"].items()} == {
        name: state["changed_keys"] for name, state in first["secrets"].items()
    }
    strict = values("strict")
    assert (strict["given"], strict["empty"], strict["binary"]) == (CANARY.encode(), b"", b"\x00\x01\xff")
    assert values("wide")["url"] == f"x://{strict['password'].decode()}:{CANARY}@h".encode()
    assert values("widest")["a.b-c_d"] == "ünicode".encode()
    widest = client.get("v1", "Secret", "widest", namespace)
    assert (widest["type"], widest["metadata"]["labels"]["a"]) == ("example.com/kind", "b")
    for flags in ([], ["--check", "--diff"]):
        again, _said = seal(wanted(), *flags)
        assert not again["changed"]
        assert not any(state["changed_keys"] for state in again["secrets"].values())


def test_a_changed_value_reaches_what_is_composed_from_it(seal, values, namespace) -> None:
    seal(wanted())
    before = values("strict")
    changed, _said = seal(wanted("other"))
    assert changed["secrets"][f"{namespace}/strict"]["changed_keys"] == ["given"]
    assert changed["secrets"][f"{namespace}/wide"]["changed_keys"] == ["url"]
    assert changed["secrets"][f"{namespace}/widest"]["changed_keys"] == []
    assert values("strict")["password"] == before["password"]
    assert values("wide")["url"].endswith(b":other@h")


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"data": {"password": base64.b64encode(b"by hand").decode()}}, ["password"]),
        ({"data": {"given": base64.b64encode(b"by hand").decode()}}, ["given"]),
        ({"data": {"given": None}}, ["given"]),
        ({"data": {"more": "eA=="}}, ["binary", "empty", "given", "password"]),
    ],
    ids=["generated", "given", "removed", "added"],
)
def test_what_was_changed_by_hand_is_put_back(seal, values, client, namespace, body: dict, keys: list[str]) -> None:
    seal(wanted())
    before = values("strict")
    patch(client, namespace, "strict", body)
    predicted, _said = seal(wanted(), "--check")
    assert predicted["secrets"][f"{namespace}/strict"]["changed_keys"] == keys
    put_back, _said = seal(wanted())
    assert put_back["changed"]
    assert values("strict") == before
    assert not seal(wanted())[0]["changed"]


def test_a_deleted_secret_comes_back_with_its_values(seal, values, client, namespace) -> None:
    seal(wanted())
    before = values("strict")
    client.request("DELETE", f"/api/v1/namespaces/{namespace}/secrets/strict")
    seal(wanted())
    assert values("strict") == before


def test_a_scope_changes_with_consent_only(seal, values) -> None:
    secret = {"name": "s", "values": {"a": GIVEN}}
    seal([secret])
    wide = [{**secret, "scope": "cluster-wide"}]
    refused, _said = seal(wide)
    assert refused["failed"]
    assert "allow_scope_change" in refused["msg"]
    assert seal(wide, allow_scope_change=True)[0]["changed"]
    assert values("s")["a"] == CANARY.encode()
    assert not seal(wide)[0]["changed"]


def test_what_is_no_longer_wanted_is_pruned_when_asked(seal, client, namespace) -> None:
    seal(wanted())
    seal(wanted()[:1], prune=True)
    assert client.get("bitnami.com/v1alpha1", "SealedSecret", "widest", namespace) is None
    assert client.get("bitnami.com/v1alpha1", "SealedSecret", "strict", namespace) is not None


@pytest.mark.parametrize(
    ("secrets", "options", "message"),
    [
        ([{"name": "s", "values": {"a": {"generate": {"length": GIVEN}}}}], {}, "secrets[0] s: values.a.generate.length: a number"),
        ([{"name": "s", "values": {"a b": GIVEN}}], {}, "secrets[0] s: key 'a b' is invalid"),
        ([{"name": "s", "values": {"a": [GIVEN]}}], {}, "secrets[0] s: values.a: a text, or one of"),
        (GIVEN, {}, "secrets: a list of dictionaries is needed"),
        ([{"name": "s", "values": {"a": GIVEN}}], {"certificate": "/nowhere.pem"}, "certificate: /nowhere.pem cannot be read"),
        ([{"name": "s", "values": {"a": GIVEN}}], {"certificate": "/etc/passwd"}, "/etc/passwd is not a PEM certificate"),
        ([{"name": "s", "values": {"a": GIVEN}}], {"controller_namespace": "no", "wait_timeout": 1}, "no sealing key in namespace no"),
        ([{"name": "s", "values": {"a": "{{ no_such_variable }}"}}], {}, "no_such_variable"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_error_and_nothing_is_written(seal, client, namespace, secrets, options: dict, message: str) -> None:
    refused, said = seal(secrets, "-vvv", **options)
    assert refused["failed"]
    assert message in refused["msg"]
    assert CANARY not in said
    assert client.list("bitnami.com/v1alpha1", "SealedSecret", namespace) == []


def test_a_certificate_in_a_file_seals_without_the_controller(seal, values, sealing_keys, tmp_path) -> None:
    path = tmp_path / "sealing.pem"
    path.write_bytes(base64.b64decode(_sealing.newest_key(sealing_keys)["data"]["tls.crt"]))
    result, _said = seal([{"name": "s", "values": {"a": GIVEN}}], certificate=str(path), controller_namespace="nowhere")
    assert result["certificate"]["fingerprint"].startswith("SHA256:")
    assert values("s")["a"] == CANARY.encode()


def test_no_value_is_ever_said_shown_or_stored(seal, values, tmp_path) -> None:
    """The canary is looked for in everything that is printed, in diffs and results, in processes' arguments, and on disk."""
    seen: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for arguments in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.append(arguments.read_text(errors="replace"))
                except OSError:
                    continue
            done.wait(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    cache = {"ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts")}
    told = [seal(wanted(), "-vvvv", "--diff", "-e", json.dumps(cache)), seal(wanted("other"), "-vvvv", "--diff", "--check")]
    done.set()
    watcher.join()
    secret = values("strict")
    for value in (CANARY, secret["password"].decode(), *(base64.b64encode(v).decode() for v in (CANARY.encode(), secret["password"]))):
        assert not [said for _result, said in told if value in said]
        assert not [said for said in seen if value in said]
        for folder in (tmp_path, pathlib.Path("~/.ansible/tmp").expanduser()):
            assert not [path for path in folder.rglob("*") if path.is_file() and value.encode() in path.read_bytes()]
