# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one Kubernetes client of this collection: thread-safe, kept-alive connections, retries.

    client = Client.from_params(args)
    client.get("v1", "ConfigMap", "platform-config", "vcci-platform")

Writes go through applyset.run.apply_set(), not through this.
"""

from __future__ import annotations

import functools
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ..errors import ApiError, ConnectionFailed, InputError, NotFound, VcciError, api_error, brief
from . import answers, kubeconfig
from .discovery import Discovery
from .encoding import to_json
from .groups import Groups
from .kinds import Resource
from .notices import Notices
from .retry import Attempts, Patience, may_retry
from .transport import Transport

JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
CHUNK = 1000  # objects of a list in one answer
REREAD = 5  # times that a list which became too old while it was read is begun again
FIRST_PATIENCE = 5.0  # seconds for a server that has never answered, and for what is no answer of an API server
Query = Mapping[str, str | int]


class Client:
    """Requests to one API server.

    timeout    seconds for one answer.
    retry_for  seconds for which a request is repeated. When they are over for one request, the server is given up:
               those that wait end, and no more are made, until begin().
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
        self._groups = Groups(lambda path: self.request("GET", path, retry=False))
        self._patience = Patience()
        self._doubt: float | None = FIRST_PATIENCE  # seconds for which it is asked while it is not known to answer
        self.notices = Notices(self._discovery.kind_of)
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

    @property
    def given_up(self) -> VcciError | None:
        """Why no requests are made any more, if it is so."""
        return self._patience.cause

    @property
    def warnings(self) -> list[str]:
        """What the server warned of when something was written or tried, each once, with the objects that it is of."""
        return self.notices.lines()

    def begin(self) -> None:
        """A run begins, with a patience of its own. A server that was given up is asked once; if it answers, all is
        well again."""
        self._groups.forget()
        if self._patience.cause is not None:
            self._patience, self._doubt = Patience(), 0.0

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
        """One request, repeated after lost connections and what may pass (retry.py); the answer, which is of the form
        that answers.py says, or an error of errors.py."""
        read = functools.partial(answers.read, method, path)
        answer: dict[str, Any] = self.raw(
            method, path, query=query, body=body, content_type=content_type, accept=accept, retry=retry, read=read
        )[1]
        return answer

    def text(self, path: str, query: Query | None = None) -> str:
        return str(self.raw("GET", path, query=query, accept="*/*")[1].decode("utf-8", "replace"))

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
        read: Callable[[bytes], Any] = bytes,
    ) -> tuple[int, Any]:
        """Status and body of the answer to such a request; the body as `read` makes it of bytes."""
        target = _target(path, query)
        payload = body if body is None or isinstance(body, bytes) else to_json(body)
        attempts = Attempts(self.retry_for if retry else -1, self.say, self._patience)
        renewed = False
        while True:
            self._patience.check()
            self._groups.check(path)
            generation = self._transport.generation
            try:
                status, headers, data = self._transport.send(method, target, payload, content_type or JSON, accept)
            except OSError as exc:
                self._outlast(exc, attempts)
                continue
            if "warning" in headers and method != "GET":
                self.notices.add(headers["warning"], path, payload)
            if status < 300:
                try:
                    answer = read(data)
                except answers.Broken as exc:
                    self._outlast_broken(exc, attempts)
                    continue
                self._doubt = None
                return status, answer
            if status == 401 and not renewed and self._transport.renew(generation):
                renewed = True
                continue
            self._outlast_refusal(self._error(status, data, method, path), headers, attempts, path)

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
        why = f"{self.server} does not answer ({exc})"
        if not attempts.again(f"{why}, trying again", patience=self._doubt, longest=1.5):
            source = self.connection.source
            wrong = "is `host` its address" if source == kubeconfig.ARGUMENTS else f"is {source} its kubeconfig"
            raise attempts.end(ConnectionFailed(f"{why}; is the cluster running, and {wrong}?")) from exc

    def _outlast_broken(self, exc: answers.Broken, attempts: Attempts) -> None:
        """The same after an answer that none of an API server is: it may have been cut off, or be a gateway's."""
        why = f"the answer of {self.server} {exc}"
        if not attempts.again(f"{why}, trying again", patience=FIRST_PATIENCE, longest=1.5):
            raise attempts.end(
                ConnectionFailed(f"{why}; is it an API server, or is there a proxy in between?")
            ) from exc

    def _outlast_refusal(self, error: ApiError, headers: Mapping[str, str], attempts: Attempts, path: str) -> None:
        """The same after a refusal that may pass; others are raised."""
        if not may_retry(error, headers, path):
            self._doubt = None
            raise error
        if self._doubt:
            self._doubt = None  # somebody is there
        why = f"{self.server} answers {error.status} ({error.reason}), trying again"
        away = self._groups.away(path, error)
        if not attempts.again(why, headers.get("retry-after"), patience=away.patience if away else self._doubt):
            raise self._groups.lose(away) if away else attempts.end(error)

    def _error(self, status: int, data: bytes, method: str, path: str) -> ApiError:
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            body = None
        if status == 401:
            refused = (
                f"{self.server} does not accept the credentials of {self.connection.source}; "
                "an expired token or certificate? log in again or name another context"
            )
            body = {**(body if isinstance(body, dict) else {}), "message": refused}
        return api_error(status, body, f"{method} {brief(path)} was answered with {status}")

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
        begun = 1
        while True:
            try:
                page = self.request("GET", path, query={**query, **more}, accept=accept)
            except ApiError as exc:
                if exc.status != 410 or not more or begun > REREAD:
                    raise
                more, begun = {}, begun + 1
                continue
            yield from page.get("items") or []
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            if not isinstance(token, str) or more.get("continue") == token:
                raise VcciError(f"{self.server} answers the same part of {brief(path)} again and again")
            more = {"continue": token}

    def version(self) -> dict[str, Any]:
        return self.request("GET", "/version")


def _target(path: str, query: Query | None) -> str:
    try:
        return quote(path, safe="/:@!$&'()*+,;=~.-_") + ("?" + urlencode(query) if query else "")
    except UnicodeEncodeError as exc:
        raise InputError(f"{brief(exc.object)}: half a surrogate pair is no Unicode") from exc
