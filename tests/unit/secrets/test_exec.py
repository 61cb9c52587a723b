# Copyright (c) 2026 GreenLang. All rights reserved.
"""Commands in containers against a server that speaks the API server's protocol.

What is handed over is on standard input only.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import json
import random
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.exec import Done, Place, execute, run
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import Generator, private_key

from tests.helpers import PATIENCE

CANARY = b"canary-on-standard-input"
SUCCESS = b"\x03" + json.dumps({"status": "Success"}).encode()


class Server:
    """Refuses as often as it has statuses to, then answers one connection with these frames.

    It keeps the last head and the first frame that it got.
    """

    def __init__(
        self,
        *frames: bytes,
        refused: tuple[int, ...] = (),
        after: Callable[[], object] = lambda: None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.frames, self.refused, self.after, self.context, self.head, self.got = (
            frames,
            refused,
            after,
            context,
            "",
            b"",
        )
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        for status in (*self.refused, 0):
            connection, _address = self.listener.accept()
            self.answer(self.context.wrap_socket(connection, server_side=True) if self.context else connection, status)

    def answer(self, connection: socket.socket, status: int) -> None:
        with connection, connection.makefile("rb") as stream:
            lines = []
            while line := stream.readline().strip():
                lines.append(line.decode())
            self.head = "\n".join(lines)
            if status:
                self.after()
                connection.sendall(f"HTTP/1.1 {status} Refused\r\nContent-Length: 0\r\n\r\n".encode())
                return
            key = next(line.split(": ")[1] for line in lines if line.lower().startswith("sec-websocket-key"))
            digest = base64.b64encode(
                hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
            ).decode()
            connection.sendall(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {digest}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode()
            )
            if "stdin=1" in lines[0]:
                size = stream.read(2)[1] & 0x7F
                size = struct.unpack(">H", stream.read(2))[0] if size == 126 else size
                mask = stream.read(4)
                self.got = bytes(byte ^ mask[index % 4] for index, byte in enumerate(stream.read(size)))
            for frame in self.frames:
                connection.sendall(b"\x82" + bytes([len(frame)]) + frame)
            stream.read(1)


class Proxy:
    """Takes one CONNECT and hands bytes on, both ways; keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked, self.listener = "", socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        client, _address = self.listener.accept()
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.asked = head.decode().split(" HTTP")[0]
        server = socket.create_connection(("127.0.0.1", int(self.asked.rsplit(":", 1)[1])))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=self.hand_on, args=(server, client), daemon=True).start()
        self.hand_on(client, server)

    @staticmethod
    def hand_on(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the other way ended already
            while part := source.recv(4096):
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


def call(server: Server, **connection: object) -> str:
    client = Client.from_params({"host": server.url, **(connection or {"api_key": "token"})})
    return execute(client, "place", "pod-0", "main", ["bash", "-c", "cat; true"], CANARY + b"\n", timeout=PATIENCE)


def test_input_travels_on_standard_input_and_output_comes_back() -> None:
    server = Server(b"\x01hel", b"\x02warned", b"\x01lo", SUCCESS)
    assert call(server) == "hello"
    assert server.got == b"\x00" + CANARY + b"\n\n"
    assert CANARY.decode() not in server.head
    assert "GET /api/v1/namespaces/place/pods/pod-0/exec?container=main&stdin=1" in server.head
    assert "command=bash&command=-c&command=cat%3B+true" in server.head
    assert "Authorization: Bearer token" in server.head


def test_a_command_that_gets_nothing_has_no_input() -> None:
    """It may end before its input would come."""
    server = Server(SUCCESS)
    assert (
        execute(Client.from_params({"host": server.url}), "place", "pod-0", "main", ["true"], b"", timeout=PATIENCE)
        == ""
    )
    assert "stdin" not in server.head


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (
            lambda: Server(
                b"\x02no such role", b"\x03" + json.dumps({"status": "Failure", "message": "exit 1"}).encode()
            ),
            "failed: no such role",
        ),
        (lambda: Server(b"\x03" + json.dumps({"status": "Failure", "message": "exit 1"}).encode()), "failed: exit 1"),
        (lambda: Server(refused=(403,)), "could not be run to its end: Handshake status 403"),
    ],
    ids=["says why", "ends silently", "forbidden"],
)
def test_failures_are_told(server, message: str) -> None:
    with pytest.raises(VcciError, match=message) as caught:
        call(server())
    assert "pod place/pod-0, container main" in str(caught.value)
    assert CANARY.decode() not in str(caught.value)


def ended(reason: str, code: str) -> bytes:
    """How an API server tells the code that a command ended with."""
    status = {"status": "Failure", "reason": reason, "details": {"causes": [{"reason": "ExitCode", "message": code}]}}
    return b"\x03" + json.dumps(status).encode()


NOT_THERE = b"\x03" + json.dumps({"status": "Failure", "message": "container not found"}).encode()
ENDS: dict[str, tuple[tuple[bytes, ...], Done | str]] = {
    "well": ((b"\x01a\n", b"\x02b", SUCCESS), Done("a\n", "b", 0)),
    "with a code": ((b"\x01a", b"\x02b", ended("NonZeroExitCode", "3")), Done("a", "b", 3)),
    "without a word": ((ended("NonZeroExitCode", "1"),), Done("", "", 1)),
    "complains at length": ((*[b"\x02" + b"x" * 100] * 9, SUCCESS), Done("", "x" * 900, 0)),
    "no such container": ((NOT_THERE,), "main: true could not be run: container not found"),
    "no Status": ((b"\x03nonsense",), "could not be run: the connection ended"),
    "no object": ((b"\x03[]",), "could not be run: the connection ended"),
}


@pytest.mark.parametrize("case", ENDS)
def test_how_a_command_ends(case: str) -> None:
    frames, expected = ENDS[case]
    client, place = Client.from_params({"host": Server(*frames).url}), Place("place", "pod-0", "main", ["true"])
    if isinstance(expected, Done):
        assert run(client, place, PATIENCE) == expected
    else:
        with pytest.raises(VcciError, match=expected):
            run(client, place, PATIENCE)


def test_the_way_is_the_clients(tmp_path: Path) -> None:
    """Through its proxy, to a server that has another name than its address."""
    key, generator = private_key("rsa", 2048), Generator(random.SystemRandom(), datetime.datetime.now(datetime.UTC))
    certificate = generator.certificate(key, ["api.internal"], 1, "test")
    (tmp_path / "ca.pem").write_bytes(certificate)
    (tmp_path / "pair.pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    server, proxy = Server(b"\x01hello", SUCCESS, context=context), Proxy()
    said = call(
        server, api_key="token", ca_cert=str(tmp_path / "ca.pem"), tls_server_name="api.internal", proxy=proxy.url
    )
    assert (said, proxy.asked) == ("hello", f"CONNECT 127.0.0.1:{server.port}")


@pytest.mark.parametrize("refusals", [1, 2])
def test_an_expired_token_is_read_again_once(tmp_path: Path, refusals: int) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    server = Server(b"\x01hello", SUCCESS, refused=(401,) * refusals, after=lambda: token.write_text("new"))
    named = {
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {"tokenFile": str(token)}}],
    }
    kubeconfig = {
        **named,
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    if refusals == 1:
        assert call(server, kubeconfig=kubeconfig) == "hello"
    else:
        with pytest.raises(VcciError, match="Handshake status 401"):
            call(server, kubeconfig=kubeconfig)
    assert "Authorization: Bearer new" in server.head
