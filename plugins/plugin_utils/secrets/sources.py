# Copyright (c) 2026 GreenLang. All rights reserved.
"""A sealing certificate out of a file or from a URL, in the forms of `kubeseal --cert`. This does I/O."""

from __future__ import annotations

import re
import urllib.error
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from ansible.module_utils.urls import SSLValidationError, open_url

from ..errors import ConnectionFailed, InputError

TIMEOUT = 30
LARGEST = 65536
MOST_REDIRECTS = 10
REDIRECTS = (301, 302, 303, 307, 308)
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):(//|(?=/))")  # a letter alone is a drive


def certificate_from(source: str, fingerprint: str | None) -> bytes:
    """Whoever can exchange the certificate reads what is sealed with it: plain http needs its fingerprint."""
    scheme = _scheme(source)
    if scheme in ("http", "https"):
        return _fetched(source, fingerprint)
    if scheme == "file":
        return _from_file(unquote(urlsplit(source).path))
    if scheme:
        raise InputError(
            f"certificate: {source}: {scheme} is not supported; give a file, file:///…, https://… or http://…"
        )
    return _from_file(source)


def _scheme(source: str) -> str:
    match = _SCHEME.match(source)
    return match[1].lower() if match else ""


def _from_file(path: str) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as handle:
            return handle.read(LARGEST)
    except (OSError, RuntimeError, ValueError) as exc:
        raise InputError(f"certificate: {path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc


def _fetched(url: str, fingerprint: str | None) -> bytes:
    """Each redirect is looked at before it is followed."""
    asked = url
    for _redirect in range(MOST_REDIRECTS):
        scheme = _scheme(asked)
        if scheme not in ("http", "https"):
            raise InputError(f"certificate: {url} leads to {asked}, which is not https")
        if scheme == "http" and not fingerprint:
            leads = "" if asked == url else f" leads to {asked}, which"
            raise InputError(
                f"certificate: {url}{leads} may be exchanged on its way: use https, or give certificate_fingerprint "
                "(secrets_certificate_fingerprint of the role)"
            )
        content, location = _answer(asked)
        if location is None:
            return content
        asked = urljoin(asked, location)
    raise ConnectionFailed(f"certificate: {url} cannot be fetched: more than {MOST_REDIRECTS} redirects")


def _answer(url: str) -> tuple[bytes, str | None]:
    """What is there, or where it leads."""
    try:
        answer = open_url(url, timeout=TIMEOUT, http_agent="greenlang.vcci", follow_redirects="none")
        content: bytes = answer.read(LARGEST)
    except urllib.error.HTTPError as exc:
        if exc.code in REDIRECTS and exc.headers.get("location"):
            return b"", str(exc.headers["location"])
        raise ConnectionFailed(f"certificate: {url} cannot be fetched: {exc.reason} ({exc.code})") from exc
    except (urllib.error.URLError, SSLValidationError, OSError, ValueError) as exc:
        raise ConnectionFailed(f"certificate: {url} cannot be fetched: {getattr(exc, 'reason', exc)}") from exc
    return content, None
