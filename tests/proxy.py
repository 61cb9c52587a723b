# Copyright (c) 2026 GreenLang. All rights reserved.
"""A proxy in front of an API server that does something wrong to requests that a test chooses."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.transport import Transport

from tests.scripted import Request, answer, scripted

Pass = Callable[[], bytes]
Fault = Callable[[Pass], bytes | None]
SLOW = 0.6  # seconds, more than the clients of these tests wait for an answer
STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}


def _refusal(status: int, reason: str, message: str, *headers: str) -> Fault:
    return lambda _pass: answer(status, {**STATUS, "code": status, "reason": reason, "message": message}, *headers)


def _after(said: Callable[[bytes], bytes | None]) -> Fault:
    """What the server was asked it does; the answer is another."""
    return lambda pass_on: said(pass_on())


def _slow(pass_on: Pass) -> bytes:
    said = pass_on()
    time.sleep(SLOW)
    return said


def _half(said: bytes) -> bytes:
    head, _end, body = said.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + body[: len(body) // 2]


CUT: Fault = lambda _pass: None  # noqa: E731  a fault as the others
LOST = _after(lambda _said: None)
FORBIDDEN = _refusal(403, "Forbidden", "refused by the proxy")
GATEWAY_BEFORE = _refusal(503, "", "refused by the proxy")
GATEWAY_AFTER = _after(lambda _said: answer(504, {**STATUS, "message": "refused by the proxy"}))
FAULTS: dict[str, Fault] = {
    "reset before": CUT,
    "lost answer": LOST,
    "half a head": _after(lambda said: said[:20]),
    "half a body": _after(_half),
    "429": _refusal(429, "TooManyRequests", "slow down", "Retry-After: 0"),
    "429 for a second": _refusal(429, "TooManyRequests", "slow down", "Retry-After: 1"),
    "500": _refusal(500, "InternalError", "it failed"),
    "500 of etcd": _refusal(500, "", "etcdserver: leader changed"),
    "500 of etcd, after all": _after(lambda _said: _refusal(500, "", "etcdserver: request timed out")(bytes)),
    "502": lambda _pass: answer(502, b"<html>Bad Gateway</html>"),
    "502, after all": _after(lambda _said: answer(502, b"<html>Bad Gateway</html>")),
    "503": _refusal(503, "ServiceUnavailable", "not now"),
    "504, after all": _after(lambda _said: answer(504, {**STATUS, "reason": "Timeout", "message": "too late"})),
    "nothing": lambda _pass: answer(200, b""),
    "nothing, after all": _after(lambda _said: answer(200, b"")),
    "an empty object": lambda _pass: answer(200, {}),
    "null, after all": _after(lambda _said: answer(200, None)),
    "a list": lambda _pass: answer(200, []),
    "a text": lambda _pass: answer(200, "done"),
    "an object that is none": lambda _pass: answer(200, {"kind": "ConfigMap", "metadata": {"name": 5}}),
    "HTML": lambda _pass: answer(200, b"<html>Log in</html>"),
    "a refusal of any form": lambda _pass: answer(403, {"details": "none", "message": 5}),
    "slow": _slow,
}


class FaultProxy:
    """Passes requests on as an administrator. `choose` says what happens to a request, `arm` to the k-th, from 1, or to
    all from then on; `passed` are those that came, also when they were not passed on."""

    def __init__(self, client: Client) -> None:
        self._upstream = Transport(client.connection, 30)
        self._lock = threading.Lock()
        self.choose: Callable[[Request], Fault | None] = lambda _request: None
        self._at, self._fault, self.passed = range(0), None, list[Request]()

    def arm(self, at: int = 0, fault: Fault | None = None, *, for_good: bool = False) -> None:
        with self._lock:
            self._at, self._fault, self.passed = range(at, sys.maxsize if for_good else at + 1), fault, []

    def reply(self, request: Request) -> bytes | None:
        with self._lock:
            self.passed.append(request)
            armed = len(self.passed) in self._at
        fault = self._fault if armed else self.choose(request)
        return fault(lambda: self._pass(request)) if fault else self._pass(request)

    def _pass(self, request: Request) -> bytes:
        form = "".join(request.headers("Content-Type"))
        accept = "".join(request.headers("Accept"))
        body = request.body or None
        status, headers, data = self._upstream.send(request.method, request.target, body, form, accept)
        kept = [f"{name}: {value}" for name, value in headers.items() if name in ("retry-after", "warning")]
        return answer(status, data, *kept)


@contextmanager
def fault_proxy(client: Client, **options: float) -> Iterator[tuple[FaultProxy, Callable[[], Client]]]:
    """The proxy, and how to make a client that goes through it."""
    proxy = FaultProxy(client)
    with scripted(proxy.reply) as server:
        yield proxy, lambda: Client.from_params({"host": server.url, "api_key": "none"}, **options)
