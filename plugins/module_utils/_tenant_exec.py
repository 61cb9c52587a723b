# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a command in a container writes, as it comes: an archive of any size is never kept, there or here."""
from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from ._http import HttpConnection
from .client import Client, _proxy_headers
from .errors import InputError, VcciError

try:
    import websocket

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

STDOUT, STDERR, STATUS = 1, 2, 3
SHOWN = 600  # characters of what it complained about that a message has


def stream(client: Client, namespace: str, pod: str, container: str, command: list[str], sink: Callable[[bytes], None], timeout: float = 300) -> None:
    """Hand its standard output to `sink`; an error unless it succeeds. Nothing for `timeout` seconds is one too."""
    if MISSING:
        raise InputError(f"running commands in pods needs the Python package websocket-client: {MISSING}")
    query = urlencode([("container", container), ("stdout", "1"), ("stderr", "1"), *(("command", part) for part in command)])
    server = urlsplit(client.server)
    url = server._replace(scheme="wss" if server.scheme == "https" else "ws", query=query,
                          path=f"{server.path.rstrip('/')}/api/v1/namespaces/{namespace}/pods/{pod}/exec").geturl()
    headers, context = client._credentials()
    lines = [line for line in headers.splitlines() if not line.startswith("Host:")]
    # The connection as every other request has it: through the proxy, with the server's name as it was given.
    connection = HttpConnection(client._host, client._port, context, client.connection.tls_server_name or client._host, timeout, client._proxy,
                                _proxy_headers(client.connection.proxy_headers))
    said, status = b"", b""
    try:
        connection.connect()
        socket = websocket.create_connection(url, socket=connection.sock, header=lines, subprotocols=["v4.channel.k8s.io"], timeout=timeout,
                                             suppress_origin=True)
        while not status:
            code, frame = socket.recv_data()
            if code == websocket.ABNF.OPCODE_CLOSE:
                break
            if frame[:1] == bytes([STDOUT]):
                sink(frame[1:])
            elif frame[:1] == bytes([STDERR]):
                said = (said + frame[1:])[-SHOWN:]
            elif frame[:1] == bytes([STATUS]):
                status = frame[1:]
    except (websocket.WebSocketException, OSError) as exc:
        raise VcciError(f"pod {namespace}/{pod}: {command[0]} could not be run to its end: {str(exc)[:SHOWN]}; run this again") from exc
    finally:
        connection.close()
    try:
        answer = json.loads(status or b"{}")
    except ValueError:
        answer = {}
    if answer.get("status") != "Success":
        why = said.decode(errors="replace").strip() or answer.get("message") or "the connection ended"
        raise VcciError(f"pod {namespace}/{pod}: {command[0]} failed: {why}")
