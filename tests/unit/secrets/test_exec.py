# Copyright (c) 2026 GreenLang. All rights reserved.
"""Commands in containers against a server that speaks the API server's protocol; what is handed over is on standard input only."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading

import pytest
from ansible_collections.greenlang.vcci.plugins.module_utils._exec import execute
from ansible_collections.greenlang.vcci.plugins.module_utils.client import Client
from ansible_collections.greenlang.vcci.plugins.module_utils.errors import VcciError

CANARY = b"canary-on-standard-input"


class Server:
    """Answers one connection with these frames; keeps the request's head and the first frame that it got."""

    def __init__(self, *frames: bytes, accept: bool = True) -> None:
        self.frames, self.accept, self.head, self.got = frames, accept, "", b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        connection, _address = self.listener.accept()
        with connection, connection.makefile("rb") as stream:
            lines = []
            while (line := stream.readline().strip()):
                lines.append(line.decode())
            self.head = "\n".join(lines)
            if not self.accept:
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            key = next(line.split(": ")[1] for line in lines if line.lower().startswith("sec-websocket-key"))
            digest = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
            connection.sendall(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {digest}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode()
            )
            size = stream.read(2)[1] & 0x7F
            size = struct.unpack(">H", stream.read(2))[0] if size == 126 else size
            mask = stream.read(4)
            self.got = bytes(byte ^ mask[index % 4] for index, byte in enumerate(stream.read(size)))
            for frame in self.frames:
                connection.sendall(b"\x82" + bytes([len(frame)]) + frame)
            stream.read(1)


def call(server: Server) -> str:
    client = Client.from_params({"host": server.url, "api_key": "token"})
    return execute(client, "place", "pod-0", "main", ["bash", "-c", "cat; true"], CANARY + b"\n", timeout=5)


def test_input_travels_on_standard_input_and_output_comes_back() -> None:
    server = Server(b"\x01hel", b"\x02warned", b"\x01lo", b"\x03" + json.dumps({"status": "Success"}).encode())
    assert call(server) == "hello"
    assert server.got == b"\x00" + CANARY + b"\n\n"
    assert CANARY.decode() not in server.head
    assert "GET /api/v1/namespaces/place/pods/pod-0/exec?container=main&stdin=1" in server.head
    assert "command=bash&command=-c&command=cat%3B+true" in server.head
    assert "Authorization: Bearer token" in server.head


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (lambda: Server(b"\x02no such role", b"\x03" + json.dumps({"status": "Failure", "message": "exit 1"}).encode()), "failed: no such role"),
        (lambda: Server(b"\x03" + json.dumps({"status": "Failure", "message": "exit 1"}).encode()), "failed: exit 1"),
        (lambda: Server(accept=False), "could not be run to its end: Handshake status 403"),
    ],
    ids=["says why", "ends silently", "forbidden"],
)
def test_failures_are_told(server, message: str) -> None:
    with pytest.raises(VcciError, match=message) as caught:
        call(server())
    assert "pod place/pod-0, container main" in str(caught.value)
    assert CANARY.decode() not in str(caught.value)
