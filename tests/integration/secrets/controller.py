# Copyright (c) 2026 GreenLang. All rights reserved.
"""The sealed-secrets controller on this machine, for clusters of simulated nodes; and what its HTTP server says."""

from __future__ import annotations

import base64
import contextlib
import datetime
import http.server
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import NotFound
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import MERGE_PATCH
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.keyring import keyring

from tests.helpers import PATIENCE, Client, eventually

PROGRAM = b"/sealed-secrets-controller"
NAME = "sealed-secrets-controller"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices"
ACCOUNT = "/api/v1/namespaces/kube-system/serviceaccounts/sealed-secrets-controller"
# The program takes its account from this fixed place: a mount namespace of its own has one there.
START = """
set -e
mount -t tmpfs none /run
mkdir -p /run/secrets/kubernetes.io
cp -r "$1" /run/secrets/kubernetes.io/serviceaccount
shift
exec "$@"
"""


@contextlib.contextmanager
def running(client: Client, kubeconfig: pathlib.Path, state: pathlib.Path, work: pathlib.Path) -> Iterator[str]:
    """Runs as the ServiceAccount of its chart, which must be applied; the address of its HTTP server.

    `state` is the directory of the cluster.
    """
    server = urlsplit(client.server)
    account = work / "account"
    account.mkdir(mode=0o700)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    (account / "token").write_text(client.request("POST", f"{ACCOUNT}/token", body=request)["status"]["token"])
    (account / "namespace").write_text("kube-system")
    cluster = yaml.safe_load(pathlib.Path(kubeconfig).read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    (account / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    # On the address of the cluster's API server, where nothing else of this machine listens.
    address = f"{server.hostname}:8080"
    # However the tests end: left behind, it would answer at this address in the place of the next run's.
    bound = ["setpriv", "--pdeathsig", "KILL"]
    unshare = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "--propagation", "private"]
    program = [str(state / "bin" / "sealed-secrets-controller"), "--key-renew-period=0", "--key-size=2048"]
    program += [f"--listen-addr={address}", f"--listen-metrics-addr={server.hostname}:8081"]
    program += ["--update-status", "--max-unseal-retries=20"]
    program += ["--kubeclient-qps=-1", "--rate-limit=1000", "--rate-limit-burst=1000"]
    environment = {"KUBERNETES_SERVICE_HOST": str(server.hostname), "KUBERNETES_SERVICE_PORT": str(server.port)}
    with (work / "log").open("wb") as log:
        process = subprocess.Popen(
            [*bound, *unshare, "sh", "-c", START, "sh", str(account), *program],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**environment, "PATH": os.environ["PATH"], "POD_NAMESPACE": "kube-system"},
        )
    try:

        def ready() -> bool:
            assert process.poll() is None, (work / "log").read_text()
            return status(f"http://{address}/healthz") == 200

        eventually(ready, (work / "log").read_text)
        with _service_of(client, f"http://{address}"):
            yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextlib.contextmanager
def _service_of(client: Client, program: str) -> Iterator[None]:
    """Its Service leads to its pod, which is only simulated: meanwhile to the program.

    An endpoint must have an address of this machine that is not for itself alone; else it leads nowhere.
    """
    service = f"/api/v1/namespaces/kube-system/services/{NAME}"
    client.request("PATCH", service, body={"spec": {"selector": None}}, content_type=MERGE_PATCH)
    looks = itertools.count()  # whoever made them may not know yet that there is no selector any more
    eventually(lambda: _leads_nowhere(client) and next(looks) > 1, "the Service still leads to its pod")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # nothing is sent
        address = probe.getsockname()[0]
        if not address.startswith("127."):
            with _relay(address, program) as port:
                client.request("POST", SLICES, body=_slice(address, port, _pod(client, address)))
                yield
            return
    yield


def _leads_nowhere(client: Client) -> bool:
    """Whether it has no endpoints; those that it has are deleted."""
    of_service = {"labelSelector": f"kubernetes.io/service-name={NAME}"}
    found = [f"{SLICES}/{one['metadata']['name']}" for one in client.request("GET", SLICES, query=of_service)["items"]]
    for path in [f"/api/v1/namespaces/kube-system/endpoints/{NAME}", *found]:  # of which others are made again
        with contextlib.suppress(NotFound):
            client.request("DELETE", path)
    return not found


def _pod(client: Client, address: str) -> str:
    """The name of a pod that says it has this address: the API server asks no other. No node ever takes it."""
    pods, spec = (
        "/api/v1/namespaces/kube-system/pods",
        {"schedulerName": "none", "containers": [{"name": "c", "image": "i"}]},
    )
    metadata = {"generateName": f"{NAME}-relay-"}
    name: str = client.request("POST", pods, body={"metadata": metadata, "spec": spec})["metadata"]["name"]
    status = {"status": {"podIP": address, "podIPs": [{"ip": address}]}}
    client.request("PATCH", f"{pods}/{name}/status", body=status, content_type=MERGE_PATCH)
    return name


def _slice(address: str, port: int, pod: str) -> dict[str, Any]:
    target = {"kind": "Pod", "name": pod, "namespace": "kube-system"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"generateName": f"{NAME}-", "labels": {"kubernetes.io/service-name": NAME}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "targetRef": target}],
        "ports": [{"name": "http", "port": port}],
    }


@contextlib.contextmanager
def _relay(address: str, program: str) -> Iterator[int]:
    """A port of this address that answers to GET what the program does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with urllib.request.urlopen(program + self.path, timeout=PATIENCE) as answer:
                self.send_response(answer.status)
                self.end_headers()
                self.wfile.write(answer.read())

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((address, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def newest_certificate(secrets: list[dict]) -> bytes:
    """Of these Secrets with sealing keys, the certificate that new values are sealed with."""
    newest = keyring(secrets).newest(datetime.datetime.now(datetime.UTC))
    return base64.b64decode(newest.secret["data"]["tls.crt"])


def status(url: str, body: bytes | None = None) -> int:
    """The HTTP status of a GET, or of a POST of this body; 0 without an answer."""
    try:
        with urllib.request.urlopen(url, data=body, timeout=PATIENCE) as answer:
            return answer.status
    except urllib.error.HTTPError as exc:
        return exc.code
    except OSError:
        return 0


@contextlib.contextmanager
def paused(address: str) -> Iterator[None]:
    """The program that answers at this address stands still while the block runs."""
    wanted = f"--listen-addr={urlsplit(address).netloc}".encode()
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().split(b"\0")
            found += [int(path.parent.name)] if wanted in line and line[0].endswith(PROGRAM) else []
    [number] = found
    os.kill(number, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(number, signal.SIGCONT)
