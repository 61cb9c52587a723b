# Copyright (c) 2026 GreenLang. All rights reserved.
"""The sealed-secrets controller on this machine, for clusters of simulated nodes; and what its HTTP server says."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import yaml

from tests.helpers import Client, eventually

PROGRAM = b"/sealed-secrets-controller"
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

        eventually(ready, 120, (work / "log").read_text)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def status(url: str, body: bytes | None = None) -> int:
    """The HTTP status of a GET, or of a POST of this body; 0 without an answer."""
    try:
        with urllib.request.urlopen(url, data=body, timeout=10) as answer:
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
