# Copyright (c) 2026 GreenLang. All rights reserved.
"""cert-manager as role controllers installs it, where nodes are simulated.

Its three programs run on this machine, with the arguments and the rights of their pods.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
from collections.abc import Iterator

import yaml

from tests.helpers import PATIENCE, ROOT, Client, play

NAMESPACE = "cert-manager"
ROLE = {"ansible.builtin.include_role": {"name": "greenlang.vcci.controllers"}}
DEPLOYMENTS = {"controller": "cert-manager", "cainjector": "cert-manager-cainjector", "webhook": "cert-manager-webhook"}
CORE = f"/api/v1/namespaces/{NAMESPACE}"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"


def install(kubeconfig: pathlib.Path, state: pathlib.Path, work: pathlib.Path, **more: object) -> list[dict]:
    """Run the role for cert-manager alone, with these variables; the results of its tasks that wrote or would have."""
    values = {
        "platform_environment": "local",
        "controllers_helm_binary": str(state / "bin" / "helm"),
        "controllers_cache_dir": str(work / "cache"),
        "controllers_cert_manager_chart": {"chart": f"{state}/files/cert-manager/chart", "version": "v1.21.2"},
        "controllers_cert_manager_image": "docker.io/greenlang/cert-manager:1.21.2",
        "controllers_cert_manager_values": {"webhook": {"replicaCount": 0}},  # simulated pods would answer nothing
        "controllers_sealed_secrets_enabled": False,
        "controllers_ingress": "none",
        "controllers_wait": False,
        **more,
    }
    shared = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
    defaults = {"greenlang.vcci.applyset": {"kubeconfig": str(kubeconfig)}}
    results, said = play(work, [ROLE], vars=values, vars_files=shared, module_defaults=defaults)
    assert not any(result.get("failed") for result in results), said
    return [result for result in results if result.get("changed")]


@contextlib.contextmanager
def running(client: Client, kubeconfig: pathlib.Path, programs: pathlib.Path, work: pathlib.Path) -> Iterator[None]:
    """The three programs, each in the account of its Deployment; the API server asks the webhook."""
    with contextlib.ExitStack() as stack:
        ports = {name: free_ports(3) for name in DEPLOYMENTS}
        for name, deployment in DEPLOYMENTS.items():
            spec = client.get("apps/v1", "Deployment", deployment, NAMESPACE)["spec"]["template"]["spec"]
            config = kubeconfig_of(client, kubeconfig, spec["serviceAccountName"], work)
            given = [text.replace("$(POD_NAMESPACE)", NAMESPACE) for text in spec["containers"][0]["args"]]
            mine = [f"--kubeconfig={config}", *listening(name, *ports[name])]
            stack.enter_context(started([str(programs / "cert-manager"), *given, *mine], work / f"{name}.log"))
        stack.enter_context(answering(client, ports["webhook"][0]))
        yield


def listening(name: str, first: int, second: int, third: int) -> list[str]:
    metrics = [f"--metrics-listen-address=127.0.0.1:{third}"]
    return {
        "controller": [f"--internal-healthz-listen-address=127.0.0.1:{first}", *metrics],
        "webhook": [f"--secure-port={first}", f"--healthz-port={second}", *metrics],
        "cainjector": metrics,
    }[name]


def kubeconfig_of(client: Client, kubeconfig: pathlib.Path, account: str, work: pathlib.Path) -> pathlib.Path:
    """A kubeconfig of a ServiceAccount."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = client.request("POST", f"{CORE}/serviceaccounts/{account}/token", body=request)
    made = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    for user in made["users"]:
        user["user"] = {"token": answer["status"]["token"]}
    path = work / f"{account}.kubeconfig"
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


@contextlib.contextmanager
def started(command: list[str], log: pathlib.Path) -> Iterator[None]:
    """A process that ends with the block, and however the tests end."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "POD_NAMESPACE": NAMESPACE},
        )
    try:
        yield
        assert process.poll() is None, log.read_text()[-3000:]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    assert process.returncode == 0, log.read_text()[-3000:]


@contextlib.contextmanager
def answering(client: Client, port: int) -> Iterator[None]:
    """The webhook's Service, which has no pods, leads to this port of this machine."""
    body = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "here", "labels": {"kubernetes.io/service-name": DEPLOYMENTS["webhook"]}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [own_address()]}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }
    client.request("POST", SLICES, body=body)
    yield
    client.request("DELETE", f"{SLICES}/here")


def own_address() -> str:
    """An address of this machine that others reach: an endpoint may have no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent
        return str(probe.getsockname()[0])


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _number in range(count)]
        for one in sockets:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in sockets]
