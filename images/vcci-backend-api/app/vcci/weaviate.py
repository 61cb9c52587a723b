# Copyright (c) 2026 GreenLang. All rights reserved.
"""Weaviate's members as one service: whichever answers, at whatever address its name leads to.

Who asks may ask again: writes here are of objects whose id follows from their content.
"""

from __future__ import annotations

import http.client
import json
import logging
import random
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOG = logging.getLogger("vcci.weaviate")
CONNECT = 0.5  # seconds
ANSWER = 1.0  # seconds for the first round; each further one has twice as long
ROUNDS = 3
KNOWN = 10.0  # seconds that addresses are not asked for again


class WeaviateError(Exception):
    """What it answered, or that nobody did."""


class Weaviate:
    """`url` is that of the Service, or of the headless one, whose name leads to each member."""

    def __init__(self, url: str, key: str, authority: str = "", answer: float = ANSWER) -> None:
        parts = urlsplit(url)
        self._host, self._secure = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._key, self._authority, self._answer = key, authority, answer
        self.addresses: list[str] = []
        self._asked = float("-inf")

    def ask(self, method: str, path: str, body: object = None, rounds: int = ROUNDS) -> tuple[int, Any]:
        """Status and content. A member that does not answer in time, or not well, is left for the next one."""
        last = "its name leads nowhere"
        for number in range(rounds):
            for address in self._members():
                try:
                    status, content = self._once(address, method, path, body, self._answer * 2**number)
                except (OSError, http.client.HTTPException, ValueError) as exc:
                    last = f"{type(exc).__name__} of {address}: {exc}"
                    self._leave(address)
                    continue
                if status < 500:
                    return status, content
                last = f"{status} of {address}: {str(content)[:300]}"
                self._leave(address)
            time.sleep(0.05)
        raise WeaviateError(last)

    def _members(self) -> Iterator[str]:
        """Each address once, the one that answered last first. Where names are not to be had, the former ones stay."""
        now = time.monotonic()
        if now - self._asked > KNOWN:
            try:
                found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                fresh = list(dict.fromkeys(str(one[4][0]) for one in found))
                random.shuffle(fresh)
                kept = [address for address in self.addresses[:1] if address in fresh]
                self.addresses = kept + [address for address in fresh if address not in kept]
                self._asked = now
            except OSError as exc:
                LOG.warning("the addresses of %s: %s", self._host, exc)
        yield from list(self.addresses)

    def _leave(self, address: str) -> None:
        """Others come first from now on; and there may be new ones."""
        if address in self.addresses:
            self.addresses = [one for one in self.addresses if one != address] + [address]
        if time.monotonic() - self._asked > 1:
            self._asked = float("-inf")

    def _once(self, address: str, method: str, path: str, body: object, limit: float) -> tuple[int, Any]:
        plain = socket.create_connection((address, self._port), CONNECT)
        connection = http.client.HTTPConnection(self._host, self._port)
        try:
            plain.settimeout(limit)
            connection.sock = self._context().wrap_socket(plain, server_hostname=self._host) if self._secure else plain
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()
            plain.close()

    def _context(self) -> ssl.SSLContext:
        """Anew each time: the authority's file may have come, or have been renewed."""
        return ssl.create_default_context(cafile=self._authority if Path(self._authority).is_file() else None)
