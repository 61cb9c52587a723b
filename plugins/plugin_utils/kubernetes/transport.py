# Copyright (c) 2026 GreenLang. All rights reserved.
"""Kept-alive connections to one API server, shared by threads, with the headers that prove who we are."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import ConfigError
from .credentials import Credentials
from .http import HttpConnection
from .kubeconfig import Connection


class Transport:
    """`send` makes one attempt at one request; `requests` counts them."""

    def __init__(self, connection: Connection, timeout: float) -> None:
        url = urlsplit(connection.server)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ConfigError(f"{connection.source}: {connection.server!r} is not the address of an API server")
        self.requests = 0
        self._host, self._prefix = url.hostname, url.path.rstrip("/")
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._server_name = connection.tls_server_name or self._host
        self._proxy = None if _bypassed(self._host, connection.no_proxy) else connection.proxy
        self._proxy_headers = _proxy_headers(connection.proxy_headers)
        self._timeout = timeout
        self._credentials = Credentials(connection, url.netloc.rsplit("@", 1)[-1], url.scheme == "https")
        self._lock = threading.Lock()
        self._idle: list[HttpConnection] = []

    @property
    def generation(self) -> int:
        """Of the credentials: to be handed to `renew` after a 401."""
        return self._credentials.generation

    def renew(self, generation: int) -> bool:
        """Get new credentials, where there is a way; connections that were opened with the old ones are left."""
        if not self._credentials.renew(generation):
            return False
        self.close()
        return True

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def send(
        self, method: str, target: str, payload: bytes | None, content_type: str, accept: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer. OSError where there is none."""
        common, context = self._credentials.current()
        head = f"{method} {self._prefix}{target} HTTP/1.1\r\n{common}Accept: {accept}\r\n"
        if payload is not None:
            head += f"Content-Type: {content_type}\r\nContent-Length: {len(payload)}\r\n"
        request = head.encode("latin-1") + b"\r\n"
        with self._lock:
            connection = self._idle.pop() if self._idle else None
            self.requests += 1
        if connection is not None:
            try:
                return self._exchange(connection, request, payload)
            except OSError:
                pass  # it was closed while nobody used it, which says nothing about the server: a new one decides
        return self._exchange(self._new(context), request, payload)

    def open_socket(self, renew: bool = False) -> tuple[socket.socket, list[str]]:
        """A connection of its own, as requests have it (proxy, TLS), and the header lines that prove who we are.
        `renew` after a 401: with new credentials, where there is a way to get them."""
        if renew:
            self.renew(self.generation)
        headers, context = self._credentials.current()
        return self._new(context).connect(), headers.splitlines()

    def _new(self, context: ssl.SSLContext | None) -> HttpConnection:
        return HttpConnection(
            self._host, self._port, context, self._server_name, self._timeout, self._proxy, self._proxy_headers
        )

    def _exchange(
        self, connection: HttpConnection, request: bytes, payload: bytes | None
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            answer = connection.exchange(request, payload)
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            with self._lock:
                self._idle.append(connection)
        return answer


def _proxy_headers(given: Mapping[str, str]) -> dict[str, str]:
    headers = {}
    for name, header in (("proxy_basic_auth", "Proxy-Authorization"), ("basic_auth", "Authorization")):
        if given.get(name):
            headers[header] = "Basic " + base64.b64encode(given[name].encode()).decode()
    if given.get("user_agent"):
        headers["User-Agent"] = given["user_agent"]
    return headers


def _bypassed(host: str, no_proxy: str | None) -> bool:
    for part in (no_proxy or "").replace(" ", "").split(","):
        domain = part.lstrip(".")
        if part and (part == "*" or host == domain or host.endswith("." + domain)):
            return True
    return False
