# Copyright (c) 2026 GreenLang. All rights reserved.
"""The running platform is broken as badly as machines break, then started again: by a playbook, with its data."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host

from tests.helpers import (
    PATIENCE,
    ROOT,
    STATE,
    ansible,
    daemon_pid,
    eventually,
    in_cgroups,
    kill,
    kubectl,
    power_off,
    services,
)
from tests.molecule.conftest import Site, changed

NODE = "memory-1"  # where the data services run
HEALTH = "/api/v1/namespaces/vcci-platform/services/vcci-backend-api:8000/proxy/health/ready"


def kill_everything(site: Site) -> None:
    """All processes of the cluster: its daemons, and everything in its cgroups."""
    daemons = services(site.state)
    assert len(daemons) >= 5 + 3 * 4, daemons
    kill(daemon_pid(site.state, daemon) for daemon in daemons)
    kill(in_cgroups(site.name))


def answers(site: Site) -> bool:
    try:
        return "ready" in site.kubectl("get", "--raw", HEALTH)
    except AssertionError:
        return False


def remember(site: Site, word: str) -> None:
    table = "CREATE TABLE IF NOT EXISTS canary (word text); TRUNCATE canary"
    site.sql(f"{table}; INSERT INTO canary VALUES ('{word}')")


def verified(site: Site, *flags: str) -> None:
    eventually(lambda: answers(site), lambda: site.kubectl("get", "pods", "-A", "-o", "wide"), every=1)
    for workload in site.kubectl("get", "deployments,statefulsets", "-n", "vcci-platform", "-o", "name").split():
        limit = f"--timeout={PATIENCE}s"
        site.kubectl("rollout", "status", workload, "-n", "vcci-platform", limit, timeout=PATIENCE + 60)
    text = site.play("playbooks/verify.yml", *flags)
    assert changed(text) >= 0


def test_only_root_reads_what_daemons_are_given(site: Site) -> None:
    """Sections 1.1 and 4.1 of the CIS benchmark: docs/hardening.md."""
    kinds = ("pki/*", "kubeconfig", "etcd", "nodes/*/pki/*", "nodes/*/*.json", "nodes/*/*.toml")
    found = {kind: [path.stat() for path in site.state.glob(kind)] for kind in kinds}
    assert all(found.values()), found
    every = [(kind, oct(one.st_mode & 0o077), one.st_uid) for kind, many in found.items() for one in many]
    assert {(mode, owner) for _kind, mode, owner in every} == {("0o0", 0)}, every


@pytest.mark.parametrize("daemon", ["containerd", "kubelet", "kube-proxy", "cilium-agent"])
def test_a_killed_daemon_of_a_node_comes_back(site: Site, daemon: str) -> None:
    service = f"{NODE}.{daemon}"
    before = daemon_pid(site.state, service)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: daemon_pid(site.state, service) not in (0, before), f"{service} runs again")


def test_a_node_is_held_until_it_is_released(site: Site, module: Callable[..., dict]) -> None:
    """It is dead for the others, also for another run; then it is back with its pods."""
    cluster = {"name": site.name, "subnet": site.subnet, "pools": site.pools}
    assert module("local_cluster", **cluster, held=["gpu-1"])["held"] == ["gpu-1"]
    assert not any(daemon_pid(site.state, service) for service in services(site.state) if "gpu-1" in service)
    with pytest.raises(OSError, match=r"timed out|No route"):  # nobody there, not even to refuse
        socket.create_connection((f"{site.subnet[:5]}.0.13", 10250), 3)
    eventually(lambda: "NotReady" in site.kubectl("get", "node", "gpu-1"), "it is missed", every=1)
    assert changed(site.play("playbooks/cluster.yml", "--tags", "local")) == 0
    released = module("local_cluster", **cluster, held=[])
    assert all(node["ready"] for node in released["nodes"]), released


def test_another_shell_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"/opt/elsewhere:{os.environ['PATH']}")
    assert changed(site.play("playbooks/cluster.yml")) == 0


def test_everything_killed_at_once(site: Site) -> None:
    remember(site, "kept")
    kill_everything(site)
    verified(site, "-e", "tenant_verify_network=false")  # the next test asks that too, after worse
    assert changed(site.play("playbooks/cluster.yml")) == 0
    assert site.sql("SELECT word FROM canary").strip() == "kept"


def test_a_reboot_and_another_clone(site: Site, tmp_path: Path) -> None:
    """Processes, namespaces, mounts and interfaces are gone, only files are left, and no playbook is needed to come
    back; then somebody else's clone finds nothing to do."""
    remember(site, "kept again")
    power_off(site.state)
    subprocess.run([site.state / "boot"], check=True)
    verified(site, "-e", "tenant_verify_published=false")  # scenario tenant asks that
    clone = tmp_path / "greenlang.vcci"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    settings = {"ANSIBLE_CONFIG": str(clone / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(clone / "collections")}
    healed = ansible("ansible-playbook", "playbooks/cluster.yml", *site.flags, cwd=clone, environment=settings)
    assert changed(healed.stdout) == 0
    assert site.sql("SELECT word FROM canary").strip() == "kept again"


def test_a_taken_subnet_is_named(site: Site, module: Callable[..., dict]) -> None:
    refused = module("local_cluster", name="refused", nodes="real", subnet=site.subnet)
    assert refused["failed"]
    assert "Remedy: give another /16" in refused["msg"]
    assert not (STATE / "refused" / "cluster.json").exists()


CRASHING = """
apiVersion: v1
kind: Pod
metadata: {name: crashing, namespace: vcci-platform}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 65534, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: main
      image: greenlang/vcci-probe:v1.0.0
      command: [sh, -c, "echo the canary speaks; sleep 1000"]
      readinessProbe: {exec: {command: ["false"]}}
      resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 100m, memory: 32Mi}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
"""


def test_a_wait_that_times_out_shows_the_last_words_of_the_pod(site: Site, module, tmp_path: Path) -> None:
    manifest = tmp_path / "crashing.yml"
    manifest.write_text(CRASHING)
    task = {
        "name": "crashing",
        "namespace": "vcci-platform",
        "src": str(manifest),
        "wait": True,
        "wait_timeout": 45,
        "kubeconfig": str(site.state / "kubeconfig"),
    }
    try:
        done = module("applyset", **task)
        assert done["failed"]
        assert "the canary speaks" in done["msg"]
        assert "Traceback" not in json.dumps(done)
    finally:
        site.kubectl("delete", "pod", "crashing", "-n", "vcci-platform", "--grace-period=0", "--force")
        site.kubectl("delete", "configmap", "crashing", "-n", "vcci-platform")


# What Pod Security `restricted` asks of a container and of its pod.
CLOSED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
NOBODY = {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}}


def repairable(command: str) -> dict[str, Any]:
    """A StatefulSet whose pod runs a command."""
    size = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "32Mi"}}
    image = {"image": "greenlang/vcci-probe:v1.0.0", "command": ["sh", "-c", command]}
    # Without a probe a container that is about to end counts as ready meanwhile.
    probe = {"exec": {"command": ["true"]}, "initialDelaySeconds": 3, "periodSeconds": 1}
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": NOBODY,
        "containers": [
            {"name": "main", **image, "resources": size, "securityContext": CLOSED, "readinessProbe": probe}
        ],
    }
    labels = {"app": "repairable"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"serviceName": "repairable", "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": "repairable", "namespace": "vcci-platform"}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec}


def test_a_former_setting_repairs_what_a_bad_one_broke(site: Site, module) -> None:
    """Kubernetes' rolling update would wait for the pod that crashes for ever."""
    task = {"name": "repairable", "namespace": "vcci-platform", "kubeconfig": str(site.state / "kubeconfig")}
    task |= {"wait": True, "wait_timeout": PATIENCE, "wait_grace": 5}
    try:
        assert module("applyset", **task, definition=repairable("sleep 1000"))["changed"]
        bad = module("applyset", **task, definition=repairable("echo Error: no such flag; echo help; exit 3"))
        assert bad["failed"]
        assert "StatefulSet vcci-platform/repairable cannot start: pod repairable-0" in bad["msg"].splitlines()[0]
        assert "exit code 3" in bad["msg"].splitlines()[0]
        assert "main | Error: no such flag" in bad["msg"]
        again = module("applyset", **task, definition=repairable("sleep 1000"))
        assert again["replaced"] == ["Pod vcci-platform/repairable-0"], again
        assert not module("applyset", **task, definition=repairable("sleep 1000"))["changed"]
    finally:
        module("applyset", **{**task, "state": "absent", "wait": False})


# Each takes all that it can get, for ever.
GREEDY = {
    "fork-bomb": "(while :; do sleep 1000 & done); exec sleep 1000",
    "full-volume": "head -c 64M /dev/zero > /scratch/much; sleep 1000",
}


def greedy(name: str) -> dict[str, Any]:
    """A pod that wants everything, beside the platform's own on the node of compute."""
    size = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "200m", "memory": "512Mi"}}
    volume = {"name": "scratch", "emptyDir": {"sizeLimit": "8Mi"}}
    main = {
        "name": "main",
        "image": "greenlang/vcci-probe:v1.0.0",
        "command": ["sh", "-c", GREEDY[name]],
        "resources": size,
        "securityContext": CLOSED,
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    }
    spec = {"automountServiceAccountToken": False, "securityContext": NOBODY, "containers": [main], "volumes": [volume]}
    spec |= {"nodeName": "compute-1", "restartPolicy": "Never", "terminationGracePeriodSeconds": 0}
    meta = {"name": name, "namespace": "vcci-platform"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def test_who_takes_all_leaves_the_others_alone(site: Site) -> None:
    """A pod has so many processes and no more; one that outgrows its volume is evicted. Others start and answer."""
    try:
        for name in GREEDY:
            kubectl(site.state / "kubeconfig", "apply", "-f", "-", given=greedy(name))

        def evicted() -> bool:
            path = "jsonpath={.status.reason}"
            return site.kubectl("get", "pod", "full-volume", "-n", "vcci-platform", "-o", path) == "Evicted"

        eventually(evicted, lambda: site.kubectl("describe", "pod", "full-volume", "-n", "vcci-platform"), every=1)
        eventually(lambda: most_processes(site) >= 1000, lambda: f"{most_processes(site)} processes", every=1)
        assert most_processes(site) <= 1024
        assert answers(site)
        site.kubectl("rollout", "restart", "deployment/vcci-frontend", "-n", "vcci-platform")
        limit = f"--timeout={PATIENCE}s"
        site.kubectl(
            "rollout", "status", "deployment/vcci-frontend", "-n", "vcci-platform", limit, timeout=PATIENCE + 60
        )
    finally:
        site.kubectl(
            "delete", "pod", *GREEDY, "-n", "vcci-platform", "--ignore-not-found", "--grace-period=0", "--force"
        )


def most_processes(site: Site) -> int:
    """Of the pod of this node that has most."""
    most = 0
    for group in (group for root in host.cgroups(f"vcci-{site.name}/compute-1") for group in host.below(root)):
        if group.name.startswith("pod"):
            with contextlib.suppress(OSError):  # another hierarchy, or it went meanwhile
                most = max(most, int((group / "pids.current").read_text()))
    return most
