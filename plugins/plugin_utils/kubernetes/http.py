# Copyright (c) 2026 GreenLang. All rights reserved.
"""A kept-alive HTTP/1.1 connection to one server, and nothing more.

The standard library's client spends more time on parsing one answer's headers than the API server on a small read, and
urllib3 takes 0.1 s to import. The API server answers with a Content-Length or in chunks; that is all this understands.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import socket
import ssl
import zlib
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit


class ProtocolError(OSError):
    """The peer closed the connection or does not speak HTTP/1.1."""


class HttpConnection:
    def __init__(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext | None,
        server_hostname: str,
        timeout: float,
        proxy: str | None = None,
        proxy_headers: Mapping[str, str] | None = None,
    ) -> None:
        self.host, self.port, self.context, self.server_hostname = host, port, context, server_hostname
        self.timeout, self.proxy, self.proxy_headers = timeout, proxy, proxy_headers or {}
        self.sock: socket.socket | None = None
        self.buffer = bytearray()
        self.used = 0

    def connect(self) -> socket.socket:
        if self.proxy:
            sock = self._through_proxy(self.proxy)
        else:
            sock = socket.create_connection((self.host, self.port), timeout=min(self.timeout, 10))
        sock.settimeout(self.timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context is not None:
            try:
                sock = self.context.wrap_socket(sock, server_hostname=self.server_hostname)
            except OSError:
                sock.close()
                raise
        self.sock, self.used = sock, 0
        self.buffer.clear()
        return sock

    def _through_proxy(self, proxy: str) -> socket.socket:
        url = urlsplit(proxy if "://" in proxy else "http://" + proxy)
        sock = socket.create_connection(
            (url.hostname or "", url.port or (443 if url.scheme == "https" else 80)), timeout=10
        )
        if url.scheme == "https":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=url.hostname)
        lines = [f"CONNECT {self.host}:{self.port} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.proxy_headers.items()]
        if url.username:
            pair = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
            lines.append("Proxy-Authorization: Basic " + base64.b64encode(pair).decode())
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = sock.recv(4096)
            if not part:
                raise ProtocolError("the proxy closed the connection")
            head += part
        status = head.split(b" ", 2)[1:2]
        if status != [b"200"]:
            raise ProtocolError("the proxy refused to connect: " + head.split(b"\r\n", 1)[0].decode("latin-1"))
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
        self.used += 1
        self._open.sendall(head + body if body else head)
        status, headers = self._head()
        if status in (204, 304):
            data = b""
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            data = self._chunked()
        elif "content-length" in headers:
            data = self._exactly(int(headers["content-length"]))
        else:
            data = self._until_close()
        if headers.get("connection", "").lower() == "close":
            self.close()
        encoding = headers.get("content-encoding")
        if encoding == "gzip":
            data = gzip.decompress(data)
        elif encoding == "deflate":
            data = zlib.decompress(data)
        return status, headers, data

    def _more(self) -> None:
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
            headers = {}
            for line in lines[1:]:
                name, _sep, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            return status, headers

    def _exactly(self, count: int) -> bytes:
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
            except ProtocolError:
                data = bytes(self.buffer)
                self.buffer.clear()
                self.close()
                return data
