# Copyright (c) 2026 GreenLang. All rights reserved.
"""The sealing certificate: out of a file, from a URL, or of the controller in the cluster. This does I/O."""

from __future__ import annotations

import base64
import datetime
import os
import urllib.error
from pathlib import Path
from typing import Any

from ansible.module_utils.urls import SSLValidationError, open_url

from ..errors import ApiError, ConnectionFailed, InputError, WaitTimeout
from ..kubernetes.client import Client
from ..waiting import Deadline, until
from . import crypto
from .options import Options
from .state import SecretState

TIMEOUT = 30
LARGEST = 65536
SOON = datetime.timedelta(days=30)
# In check mode nothing is sealed: the API server, which validates a prediction, gets base64; the result gets nothing.
PLACEHOLDER = base64.b64encode(b"sealed when it is not a check").decode()


class SealingCertificate:
    """The certificate of one run, read when something is to be sealed; one that is given is read at once."""

    def __init__(self, client: Client | None, options: Options, deadline: Deadline) -> None:
        self._client, self._options, self._deadline = client, options, deadline
        self._read: crypto.Certificate | None = None
        if options.certificate and not options.check:
            self.get()

    def get(self) -> crypto.Certificate:
        if self._read is None:
            source, fingerprint = self._options.certificate, self._options.certificate_fingerprint
            if source:
                self._read = read(source, fingerprint)
            elif self._client is None:
                raise InputError("certificate: needed without a cluster, as a file or a URL")
            else:
                self._read = expected(self._of_controller(self._client), fingerprint)
        return self._read

    def seal(self, state: SecretState) -> dict[str, str]:
        """The ciphertexts of a Secret: those that are kept, and new ones of its other values, for its place alone."""
        secret = state.wanted
        bound_to = crypto.label(secret.scope, secret.namespace, secret.name)
        new = {key: value for key, value in state.values.items() if not state.kept.get(key)}
        state.kept = {**state.kept, **{key: self._sealed(value, bound_to) for key, value in new.items()}}
        return {**state.others, **state.kept}

    def _sealed(self, value: bytes, bound_to: bytes) -> str:
        if self._options.check:
            return PLACEHOLDER if self._options.cluster else ""
        return crypto.seal(self.get().key, value, bound_to, os.urandom)

    def told(self) -> dict[str, Any]:
        """What the result tells of it, when it was used."""
        if self._read is None:
            return {}
        said = {"fingerprint": self._read.fingerprint, "expires": f"{self._read.expires:%Y-%m-%dT%H:%M:%SZ}"}
        if self._read.expires - datetime.datetime.now(datetime.UTC) > SOON:
            return {"certificate": said}
        soon = f"expires on {self._read.expires:%Y-%m-%d}: renew the sealing key"
        return {"certificate": said, "warnings": [f"the sealing certificate of {self._read.source} {soon}"]}

    def _of_controller(self, client: Client) -> crypto.Certificate:
        where = self._options.controller_namespace
        remedy = "is the sealed-secrets controller running there? Or give certificate"
        key = until(
            lambda: _newest_key(client, where) or {},
            self._deadline.left,
            self._options.say,
            awaited=lambda: f"the controller to make its sealing key in {where}",
            late=lambda _seconds: WaitTimeout(f"there is no sealing key in namespace {where}: {remedy}"),
        )
        return crypto.Certificate(base64.b64decode(key["data"]["tls.crt"]), f"Secret {where}/{key['metadata']['name']}")


def read(source: str, fingerprint: str | None = None) -> crypto.Certificate:
    """Whoever can exchange the certificate reads what is sealed with it: plain http needs its fingerprint."""
    if source.startswith("http://") and not fingerprint:
        raise InputError(
            f"certificate: {source} may be exchanged on its way: use https, or give certificate_fingerprint"
        )
    pem = _fetched(source) if source.startswith(("http://", "https://")) else _from_file(source)
    return expected(crypto.Certificate(pem, source), fingerprint)


def expected(certificate: crypto.Certificate, fingerprint: str | None) -> crypto.Certificate:
    """InputError when it has expired, or has another fingerprint."""
    certificate.check(datetime.datetime.now(datetime.UTC))
    if fingerprint and certificate.fingerprint != fingerprint:
        raise InputError(
            f"the sealing certificate of {certificate.source} has fingerprint {certificate.fingerprint}, "
            f"and {fingerprint} is expected"
        )
    return certificate


def _newest_key(client: Client, namespace: str) -> dict[str, Any] | None:
    try:
        return crypto.newest_key(client.list("v1", "Secret", namespace, label_selector=f"{crypto.KEY_LABEL}=active"))
    except ApiError as exc:
        if exc.status != 403:
            raise
        remedy = "give certificate, as `kubeseal --fetch-cert` prints it"
        raise InputError(f"the sealing key in namespace {namespace} may not be read; {remedy}") from exc


def _from_file(path: str) -> bytes:
    try:
        with Path(path).open("rb") as handle:
            return handle.read(LARGEST)
    except OSError as exc:
        raise InputError(f"certificate: {path} cannot be read: {exc.strerror}") from exc


def _fetched(url: str) -> bytes:
    try:
        content: bytes = open_url(url, timeout=TIMEOUT, http_agent="greenlang.vcci").read(LARGEST)
    except (urllib.error.URLError, SSLValidationError, OSError, ValueError) as exc:
        raise ConnectionFailed(f"certificate: {url} cannot be fetched: {getattr(exc, 'reason', exc)}") from exc
    return content
