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
import subprocess
from dataclasses import dataclass, field

from ..errors import ConfigError

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
EXEC_TIMEOUT = 120


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
    proxy_headers: dict = field(default_factory=dict)
    no_proxy: str | None = None
    impersonate_user: str | None = None
    impersonate_groups: list = field(default_factory=list)
    exec_plugin: dict | None = None
    exec_cluster: dict | None = None
    source: str = "the arguments"


def load(params: dict, environ: dict | None = None) -> Connection:
    """The connection that module arguments (names as in kubernetes.core) and the environment describe."""
    env = dict(os.environ) if environ is None else environ
    kubeconfig, context = params.get("kubeconfig"), params.get("context")
    if kubeconfig is None and context is None and params.get("host"):
        conn = Connection(server=params["host"])
    else:
        conn = _from_kubeconfig(kubeconfig, context, env)
    return _override(conn, params)


def _override(conn: Connection, params: dict) -> Connection:
    if params.get("host"):
        conn.server = params["host"]
    if params.get("api_key"):
        # Whoever gives a token means to be that user: a server would take the kubeconfig's certificate first.
        conn.token, conn.exec_plugin, conn.token_file, conn.cert, conn.key = params["api_key"], None, None, None, None
    if params.get("username"):
        conn.username, conn.password = params["username"], params.get("password") or ""
    for name, attribute in (("ca_cert", "ca"), ("client_cert", "cert"), ("client_key", "key")):
        if params.get(name):
            setattr(conn, attribute, _read(params[name], name))
    if params.get("validate_certs") is not None:
        conn.verify = bool(params["validate_certs"])
    if params.get("tls_server_name"):
        conn.tls_server_name = params["tls_server_name"]
    if params.get("proxy"):
        conn.proxy = params["proxy"]
    if params.get("no_proxy"):
        conn.no_proxy = params["no_proxy"]
    conn.proxy_headers = {k: v for k, v in (params.get("proxy_headers") or {}).items() if v}
    conn.impersonate_user = params.get("impersonate_user") or conn.impersonate_user
    conn.impersonate_groups = list(params.get("impersonate_groups") or conn.impersonate_groups)
    if "://" not in conn.server:
        conn.server = "https://" + conn.server
    return conn


def _from_kubeconfig(kubeconfig: str | dict | None, context: str | None, env: dict) -> Connection:
    if isinstance(kubeconfig, dict):
        return _from_config(kubeconfig, context, ".", "the given kubeconfig")
    if kubeconfig:
        paths = [os.path.expanduser(str(kubeconfig))]
        if not os.path.isfile(paths[0]):
            raise ConfigError(f"kubeconfig {paths[0]} does not exist; create the cluster first or set `kubeconfig` to its file")
    else:
        named = env.get("KUBECONFIG") or os.path.join(os.path.expanduser("~"), ".kube", "config")
        paths = [os.path.expanduser(p) for p in named.split(os.pathsep) if p and os.path.isfile(os.path.expanduser(p))]
    if not paths:
        if env.get("KUBERNETES_SERVICE_HOST") and os.path.isfile(f"{SERVICE_ACCOUNT}/token"):
            return _in_cluster(env)
        raise ConfigError("no way to reach a cluster: set `kubeconfig`, `host`, KUBECONFIG or ~/.kube/config")
    merged: dict = {}
    for path in paths:
        _merge(merged, _parse(path), os.path.dirname(os.path.abspath(path)))
    return _from_config(merged, context, None, os.pathsep.join(paths))


def _parse(path: str) -> dict:
    try:
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"kubeconfig {path} cannot be read: {exc}") from exc
    try:
        data = json.loads(text)
    except ValueError:
        import yaml  # only kubeconfigs written by hand or by kubectl need it

        try:
            data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as exc:
            mark = getattr(exc, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            raise ConfigError(f"kubeconfig {path}{where} is not YAML") from exc
    if not isinstance(data, dict):
        raise ConfigError(f"kubeconfig {path} is not a mapping")
    return data


def _merge(into: dict, data: dict, folder: str) -> None:
    """As kubectl merges: the first file that names something wins; relative paths belong to the file that has them."""
    for section, inner in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
        known = {entry.get("name") for entry in into.setdefault(section, [])}
        for entry in data.get(section) or []:
            if isinstance(entry, dict) and entry.get("name") not in known:
                into[section].append({**entry, inner: {**(entry.get(inner) or {}), "__folder": folder}})
    if data.get("current-context") and not into.get("current-context"):
        into["current-context"] = data["current-context"]


def _entry(config: dict, section: str, inner: str, name: str | None, source: str) -> dict:
    for entry in config.get(section) or []:
        if entry.get("name") == name:
            return entry.get(inner) or {}
    known = ", ".join(sorted(str(e.get("name")) for e in config.get(section) or [])) or "none"
    raise ConfigError(f"{source}: no {inner} named {name!r} (there are: {known})")


def _from_config(config: dict, context: str | None, folder: str | None, source: str) -> Connection:
    name = context or config.get("current-context")
    if not name:
        raise ConfigError(f"{source}: current-context is empty; set `context`")
    chosen = _entry(config, "contexts", "context", name, source)
    cluster = _entry(config, "clusters", "cluster", chosen.get("cluster"), source)
    user = _entry(config, "users", "user", chosen.get("user"), source) if chosen.get("user") else {}
    if not cluster.get("server"):
        raise ConfigError(f"{source}: cluster {chosen.get('cluster')!r} has no server")
    conn = Connection(
        server=cluster["server"],
        ca=_pem(cluster, "certificate-authority", folder, source),
        cert=_pem(user, "client-certificate", folder, source),
        key=_pem(user, "client-key", folder, source),
        token=user.get("token"),
        username=user.get("username"),
        password=user.get("password"),
        verify=not cluster.get("insecure-skip-tls-verify", False),
        tls_server_name=cluster.get("tls-server-name"),
        proxy=cluster.get("proxy-url"),
        impersonate_user=user.get("as"),
        impersonate_groups=list(user.get("as-groups") or []),
        exec_plugin=user.get("exec"),
        source=source,
    )
    if user.get("tokenFile"):
        conn.token_file = os.path.join(user.get("__folder") or folder or ".", user["tokenFile"])
    if user.get("auth-provider") and not (conn.token or conn.exec_plugin or conn.cert):
        raise ConfigError(f"{source}: auth-provider was removed from Kubernetes 1.26; use an exec plugin or a token")
    if conn.exec_plugin is not None:
        conn.exec_plugin = {**conn.exec_plugin, "__folder": user.get("__folder") or folder or "."}
        if conn.exec_plugin.get("provideClusterInfo"):
            conn.exec_cluster = {k: v for k, v in cluster.items() if not k.startswith("__")}
    return conn


def _pem(entry: dict, name: str, folder: str | None, source: str) -> bytes | None:
    data = entry.get(name + "-data")
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise ConfigError(f"{source}: {name}-data is not base64") from exc
    path = entry.get(name)
    return _read(os.path.join(entry.get("__folder") or folder or ".", path), name) if path else None


def _read(path: str, what: str) -> bytes:
    try:
        with open(os.path.expanduser(path), "rb") as handle:
            return handle.read()
    except OSError as exc:
        raise ConfigError(f"{what} {path} cannot be read: {exc.strerror}") from exc


def _in_cluster(env: dict) -> Connection:
    host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    return Connection(
        server=f"https://{host}:{port}",
        ca=_read(f"{SERVICE_ACCOUNT}/ca.crt", "service account CA"),
        token_file=f"{SERVICE_ACCOUNT}/token",
        source="the pod's service account",
    )


def run_exec_plugin(spec: dict, cluster: dict | None = None) -> dict:
    """The credential that an exec plugin prints: {token} or {clientCertificateData, clientKeyData}, maybe an expiry."""
    command = spec.get("command") or ""
    if os.path.dirname(command) and not os.path.isabs(command):
        command = os.path.join(spec.get("__folder") or ".", command)
    info: dict = {"apiVersion": spec.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
    if cluster is not None:
        info["spec"]["cluster"] = cluster
    env = {**os.environ, **{e["name"]: e["value"] for e in spec.get("env") or []}, "KUBERNETES_EXEC_INFO": json.dumps(info)}
    try:
        done = subprocess.run(
            [command, *(spec.get("args") or [])], env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=EXEC_TIMEOUT, check=False
        )
    except FileNotFoundError as exc:
        hint = spec.get("installHint") or "install it or use another credential"
        raise ConfigError(f"exec plugin {spec.get('command')} is not installed: {hint}") from exc
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ConfigError(f"exec plugin {spec.get('command')} could not be run: {exc}") from exc
    if done.returncode != 0:
        tail = done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise ConfigError(f"exec plugin {spec.get('command')} failed with {done.returncode}: {' | '.join(tail)}")
    try:
        status = json.loads(done.stdout)["status"]
    except (ValueError, KeyError, TypeError) as exc:
        raise ConfigError(f"exec plugin {spec.get('command')} printed no ExecCredential") from exc
    return status or {}
