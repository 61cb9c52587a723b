# Copyright (c) 2026 GreenLang. All rights reserved.
"""The same Secrets out of AWS Secrets Manager: moto's server."""

from __future__ import annotations

import base64
import json
import time

import boto3
import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read
from moto.server import ThreadedMotoServer

from tests.integration.secrets.test_rotation import Platform

CANARY = "canary-in-the-cloud"
SECRETS = [
    {"name": "db", "values": {"password": {"generate": {}}, "given": CANARY}},
    {"name": "app", "values": {"url": {"compose": "x://${db/password|url}"}}, "labels": {"a": "b"}},
]


@pytest.fixture(scope="module")
def aws():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield {"endpoint_url": f"http://{host}:{port}", "region": "eu-central-1"}
    server.stop()


@pytest.fixture
def store(client, namespace, aws, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")

    def run(secrets: list[dict] | None = None, *, more: dict | None = None, **options) -> dict:
        settings = {**aws, "prefix": f"vcci/{namespace}", **(more or {})}
        return run_secrets(
            client, read(secrets or SECRETS, namespace), Options(name=namespace, aws=settings, **options)
        )

    return run


def in_cluster(client, namespace: str, name: str) -> dict[str, str]:
    return {
        key: base64.b64decode(text).decode()
        for key, text in client.get("v1", "Secret", name, namespace)["data"].items()
    }


def test_values_are_kept_there_and_reach_the_cluster(store, aws, client, namespace) -> None:
    manager = boto3.client("secretsmanager", endpoint_url=aws["endpoint_url"], region_name=aws["region"])

    def stored(name: str) -> dict[str, str]:
        return json.loads(manager.get_secret_value(SecretId=f"vcci/{namespace}/{namespace}/{name}")["SecretString"])

    planned = store(check=True)
    assert planned["changed"]
    assert client.get("v1", "Secret", "db", namespace) is None
    first = store()
    assert first["secrets"] == planned["secrets"]
    assert CANARY not in str(first)
    db = stored("db")
    assert (in_cluster(client, namespace, "db"), in_cluster(client, namespace, "app")) == (
        db,
        {"url": f"x://{db['password']}"},
    )
    assert db["given"] == CANARY
    assert not store()["changed"]
    # A lost cluster's values come back; a value that was changed there reaches the cluster; rotation reaches both.
    for name in ("db", "app"):
        client.request("DELETE", f"/api/v1/namespaces/{namespace}/secrets/{name}")
    assert store()["changed"]
    assert in_cluster(client, namespace, "db") == db
    manager.put_secret_value(
        SecretId=f"vcci/{namespace}/{namespace}/db", SecretString=json.dumps({**db, "password": "by hand"})
    )
    store()
    assert in_cluster(client, namespace, "app") == {"url": "x://by%20hand"}
    rotated = store(rotate=["db/password"])
    assert {name.split("/")[1]: one["changed_keys"] for name, one in rotated["secrets"].items()} == {
        "db": ["password"],
        "app": ["url"],
    }
    assert in_cluster(client, namespace, "db") == stored("db")
    assert stored("db")["password"] not in ("by hand", db["password"])


def test_a_rotation_that_ended_in_the_middle_is_finished_by_the_next_run(aws, client, namespace, monkeypatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    platform = Platform(client, namespace, {**aws, "prefix": f"vcci/{namespace}"})
    platform.seal()
    platform.start()
    assert not platform.seal()["changed"]
    # Before the server was told.
    platform.fails = True
    with pytest.raises(VcciError, match="the command failed"):
        platform.seal(rotate=["database/other"])
    platform.fails, kept = False, platform.value("database", "other")
    assert platform.seal()["changed"]
    assert [given["other"] for _pod, _command, given, _url in platform.told] == [kept, kept]
    # Before what consumes it was restarted.
    time.sleep(1.1)  # ages are told by whole seconds
    assert "restarted" not in platform.seal(rotate=["app/KEY"], restart=False)
    done = platform.seal()
    assert (done["changed"], done["restarted"]) == (True, [f"{namespace}/Deployment/key-user"])
    assert not platform.seal()["changed"]
    assert len(platform.told) == 2


@pytest.mark.parametrize(
    ("secrets", "more", "message"),
    [
        (SECRETS, {"prefix": ""}, "prefix is needed"),
        (SECRETS, {"zone": "x"}, "unknown zone"),
        ([{"name": "s", "values": {"a": {"base64": "/w=="}}}], {}, "binary value"),
        ([{"name": "s", "values": {"a": "x" * 70000}}], {}, "at most 65536 bytes"),
        (SECRETS, {"endpoint_url": "http://127.0.0.1:9"}, "EndpointConnectionError"),
    ],
)
def test_bad_input_is_one_clear_error_and_nothing_is_written(secrets, more, message, store, client, namespace) -> None:
    with pytest.raises((InputError, VcciError), match=message):
        store(secrets, more=more)
    assert client.get("v1", "Secret", secrets[0]["name"], namespace) is None
