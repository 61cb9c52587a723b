# Copyright (c) 2026 GreenLang. All rights reserved.
"""The plugins and playbooks of tenants and tiers against the real API server, with tenants of the test's own."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import types
import uuid

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set

from tests.helpers import ROOT, TOOLS, Client, ansible, connect, play, written

FLOWS = "/apis/flowcontrol.apiserver.k8s.io/v1"


@pytest.fixture
def prefix(client):
    """Begins every tenant id of the test; their namespaces and the sets' records go at the end."""
    name = "t" + uuid.uuid4().hex[:8]
    yield name
    for namespace in client.list("v1", "Namespace", label_selector="tenant"):
        if namespace["metadata"]["name"].startswith(f"vcci-tenant-{name}"):
            client.request("DELETE", f"/api/v1/namespaces/{namespace['metadata']['name']}")
    for schema in client.list("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"):
        if schema["metadata"]["name"].startswith(f"vcci-{name}"):
            client.request("DELETE", f"{FLOWS}/flowschemas/{schema['metadata']['name']}")
    for record in client.list("v1", "ConfigMap", "default"):
        if record["metadata"]["name"].startswith(name):
            client.request("DELETE", f"/api/v1/namespaces/default/configmaps/{record['metadata']['name']}")


@pytest.fixture
def quota(tmp_path, kubeconfig, prefix, module):
    """Run a plugin with these options; its result, failed or not.

    `kill_when` is asked until it says that the run is to die.
    """

    def run(*flags, called="tenants", kill_when=None, **options):
        named = {"name": prefix} if called in ("tenants", "tier_quota") else {"namespace": "default"}
        options = {"kubeconfig": str(kubeconfig), **named, **options}
        if not flags and not kill_when:
            return module(called, **options)
        task = {f"greenlang.vcci.{called}": options, "ignore_errors": True}
        if kill_when:
            return killed(written(tmp_path, [task]), kill_when)
        results, _said = play(tmp_path, [task], *flags)
        return results[0]

    return run


def killed(arguments, when):
    """Run a play until it is to die."""
    with subprocess.Popen(
        [str(TOOLS / "ansible-playbook"), *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        while not when():
            assert process.poll() is None, "it ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)


class Playbooks:
    """The collection's own playbooks on the cluster under test."""

    def __init__(self, folder: pathlib.Path, kubeconfig: pathlib.Path, client: Client) -> None:
        self.folder, self.client = folder, client
        self.common = {
            "cluster_kubeconfig": str(kubeconfig),
            "platform_environment": "tenants",
            "platform_domain": "platform.example",
            "ansible_python_interpreter": sys.executable,
        }
        hosts = {"all": {"hosts": {"platform": {"ansible_connection": "local"}}}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))

    def run(self, name: str, *arguments: str, fails: bool | None = False, tags: str = "all", **options: object):
        """Run a playbook; `fails` says whether it must, None either way."""
        (self.folder / "vars.json").write_text(json.dumps({**self.common, **options}))
        given = ["-i", str(self.folder / "hosts.yml"), "-e", f"@{self.folder / 'vars.json'}", "--tags", tags]
        settings = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
        done = ansible("ansible-playbook", f"playbooks/{name}.yml", *given, *arguments, environment=settings)
        failed = done.returncode != 0
        assert fails is None or failed is fails, done.stdout
        return types.SimpleNamespace(text=done.stdout, changed=" changed=0 " not in done.stdout, failed=failed)


@pytest.fixture(scope="module")
def site(kubeconfig, tmp_path_factory):
    """Playbooks, on a cluster that says it is theirs; admission policies, which are the cluster's, go at the end."""
    made = connect(kubeconfig)
    identity = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "vcci-cluster-identity", "namespace": "kube-system"},
        "data": {"environment": "tenants"},
    }
    platform = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "vcci-platform"}}
    apply_set(made, [identity, platform], ApplyOptions(name=None, force_conflicts=True))  # the cluster has its own
    yield Playbooks(tmp_path_factory.mktemp("site"), kubeconfig, made)
    delete_set(made, None, ApplyOptions(name="tenant-admission", namespace="vcci-platform", prune_limit=-1))
    for namespace in made.list("v1", "Namespace", label_selector="tenant"):
        if namespace["metadata"]["name"].endswith("-life"):
            made.request("DELETE", f"/api/v1/namespaces/{namespace['metadata']['name']}")
    made.request("DELETE", "/api/v1/namespaces/vcci-platform")
    made.close()
