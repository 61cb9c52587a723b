# Copyright (c) 2026 GreenLang. All rights reserved.
"""A client, an own namespace for every test, and kubectl as the outside world."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import uuid

import pytest

COLLECTIONS = str(pathlib.Path(__file__).resolve().parents[3] / "collections")
if COLLECTIONS not in sys.path:
    sys.path.insert(0, COLLECTIONS)


@pytest.fixture
def client(kubeconfig):
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

    made = Client.from_params({"kubeconfig": str(kubeconfig)})
    yield made
    made.close()


@pytest.fixture
def run_kubectl(kubeconfig, kubectl):
    """kubectl as a function: arguments, maybe standard input; its output. Fails the test when kubectl fails."""

    def run(*arguments, stdin=None, check=True):
        text = json.dumps(stdin) if isinstance(stdin, (dict, list)) else stdin
        done = subprocess.run(
            [str(kubectl), "--kubeconfig", str(kubeconfig), *arguments],
            input=text,
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
            env={**os.environ, "KUBECTL_APPLYSET": "true"},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout if check else done

    return run


@pytest.fixture
def namespace(client):
    """A namespace of this test's own, deleted (not awaited) at its end."""
    name = "as-" + uuid.uuid4().hex[:10]
    client.request("POST", "/api/v1/namespaces", body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    client.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def apply(client, namespace):
    """apply_set() of the set `s` recorded in the test's namespace."""
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set

    def run(objects, **options):
        options = {"name": "s", "namespace": namespace, **options}
        return apply_set(options.pop("client", client), objects, ApplyOptions(**options))

    return run
