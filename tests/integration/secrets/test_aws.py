# Copyright (c) 2026 GreenLang. All rights reserved.
"""What AWS Secrets Manager has of its own: labels of versions, names, limits and errors. moto's server."""

from __future__ import annotations

import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, Overtaken, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.stores.aws import PENDING, SecretsManager
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.integration.secrets.keepers import Aws, aws_server
from tests.scripted import answer, scripted

DB = {"name": "db", "values": {"password": {"generate": {}}}}


@pytest.fixture(scope="module")
def address():
    with aws_server() as found:
        yield found


@pytest.fixture
def keeper(address, namespace, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return Aws(address, f"vcci/{namespace}")


@pytest.fixture
def store(client, namespace, keeper):
    def run(*secrets: dict, more: dict | None = None, **options) -> dict:
        settings = {**keeper.settings, **(more or {})}
        wanted = read(list(secrets) or [DB], namespace)
        return run_secrets(client, wanted, Options(name=namespace, aws=settings, **options))

    return run


def labels(keeper: Aws, name: str) -> list[str]:
    found = keeper.manager.describe_secret(SecretId=name)["VersionIdsToStages"].values()
    return sorted(label for stages in found for label in stages)


def test_a_secret_that_was_made_without_a_value_gets_one(store, keeper, namespace) -> None:
    """By a console, or Terraform."""
    keeper.manager.create_secret(Name=keeper.name(namespace, "db"))
    assert store()["changed"]
    assert len(keeper.stored(namespace, "db")["password"]) == 32
    assert not store()["changed"]


def test_no_label_of_ours_stays(keeper, namespace) -> None:
    manager = SecretsManager(keeper.settings)
    [secret] = read([DB], namespace)
    first = manager.write(secret, {"a": "1"}, manager.read(secret))
    second = manager.write(secret, {"a": "2"}, first)
    assert manager.read(secret).members == {"a": "2"}
    assert manager.former(secret, second) == {"a": "1"}
    with pytest.raises(Overtaken, match="was changed by somebody else since it was read"):
        manager.write(secret, {"a": "3"}, first)
    assert manager.read(secret) == second
    assert PENDING not in labels(keeper, keeper.name(namespace, "db"))


def test_bytes_are_not_replaced(store, keeper, namespace) -> None:
    keeper.manager.create_secret(Name=keeper.name(namespace, "db"), SecretBinary=b"\xff")
    with pytest.raises(InputError, match=r"holds bytes and not a JSON object"):
        store()
    assert keeper.manager.get_secret_value(SecretId=keeper.name(namespace, "db"))["SecretBinary"] == b"\xff"


@pytest.mark.parametrize("form", ["[]", "null", '"text"', "{", "p4ssword"])
def test_what_is_no_object_of_keys_is_not_replaced(form, store, keeper, namespace) -> None:
    keeper.put(namespace, "db", form)
    with pytest.raises(InputError, match="not a JSON object") as caught:
        store()
    assert "p4ssword" not in str(caught.value)
    assert keeper.manager.get_secret_value(SecretId=keeper.name(namespace, "db"))["SecretString"] == form


@pytest.mark.parametrize(
    ("secret", "more", "message"),
    [
        ({"name": "s", "values": {"a": "x" * 70000}}, {}, "at most 65536 bytes"),
        (DB, {"prefix": "x" * 600}, "aws.prefix: letters, digits"),
        (DB, {"prefix": "x" * 500}, "is longer than 512 characters"),
        (DB, {"endpoint_url": "127.0.0.1:9"}, "aws.endpoint_url: an address that begins with https://"),
        (DB, {"endpoint_url": "http://127.0.0.1:9"}, "EndpointConnectionError"),
        (DB, {"region": True}, "aws.region: a text is needed"),
        (DB, {"region": "no region"}, "aws: "),
    ],
)
def test_bad_input_is_one_clear_error_and_nothing_is_written(secret, more, message, store, client, namespace) -> None:
    with pytest.raises((InputError, VcciError), match=message):
        store(secret, more=more)
    assert client.get("v1", "Secret", secret["name"], namespace) is None


@pytest.mark.parametrize(
    ("code", "said", "way"),
    [
        (
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/x is not authorized",
            "docs/runbooks/secrets.md has the actions",
        ),
        ("ExpiredTokenException", "The security token included in the request is expired", "log in again"),
        ("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text", "kms:Decrypt"),
        ("InvalidRequestException", "it was marked for deletion.", "restore-secret --secret-id x/ns/db"),
        ("SomethingElse", "a reason", "a reason"),
    ],
)
def test_errors_carry_what_aws_says_and_the_way_on(code: str, said: str, way: str, monkeypatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    refusal = answer(400, json.dumps({"__type": code, "Message": said}).encode())
    with scripted(lambda _request: refusal) as server:
        options = Options(aws={"prefix": "x", "region": "eu-central-1", "endpoint_url": server.url}, check=True)
        with pytest.raises(VcciError) as caught:
            run_secrets(None, read([DB], "ns"), options)
    told = str(caught.value)
    assert told.startswith(f"AWS secret x/ns/db: get_secret_value was refused: {code}: {said.rstrip('.')}")
    assert way in told
