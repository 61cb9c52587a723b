# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who we are: header lines and a TLS context, made when they are first needed and made again after a 401."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .kubeconfig import FOLDER, Connection, read_file

USER_AGENT = "greenlang.vcci/1.0.0"
EXEC_TIMEOUT = 120  # seconds


class Credentials:
    """Those of one connection. `generation` counts how often they were made anew."""

    def __init__(self, connection: Connection, host_header: str, tls: bool) -> None:
        self.generation = 0
        self._connection, self._host_header, self._tls = connection, host_header, tls
        self._lock = threading.Lock()
        self._made: tuple[str, ssl.SSLContext | None] | None = None

    def current(self) -> tuple[str, ssl.SSLContext | None]:
        """Header lines, each with its line break, and the TLS context of an https server."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def renew(self, generation: int) -> bool:
        """After a 401 to a request of that generation: ask the exec plugin or read the token file again, once for all
        threads. False when there is neither."""
        if self._connection.exec_plugin is None and not self._connection.token_file:
            return False
        with self._lock:
            if self.generation == generation:
                self.generation += 1
                self._made = self._make()
        return True

    def _make(self) -> tuple[str, ssl.SSLContext | None]:
        connection = self._connection
        token, cert, key = connection.token, connection.cert, connection.key
        if connection.token_file:
            token = read_file(Path(connection.token_file), "token file").decode().strip()
        if connection.exec_plugin is not None:
            status = run_exec_plugin(connection.exec_plugin, connection.exec_cluster)
            token = status.get("token") or token
            if status.get("clientCertificateData"):
                cert, key = status["clientCertificateData"].encode(), (status.get("clientKeyData") or "").encode()
        context = tls_context(connection, cert, key) if self._tls else None
        return self._headers(token), context

    def _headers(self, token: str | None) -> str:
        connection = self._connection
        lines = [f"Host: {self._host_header}", f"User-Agent: {USER_AGENT}"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        elif connection.username:
            pair = base64.b64encode(f"{connection.username}:{connection.password or ''}".encode()).decode()
            lines.append(f"Authorization: Basic {pair}")
        if connection.impersonate_user:
            lines.append(f"Impersonate-User: {connection.impersonate_user}")
        lines += [f"Impersonate-Group: {group}" for group in connection.impersonate_groups]
        if any("\r" in line or "\n" in line for line in lines):
            raise ConfigError(f"{connection.source}: a credential contains a line break")
        return "\r\n".join(lines) + "\r\n"


def tls_context(connection: Connection, cert: bytes | None, key: bytes | None) -> ssl.SSLContext:
    """How the server is verified, and the client certificate, if there is one, that it is shown."""
    try:
        context = ssl.create_default_context(cadata=connection.ca.decode() if connection.ca else None)
    except (ssl.SSLError, ValueError) as exc:
        raise ConfigError(f"{connection.source}: the certificate authority is not PEM") from exc
    # Python 3.13 refuses certificates without key identifiers, which clusters' own authorities issue; Go, and so
    # kubectl, does not ask for them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not connection.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert:
        _load_pair(context, cert, key, connection.source)
    return context


def _load_pair(context: ssl.SSLContext, cert: bytes, key: bytes | None, source: str) -> None:
    """The ssl module takes certificates from files only: an anonymous one in memory keeps the key off every disk."""
    # To a certificate without a chain OpenSSL would add its authority's, whose signature the API server then verifies,
    # and more than once, at every request. A chain that leads nowhere keeps it from that.
    chain = cert if cert.count(b"-----BEGIN CERT") > 1 else cert + b"\n" + cert
    descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, chain + b"\n" + (key or b""))
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    except (ssl.SSLError, OSError) as exc:
        raise ConfigError(f"{source}: the client certificate and its key do not fit together or are not PEM") from exc
    finally:
        os.close(descriptor)


def run_exec_plugin(spec: dict[str, Any], cluster: dict[str, Any] | None = None) -> dict[str, Any]:
    """The credential that an exec plugin prints: {token} or {clientCertificateData, clientKeyData}, maybe an expiry."""
    command = Path(spec.get("command") or "")
    if command.parent != Path() and not command.is_absolute():
        command = Path(spec.get(FOLDER) or ".") / command
    info: dict[str, Any] = {"interactive": False}
    if cluster is not None:
        info["cluster"] = cluster
    asked = {"apiVersion": spec.get("apiVersion"), "kind": "ExecCredential", "spec": info}
    given = {entry["name"]: entry["value"] for entry in spec.get("env") or []}
    done = _run([str(command), *(spec.get("args") or [])], {**given, "KUBERNETES_EXEC_INFO": json.dumps(asked)}, spec)
    if done.returncode != 0:
        tail = done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise ConfigError(f"exec plugin {spec.get('command')} failed with {done.returncode}: {' | '.join(tail)}")
    try:
        return dict(json.loads(done.stdout)["status"] or {})
    except (ValueError, KeyError, TypeError) as exc:
        raise ConfigError(f"exec plugin {spec.get('command')} printed no ExecCredential") from exc


def _run(command: list[str], more: dict[str, str], spec: dict[str, Any]) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, **more}
    try:
        return subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=EXEC_TIMEOUT, check=False
        )
    except FileNotFoundError as exc:
        hint = spec.get("installHint") or "install it or use another credential"
        raise ConfigError(f"exec plugin {spec.get('command')} is not installed: {hint}") from exc
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ConfigError(f"exec plugin {spec.get('command')} could not be run: {exc}") from exc
