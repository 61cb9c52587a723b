# Copyright (c) 2026 GreenLang. All rights reserved.
"""sealed_secret against a cluster with the real controller, which VCCI_TEST_KUBECONFIG names."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import sys
import uuid

import pytest
from ansible_collections.greenlang.vcci.plugins.module_utils.client import Client

ROOT = pathlib.Path(__file__).resolve().parents[3]
KUBECONFIG = os.environ.get("VCCI_TEST_KUBECONFIG", "")
CANARY = f"canary-{uuid.uuid4()}"

pytestmark = pytest.mark.skipif(not KUBECONFIG, reason="VCCI_TEST_KUBECONFIG names no cluster with the controller")


@pytest.fixture(scope="module")
def client() -> Client:
    return Client.from_params({"kubeconfig": KUBECONFIG})


@pytest.fixture
def namespace(client):
    name = f"secrets-{uuid.uuid4().hex[:8]}"
    client.request("POST", "/api/v1/namespaces", body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    client.request("DELETE", f"/api/v1/namespaces/{name}")


def run(tmp_path: pathlib.Path, namespace: str, secrets: list, *flags: str, **options) -> tuple[dict, str]:
    task = {"kubeconfig": KUBECONFIG, "namespace": namespace, "name": namespace, "wait_timeout": 60, "secrets": secrets, **options}
    play = tmp_path / "play.json"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [{"greenlang.vcci.sealed_secret": task}]}]))
    done = subprocess.run(
        [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(play), *flags],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True,
        text=True,
        check=False,
    )
    text = done.stdout[done.stdout.index("{\n") :]
    return json.JSONDecoder().raw_decode(text)[0]["plays"][0]["tasks"][0]["hosts"]["localhost"], done.stdout + done.stderr


def values(client: Client, namespace: str, name: str) -> dict[str, bytes]:
    return {key: base64.b64decode(text) for key, text in client.get("v1", "Secret", name, namespace)["data"].items()}


def wanted(given: str = CANARY) -> list[dict]:
    return [
        {"name": "strict", "values": {"password": {"generate": {}}, "given": given, "empty": {"value": ""}, "binary": {"base64": "AAH/"}}},
        {"name": "wide", "scope": "namespace-wide", "values": {"url": {"compose": "x://${strict/password|url}:${strict/given|url}@h"}}},
        {"name": "widest", "scope": "cluster-wide", "values": {"a.b-c_d": "ünicode"}},
    ]


def test_the_controller_unseals_every_scope_and_a_second_run_changes_nothing(client, namespace, tmp_path) -> None:
    planned, _text = run(tmp_path, namespace, wanted(), "--check")
    assert planned["changed"]
    assert client.get("v1", "Secret", "strict", namespace) is None
    first, text = run(tmp_path, namespace, wanted(), "-vvvv", "--diff")
    assert first["changed"]
    assert CANARY not in text
    strict = values(client, namespace, "strict")
    assert (strict["given"], strict["empty"], strict["binary"]) == (CANARY.encode(), b"", b"\x00\x01\xff")
    assert values(client, namespace, "wide")["url"] == f"x://{strict['password'].decode()}:{CANARY}@h".encode()
    assert values(client, namespace, "widest")["a.b-c_d"] == "ünicode".encode()
    second, _text = run(tmp_path, namespace, wanted())
    assert not second["changed"]


def test_a_changed_value_reaches_what_is_composed_from_it(client, namespace, tmp_path) -> None:
    run(tmp_path, namespace, wanted())
    before = values(client, namespace, "strict")
    changed, _text = run(tmp_path, namespace, wanted("other"))
    assert changed["secrets"][f"{namespace}/strict"]["changed_keys"] == ["given"]
    assert values(client, namespace, "strict")["password"] == before["password"]
    assert values(client, namespace, "wide")["url"].endswith(b":other@h")


def test_a_scope_changes_with_consent_only(client, namespace, tmp_path) -> None:
    secret = {"name": "s", "values": {"a": CANARY}}
    run(tmp_path, namespace, [secret])
    wide = [{**secret, "scope": "cluster-wide"}]
    refused, text = run(tmp_path, namespace, wide)
    assert refused["failed"]
    assert "allow_scope_change" in refused["msg"]
    assert CANARY not in text
    assert run(tmp_path, namespace, wide, allow_scope_change=True)[0]["changed"]
