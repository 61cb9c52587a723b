# Copyright (c) 2026 GreenLang. All rights reserved.
"""tier_quota in a real playbook against the real API server, with tenants of the test's own."""
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

ROOT = pathlib.Path(__file__).resolve().parents[3]
COLLECTIONS = ROOT / "collections"
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))


@pytest.fixture
def client(kubeconfig):
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

    made = Client.from_params({"kubeconfig": str(kubeconfig)})
    yield made
    made.close()


@pytest.fixture
def prefix(client):
    """Begins every tenant id of the test; their namespaces and the sets' records go at the end."""
    name = "t" + uuid.uuid4().hex[:8]
    yield name
    for namespace in client.list("v1", "Namespace", label_selector="tenant"):
        if namespace["metadata"]["name"].startswith(f"vcci-tenant-{name}"):
            client.request("DELETE", f"/api/v1/namespaces/{namespace['metadata']['name']}")
    for record in client.list("v1", "ConfigMap", "default"):
        if record["metadata"]["name"].startswith(name):
            client.request("DELETE", f"/api/v1/namespaces/default/configmaps/{record['metadata']['name']}")


@pytest.fixture
def quota(tmp_path, kubeconfig, prefix):
    """Run tier_quota, or its twin, with these options; its result, failed or not. `kill_when` is asked until it says that the run is to die."""

    def run(*arguments, module="tier_quota", timeout=180, kill_when=None, **options):
        named = {"name": prefix} if module == "tier_quota" else {"namespace": "default"}
        task = {"name": "Run", f"greenlang.vcci.{module}": {**named, **options}, "register": "result", "ignore_errors": True}
        keep = {"name": "Keep", "ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": str(tmp_path / "result.json")},
                "check_mode": False, "diff": False, "no_log": True}
        play = [{"name": "Test", "hosts": "localhost", "gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable},
                 "module_defaults": {"group/greenlang.vcci.k8s": {"kubeconfig": str(kubeconfig)}}, "tasks": [task, keep]}]
        (tmp_path / "play.yml").write_text(yaml.safe_dump(play, sort_keys=False))
        command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "play.yml", "-i", "localhost,", "-c", "local", *arguments]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
        if kill_when:
            with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, env=environment, start_new_session=True) as process:
                while not kill_when():
                    assert process.poll() is None, "it ended before it could be killed"
                os.killpg(process.pid, signal.SIGKILL)
            return None
        done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=False, timeout=timeout, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads((tmp_path / "result.json").read_text())

    return run


class Playbooks:
    """The collection's own playbooks on the cluster under test."""

    def __init__(self, folder: pathlib.Path, kubeconfig: pathlib.Path, client) -> None:
        self.folder, self.client = folder, client
        self.common = {"cluster_kubeconfig": str(kubeconfig), "platform_environment": "tenants", "platform_domain": "platform.example",
                       "ansible_python_interpreter": sys.executable}
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"platform": {"ansible_connection": "local"}}}}))

    def run(self, name: str, *arguments: str, fails: bool | None = False, tags: str = "all", **options: object):
        """Run a playbook; `fails` says whether it must, None either way."""
        (self.folder / "vars.json").write_text(json.dumps({**self.common, **options}))
        command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), f"playbooks/{name}.yml", "-i", str(self.folder / "hosts.yml"),
                   "-e", f"@{self.folder / 'vars.json'}", "--tags", tags, *arguments]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
        done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300, env=environment)
        assert fails is None or (done.returncode != 0) is fails, done.stdout
        return types.SimpleNamespace(text=done.stdout, changed=" changed=0 " not in done.stdout, failed=done.returncode != 0)


@pytest.fixture(scope="module")
def site(kubeconfig, tmp_path_factory):
    """Playbooks, on a cluster that says it is theirs; the admission policies go at the end, since they are the cluster's."""
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

    made = Client.from_params({"kubeconfig": str(kubeconfig)})
    identity = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vcci-cluster-identity", "namespace": "kube-system"},
                "data": {"environment": "tenants"}}
    apply_set(made, [identity, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "vcci-platform"}}], ApplyOptions(name=None))
    yield Playbooks(tmp_path_factory.mktemp("site"), kubeconfig, made)
    delete_set(made, (), ApplyOptions(name="tenant-admission", namespace="vcci-platform"))
    for namespace in made.list("v1", "Namespace", label_selector="tenant"):
        if namespace["metadata"]["name"].endswith("-life"):
            made.request("DELETE", f"/api/v1/namespaces/{namespace['metadata']['name']}")
    made.request("DELETE", "/api/v1/namespaces/vcci-platform")
    made.close()
