# Copyright (c) 2026 GreenLang. All rights reserved.
"""The sealing certificate of one run: the given one, or the controller's own. This does I/O."""

from __future__ import annotations

import base64
import contextlib
import datetime
import os
from typing import Any

from ..errors import ApiError, InputError, VcciError, WaitTimeout
from ..kubernetes.client import Client
from ..waiting import Deadline, until
from . import crypto
from .controller import Place
from .options import Options
from .sources import certificate_from
from .state import SecretState

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
                place = Place(self._client, self._options.controller_namespace, self._options.controller_name)
                self._read = expected(self._of_controller(place), fingerprint)
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

    def _of_controller(self, place: Place) -> crypto.Certificate:
        """That which it gives out; where it gives none that is valid, that of its newest key."""
        now = datetime.datetime.now(datetime.UTC)
        try:
            served = crypto.Certificate(place.served_certificate(), f"Service {place.namespace}/{place.name}")
        except VcciError as exc:
            return self._of_keys(place, exc)
        if served.expires > now:
            return served
        with contextlib.suppress(VcciError):
            newest = place.keyring().newest(now)
            if newest.expires > now:
                return _of_secret(newest.secret, place)
        return served

    def _of_keys(self, place: Place, refused: VcciError) -> crypto.Certificate:
        """It has none when it has just been installed."""
        key = until(
            lambda: _newest_key(place, refused),
            self._deadline.left,
            self._options.say,
            awaited=lambda: f"the controller to make its sealing key in {place.namespace}",
            late=lambda _seconds: WaitTimeout(
                f"there is no sealing key in namespace {place.namespace}: "
                "is the sealed-secrets controller running there? Or give certificate"
            ),
        )
        return _of_secret(key, place)


def read(source: str, fingerprint: str | None = None) -> crypto.Certificate:
    """That in a file or behind a URL, which is valid and the expected one."""
    return expected(crypto.Certificate(certificate_from(source, fingerprint), source), fingerprint)


def expected(certificate: crypto.Certificate, fingerprint: str | None) -> crypto.Certificate:
    """InputError when it has expired, or has another fingerprint."""
    certificate.check(datetime.datetime.now(datetime.UTC))
    if fingerprint and certificate.fingerprint != fingerprint.strip().rstrip("="):
        raise InputError(
            f"certificate_fingerprint: the sealing certificate of {certificate.source} has fingerprint "
            f"{certificate.fingerprint}, and {fingerprint} is expected"
        )
    return certificate


def _of_secret(secret: dict[str, Any], place: Place) -> crypto.Certificate:
    source = f"Secret {place.namespace}/{secret['metadata']['name']}"
    return crypto.Certificate(base64.b64decode(secret["data"]["tls.crt"]), source)


def _newest_key(place: Place, refused: VcciError) -> dict[str, Any] | None:
    """Its Secret; None while there is none."""
    try:
        ring = place.used_keyring()
    except ApiError as exc:
        if exc.status != 403:
            raise
        raise InputError(
            f"the sealing key in namespace {place.namespace} may not be read, and the controller does not give its "
            f"certificate out ({refused.message}); have `get` on services/proxy of Service {place.name} granted, or "
            "give certificate, as `kubeseal --fetch-cert` prints it"
        ) from exc
    return ring.newest(datetime.datetime.now(datetime.UTC)).secret if any(key.active for key in ring.keys) else None
