# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one Kubernetes client of this collection: thread-safe, kept-alive connections, retries.

    client = Client.from_params(module.params)
    client.get("v1", "ConfigMap", "platform-config", "vcci-platform")

Writes go through apply.apply_set(), not through this.
"""

from __future__ import annotations

import base64
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlencode, urlsplit

from ..errors import ApiError, ConfigError, ConnectionFailed, InputError, NotFound, VcciError, api_error
from . import kubeconfig as _kubeconfig
from .http import HttpConnection
from .kinds import BUILT_IN, Resource, is_core_group

JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
CHUNK = 1000
RETRIED = {429, 500, 502, 503, 504}
USER_AGENT = "greenlang.vcci/1.0.0"


def connection_argument_spec() -> dict:
    """Arguments of the doc fragment greenlang.vcci.connection; names and environment as kubernetes.core has them."""
    from ansible.module_utils.basic import env_fallback

    def env(name: str) -> tuple:
        return (env_fallback, ["K8S_AUTH_" + name])

    return {
        "kubeconfig": {"type": "raw", "fallback": env("KUBECONFIG")},
        "context": {"type": "str", "fallback": env("CONTEXT")},
        "host": {"type": "str", "fallback": env("HOST")},
        "api_key": {"type": "str", "no_log": True, "fallback": env("API_KEY")},
        "username": {"type": "str", "fallback": env("USERNAME")},
        "password": {"type": "str", "no_log": True, "fallback": env("PASSWORD")},
        "validate_certs": {"type": "bool", "aliases": ["verify_ssl"], "fallback": env("VERIFY_SSL")},
        "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"], "fallback": env("SSL_CA_CERT")},
        "client_cert": {"type": "path", "aliases": ["cert_file"], "fallback": env("CERT_FILE")},
        "client_key": {"type": "path", "aliases": ["key_file"], "fallback": env("KEY_FILE")},
        "tls_server_name": {"type": "str", "fallback": env("TLS_SERVER_NAME")},
        "proxy": {"type": "str", "fallback": env("PROXY")},
        "no_proxy": {"type": "str", "fallback": env("NO_PROXY")},
        "proxy_headers": {
            "type": "dict",
            "options": {
                "proxy_basic_auth": {"type": "str", "no_log": True},
                "basic_auth": {"type": "str", "no_log": True},
                "user_agent": {"type": "str"},
            },
        },
        "impersonate_user": {"type": "str", "fallback": env("IMPERSONATE_USER")},
        "impersonate_groups": {"type": "list", "elements": "str", "fallback": env("IMPERSONATE_GROUPS")},
    }


class Client:
    """Requests to one API server. `say` is told when a retry keeps the user waiting."""

    def __init__(
        self,
        connection: _kubeconfig.Connection,
        *,
        timeout: float = 60,
        retry_for: float = 60,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.connection = connection
        self.timeout, self.retry_for, self.say = timeout, retry_for, say
        url = urlsplit(connection.server)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ConfigError(f"{connection.source}: {connection.server!r} is not the address of an API server")
        self._host, self._prefix = url.hostname, url.path.rstrip("/")
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._host_header = url.netloc.rsplit("@", 1)[-1]
        self._tls = url.scheme == "https"
        self._proxy = None if _bypassed(self._host, connection.no_proxy) else connection.proxy
        self._lock = threading.Lock()
        self._idle: list[HttpConnection] = []
        self._context: ssl.SSLContext | None = None
        self._headers: str | None = None
        self._generation = 0
        self._resources: dict = {}
        self._missing: dict = {}
        self._answered = False
        self.requests = 0

    @classmethod
    def from_params(cls, params: dict, **options) -> Client:
        return cls(_kubeconfig.load(params), **options)

    @property
    def server(self) -> str:
        return self.connection.server

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for conn in idle:
            conn.close()

    # --- credentials -------------------------------------------------------------------------------------------------
    def _credentials(self) -> tuple[str, ssl.SSLContext | None]:
        with self._lock:
            if self._headers is None:
                self._headers, self._context = self._make_credentials()
            return self._headers, self._context

    def _make_credentials(self) -> tuple[str, ssl.SSLContext | None]:
        conn = self.connection
        token, cert, key = conn.token, conn.cert, conn.key
        if conn.token_file:
            token = _kubeconfig._read(conn.token_file, "token file").decode().strip()
        if conn.exec_plugin is not None:
            status = _kubeconfig.run_exec_plugin(conn.exec_plugin, conn.exec_cluster)
            token = status.get("token") or token
            if status.get("clientCertificateData"):
                cert, key = status["clientCertificateData"].encode(), (status.get("clientKeyData") or "").encode()
        lines = [f"Host: {self._host_header}", f"User-Agent: {USER_AGENT}"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        elif conn.username:
            pair = base64.b64encode(f"{conn.username}:{conn.password or ''}".encode()).decode()
            lines.append(f"Authorization: Basic {pair}")
        if conn.impersonate_user:
            lines.append(f"Impersonate-User: {conn.impersonate_user}")
        lines += [f"Impersonate-Group: {group}" for group in conn.impersonate_groups]
        if any("\r" in line or "\n" in line for line in lines):
            raise ConfigError(f"{conn.source}: a credential contains a line break")
        return "\r\n".join(lines) + "\r\n", self._tls_context(cert, key) if self._tls else None

    def _tls_context(self, cert: bytes | None, key: bytes | None) -> ssl.SSLContext:
        conn = self.connection
        try:
            context = ssl.create_default_context(cadata=conn.ca.decode() if conn.ca else None)
        except (ssl.SSLError, ValueError) as exc:
            raise ConfigError(f"{conn.source}: the certificate authority is not PEM") from exc
        # Python 3.13 refuses certificates without key identifiers, which clusters' own authorities issue; Go, and so kubectl, does not ask for them.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not conn.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if cert:
            _load_pair(context, cert, key, conn.source)
        return context

    def _renew_credentials(self, generation: int) -> bool:
        """After a 401: ask the exec plugin or read the token file again, once for all threads. False when neither exists."""
        if self.connection.exec_plugin is None and not self.connection.token_file:
            return False
        with self._lock:
            if self._generation == generation:
                self._generation += 1
                self._headers, self._context = self._make_credentials()
                self._idle = []
        return True

    # --- requests ----------------------------------------------------------------------------------------------------
    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict | None = None,
        body: dict | bytes | None = None,
        content_type: str | None = None,
        accept: str = JSON,
        retry: bool = True,
    ) -> dict:
        """One request, repeated after 429, 5xx and lost connections; the parsed answer, or an error of errors.py."""
        data = self.raw(method, path, query=query, body=body, content_type=content_type, accept=accept, retry=retry)[1]
        return _decode(data)

    def text(self, path: str, query: dict | None = None) -> str:
        return self.raw("GET", path, query=query, accept="*/*")[1].decode("utf-8", "replace")

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: dict | None = None,
        body: dict | bytes | None = None,
        content_type: str | None = None,
        accept: str = JSON,
        retry: bool = True,
    ) -> tuple[int, bytes]:
        target = self._prefix + quote(path, safe="/:@!$&'()*+,;=~.-_") + ("?" + urlencode(query) if query else "")
        payload = None
        if body is not None:
            payload = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        started, attempt, renewed = time.monotonic(), 0, False
        while True:
            generation = self._generation
            try:
                status, headers, data = self._once(method, target, payload, content_type, accept)
            except ssl.SSLCertVerificationError as exc:
                raise ConnectionFailed(
                    f"{self.server}: its certificate is not trusted: {exc.verify_message}; "
                    "set ca_cert, or tls_server_name if it is reached by another name"
                ) from exc
            except OSError as exc:
                # A cluster that never answered is probably the wrong address: say so soon. One that did is being restarted.
                patience = self.retry_for if self._answered else min(self.retry_for, 5)
                if not retry or time.monotonic() - started > patience:
                    raise ConnectionFailed(
                        f"{self.server} does not answer ({exc}); is the cluster running, and is {self.connection.source} its kubeconfig?"
                    ) from exc
                self._pause(attempt, None, f"{self.server} does not answer ({exc}), trying again", longest=1.5)
                attempt += 1
                continue
            self._answered = True
            if status < 300:
                return status, data
            if status == 401 and not renewed and self._renew_credentials(generation):
                renewed = True
                continue
            error = self._error(status, data, method, path)
            if not retry or not _may_retry(status, headers, error) or time.monotonic() - started > self.retry_for:
                raise error
            self._pause(attempt, headers.get("retry-after"), f"{self.server} answers {status} ({error.reason}), trying again")
            attempt += 1

    def _once(self, method: str, target: str, payload: bytes | None, content_type: str | None, accept: str) -> tuple[int, dict, bytes]:
        common, context = self._credentials()
        head = f"{method} {target} HTTP/1.1\r\n{common}Accept: {accept}\r\n"
        if payload is not None:
            head += f"Content-Type: {content_type or JSON}\r\nContent-Length: {len(payload)}\r\n"
        request = head.encode("latin-1") + b"\r\n"
        with self._lock:
            conn = self._idle.pop() if self._idle else None
            self.requests += 1
        if conn is not None:
            try:
                return self._exchange(conn, request, payload)
            except OSError:
                pass  # it was closed while nobody used it, which says nothing about the server: a new one decides
        return self._exchange(self._connection(context), request, payload)

    def _connection(self, context: ssl.SSLContext | None) -> HttpConnection:
        return HttpConnection(
            self._host,
            self._port,
            context,
            self.connection.tls_server_name or self._host,
            self.timeout,
            self._proxy,
            _proxy_headers(self.connection.proxy_headers),
        )

    def open_socket(self, renew: bool = False) -> tuple[socket.socket, list[str]]:
        """A connection of its own, as requests have it (proxy, TLS), and the header lines that prove who we are: for other protocols.
        `renew` after a 401: with new credentials, where there is a way to get them."""
        if renew:
            self._renew_credentials(self._generation)
        headers, context = self._credentials()
        return self._connection(context).connect(), headers.splitlines()

    def _exchange(self, conn: HttpConnection, request: bytes, payload: bytes | None) -> tuple[int, dict, bytes]:
        try:
            answer = conn.exchange(request, payload)
        except BaseException:
            conn.close()
            raise
        if conn.sock is not None:
            with self._lock:
                self._idle.append(conn)
        return answer

    def _pause(self, attempt: int, retry_after: str | None, why: str, longest: float = 8.0) -> None:
        delay = min(longest, 0.1 * 2**attempt) * (0.5 + random.random() / 2)
        if retry_after and retry_after.isdigit():
            delay = max(delay, min(float(retry_after), 30.0))
        if self.say and attempt >= 3:
            self.say(why)
        time.sleep(delay)

    def _error(self, status: int, data: bytes, method: str, path: str) -> ApiError:
        try:
            body = json.loads(data)
        except ValueError:
            body = None
        error = api_error(status, body, f"{method} {path} was answered with {status}")
        if status == 401:
            error.message = (
                f"{self.server} does not accept the credentials of {self.connection.source}; "
                "an expired token or certificate? log in again or name another context"
            )
            error.args = (error.message,)
        return error

    # --- kinds -------------------------------------------------------------------------------------------------------
    def resource(self, api_version: str, kind: str) -> Resource:
        """Where objects of a kind are; NotFound when the server does not serve it."""
        known = BUILT_IN.get((api_version, kind))
        if known is not None:
            return known
        with self._lock:
            served = self._resources.get(api_version)
        if served is None:
            base = ("/api/" if "/" not in api_version else "/apis/") + api_version
            served = {}
            try:
                for entry in self.request("GET", base).get("resources") or []:
                    if "/" not in entry["name"]:
                        served[entry["kind"]] = Resource(api_version, entry["kind"], entry["name"], entry["namespaced"])
            except NotFound:
                pass
            with self._lock:
                self._resources[api_version] = served
        if kind not in served:
            close = ", ".join(sorted(served)) if is_core_group(api_version) else ""
            raise NotFound(
                404, "KindNotServed", f"the server does not serve {kind} in {api_version}" + (f" (it serves {close})" if close else "")
            )
        return served[kind]

    def forget_kinds(self) -> None:
        """After a CustomResourceDefinition was established: ask again."""
        with self._lock:
            self._resources.clear()

    def preferred(self, group: str, kind: str) -> Resource:
        """The resource of a group's kind in the version that the server prefers (ApplySet records name no version)."""
        for (api_version, known), resource in BUILT_IN.items():
            if known == kind and (api_version.split("/")[0] if "/" in api_version else "") == group:
                return resource
        if not group:
            return self.resource("v1", kind)
        info = self.request("GET", f"/apis/{group}")
        versions = [info["preferredVersion"]["groupVersion"]]
        versions += [v["groupVersion"] for v in info.get("versions") or [] if v["groupVersion"] not in versions]
        for version in versions:
            try:
                return self.resource(version, kind)
            except NotFound:
                continue
        raise NotFound(404, "KindNotServed", f"the server does not serve {kind} in {group}")

    # --- reads -------------------------------------------------------------------------------------------------------
    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict | None:
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
    ) -> list:
        """All objects of a kind, in one namespace or in all, read in chunks."""
        resource = self.resource(api_version, kind)
        items = []
        for item in self.iter_list(resource, namespace, label_selector=label_selector, field_selector=field_selector):
            item.setdefault("apiVersion", api_version)
            item.setdefault("kind", kind)
            items.append(item)
        return items

    def iter_list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
    ) -> Iterator[dict]:
        path = resource.path(namespace)
        base: dict = {"limit": CHUNK}
        if label_selector:
            base["labelSelector"] = label_selector
        if field_selector:
            base["fieldSelector"] = field_selector
        token, seen = None, set()
        while True:
            query = {**base, "continue": token} if token else base
            try:
                page = self.request("GET", path, query=query, accept=METADATA_LIST if metadata_only else JSON)
            except ApiError as exc:
                if exc.status != 410 or not token:
                    raise
                token = None  # the list became too old while we read it: read it again, leaving out what was given
                continue
            for item in page.get("items") or []:
                uid = item["metadata"].get("uid")
                if uid not in seen:
                    seen.add(uid)
                    yield item
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return

    def version(self) -> dict:
        return self.request("GET", "/version")


def _decode(data: bytes) -> dict:
    if not data:
        return {}
    try:
        return json.loads(data)
    except ValueError as exc:
        raise VcciError("the server's answer is not JSON; is there a proxy in between?") from exc


def _may_retry(status: int, headers: dict, error: ApiError) -> bool:
    if status == 500:
        # A plain 500 is often a verdict (a webhook that fails): only those that the server itself calls passing are tried again.
        return error.reason in ("ServerTimeout", "Timeout") or "retry-after" in headers or "etcdserver" in str(error)
    if status == 429:
        # An eviction refused by a PodDisruptionBudget is a 429 too, and has its own callers.
        return not any(cause.get("reason") == "DisruptionBudget" for cause in error.causes)
    return status in RETRIED


def _load_pair(context: ssl.SSLContext, cert: bytes, key: bytes | None, source: str) -> None:
    """The ssl module takes certificates from files only: an anonymous one in memory keeps the key off every disk."""
    import os
    import tempfile

    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
        path, remove = f"/proc/self/fd/{descriptor}", False
    else:
        descriptor, path = tempfile.mkstemp()
        remove = True
    # To a certificate without a chain OpenSSL would add its authority's, whose signature the API server then verifies, and more than once, at every
    # request. A chain that leads nowhere keeps it from that.
    chain = cert if cert.count(b"-----BEGIN CERT") > 1 else cert + b"\n" + cert
    try:
        os.write(descriptor, chain + b"\n" + (key or b""))
        context.load_cert_chain(path)
    except (ssl.SSLError, OSError) as exc:
        raise ConfigError(f"{source}: the client certificate and its key do not fit together or are not PEM") from exc
    finally:
        os.close(descriptor)
        if remove:
            os.unlink(path)


def _proxy_headers(given: dict) -> dict:
    headers = {}
    for name in ("proxy_basic_auth", "basic_auth"):
        if given.get(name):
            header = "Proxy-Authorization" if name == "proxy_basic_auth" else "Authorization"
            headers[header] = "Basic " + base64.b64encode(given[name].encode()).decode()
    if given.get("user_agent"):
        headers["User-Agent"] = given["user_agent"]
    return headers


def _bypassed(host: str, no_proxy: str | None) -> bool:
    for part in (no_proxy or "").replace(" ", "").split(","):
        if part and (part == "*" or host == part.lstrip(".") or host.endswith("." + part.lstrip("."))):
            return True
    return False
