# Copyright (c) 2026 GreenLang. All rights reserved.
"""The real sealed-secrets controller. Where nodes are simulated nothing runs in its pod: then it runs on this machine, in its account.

The collection is imported by fixtures, not above: pytest-ansible takes over importing it after this file was read.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.integration.secrets.controller import running


@pytest.fixture(scope="session")
def client(kubeconfig: pathlib.Path):
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

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
    work, state = tmp_path_factory.mktemp("controller"), pathlib.Path(kubectl).parents[1]
    install(client, kubeconfig, state, work)
    with running(client, kubeconfig, state, work) as address:
        yield address


def install(client, kubeconfig: pathlib.Path, state: pathlib.Path, work: pathlib.Path) -> None:
    """The chart, by the role, as on every cluster: with its rights, and a Deployment whose pod is only simulated."""
    values = {
        "platform_environment": "local",
        "controllers_helm_binary": str(state / "bin" / "helm"),
        "controllers_cache_dir": str(work / "cache"),
        "controllers_sealed_secrets_chart": {"chart": str(state / "files" / "sealed-secrets" / "chart")},
        "controllers_sealed_secrets_alerts_namespace": "",
        "controllers_cert_manager_enabled": False,
        "controllers_wait": False,
    }
    role = {"ansible.builtin.include_role": {"name": "greenlang.vcci.controllers"}}
    shared = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
    defaults = {"greenlang.vcci.applyset": {"kubeconfig": str(kubeconfig)}}
    results, said = play(work / "play.json", [role], vars=values, vars_files=shared, module_defaults=defaults)
    assert not any(result.get("failed") for result in results), said
    assert client.get("apps/v1", "Deployment", "sealed-secrets-controller", "kube-system") is not None


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
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing

    deadline = time.monotonic() + 60
    while not (found := client.list("v1", "Secret", "kube-system", label_selector=_sealing.KEY_LABEL)):
        assert time.monotonic() < deadline, "the controller made no sealing key"
        time.sleep(0.2)
    return found
