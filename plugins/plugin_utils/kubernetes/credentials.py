# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who we are: header lines and a TLS context, made when they are first needed, and again after a 401 or when a
credential has expired."""

from __future__ import annotations

import base64
import os
import re
import ssl
import threading
import time
from pathlib import Path

from ..errors import ConfigError
from .kubeconfig import Connection, read_file

USER_AGENT = "greenlang.vcci/1.0.0"
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)
_NO_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ESCAPED = re.compile(rb"[^A-Za-z0-9!#$&'*+\-.^_`|~]")  # in names of headers; the percent sign is what escapes


class Credentials:
    """Those of one connection. `generation` counts how often they were made anew."""

    def __init__(self, connection: Connection, host_header: str, tls: bool) -> None:
        self.generation = 0
        self._connection, self._host_header, self._tls = connection, host_header, tls
        self._lock = threading.Lock()
        self._made: tuple[str, ssl.SSLContext | None] | None = None
        self._expires: float | None = None

    def current(self) -> tuple[str, ssl.SSLContext | None]:
        """Header lines, each with its line break, and the TLS context of an https server."""
        with self._lock:
            if self._made is None or (self._expires is not None and time.time() > self._expires):
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
            token = self._token_of_file(connection.token_file)
        elif connection.exec_plugin is not None:
            got = connection.exec_plugin.run()
            token, cert, key, self._expires = got.token, got.cert, got.key, got.expires
        headers = self._headers(token)
        return headers, tls_context(connection, cert, key) if self._tls else None

    def _token_of_file(self, path: str) -> str:
        """A token that stands beside the file counts while that cannot be read."""
        try:
            token = read_file(Path(path), "token file").decode().strip()
        except (ConfigError, UnicodeDecodeError) as exc:
            if self._connection.token:
                return self._connection.token
            raise ConfigError(str(exc) if isinstance(exc, ConfigError) else f"token file {path}: no text") from exc
        if not token:
            raise ConfigError(f"token file {path} is empty")
        return token

    def _headers(self, token: str | None) -> str:
        connection = self._connection
        lines = [f"Host: {self._host_header}", f"User-Agent: {USER_AGENT}"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        elif connection.username:
            lines.append(f"Authorization: Basic {_basic(connection.username, connection.password or '')}")
        if connection.impersonate_user:
            lines.append(f"Impersonate-User: {connection.impersonate_user}")
        if connection.impersonate_uid:
            lines.append(f"Impersonate-Uid: {connection.impersonate_uid}")
        lines += [f"Impersonate-Group: {group}" for group in connection.impersonate_groups]
        for name, values in connection.impersonate_extra.items():
            lines += [f"Impersonate-Extra-{_escaped(name)}: {value}" for value in values]
        for line in lines:
            name = line.partition(":")[0]
            if _NO_HEADER.search(line):
                raise ConfigError(f"{connection.source}: a credential contains a line break or the like ({name})")
            try:
                line.encode()
            except UnicodeEncodeError as exc:
                raise ConfigError(f"{connection.source}: a credential is no UTF-8 ({name})") from exc
        return "\r\n".join(lines) + "\r\n"


def _basic(username: str, password: str) -> str:
    try:
        return base64.b64encode(f"{username}:{password}".encode()).decode()
    except UnicodeEncodeError as exc:
        raise ConfigError("username or password is no UTF-8") from exc


def _escaped(name: str) -> str:
    return _ESCAPED.sub(lambda byte: b"%%%02X" % ord(byte[0]), name.encode("utf-8", "replace")).decode()


def tls_context(connection: Connection, cert: bytes | None, key: bytes | None) -> ssl.SSLContext:
    """How the server is verified, and the client certificate, if there is one, that it is shown."""
    context = ssl.create_default_context(cadata=_authorities(connection) if connection.ca else None)
    # Python 3.13 refuses certificates without key identifiers, which clusters' own authorities issue; Go, and so
    # kubectl, does not ask for them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not connection.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert:
        _load_pair(context, cert, key, connection.source)
    return context


def _authorities(connection: Connection) -> bytes:
    """In DER. As Go reads them: what stands around certificates is a comment, one that makes no sense is left out."""
    known, trial = b"", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for found in _CERTIFICATE.findall(connection.ca or b""):
        try:
            one = ssl.PEM_cert_to_DER_cert(found.decode("ascii"))
            trial.load_verify_locations(cadata=one)
        except (ssl.SSLError, ValueError):
            continue
        known += one
    if not known:
        raise ConfigError(f"{connection.source}: the certificate authority is not PEM")
    return known


def _load_pair(context: ssl.SSLContext, cert: bytes, key: bytes | None, source: str) -> None:
    """The ssl module takes certificates from files only: an anonymous one in memory keeps the key off every disk."""
    # To a certificate without a chain OpenSSL would add its authority's, whose signature the API server then verifies,
    # and more than once, at every request. A chain that leads nowhere keeps it from that.
    chain = cert if cert.count(b"-----BEGIN CERT") > 1 else cert + b"\n" + cert
    descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, chain + b"\n" + (key or b""))
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as exc:
        raise ConfigError(f"{source}: the client certificate and its key do not fit together or are not PEM") from exc
    finally:
        os.close(descriptor)


def _no_password() -> str:
    """OpenSSL would ask for one on the terminal, and wait."""
    raise ValueError("the key is encrypted")
