# Copyright (c) 2026 GreenLang. All rights reserved.
"""A command in a container that gets its data on standard input: arguments would be in the audit log and in the pod's /proc."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from .client import Client
from .errors import InputError, VcciError

try:
    import websocket

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

STDIN, STDOUT, STDERR, STATUS = range(4)
SHOWN = 400  # characters of what the command wrote that a message has


def execute(client: Client, namespace: str, pod: str, container: str, command: list[str], given: bytes, timeout: float = 60) -> str:
    """What the command wrote. Its input ends with an empty line, since the protocol cannot close it."""
    if MISSING:
        raise InputError(f"running commands in pods needs the Python package websocket-client: {MISSING}")
    query = [("container", container), ("stdin", "1"), ("stdout", "1"), ("stderr", "1"), *(("command", part) for part in command)]
    server = urlsplit(client.server)
    url = server._replace(
        scheme="wss" if server.scheme == "https" else "ws",
        path=f"{server.path.rstrip('/')}/api/v1/namespaces/{namespace}/pods/{pod}/exec",
        query=urlencode(query),
    ).geturl()
    headers, context = client._credentials()
    lines = [line for line in headers.splitlines() if not line.startswith("Host:")]
    where = f"pod {namespace}/{pod}, container {container}"
    written: dict[int, bytes] = {STDOUT: b"", STDERR: b"", STATUS: b""}
    options: dict[str, Any] = {"sslopt": {"context": context}} if context else {}
    try:
        socket = websocket.create_connection(
            url, header=lines, subprotocols=["v4.channel.k8s.io"], timeout=timeout, http_no_proxy=["*"], suppress_origin=True, **options
        )
        try:
            socket.send_binary(bytes([STDIN]) + given + b"\n")
            while not written[STATUS]:
                _code, frame = socket.recv_data()
                if not frame:
                    break
                written[frame[0]] = written.get(frame[0], b"") + frame[1:]
        finally:
            socket.close()
    except (websocket.WebSocketException, OSError) as exc:
        raise VcciError(f"{where}: the command could not be run: {str(exc)[:SHOWN]}") from exc
    try:
        status = json.loads(written[STATUS] or b"{}")
    except ValueError:
        status = {}
    if status.get("status") != "Success":
        said = (written[STDERR] or written[STDOUT]).decode(errors="replace").strip()[-SHOWN:]
        raise VcciError(f"{where}: the command failed: {said or status.get('message') or 'the connection ended'}")
    return written[STDOUT].decode(errors="replace")
