# Copyright (c) 2026 GreenLang. All rights reserved.
"""Where the API server is and how to prove who we are: what a task's arguments, kubeconfigs and the environment say.

Written out instead of taken from the `kubernetes` package, whose import alone takes longer than most of our runs.
Reads what kubectl reads; configs.py has the fields of kubeconfigs and of which type each is.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from ..errors import ConfigError, brief
from . import configs, proxies
from .configs import FOLDER
from .execplugins import ExecPlugin

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
EXEC_EXTENSION = "client.authentication.k8s.io/exec"  # of a cluster, which its exec plugin gets
PORTS = {"http": 80, "https": 443}
ARGUMENTS = "the arguments"  # where a connection is from that no kubeconfig describes
LARGEST = 16 * 2**20  # bytes of a file that is read
Reader = Callable[[Path], bytes]


@dataclass
class Connection:
    """Everything that a client needs; PEM texts are bytes, of paths only that of a token is kept, which changes."""

    server: str
    ca: bytes | None = None
    cert: bytes | None = None
    key: bytes | None = None
    token: str | None = None
    token_file: str | None = None
    username: str | None = None
    password: str | None = None
    verify: bool = True
    tls_server_name: str | None = None
    proxy_url: str | None = None
    proxy: proxies.Proxy | None = None  # which leads to the server, after all exceptions
    impersonate_user: str | None = None
    impersonate_uid: str | None = None
    impersonate_groups: list[str] = field(default_factory=list)
    impersonate_extra: dict[str, list[str]] = field(default_factory=dict)
    exec_plugin: ExecPlugin | None = None
    exec_config: Any = None  # what the cluster has for its exec plugin
    disable_compression: bool = False  # told to exec plugins; we never ask for compressed answers
    source: str = ARGUMENTS


def read_bytes(path: Path) -> bytes:
    with path.open("rb") as handle:
        return handle.read(LARGEST)


def load(params: Mapping[str, Any], environ: Mapping[str, str] | None = None, read: Reader = read_bytes) -> Connection:
    """The connection that a task's arguments (names as in kubernetes.core) and the environment describe.

    read  answers what a file holds. ConfigError for whatever is wrong: it names the source and the field.
    """
    env = os.environ if environ is None else environ
    _check_params(params)
    connection = _from_kubeconfig(params, env, read) or Connection(server=params["host"])
    _override(connection, params, read)
    url = _checked_url(connection, "host" if params.get("host") else connection.source)
    connection.server = urlunsplit(url)
    _find_proxy(connection, url, params, env)
    if connection.exec_plugin is not None:
        connection.exec_plugin = connection.exec_plugin.of_cluster(_for_exec_plugins(connection))
    return connection


def read_file(path: Path, what: str, read: Reader = read_bytes) -> bytes:
    try:
        return read(path)
    except OSError as exc:
        raise ConfigError(f"{what} {path} cannot be read: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise ConfigError(f"{what} {brief(str(path))!r} is no path") from exc


# --- arguments -------------------------------------------------------------------------------------------------------
def _check_params(params: Mapping[str, Any]) -> None:
    """That none is given which would have no effect."""
    for name, other in (("password", "username"), ("client_key", "client_cert")):
        if params.get(name) and not params.get(other):
            raise ConfigError(f"{name} has no effect without {other}")
    if params.get("api_key") and params.get("username"):
        raise ConfigError("api_key and username are both given; only one of them can be sent")


def _override(connection: Connection, params: Mapping[str, Any], read: Reader) -> None:
    given = {name: params.get(name) for name in ("api_key", "username", "client_cert")}
    if any(given.values()):
        # Whoever names a credential means to be that user: those of the kubeconfig would come beside it, or before.
        connection.token = connection.token_file = connection.username = connection.password = None
        connection.cert = connection.key = connection.exec_plugin = None
    connection.token = given["api_key"] or connection.token
    if given["username"]:
        connection.username, connection.password = given["username"], params.get("password") or ""
    for name, attribute in (("ca_cert", "ca"), ("client_cert", "cert"), ("client_key", "key")):
        if params.get(name):
            setattr(connection, attribute, read_file(configs.at_home(params[name]), name, read))
    if params.get("validate_certs") is not None:
        connection.verify = bool(params["validate_certs"])
    if params.get("host"):  # another server than the kubeconfig's, which has another name
        connection.server, connection.tls_server_name = params["host"], None
    connection.tls_server_name = params.get("tls_server_name") or connection.tls_server_name
    try:
        proxies.checked_host(connection.tls_server_name or "none")
    except (ValueError, UnicodeError) as exc:
        name = "tls_server_name" if params.get("tls_server_name") else f"{connection.source}: tls-server-name"
        raise ConfigError(f"{name}: {brief(connection.tls_server_name)!r} can be the name of no server") from exc
    connection.impersonate_user = params.get("impersonate_user") or connection.impersonate_user
    connection.impersonate_groups = list(params.get("impersonate_groups") or connection.impersonate_groups)
    more = connection.impersonate_groups or connection.impersonate_uid or connection.impersonate_extra
    if more and not connection.impersonate_user:
        raise ConfigError("impersonate_groups have no effect without impersonate_user")


def _checked_url(connection: Connection, source: str) -> SplitResult:
    """The parts of the server's address, as they are used from now on. A user and password in it prove who we are, if
    nothing else does."""
    server = connection.server
    try:
        url = urlsplit(server if "://" in server else "https://" + server)
        host, port = proxies.checked_host(url.hostname or ""), url.port
        if url.scheme not in PORTS or any(character <= " " or character == "\x7f" for character in url.path):
            raise ValueError(server)
    except (ValueError, UnicodeError) as exc:
        shown = brief(server.rpartition("@")[2])
        message = f"{source}: {shown!r} is not the address of an API server; write https://host:port"
        raise ConfigError(message) from exc
    if url.username and not (connection.token or connection.token_file or connection.username):
        connection.username, connection.password = unquote(url.username), unquote(url.password or "")
    place = f"[{host}]" if ":" in host else host
    return SplitResult(url.scheme, f"{place}:{port}" if port else place, url.path.rstrip("/"), "", "")


def _find_proxy(connection: Connection, url: SplitResult, params: Mapping[str, Any], env: Mapping[str, str]) -> None:
    """The `proxy` of the arguments, else that of the kubeconfig, else that of the environment."""
    no_proxy = params.get("no_proxy")
    headers = _proxy_headers(params.get("proxy_headers") or {})
    named = params.get("proxy") or connection.proxy_url
    if named:
        what = "proxy" if params.get("proxy") else f"{connection.source}: proxy-url"
        found = proxies.parse(named, what, headers)
        bypassed = proxies.bypassed(url.hostname or "", proxies.port_of(url), no_proxy)
        connection.proxy = None if bypassed else found
    else:
        connection.proxy = proxies.from_environment(url, env, no_proxy, headers)


def _proxy_headers(given: Mapping[str, str]) -> dict[str, str]:
    headers = {}
    for name, header in (("proxy_basic_auth", "Proxy-Authorization"), ("basic_auth", "Authorization")):
        if given.get(name):
            headers[header] = "Basic " + base64.b64encode(given[name].encode()).decode()
    if given.get("user_agent"):
        headers["User-Agent"] = given["user_agent"]
    if any(character in value for value in headers.values() for character in "\r\n\0"):
        raise ConfigError("proxy_headers: a header can have no line breaks")
    return headers


# --- kubeconfigs -----------------------------------------------------------------------------------------------------
def _from_kubeconfig(params: Mapping[str, Any], env: Mapping[str, str], read: Reader) -> Connection | None:
    """What the kubeconfig says that is given or, unless a host and a whole credential are, that of the environment."""
    given, context, host = params.get("kubeconfig"), params.get("context"), params.get("host")
    if isinstance(given, Mapping):
        return _from_config(configs.checked(given, "the given kubeconfig"), context, "the given kubeconfig", read)
    if not isinstance(given, (str, type(None))):
        raise ConfigError(f"kubeconfig: a path or a dictionary is needed, not {brief(given)}")
    if host and not given and not context and _is_whole(params):
        return None
    paths = configs.paths(given, env)
    if not paths:
        if host and not context:
            return None
        if env.get("KUBERNETES_SERVICE_HOST") and (SERVICE_ACCOUNT / "token").is_file():
            return _in_cluster(env, read)
        raise ConfigError("no way to reach a cluster: set `kubeconfig`, `host`, KUBECONFIG or ~/.kube/config")
    merged = configs.merged({path: read_file(path, "kubeconfig", read) for path in paths})
    return _from_config(merged, context, os.pathsep.join(map(str, paths)), read)


def _is_whole(params: Mapping[str, Any]) -> bool:
    """Whether the arguments alone say who we are."""
    return bool(params.get("api_key") or params.get("username") or params.get("client_cert"))


def _from_config(config: configs.Config, context: str | None, source: str, read: Reader) -> Connection:
    name = context or config.current
    if not name:
        raise ConfigError(f"{source}: current-context is empty; set `context`")
    chosen = config.entry("context", name)
    if not chosen.get("cluster"):
        raise ConfigError(f"{source}: context {brief(name)!r} names no cluster")
    cluster = config.entry("cluster", chosen["cluster"])
    user = config.entry("user", chosen["user"]) if chosen.get("user") else {}
    if not cluster.get("server"):
        raise ConfigError(f"{source}: cluster {brief(chosen['cluster'])!r} has no server")
    connection = Connection(
        server=cluster["server"],
        ca=_pem(cluster, "certificate-authority", source, read),
        cert=_pem(user, "client-certificate", source, read),
        key=_pem(user, "client-key", source, read),
        token=user.get("token"),
        username=user.get("username"),
        password=user.get("password"),
        verify=not cluster.get("insecure-skip-tls-verify"),
        tls_server_name=cluster.get("tls-server-name"),
        proxy_url=cluster.get("proxy-url"),
        impersonate_user=user.get("as"),
        impersonate_uid=user.get("as-uid"),
        impersonate_groups=list(user.get("as-groups") or []),
        impersonate_extra=dict(user.get("as-user-extra") or {}),
        exec_config=configs.extension(cluster, EXEC_EXTENSION),
        disable_compression=bool(cluster.get("disable-compression")),
        source=source,
    )
    if user.get("tokenFile"):
        connection.token_file = str(_folder(user) / user["tokenFile"])
    _check_user(user, f"{source}: user {brief(chosen.get('user'))!r}")
    if user.get("exec") and not (connection.token or connection.token_file or connection.username or connection.cert):
        connection.exec_plugin = ExecPlugin.of(user["exec"], _folder(user), source)
    return connection


_OTHER_CREDENTIALS = {"token", "tokenFile", "exec", "username", "client-certificate", "client-certificate-data"}


def _check_user(user: Mapping[str, Any], what: str) -> None:
    """What kubectl refuses of a user, beside wrong types."""
    if (user.get("token") or user.get("tokenFile")) and user.get("username"):
        raise ConfigError(f"{what} has a token and a username; only one of them can be sent")
    if not user.get("as") and (user.get("as-uid") or user.get("as-groups") or user.get("as-user-extra")):
        raise ConfigError(f"{what} has as-uid, as-groups or as-user-extra without as")
    if user.get("auth-provider") and not _OTHER_CREDENTIALS & user.keys():
        raise ConfigError(f"{what}: auth-provider was removed from Kubernetes 1.26; use an exec plugin or a token")


def _folder(entry: Mapping[str, Any]) -> Path:
    return Path(entry.get(FOLDER) or ".")


def _pem(entry: Mapping[str, Any], name: str, source: str, read: Reader) -> bytes | None:
    data = entry.get(name + "-data")
    if data:
        try:
            return base64.b64decode(data.replace("\n", "").replace("\r", ""), validate=True)
        except ValueError as exc:
            raise ConfigError(f"{source}: {name}-data is not base64") from exc
    return read_file(_folder(entry) / entry[name], f"{source}: {name}", read) if entry.get(name) else None


def _for_exec_plugins(connection: Connection) -> dict[str, Any]:
    """The cluster as exec plugins are told of it; what is not set is left out."""
    told = {
        "server": connection.server,
        "tls-server-name": connection.tls_server_name,
        "insecure-skip-tls-verify": not connection.verify,
        "certificate-authority-data": base64.b64encode(connection.ca).decode() if connection.ca else None,
        "proxy-url": connection.proxy.url if connection.proxy else None,
        "disable-compression": connection.disable_compression,
    }
    return {**{name: value for name, value in told.items() if value}, "config": connection.exec_config}


def _in_cluster(env: Mapping[str, str], read: Reader) -> Connection:
    host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT") or "443"
    host = f"[{host}]" if ":" in host else host
    return Connection(
        server=f"https://{host}:{port}",
        ca=read_file(SERVICE_ACCOUNT / "ca.crt", "service account CA", read),
        token_file=str(SERVICE_ACCOUNT / "token"),
        source="the pod's service account",
    )
