# Copyright (c) 2026 GreenLang. All rights reserved.
"""An HTTP server on loopback that answers as a test says, byte for byte, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, NamedTuple


class Request(NamedTuple):
    method: str
    target: str
    head: str
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def sent(self) -> dict[str, Any]:
        """The object in its body."""
        return json.loads(self.body) if self.body else {}

    def headers(self, name: str) -> list[str]:
        """The values of all headers of that name."""
        pairs = (line.partition(": ") for line in self.head.splitlines()[1:])
        return [value for found, _colon, value in pairs if found.lower() == name.lower()]


Answer = Callable[[Request], bytes | None]  # None: the connection is reset


def answer(status: int = 200, body: object = None, *headers: str) -> bytes:
    """An answer of HTTP, of a body that is JSON unless it is bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", "Content-Type: application/json", f"Content-Length: {len(data)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


class Scripted:
    """Connections are kept alive; those whose answer is None, or is shorter than it says, are reset."""

    def __init__(self, reply: Answer) -> None:
        self.reply, self.asked = reply, list[Request]()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError), sock.makefile("rb") as stream:
            while request := self._next(stream):
                self.asked.append(request)
                said = self.reply(request)
                if said:
                    sock.sendall(said)
                if said is None or not _is_whole(said):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return

    @staticmethod
    def _next(stream) -> Request | None:
        lines, length = [], 0
        while line := stream.readline().strip():
            lines.append(line.decode())
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if not lines:
            return None
        method, target, _version = lines[0].split(" ")
        return Request(method, target, "\n".join(lines), stream.read(length))


def _is_whole(said: bytes) -> bool:
    head, _end, body = said.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return bool(lengths) and lengths[0].partition(b":")[2].strip() == str(len(body)).encode()


def scripted(reply: Answer) -> contextlib.closing[Scripted]:
    return contextlib.closing(Scripted(reply))
