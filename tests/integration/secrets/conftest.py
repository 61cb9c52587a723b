# Copyright (c) 2026 GreenLang. All rights reserved.
"""The real sealed-secrets controller.

Where nodes are simulated nothing runs in its pod: then it runs on this machine, in its account.
"""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto

from tests.helpers import PATIENCE, ROOT, Client, connect, eventually, play
from tests.integration.secrets.controller import running


@pytest.fixture(scope="session")
def controller(
    kubeconfig: pathlib.Path, programs: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str | None]:
    """Runs while tests do; where its HTTP server answers, when it runs on this machine."""
    with contextlib.closing(connect(kubeconfig)) as client:
        deployment = client.get("apps/v1", "Deployment", "sealed-secrets-controller", "kube-system")
        annotations = [node["metadata"].get("annotations") or {} for node in client.list("v1", "Node")]
        if deployment is not None and not any("kwok.x-k8s.io/node" in each for each in annotations):
            yield None
            return
        work, state = tmp_path_factory.mktemp("controller"), programs.parent
        install(client, kubeconfig, state, work)
        with running(client, kubeconfig, state, work) as address:
            yield address


def install(client: Client, kubeconfig: pathlib.Path, state: pathlib.Path, work: pathlib.Path) -> None:
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
    results, said = play(work, [role], vars=values, vars_files=shared, module_defaults=defaults)
    assert not any(result.get("failed") for result in results), said
    assert client.get("apps/v1", "Deployment", "sealed-secrets-controller", "kube-system") is not None


@pytest.fixture(scope="session")
def kubeseal(programs: pathlib.Path) -> Callable[..., str]:
    """kubeseal as a function: arguments, standard input; its output."""

    def run(*arguments: str, given: str) -> str:
        command = [str(programs / "kubeseal"), *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def sealing_keys(kubeconfig: pathlib.Path, controller: str | None) -> list[dict]:
    """The controller's keys, as the Secrets that they are."""
    with contextlib.closing(connect(kubeconfig)) as client:

        def listed() -> list[dict]:
            return client.list("v1", "Secret", "kube-system", label_selector=crypto.KEY_LABEL)

        return eventually(listed, "the controller made no sealing key")
