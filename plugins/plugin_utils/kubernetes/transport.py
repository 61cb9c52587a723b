# Copyright (c) 2026 GreenLang. All rights reserved.
"""Kept-alive connections to one API server, shared by threads, with the headers that prove who we are."""

from __future__ import annotations

import socket
import ssl
import threading
from urllib.parse import quote, urlsplit

from .credentials import Credentials
from .http import HttpConnection
from .kubeconfig import Connection
from .proxies import PORTS


class Transport:
    """`send` makes one attempt at one request; `requests` counts them."""

    def __init__(self, connection: Connection, timeout: float) -> None:
        url = urlsplit(connection.server)  # load() has checked it
        self.requests = 0
        self._host, self._port = url.hostname or "", url.port or PORTS[url.scheme]
        self._server_name = connection.tls_server_name or self._host
        self._connection, self._timeout = connection, timeout
        host = url.netloc.rsplit("@", 1)[-1]
        self._credentials = Credentials(connection, host, url.scheme == "https")
        self._prefix = quote(url.path.rstrip("/"), safe="/%:@!$&'()*+,;=~.-_")
        proxy = connection.proxy
        # An http proxy hands on what is in clear text by itself: it is told the whole address, and who we are to it.
        handed_on = proxy and url.scheme == "http" and not proxy.scheme.startswith("socks5")
        self._target = f"http://{host}{self._prefix}" if handed_on else self._prefix
        self._for_proxy = "".join(f"{line}\r\n" for line in proxy.lines()) if proxy and handed_on else ""
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
        head = f"{method} {self._target}{target} HTTP/1.1\r\n{common}{self._for_proxy}Accept: {accept}\r\n"
        if payload is not None:
            head += f"Content-Type: {content_type}\r\nContent-Length: {len(payload)}\r\n"
        request = head.encode() + b"\r\n"
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
        return self._new(context, tunnel=True).connect(), headers.splitlines()

    def _new(self, context: ssl.SSLContext | None, tunnel: bool = False) -> HttpConnection:
        return HttpConnection(
            self._host,
            self._port,
            context,
            self._server_name,
            self._timeout,
            self._connection.proxy,
            authority=self._connection.ca,
            tunnel=tunnel,
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
