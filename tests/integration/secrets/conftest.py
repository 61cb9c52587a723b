# Copyright (c) 2026 GreenLang. All rights reserved.
"""The real sealed-secrets controller. Where nodes are simulated nothing runs in its pod: then it runs on this machine, in its account.

The collection is imported by fixtures, not above: pytest-ansible takes over importing it after this file was read.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import yaml

from tests.conftest import ROOT

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


@pytest.fixture(scope="session")
def client(kubeconfig: pathlib.Path):
    from ansible_collections.greenlang.vcci.plugins.module_utils.client import Client

    made = Client.from_params({"kubeconfig": str(kubeconfig)})
    yield made
    made.close()


@pytest.fixture
def namespace(client) -> Iterator[str]:
    name = f"secrets-{uuid.uuid4().hex[:8]}"
    client.request("POST", "/api/v1/namespaces", body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    client.request("DELETE", f"/api/v1/namespaces/{name}")


def play(path: pathlib.Path, tasks: list, *flags: str, environment: dict | None = None, **more) -> tuple[list[dict], str]:
    """Run tasks in a play of their own; the result of each, and everything that was said."""
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks, **more}]))
    done = subprocess.run(
        [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(path), *flags],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "{\n" in done.stdout, said
    report = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{\n") :])[0]
    return [task["hosts"]["localhost"] for one in report["plays"] for task in one["tasks"] if "localhost" in task["hosts"]], said


@pytest.fixture(scope="session")
def controller(client, kubeconfig: pathlib.Path, kubectl: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    """Runs while tests do; where its HTTP server answers, when it runs on this machine."""
    deployment = client.get("apps/v1", "Deployment", "sealed-secrets-controller", "kube-system")
    nodes = client.list("v1", "Node")
    simulated = any("kwok.x-k8s.io/node" in (node["metadata"].get("annotations") or {}) for node in nodes)
    if deployment is not None and not simulated:
        yield None
        return
    work = tmp_path_factory.mktemp("controller")
    state = pathlib.Path(kubectl).parents[1]
    install(client, kubeconfig, state, work)
    server = urlsplit(client.server)
    token = client.request("POST", f"{ACCOUNT}/token", body={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
    cluster = yaml.safe_load(pathlib.Path(kubeconfig).read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    account = work / "account"
    account.mkdir(mode=0o700)
    (account / "token").write_text(token["status"]["token"])
    (account / "namespace").write_text("kube-system")
    (account / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    port, metrics = free_port(), free_port()
    unshare = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "--propagation", "private"]
    program = [str(state / "bin" / "sealed-secrets-controller"), "--key-renew-period", "0", "--key-size", "2048", "--update-status"]
    program += ["--listen-addr", f"127.0.0.1:{port}", "--listen-metrics-addr", f"127.0.0.1:{metrics}", "--max-unseal-retries", "20"]
    program += ["--kubeclient-qps", "-1", "--rate-limit", "1000", "--rate-limit-burst", "1000"]
    with open(work / "log", "wb") as log:
        process = subprocess.Popen(
            [*unshare, "sh", "-c", START, "sh", str(account), *program],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                "KUBERNETES_SERVICE_HOST": str(server.hostname),
                "KUBERNETES_SERVICE_PORT": str(server.port),
                "PATH": os.environ["PATH"],
                "POD_NAMESPACE": "kube-system",
            },
        )
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while status(f"{address}/healthz") != 200:
            assert process.poll() is None, (work / "log").read_text()
            assert time.monotonic() < deadline, (work / "log").read_text()
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def install(client, kubeconfig: pathlib.Path, state: pathlib.Path, work: pathlib.Path) -> None:
    """The chart, by the role, as on every cluster: with its rights, and a Deployment whose pod is only simulated."""
    values = {
        "platform_environment": "local",
        "controllers_helm_binary": str(state / "bin" / "helm"),
        "controllers_cache_dir": str(work / "cache"),
        "controllers_sealed_secrets_chart": {"chart": str(state / "files" / "sealed-secrets" / "chart")},
        "controllers_cert_manager_enabled": False,
        "controllers_wait": False,
    }
    role = {"ansible.builtin.include_role": {"name": "greenlang.vcci.controllers"}}
    shared = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
    defaults = {"greenlang.vcci.applyset": {"kubeconfig": str(kubeconfig)}}
    results, said = play(work / "play.json", [role], vars=values, vars_files=shared, module_defaults=defaults)
    assert not any(result.get("failed") for result in results), said
    assert client.get("apps/v1", "Deployment", "sealed-secrets-controller", "kube-system") is not None


def free_port() -> int:
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def status(url: str, body: bytes | None = None) -> int:
    """The HTTP status of a GET, or of a POST of this body; 0 without an answer."""
    try:
        with urllib.request.urlopen(url, data=body, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as exc:
        return exc.code
    except OSError:
        return 0


@pytest.fixture(scope="session")
def kubeseal(kubectl: pathlib.Path):
    """kubeseal as a function: arguments, standard input; its output."""

    def run(*arguments: str, given: str) -> str:
        program = pathlib.Path(kubectl).with_name("kubeseal")
        done = subprocess.run([str(program), *arguments], input=given, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def sealing_keys(client, controller: str | None) -> list[dict]:
    """The controller's keys, as the Secrets that they are."""
    from ansible_collections.greenlang.vcci.plugins.module_utils import _sealing

    deadline = time.monotonic() + 60
    while not (found := client.list("v1", "Secret", "kube-system", label_selector=_sealing.KEY_LABEL)):
        assert time.monotonic() < deadline, "the controller made no sealing key"
        time.sleep(0.2)
    return found
