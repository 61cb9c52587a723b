# Copyright (c) 2026 GreenLang. All rights reserved.
"""Where the API server is and how to prove who we are.

Written out instead of taken from the `kubernetes` package, whose import alone takes longer than most of our runs.
Reads what kubectl reads: several files in KUBECONFIG, certificates as files or data, tokens, basic authentication, exec
plugins, a proxy, and the service account inside a pod.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
FOLDER = "__folder"  # the folder of the file that an entry is from: its relative paths belong there
SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}


@dataclass
class Connection:
    """Everything that a client needs; PEM texts are bytes, paths are never kept."""

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
    proxy: str | None = None
    proxy_headers: dict[str, str] = field(default_factory=dict)
    no_proxy: str | None = None
    impersonate_user: str | None = None
    impersonate_groups: list[str] = field(default_factory=list)
    exec_plugin: dict[str, Any] | None = None
    exec_cluster: dict[str, Any] | None = None
    source: str = "the arguments"


def load(params: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Connection:
    """The connection that a task's arguments (names as in kubernetes.core) and the environment describe."""
    env = os.environ if environ is None else environ
    kubeconfig, context = params.get("kubeconfig"), params.get("context")
    if kubeconfig is None and context is None and params.get("host"):
        connection = Connection(server=params["host"])
    else:
        connection = _from_kubeconfig(kubeconfig, context, env)
    _override(connection, params)
    return connection


def read_file(path: Path, what: str) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as exc:
        raise ConfigError(f"{what} {path} cannot be read: {exc.strerror}") from exc


def _override(connection: Connection, params: Mapping[str, Any]) -> None:
    if params.get("api_key"):
        # Whoever gives a token means to be that user: a server would take the kubeconfig's certificate first.
        connection.token, connection.exec_plugin, connection.token_file = params["api_key"], None, None
        connection.cert = connection.key = None
    if params.get("username"):
        connection.username, connection.password = params["username"], params.get("password") or ""
    for name, attribute in (("ca_cert", "ca"), ("client_cert", "cert"), ("client_key", "key")):
        if params.get(name):
            setattr(connection, attribute, read_file(Path(params[name]), name))
    if params.get("validate_certs") is not None:
        connection.verify = bool(params["validate_certs"])
    connection.server = params.get("host") or connection.server
    connection.tls_server_name = params.get("tls_server_name") or connection.tls_server_name
    connection.proxy = params.get("proxy") or connection.proxy
    connection.no_proxy = params.get("no_proxy") or connection.no_proxy
    connection.proxy_headers = {k: v for k, v in (params.get("proxy_headers") or {}).items() if v}
    connection.impersonate_user = params.get("impersonate_user") or connection.impersonate_user
    connection.impersonate_groups = list(params.get("impersonate_groups") or connection.impersonate_groups)
    if "://" not in connection.server:
        connection.server = "https://" + connection.server


def _from_kubeconfig(given: str | dict[str, Any] | None, context: str | None, env: Mapping[str, str]) -> Connection:
    if isinstance(given, dict):
        return _from_config(given, context, "the given kubeconfig")
    paths = _paths(given, env)
    if not paths:
        if env.get("KUBERNETES_SERVICE_HOST") and (SERVICE_ACCOUNT / "token").is_file():
            return _in_cluster(env)
        raise ConfigError("no way to reach a cluster: set `kubeconfig`, `host`, KUBECONFIG or ~/.kube/config")
    merged: dict[str, Any] = {}
    for path in paths:
        _merge(merged, _parse(path), str(path.absolute().parent))
    return _from_config(merged, context, os.pathsep.join(map(str, paths)))


def _paths(given: str | None, env: Mapping[str, str]) -> list[Path]:
    """The file that was asked for, which must be there; else those of the environment that are."""
    if given:
        path = Path(given).expanduser()
        if not path.is_file():
            raise ConfigError(
                f"kubeconfig {path} does not exist; create the cluster first or set `kubeconfig` to its file"
            )
        return [path]
    named = (env.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep)
    paths = [Path(text).expanduser() for text in named if text]
    return [path for path in paths if path.is_file()]


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"kubeconfig {path} cannot be read: {exc}") from exc
    try:
        data = json.loads(text)  # ours are JSON, and read in a tenth of the time
    except ValueError:
        data = _parse_yaml(text, path)
    if not isinstance(data, dict):
        raise ConfigError(f"kubeconfig {path} is not a mapping")
    return data


def _parse_yaml(text: str, path: Path) -> Any:
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"kubeconfig {path}{where} is not YAML") from exc


def _merge(into: dict[str, Any], data: dict[str, Any], folder: str) -> None:
    """As kubectl merges: the first file that names something wins; relative paths belong to the file that has them."""
    for section, inner in SECTIONS.items():
        known = {entry.get("name") for entry in into.setdefault(section, [])}
        for entry in data.get(section) or []:
            if isinstance(entry, dict) and entry.get("name") not in known:
                into[section].append({**entry, inner: {**(entry.get(inner) or {}), FOLDER: folder}})
    if data.get("current-context") and not into.get("current-context"):
        into["current-context"] = data["current-context"]


def _entry(config: dict[str, Any], section: str, name: str | None, source: str) -> dict[str, Any]:
    inner = SECTIONS[section]
    for entry in config.get(section) or []:
        if entry.get("name") == name:
            return entry.get(inner) or {}
    known = ", ".join(sorted(str(entry.get("name")) for entry in config.get(section) or [])) or "none"
    raise ConfigError(f"{source}: no {inner} named {name!r} (there are: {known})")


def _from_config(config: dict[str, Any], context: str | None, source: str) -> Connection:
    name = context or config.get("current-context")
    if not name:
        raise ConfigError(f"{source}: current-context is empty; set `context`")
    chosen = _entry(config, "contexts", name, source)
    cluster = _entry(config, "clusters", chosen.get("cluster"), source)
    user = _entry(config, "users", chosen["user"], source) if chosen.get("user") else {}
    if not cluster.get("server"):
        raise ConfigError(f"{source}: cluster {chosen.get('cluster')!r} has no server")
    connection = Connection(
        server=cluster["server"],
        ca=_pem(cluster, "certificate-authority", source),
        cert=_pem(user, "client-certificate", source),
        key=_pem(user, "client-key", source),
        token=user.get("token"),
        username=user.get("username"),
        password=user.get("password"),
        verify=not cluster.get("insecure-skip-tls-verify", False),
        tls_server_name=cluster.get("tls-server-name"),
        proxy=cluster.get("proxy-url"),
        impersonate_user=user.get("as"),
        impersonate_groups=list(user.get("as-groups") or []),
        source=source,
    )
    if user.get("tokenFile"):
        connection.token_file = str(_folder(user) / user["tokenFile"])
    if user.get("exec") is not None:
        connection.exec_plugin = {**user["exec"], FOLDER: str(_folder(user))}
        if user["exec"].get("provideClusterInfo"):
            connection.exec_cluster = {k: v for k, v in cluster.items() if k != FOLDER}
    if user.get("auth-provider") and not (connection.token or connection.exec_plugin or connection.cert):
        raise ConfigError(f"{source}: auth-provider was removed from Kubernetes 1.26; use an exec plugin or a token")
    return connection


def _folder(entry: dict[str, Any]) -> Path:
    return Path(entry.get(FOLDER) or ".")


def _pem(entry: dict[str, Any], name: str, source: str) -> bytes | None:
    data = entry.get(name + "-data")
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise ConfigError(f"{source}: {name}-data is not base64") from exc
    return read_file(_folder(entry) / entry[name], name) if entry.get(name) else None


def _in_cluster(env: Mapping[str, str]) -> Connection:
    host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    return Connection(
        server=f"https://{host}:{port}",
        ca=read_file(SERVICE_ACCOUNT / "ca.crt", "service account CA"),
        token_file=str(SERVICE_ACCOUNT / "token"),
        source="the pod's service account",
    )
