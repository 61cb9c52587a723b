# Copyright (c) 2026 GreenLang. All rights reserved.
"""The sealing certificate out of a file or from a URL."""

from __future__ import annotations

import datetime
import urllib.error

from ansible.module_utils.urls import SSLValidationError, open_url

from ..errors import ConnectionFailed, InputError
from . import crypto as _sealing

TIMEOUT = 30
LARGEST = 65536
SOON = datetime.timedelta(days=30)


def read(source: str, fingerprint: str | None = None) -> _sealing.Certificate:
    """Whoever can exchange the certificate reads what is sealed with it: plain http needs its fingerprint."""
    if source.startswith("http://") and not fingerprint:
        raise InputError(f"certificate: {source} may be exchanged on its way: use https, or give certificate_fingerprint")
    return expected(_sealing.Certificate(_fetched(source) if source.startswith(("http://", "https://")) else _from_file(source), source), fingerprint)


def expected(certificate: _sealing.Certificate, fingerprint: str | None) -> _sealing.Certificate:
    certificate.check()
    if fingerprint and certificate.fingerprint != fingerprint:
        raise InputError(f"the sealing certificate of {certificate.source} has fingerprint {certificate.fingerprint}, and {fingerprint} is expected")
    return certificate


def warning(certificate: _sealing.Certificate) -> str | None:
    if certificate.expires - datetime.datetime.now(datetime.UTC) > SOON:
        return None
    return f"the sealing certificate of {certificate.source} expires on {certificate.expires:%Y-%m-%d}: renew the sealing key"


def _from_file(path: str) -> bytes:
    try:
        with open(path, "rb") as handle:
            return handle.read(LARGEST)
    except OSError as exc:
        raise InputError(f"certificate: {path} cannot be read: {exc.strerror}") from exc


def _fetched(url: str) -> bytes:
    try:
        return open_url(url, timeout=TIMEOUT, http_agent="greenlang.vcci").read(LARGEST)
    except (urllib.error.URLError, SSLValidationError, OSError, ValueError) as exc:
        raise ConnectionFailed(f"certificate: {url} cannot be fetched: {getattr(exc, 'reason', exc)}") from exc
