# Copyright (c) 2026 GreenLang. All rights reserved.
"""A command in a container. It gets data on standard input: arguments would be in the audit log and in the pod's /proc.
What it writes is handed on as it comes: an archive of any size is never kept, there or here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..errors import InputError, VcciError
from .client import Client

try:
    import websocket

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

STDIN, STDOUT, STDERR, STATUS = range(4)
SHOWN = 600  # characters of what it complained about that a message has


@dataclass(frozen=True)
class Place:
    """A command in a container."""

    namespace: str
    pod: str
    container: str
    command: list[str]

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}/exec"


class CommandFailed(VcciError):
    """It was run, or the container has no such program."""


def execute(
    client: Client, namespace: str, pod: str, container: str, command: list[str], given: bytes, timeout: float = 60
) -> str:
    """What the command wrote, when it got `given`, if anything, and an empty line, since the protocol cannot end its
    input."""
    written: list[bytes] = []
    stream(client, namespace, pod, container, command, written.append, given and given + b"\n", timeout)
    return b"".join(written).decode(errors="replace")


def stream(
    client: Client,
    namespace: str,
    pod: str,
    container: str,
    command: list[str],
    sink: Callable[[bytes], None],
    given: bytes = b"",
    timeout: float = 300,
) -> None:
    """Hand its standard output to `sink`; an error unless it succeeds. Nothing for `timeout` seconds is one too."""
    url = _url(client.server, f"/api/v1/namespaces/{namespace}/pods/{pod}/exec", container, command, bool(given))
    what = f"pod {namespace}/{pod}, container {container}: {command[0]}"
    try:
        said, status = _talk(_connect(client, url, timeout), given, sink)
    except (websocket.WebSocketException, OSError) as exc:
        raise VcciError(f"{what} could not be run to its end: {str(exc)[:SHOWN]}; run this again") from exc
    try:
        answer = json.loads(status or b"{}")
    except ValueError:
        answer = {}
    if answer.get("status") != "Success":
        why = said.decode(errors="replace").strip() or answer.get("message") or "the connection ended"
        raise CommandFailed(f"{what} failed: {why}")


def relay(client: Client, source: Place, target: Place, timeout: float = 300) -> str:
    """What one command writes is what the other reads, as fast as that takes it; what the other wrote at its end. The
    protocol cannot end an input: the other has to know when it has all."""
    written: list[bytes] = []
    url = _url(client.server, target.path, target.container, target.command, True)
    try:
        socket = _connect(client, url, timeout)

        def hand_on(block: bytes) -> None:
            socket.send_binary(bytes([STDIN]) + block)

        with socket.sock:
            stream(client, source.namespace, source.pod, source.container, source.command, hand_on, timeout=timeout)
            said, status = _heard(socket, written.append)
    except (websocket.WebSocketException, OSError) as exc:
        why = str(exc)[:SHOWN]
        raise VcciError(f"pod {target.namespace}/{target.pod}: {target.command[0]}: {why}; run this again") from exc
    if json.loads(status or b"{}").get("status") != "Success":
        why = said.decode(errors="replace").strip() or "the connection ended"
        raise CommandFailed(f"pod {target.namespace}/{target.pod}: {target.command[0]} failed: {why}")
    return b"".join(written).decode(errors="replace")


def _url(server: str, path: str, container: str, command: list[str], stdin: bool) -> str:
    base = urlsplit(server)
    given = [("stdin", "1")] if stdin else []
    asked = [("command", part) for part in command]
    query = [("container", container), *given, ("stdout", "1"), ("stderr", "1"), *asked]
    scheme = "wss" if base.scheme == "https" else "ws"
    return base._replace(scheme=scheme, path=base.path.rstrip("/") + path, query=urlencode(query)).geturl()


def _talk(socket: Any, given: bytes, sink: Callable[[bytes], None]) -> tuple[bytes, bytes]:
    """The end of what it complained about, and the status that it ended with, if it came to that."""
    with socket.sock:
        if given:
            socket.send_binary(bytes([STDIN]) + given)
        return _heard(socket, sink)


def _heard(socket: Any, sink: Callable[[bytes], None]) -> tuple[bytes, bytes]:
    said = b""
    while True:
        code, frame = socket.recv_data()
        if code == websocket.ABNF.OPCODE_CLOSE:
            return said, b""
        channel, data = frame[:1], frame[1:]
        if channel == bytes([STDOUT]):
            sink(data)
        elif channel == bytes([STDERR]):
            said = (said + data)[-SHOWN:]
        elif channel == bytes([STATUS]) and data:
            return said, data


def _connect(client: Client, url: str, timeout: float, renew: bool = False) -> Any:
    """The client repeats requests after a 401 with new credentials; so does this, once."""
    if MISSING:
        raise InputError(f"running commands in pods needs the Python package websocket-client: {MISSING}")
    connection, headers = client.open_socket(renew)
    try:
        connection.settimeout(timeout)
        lines = [line for line in headers if not line.startswith("Host:")]
        return websocket.create_connection(
            url,
            socket=connection,
            header=lines,
            subprotocols=["v4.channel.k8s.io"],
            timeout=timeout,
            suppress_origin=True,
        )
    except BaseException as exc:
        connection.close()
        if renew or getattr(exc, "status_code", None) != 401:
            raise
    return _connect(client, url, timeout, renew=True)
