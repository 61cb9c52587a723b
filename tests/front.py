# Copyright (c) 2026 GreenLang. All rights reserved.
"""An HTTP server in front of an API server: it passes requests on, and does harm to those that a test chooses."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # without its query
    query: str
    body: dict[str, Any]


# What happens to a request: it is passed on or not, and this is answered; None: the connection is closed.
@dataclass(frozen=True)
class Harm:
    passed: bool
    status: int | None = None
    reason: str = ""


LOST = Harm(passed=True)
CUT = Harm(passed=False)
GATEWAY_AFTER = Harm(passed=True, status=504)
GATEWAY_BEFORE = Harm(passed=False, status=503)
FORBIDDEN = Harm(passed=False, status=403, reason="Forbidden")
Choice = Callable[[Request], Harm | None]


class Front:
    """`harm` chooses what happens to a request; `seen` are those that came, also when they were not passed on."""

    def __init__(self, behind: Client) -> None:
        self.harm: Choice = lambda request: None
        self.seen: list[Request] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, _mark, query = self.path.partition("?")
                request = Request(self.command, path, query, json.loads(data) if data else {})
                front.seen.append(request)
                harm = front.harm(request)
                status, headers, answer = 0, {}, b""
                if harm is None or harm.passed:
                    kind, accept = self.headers.get("Content-Type", ""), self.headers["Accept"]
                    send = behind._transport.send  # noqa: SLF001  one attempt, whose answer is passed on as it is
                    status, headers, answer = send(self.command, self.path, data or None, kind, accept)
                if harm is not None:
                    if harm.status is None:
                        self.close_connection = True
                        with contextlib.suppress(OSError):
                            self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    status, headers = harm.status, {}
                    said = {"kind": "Status", "reason": harm.reason, "message": f"refused by {harm}"}
                    answer = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", headers.get("content-type", "application/json"))
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_request

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.client = Client.from_params({"host": f"http://127.0.0.1:{self._server.server_address[1]}"})

    def close(self) -> None:
        self.client.close()
        self._server.shutdown()
        self._server.server_close()


def front_of(behind: Client) -> contextlib.closing[Front]:
    return contextlib.closing(Front(behind))
