# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one Kubernetes client of this collection: thread-safe, kept-alive connections, retries.

    client = Client.from_params(args)
    client.get("v1", "ConfigMap", "platform-config", "vcci-platform")

Writes go through applyset.run.apply_set(), not through this.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ..errors import ApiError, ConnectionFailed, InputError, NotFound, VcciError, api_error
from . import kubeconfig
from .discovery import Discovery
from .kinds import Resource
from .retry import Attempts, may_retry
from .transport import Transport

JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
CHUNK = 1000  # objects of a list in one answer
FIRST_PATIENCE = 5.0  # seconds for a server that has never answered
Query = Mapping[str, str | int]


class Client:
    """Requests to one API server.

    timeout    seconds for one answer.
    retry_for  seconds for which a request is repeated.
    say        is told when a retry keeps the user waiting.
    """

    def __init__(
        self,
        connection: kubeconfig.Connection,
        *,
        timeout: float = 60,
        retry_for: float = 60,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.connection, self.retry_for, self.say = connection, retry_for, say
        self._transport = Transport(connection, timeout)
        self._discovery = Discovery(lambda path: self.request("GET", path))
        self._answered = False
        # Where objects of a kind are: Discovery says what these do.
        self.resource = self._discovery.resource
        self.preferred = self._discovery.preferred
        self.forget_kinds = self._discovery.forget

    @classmethod
    def from_params(cls, params: Mapping[str, Any], **options: Any) -> Client:
        """With the arguments of a task; the options are those of the class."""
        return cls(kubeconfig.load(params), **options)

    @property
    def server(self) -> str:
        return self.connection.server

    @property
    def requests(self) -> int:
        """How many were sent so far."""
        return self._transport.requests

    def close(self) -> None:
        self._transport.close()

    # --- requests ----------------------------------------------------------------------------------------------------
    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | bytes | None = None,
        content_type: str | None = None,
        accept: str = JSON,
        retry: bool = True,
    ) -> dict[str, Any]:
        """One request, repeated after 429, 5xx and lost connections; the parsed answer, or an error of errors.py."""
        data = self.raw(method, path, query=query, body=body, content_type=content_type, accept=accept, retry=retry)[1]
        if not data:
            return {}
        try:
            answer: dict[str, Any] = json.loads(data)
        except ValueError as exc:
            raise VcciError("the server's answer is not JSON; is there a proxy in between?") from exc
        return answer

    def text(self, path: str, query: Query | None = None) -> str:
        return self.raw("GET", path, query=query, accept="*/*")[1].decode("utf-8", "replace")

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | bytes | None = None,
        content_type: str | None = None,
        accept: str = JSON,
        retry: bool = True,
    ) -> tuple[int, bytes]:
        """Status and body of the answer to such a request."""
        target = quote(path, safe="/:@!$&'()*+,;=~.-_") + ("?" + urlencode(query) if query else "")
        payload = body if body is None or isinstance(body, bytes) else _encoded(body)
        attempts = Attempts(self.retry_for if retry else -1, self.say)
        renewed = False
        while True:
            generation = self._transport.generation
            try:
                status, headers, data = self._transport.send(method, target, payload, content_type or JSON, accept)
            except OSError as exc:
                self._outlast(exc, attempts)
                continue
            self._answered = True
            if status < 300:
                return status, data
            if status == 401 and not renewed and self._transport.renew(generation):
                renewed = True
                continue
            error = self._error(status, data, method, path)
            why = f"{self.server} answers {status} ({error.reason}), trying again"
            if not (may_retry(status, headers, error) and attempts.again(why, headers.get("retry-after"))):
                raise error

    def open_socket(self, renew: bool = False) -> tuple[socket.socket, list[str]]:
        """For other protocols: see Transport."""
        return self._transport.open_socket(renew)

    def _outlast(self, exc: OSError, attempts: Attempts) -> None:
        """Wait after a connection that failed, or an error when that has no sense any more."""
        if isinstance(exc, ssl.SSLCertVerificationError):
            raise ConnectionFailed(
                f"{self.server}: its certificate is not trusted: {exc.verify_message}; "
                "set ca_cert, or tls_server_name if it is reached by another name"
            ) from exc
        # A cluster that never answered is probably the wrong address: say so soon. One that did is being restarted.
        patience = None if self._answered else FIRST_PATIENCE
        why = f"{self.server} does not answer ({exc})"
        if not attempts.again(f"{why}, trying again", patience=patience, longest=1.5):
            raise ConnectionFailed(
                f"{why}; is the cluster running, and is {self.connection.source} its kubeconfig?"
            ) from exc

    def _error(self, status: int, data: bytes, method: str, path: str) -> ApiError:
        try:
            body = json.loads(data)
        except ValueError:
            body = None
        if status == 401:
            refused = (
                f"{self.server} does not accept the credentials of {self.connection.source}; "
                "an expired token or certificate? log in again or name another context"
            )
            body = {**(body if isinstance(body, dict) else {}), "message": refused}
        return api_error(status, body, f"{method} {path} was answered with {status}")

    # --- reads -------------------------------------------------------------------------------------------------------
    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """One object, None when it (or its kind) does not exist."""
        try:
            resource = self.resource(api_version, kind)
            if resource.namespaced and not namespace:
                raise InputError(f"{kind} {name}: a namespace is needed")
            return self.request("GET", resource.path(namespace, name))
        except NotFound:
            return None

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> list[dict[str, Any]]:
        """All objects of a kind, in one namespace or in all, read in chunks."""
        resource = self.resource(api_version, kind)
        found = []
        for obj in self.iter_list(resource, namespace, label_selector=label_selector, field_selector=field_selector):
            obj.setdefault("apiVersion", api_version)
            obj.setdefault("kind", kind)
            found.append(obj)
        return found

    def iter_list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """The same one by one, as the server gives them: without apiVersion and kind."""
        query: dict[str, str | int] = {"limit": CHUNK}
        if label_selector:
            query["labelSelector"] = label_selector
        if field_selector:
            query["fieldSelector"] = field_selector
        seen = set()
        for obj in self._pages(resource.path(namespace), query, METADATA_LIST if metadata_only else JSON):
            uid = obj["metadata"].get("uid")
            if uid not in seen:
                seen.add(uid)
                yield obj

    def _pages(self, path: str, query: dict[str, str | int], accept: str) -> Iterator[dict[str, Any]]:
        """What all pages hold. A list that became too old while it was read is read again, from its beginning."""
        more: dict[str, str | int] = {}
        while True:
            try:
                page = self.request("GET", path, query={**query, **more}, accept=accept)
            except ApiError as exc:
                if exc.status != 410 or not more:
                    raise
                more = {}
                continue
            yield from page.get("items") or []
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            more = {"continue": token}

    def version(self) -> dict[str, Any]:
        return self.request("GET", "/version")


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
