# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the sealed-secrets controller of a cluster has: its keys, their order, and the certificate that it gives out."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from ..errors import ApiError, ConnectionFailed, InputError, VcciError
from ..kubernetes.client import Client
from . import crypto, keyring
from .keyring import Keyring

NAME = "sealed-secrets-controller"  # of its Service and its Deployment
ANSWER = 5  # seconds for the certificate, which a policy may keep from the API server
PORTS = ("http", "")  # of the Service, where it may not be read

Object = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where it is: `name` is that of its Deployment and its Service, `namespace` that of its keys, too."""

    client: Client
    namespace: str
    name: str = NAME

    def deployment(self) -> Object | None:
        found = self.client.get("apps/v1", "Deployment", self.name, self.namespace)
        return {**found, "kind": "Deployment"} if found else None

    def secrets(self) -> list[Object]:
        """Its keys, active or not, as the Secrets that they are; that of before 0.9 has no label."""
        found = self.client.list("v1", "Secret", self.namespace, label_selector=crypto.KEY_LABEL)
        if any(one["metadata"]["name"] == keyring.PREFIX for one in found):
            return found
        with contextlib.suppress(ApiError):  # who may list with a label only may list what there is today
            oldest = self.client.get("v1", "Secret", keyring.PREFIX, self.namespace)
            found += [oldest] if oldest else []
        return found

    def keyring(self) -> Keyring:
        """Its keys. ApiError 403 where they may not be read."""
        return keyring.keyring(self.secrets(), self._order())

    def used_keyring(self) -> Keyring:
        """The same; InputError where there are only Secrets that are no keys."""
        found = self.keyring()
        if found.damaged and not found.keys:
            raise InputError(f"namespace {self.namespace} has no sealing key: {'; '.join(found.damaged)}")
        return found

    def served_certificate(self) -> bytes:
        """What it answers to `kubeseal --fetch-cert`, through the API server. VcciError says why it does not."""
        refused: VcciError = ConnectionFailed("its Service has no port")
        with contextlib.closing(Client(self.client.connection, timeout=ANSWER, retry_for=0)) as client:
            for port in self._ports():
                try:
                    service = f"http:{self.name}:{port}"
                    path = f"/api/v1/namespaces/{self.namespace}/services/{service}/proxy/v1/cert.pem"
                    pem: bytes = client.raw("GET", path, accept="*/*", retry=False)[1]
                except ApiError as exc:
                    refused = exc
                else:
                    return pem
        raise refused

    def _ports(self) -> tuple[str, ...]:
        try:
            service = self.client.get("v1", "Service", self.name, self.namespace)
        except ApiError as exc:
            if exc.status != 403:
                raise
            return PORTS
        if service is None:
            raise InputError(f"there is no Service {self.namespace}/{self.name}")
        return tuple(port.get("name") or "" for port in (service.get("spec") or {}).get("ports") or [])[:1]

    def _order(self) -> str:
        """The default where its Deployment may not be read."""
        try:
            return keyring.order_of(self.deployment())
        except ApiError as exc:
            if exc.status != 403:
                raise
            return keyring.BY_CERTIFICATE
