# Copyright (c) 2026 GreenLang. All rights reserved.
"""The keepers of values under test, each with its own ways to write beside us: moto's server for AWS Secrets Manager,
and the KV engine of Vault."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import hvac
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.binaries import Binaries
from moto.server import ThreadedMotoServer

from tests.helpers import PATIENCE, ROOT, eventually
from tests.scripted import Request, answer, scripted

TOKEN = "a-token-of-tests"


class Aws:
    """`settings` are those of the option, in which the address is what `address` names."""

    option, address = "aws", "endpoint_url"

    def __init__(self, address: str, prefix: str) -> None:
        self.settings = {"endpoint_url": address, "region": "eu-central-1", "prefix": prefix}
        self.manager = boto3.client("secretsmanager", endpoint_url=address, region_name="eu-central-1")

    def name(self, namespace: str, name: str) -> str:
        return f"{self.settings['prefix']}/{namespace}/{name}"

    def stored(self, namespace: str, name: str) -> dict[str, Any]:
        return json.loads(self.manager.get_secret_value(SecretId=self.name(namespace, name))["SecretString"])

    def put(self, namespace: str, name: str, members: object) -> None:
        """As somebody else does."""
        text = members if isinstance(members, str) else json.dumps(members)
        try:
            self.manager.put_secret_value(SecretId=self.name(namespace, name), SecretString=text)
        except self.manager.exceptions.ResourceNotFoundException:
            self.manager.create_secret(Name=self.name(namespace, name), SecretString=text)

    def has(self, namespace: str, name: str) -> bool:
        with contextlib.suppress(self.manager.exceptions.ResourceNotFoundException):
            return bool(self.stored(namespace, name))
        return False

    def delete(self, namespace: str, name: str) -> None:
        self.manager.delete_secret(SecretId=self.name(namespace, name), RecoveryWindowInDays=7)

    @staticmethod
    def writes(request: Request) -> bool:
        return request.headers("X-Amz-Target")[0].endswith((".PutSecretValue", ".CreateSecret"))


class Vault:
    option, address = "vault", "address"

    def __init__(self, address: str, prefix: str) -> None:
        self.settings = {"address": address, "prefix": prefix, "token": TOKEN}
        self.client = hvac.Client(url=address, token=TOKEN)
        self.kv = self.client.secrets.kv.v2

    def name(self, namespace: str, name: str) -> str:
        return f"{self.settings['prefix']}/{namespace}/{name}"

    def stored(self, namespace: str, name: str) -> dict[str, Any]:
        found = self.kv.read_secret_version(path=self.name(namespace, name), raise_on_deleted_version=True)
        return found["data"]["data"]

    def put(self, namespace: str, name: str, members: dict[str, Any]) -> None:
        self.kv.create_or_update_secret(path=self.name(namespace, name), secret=members)

    def has(self, namespace: str, name: str) -> bool:
        with contextlib.suppress(hvac.exceptions.InvalidPath):
            return bool(self.stored(namespace, name))
        return False

    def delete(self, namespace: str, name: str) -> None:
        self.kv.delete_latest_version_of_secret(path=self.name(namespace, name))

    @staticmethod
    def writes(request: Request) -> bool:
        return request.method == "POST" and "/data/" in request.path


@contextlib.contextmanager
def aws_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@functools.cache
def vault_program() -> Path:
    """Built once for this machine, like the programs of the local cluster."""
    parts = Binaries(ROOT / "binaries" / "parts.yml", "tests", None, lambda _line: None).provide()
    return parts["vault-kv"] / "vault-kv"


@contextlib.contextmanager
def vault_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", str(vault_program()), address, TOKEN])
    try:

        def ready() -> bool:
            assert process.poll() is None
            host, port = address.split(":")
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
                return True
            return False

        eventually(ready, "vault-kv does not answer")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextlib.contextmanager
def passing(address: str, before: Callable[[Request], object]) -> Iterator[str]:
    """An address that passes all on to another, after `before` was called with it."""
    there = urlsplit(address)

    def reply(request: Request) -> bytes:
        before(request)
        headers = dict(line.split(": ", 1) for line in request.head.splitlines()[1:])
        with contextlib.closing(http.client.HTTPConnection(there.hostname, there.port, timeout=PATIENCE)) as connection:
            connection.request(request.method, request.target, request.body or None, headers)
            said = connection.getresponse()
            return answer(said.status, said.read())

    with scripted(reply) as server:
        yield server.url


KEEPERS = {"aws": (Aws, aws_server), "vault": (Vault, vault_server)}
