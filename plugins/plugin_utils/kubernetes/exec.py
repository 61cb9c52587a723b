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

    @property
    def what(self) -> str:
        return f"pod {self.namespace}/{self.pod}, container {self.container}: {self.command[0]}"


@dataclass(frozen=True)
class Done:
    """What a command wrote, and the code that it ended with."""

    stdout: str
    stderr: str
    code: int


class CommandFailed(VcciError):
    """It was run, or the container has no such program."""


def run(client: Client, place: Place, timeout: float = 300) -> Done:
    """Run a command to its end, well or not. Nothing for `timeout` seconds, or a container that is not there, is an
    error."""
    written: list[bytes] = []
    said, answer = _run(client, place, written.append, b"", timeout, kept=None)
    code = _code(answer)
    if code is None:
        raise VcciError(f"{place.what} could not be run: {_why(b'', answer)}")
    return Done(b"".join(written).decode(errors="replace"), said.decode(errors="replace"), code)


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
    place = Place(namespace, pod, container, command)
    said, answer = _run(client, place, sink, given, timeout)
    if _code(answer) != 0:
        raise CommandFailed(f"{place.what} failed: {_why(said, answer)}")


def _run(
    client: Client,
    place: Place,
    sink: Callable[[bytes], None],
    given: bytes,
    timeout: float,
    kept: int | None = SHOWN,
) -> tuple[bytes, dict[str, Any]]:
    """What it complained about, of which the end is kept, and the Status that it ended with."""
    _needed()
    url = _url(client.server, place.path, place.container, place.command, bool(given))
    try:
        said, status = _talk(_connect(client, url, timeout), given, sink, kept)
    except (websocket.WebSocketException, OSError) as exc:
        raise VcciError(f"{place.what} could not be run to its end: {str(exc)[:SHOWN]}; run this again") from exc
    try:
        answer = json.loads(status or b"{}")
    except ValueError:
        answer = {}
    return said, answer if isinstance(answer, dict) else {}


def _code(status: dict[str, Any]) -> int | None:
    """None where it was not run, or nobody said how it ended."""
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or []
    return next((int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode"), None)


def _why(said: bytes, status: dict[str, Any]) -> str:
    return said.decode(errors="replace").strip() or status.get("message") or "the connection ended"


def relay(client: Client, source: Place, target: Place, timeout: float = 300) -> str:
    """What one command writes is what the other reads, as fast as that takes it; what the other wrote at its end. The
    protocol cannot end an input: the other has to know when it has all."""
    _needed()
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
        raise VcciError(f"{target.what} could not be run to its end: {str(exc)[:SHOWN]}; run this again") from exc
    if json.loads(status or b"{}").get("status") != "Success":
        raise CommandFailed(f"{target.what} failed: {_why(said, {})}")
    return b"".join(written).decode(errors="replace")


def _needed() -> None:
    if MISSING:
        raise InputError(f"running commands in pods needs the Python package websocket-client: {MISSING}")


def _url(server: str, path: str, container: str, command: list[str], stdin: bool) -> str:
    base = urlsplit(server)
    given = [("stdin", "1")] if stdin else []
    asked = [("command", part) for part in command]
    query = [("container", container), *given, ("stdout", "1"), ("stderr", "1"), *asked]
    scheme = "wss" if base.scheme == "https" else "ws"
    return base._replace(scheme=scheme, path=base.path.rstrip("/") + path, query=urlencode(query)).geturl()


def _talk(socket: Any, given: bytes, sink: Callable[[bytes], None], kept: int | None) -> tuple[bytes, bytes]:
    with socket.sock:
        if given:
            socket.send_binary(bytes([STDIN]) + given)
        return _heard(socket, sink, kept)


def _heard(socket: Any, sink: Callable[[bytes], None], kept: int | None = SHOWN) -> tuple[bytes, bytes]:
    """What it complained about (the end of it: `kept` bytes), and the Status that it ended with, if it came to that."""
    said = b""
    while True:
        code, frame = socket.recv_data()
        if code == websocket.ABNF.OPCODE_CLOSE:
            return said, b""
        channel, data = frame[:1], frame[1:]
        if channel == bytes([STDOUT]):
            sink(data)
        elif channel == bytes([STDERR]):
            said = (said + data)[-kept if kept else 0 :]
        elif channel == bytes([STATUS]) and data:
            return said, data


def _connect(client: Client, url: str, timeout: float, renew: bool = False) -> Any:
    """The client repeats requests after a 401 with new credentials; so does this, once."""
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
