# Copyright (c) 2026 GreenLang. All rights reserved.
"""tier_quota in a real playbook against the real API server, with tenants of the test's own."""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import uuid

import pytest
import yaml

COLLECTIONS = pathlib.Path(__file__).resolve().parents[3] / "collections"
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))


@pytest.fixture
def client(kubeconfig):
    from ansible_collections.greenlang.vcci.plugins.module_utils.client import Client

    made = Client.from_params({"kubeconfig": str(kubeconfig)})
    yield made
    made.close()


@pytest.fixture
def prefix(client):
    """Begins every tenant id of the test; their namespaces and the set's record go at the end."""
    name = "t" + uuid.uuid4().hex[:8]
    yield name
    for namespace in client.list("v1", "Namespace", label_selector="tenant"):
        if namespace["metadata"]["name"].startswith(f"vcci-tenant-{name}"):
            client.request("DELETE", f"/api/v1/namespaces/{namespace['metadata']['name']}")
    if client.get("v1", "ConfigMap", name, "default"):
        client.request("DELETE", f"/api/v1/namespaces/default/configmaps/{name}")


@pytest.fixture
def quota(tmp_path, kubeconfig, prefix):
    """Run tier_quota with these options; its result, failed or not."""

    def run(*arguments, **options):
        task = {"name": "Converge", "greenlang.vcci.tier_quota": {"name": prefix, **options}, "register": "result", "ignore_errors": True}
        keep = {"name": "Keep", "ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": str(tmp_path / "result.json")},
                "check_mode": False, "diff": False, "no_log": True}
        play = [{"name": "Test", "hosts": "localhost", "gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable},
                 "module_defaults": {"group/greenlang.vcci.k8s": {"kubeconfig": str(kubeconfig)}}, "tasks": [task, keep]}]
        (tmp_path / "play.yml").write_text(yaml.safe_dump(play, sort_keys=False))
        done = subprocess.run(
            [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "play.yml", "-i", "localhost,", "-c", "local", *arguments],
            cwd=tmp_path, text=True, capture_output=True, check=False, timeout=180, env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)})
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads((tmp_path / "result.json").read_text())

    return run
