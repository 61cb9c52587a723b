# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is asked wrongly of the playbooks is refused by one error that names the field, before anything is changed.

What breaks a run is safe to repeat.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.helpers import PATIENCE, ROOT, STATE, TOOLS, ansible, daemon_pid, eventually, local_cluster

NAME, SUBNET = "refusals", "10.96.0.0/16"
SITE = [
    *("-i", "inventories/local", "-e", f"cluster_local_name={NAME}"),
    *("-e", f"cluster_local_subnet={SUBNET}", "-e", "cluster_local_nodes=none"),
]
EXISTING = "cluster_provider=existing platform_image_registry=registry.example/vcci"


def words(text: str) -> str:
    """A run's output without the line breaks that a callback puts into messages."""
    return " ".join(text.replace("\\n", " ").split())


@pytest.mark.parametrize(
    ("playbook", "variables", "says"),
    [
        ("cluster", {"cluster_provider": "gke"}, "value of cluster_provider must be one of: local, existing, got: gke"),
        ("cluster", {"cluster_local_nodes": "imaginary"}, "value of cluster_local_nodes must be one of"),
        (
            "cluster",
            {"cluster_local_nodes": "real", "cluster_local_pools": [{"name": "compute", "count": 0}]},
            "pools: a cluster needs at least one node",
        ),
        ("cluster", {"cluster_local_pools": "compute"}, "cluster_local_pools"),
        ("cluster", {"cluster_local_subnet": "10.96.0.0/24"}, "subnet: '10.96.0.0/24' is not a /16"),
        ("cluster", {"cluster_provider": "existing"}, "platform_image_registry is not set. Remedy: "),
        (
            "cluster",
            {"cluster_provider": "existing", "cluster_api_server_cidrs": []},
            "cluster_api_server_cidrs is not set. Remedy: ",
        ),
        (
            "cluster",
            {
                "cluster_provider": "existing",
                "platform_image_registry": "registry.example/vcci",
                "cluster_kubeconfig": "/nonexistent/kubeconfig",
            },
            "/nonexistent/kubeconfig",
        ),
        ("apps", {"cluster_kubeconfig": "/nonexistent/kubeconfig"}, "/nonexistent/kubeconfig"),
    ],
)
def test_wrong_variables(playbook: str, variables: dict, says: str) -> None:
    refused = ansible("ansible-playbook", f"playbooks/{playbook}.yml", *SITE, "-e", json.dumps(variables))
    assert refused.returncode != 0
    assert says in words(refused.stdout), refused.stdout
    assert "changed=0" in refused.stdout
    assert "Traceback" not in refused.stdout
    assert not (STATE / NAME / "cluster.json").exists()


def kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    parts = {"cluster": {"server": server}, "user": {"token": "none"}, "context": {"cluster": "it", "user": "it"}}
    lists = {f"{kind}s": [{"name": "it", kind: part}] for kind, part in parts.items()}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "it", **lists}))
    path.chmod(0o600)
    return path


def test_an_unreachable_cluster_is_named(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://127.0.0.1:1")
    refused = ansible("ansible-playbook", "playbooks/cluster.yml", *SITE, "-e", f"{EXISTING} cluster_kubeconfig={path}")
    assert refused.returncode != 0
    assert "https://127.0.0.1:1 does not answer" in words(refused.stdout)
    assert str(path) in words(refused.stdout)
    assert "Traceback" not in refused.stdout


def test_a_kubeconfig_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("{not yaml")
    refused = ansible("ansible-playbook", "playbooks/cluster.yml", *SITE, "-e", f"{EXISTING} cluster_kubeconfig={path}")
    assert refused.returncode != 0
    assert str(path) in words(refused.stdout)
    assert "Traceback" not in refused.stdout


def test_an_inventory_that_is_none() -> None:
    refused = ansible("ansible-playbook", "site.yml", "-i", "inventories/nowhere")
    assert refused.returncode != 0
    assert "inventories/nowhere" in words(refused.stdout)


def test_an_interrupted_run_is_finished_by_the_next() -> None:
    options = json.dumps({"name": NAME, "nodes": "none", "subnet": SUBNET})
    command = [str(TOOLS / "ansible"), "localhost", "-i", "localhost,", "-c", "local"]
    command += ["-m", "greenlang.vcci.local_cluster", "-a", options]
    try:
        for seconds in (0.5, 1.5, 3):  # after the first daemon was started
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
            eventually((STATE / NAME / "supervision").is_dir, "the first daemon is started", every=0.05)
            time.sleep(seconds)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            process.wait(PATIENCE)
        finished = local_cluster(name=NAME, nodes="none", subnet=SUBNET)
        assert finished.returncode == 0, finished.stdout
        assert "SUCCESS" in local_cluster(name=NAME, nodes="none", subnet=SUBNET).stdout
    finally:
        assert local_cluster(name=NAME, state="absent").returncode == 0
    assert not (STATE / NAME).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    options = {"name": NAME, "nodes": "none", "subnet": SUBNET, "state_dir": str(tmp_path / "disk")}
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1400m", "tmpfs", str(disk)], check=True)
    try:
        started = local_cluster(**options)
        assert started.returncode == 0, started.stdout
        with (disk / "filler").open("wb") as filler:
            try:
                while True:
                    filler.write(b"\0" * 2**20)
            except OSError:
                pass
        os.kill(daemon_pid(disk / NAME, "etcd"), signal.SIGKILL)
        refused = local_cluster(**options)
        assert refused.returncode != 0
        assert f"disk: 1 GiB free for the state at {disk / NAME}" in words(refused.stdout), refused.stdout
        (disk / "filler").unlink()
        healed = local_cluster(**options)
        assert healed.returncode == 0, healed.stdout
    finally:
        (disk / "filler").unlink(missing_ok=True)
        assert local_cluster(**{**options, "state": "absent"}).returncode == 0
        subprocess.run(["umount", str(disk)], check=True)
