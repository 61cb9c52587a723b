# Copyright (c) 2026 GreenLang. All rights reserved.
"""A kept-alive HTTP/1.1 connection to one server, and nothing more.

The standard library's client spends more time on parsing one answer's headers than the API server on a small read, and
urllib3 takes 0.1 s to import. The API server answers with a Content-Length or in chunks; that is all this understands.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import time
import zlib

from . import proxies
from .proxies import CONNECT_TIMEOUT, Proxy


class ProtocolError(OSError):
    """The peer closed the connection or does not speak HTTP/1.1."""


class HttpConnection:
    """`timeout` in seconds for one answer. Without a context it is in clear text, and an http proxy hands on each
    request by itself; `tunnel` asks that it connects instead, for other protocols."""

    def __init__(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext | None,
        server_hostname: str,
        timeout: float,
        proxy: Proxy | None = None,
        *,
        authority: bytes | None = None,
        tunnel: bool = False,
    ) -> None:
        self.host, self.port, self.context, self.server_hostname = host, port, context, server_hostname
        self.timeout, self.proxy, self.authority, self.tunnel = timeout, proxy, authority, tunnel
        self.sock: socket.socket | None = None
        self.buffer = bytearray()
        self._deadline = 0.0

    def connect(self) -> socket.socket:
        patience = min(self.timeout, CONNECT_TIMEOUT)
        if self.proxy and self.context is None and not self.tunnel and not self.proxy.scheme.startswith("socks5"):
            sock = proxies.connect_to(self.proxy, patience, self.authority)
        else:
            sock = proxies.connect(self.host, self.port, self.proxy, patience, self.authority)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_hostname=self.server_hostname)
            sock.settimeout(self.timeout)
        except BaseException:
            sock.close()
            raise
        self.sock = sock
        self.buffer.clear()
        return sock

    @property
    def _open(self) -> socket.socket:
        if self.sock is None:
            raise ProtocolError("the connection was closed")
        return self.sock

    def close(self) -> None:
        if self.sock is not None:
            sock, self.sock = self.sock, None
            with contextlib.suppress(OSError):
                sock.close()

    def exchange(self, head: bytes, body: bytes | None) -> tuple[int, dict[str, str], bytes]:
        """Send one request, return status, headers (lower case) and the whole body."""
        if self.sock is None:
            self.connect()
        self._deadline = time.monotonic() + self.timeout
        self._open.sendall(head + body if body else head)
        try:
            status, headers = self._head()
            data = self._body(status, headers)
        except (ValueError, EOFError, zlib.error) as exc:
            raise ProtocolError("the server does not answer in HTTP/1.1") from exc
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, headers, data

    def _body(self, status: int, headers: dict[str, str]) -> bytes:
        if status in (204, 304):
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            data = self._chunked()
        elif "content-length" in headers:
            data = self._exactly(int(headers["content-length"]))
        else:
            data = self._until_close()
        encoding = headers.get("content-encoding")
        if encoding == "gzip":
            return gzip.decompress(data)
        return zlib.decompress(data) if encoding == "deflate" else data

    def _more(self) -> None:
        if time.monotonic() > self._deadline:  # a server that sends one byte now and then would keep us for ever
            raise TimeoutError("the answer takes too long")
        part = self._open.recv(262144)
        if not part:
            raise ProtocolError("the server closed the connection")
        self.buffer += part

    def _head(self) -> tuple[int, dict[str, str]]:
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self.buffer) > 131072:
                    raise ProtocolError("the answer's headers never end")
                self._more()
                continue
            lines = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
            del self.buffer[: end + 4]
            parts = lines[0].split(" ", 2)
            if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
                raise ProtocolError("the server does not answer in HTTP/1.1")
            status = int(parts[1])
            if 100 <= status < 200:
                continue
            headers: dict[str, str] = {}
            for line in lines[1:]:
                name, _sep, value = line.partition(":")
                name, value = name.strip().lower(), value.strip()
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
            return status, headers

    def _exactly(self, count: int) -> bytes:
        if count < 0:
            raise ValueError(count)
        while len(self.buffer) < count:
            self._more()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def _line(self) -> bytes:
        while True:
            end = self.buffer.find(b"\r\n")
            if end >= 0:
                line = bytes(self.buffer[:end])
                del self.buffer[: end + 2]
                return line
            self._more()

    def _chunked(self) -> bytes:
        parts: list[bytes] = []
        while True:
            size = int(self._line().split(b";", 1)[0], 16)
            if size == 0:
                while self._line():
                    pass
                return b"".join(parts)
            parts.append(self._exactly(size))
            self._exactly(2)

    def _until_close(self) -> bytes:
        while True:
            try:
                self._more()
            except ProtocolError:  # the end of a body without a length
                data = bytes(self.buffer)
                self.buffer.clear()
                self.close()
                return data
