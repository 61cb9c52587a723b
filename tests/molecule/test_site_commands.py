# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the reference document tells operators to type works, word for word, and shows what it should."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import socket
import subprocess

import pytest

from tests.helpers import PATIENCE, eventually, kubectl
from tests.molecule.conftest import Site, changed

API = "deployment/vcci-backend-api"
# Command, and a pattern that its output must contain.
READS = {
    # Verify
    "get pods -n vcci-platform": r"vcci-backend-api-\S+ +1/1 +Running",
    "get services -n vcci-platform": r"api-gateway +LoadBalancer +\S+ +10\.91\.1\.\d+",
    "get ingress -n vcci-platform": r"",
    "get hpa -n vcci-platform": r"vcci-worker-hpa",
    "get pdb -n vcci-platform": r"vcci-backend-api",
    "get namespace vcci-tenant-acme-corp -o yaml": r"tier: enterprise",
    "get resourcequota -n vcci-tenant-acme-corp": r"requests\.cpu",
    "get networkpolicy -n vcci-tenant-acme-corp": r"default-deny",
    # Scaling, rolling updates
    "get hpa vcci-backend-api-hpa -n vcci-platform": r"Deployment/vcci-backend-api +cpu: \d+%",
    "rollout history deployment/vcci-backend-api -n vcci-platform": r"REVISION",
    # View logs
    "logs deployment/vcci-backend-api -n vcci-platform": r"\S",
    "logs -l app=vcci-backend-api -n vcci-platform --tail=100": r"\S",
    # Metrics
    "top pods -n vcci-platform": r"redis-0 +\d+m",
    "top nodes": r"compute-1 +\d+m",
    # Troubleshooting
    "get events -n vcci-platform --sort-by=.lastTimestamp": r"",
    "get certificate -n vcci-platform": r"vcci-api-cert +True",
    "describe certificate vcci-api-cert -n vcci-platform": r"api\.vcci\.local\.test",
    "logs -n cert-manager deployment/cert-manager": r"\S",
    "get pods -l app=postgresql -n vcci-platform": r"postgresql-0 +3/3 +Running",
    "logs -l app=postgresql -n vcci-platform": r"\S",
    "exec redis-0 -n vcci-platform -- redis-cli ping": r"PONG",
    # Health checks
    "get --raw /api/v1/namespaces/vcci-platform/services/vcci-backend-api:8000/proxy/health/live": r"\S",
    "get --raw /api/v1/namespaces/vcci-platform/services/vcci-backend-api:8000/proxy/health/ready": r"\S",
}


def rolled_out(site: Site) -> None:
    site.kubectl("rollout", "status", API, "-n", "vcci-platform", f"--timeout={PATIENCE}s")


def pods(site: Site) -> set[tuple[str, ...]]:
    """Name and uid of every pod of the platform."""
    path = 'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\\n"}{end}'
    return {tuple(line.split()) for line in site.kubectl("get", "pods", "-n", "vcci-platform", "-o", path).splitlines()}


def image(site: Site) -> str:
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    return site.kubectl("get", API, "-n", "vcci-platform", "-o", path)


@pytest.mark.parametrize("command", READS)
def test_what_is_read(site: Site, command: str) -> None:
    def shown() -> bool:  # metrics of a pod appear some seconds after it
        return bool(re.search(READS[command], site.kubectl(*shlex.split(command))))

    eventually(shown, lambda: site.kubectl(*shlex.split(command)), every=1)


def test_what_waits(site: Site) -> None:
    """Commands that go on until they are interrupted show something at once."""
    for command in ("get hpa -n vcci-platform -w", "logs -f deployment/vcci-backend-api -n vcci-platform"):
        whole = [*site.program("kubectl"), *shlex.split(command)]
        process = subprocess.Popen(whole, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            assert process.stdout
            assert process.stdout.readline().strip(), command
            assert process.poll() is None, command
        finally:
            process.kill()
            process.wait()


def test_scaling_by_hand(site: Site) -> None:
    """Replicas are the autoscaler's: scaling is not drift. A changed autoscaler is; no change is undone unasked."""
    site.kubectl("scale", "deployment", "vcci-backend-api", "--replicas=3", "-n", "vcci-platform")
    rolled_out(site)
    assert changed(site.play("playbooks/apps.yml")) == 0
    by_hand = '{"spec":{"minReplicas":3,"maxReplicas":5}}'
    site.kubectl("patch", "hpa", "vcci-backend-api-hpa", "-n", "vcci-platform", "--type=merge", "-p", by_hand)
    refused = " ".join(site.play("playbooks/apps.yml").split())
    assert ".spec.maxReplicas is owned by 'kubectl-patch'" in refused
    kept = "apps_backend_api_min_replicas=3 apps_backend_api_max_replicas=5"
    assert changed(site.play("playbooks/apps.yml", "-e", kept)) == 1
    assert changed(site.play("playbooks/apps.yml", "-e", "platform_force_conflicts=true", "--check")) == 1
    assert changed(site.play("playbooks/apps.yml", "-e", "platform_force_conflicts=true")) == 1  # it is undone
    assert changed(site.play("playbooks/apps.yml")) == 0


def test_a_rolling_update_and_its_way_back(site: Site) -> None:
    was = image(site)
    site.kubectl("set", "image", API, "api=greenlang/vcci-backend-api:v1.1.0", "-n", "vcci-platform")
    rolled_out(site)
    path = "jsonpath={.items[*].spec.containers[*].image}"
    assert "v1.1.0" in site.kubectl("get", "pods", "-l", "app=vcci-backend-api", "-n", "vcci-platform", "-o", path)
    site.kubectl("rollout", "undo", "deployment/vcci-backend-api", "-n", "vcci-platform")
    rolled_out(site)
    assert image(site) == was
    site.play("playbooks/apps.yml")  # takes the field back, whose value is the same
    assert changed(site.play("playbooks/apps.yml")) == 0


def by_hand(site: Site, name: str) -> str:
    """What a Job of a CronJob said."""
    here, job = ("-n", "vcci-platform"), f"job/{name}-by-hand"
    site.kubectl("create", "job", f"{name}-by-hand", f"--from=cronjob/{name}", *here)
    site.kubectl("wait", "--for=condition=complete", job, *here, f"--timeout={PATIENCE}s")
    said = site.kubectl("logs", job, *here)
    site.kubectl("delete", job, *here)
    return said


def test_a_backup_and_a_restore_by_hand(site: Site) -> None:
    """While the applications are scaled to none. What the document types makes what is not there; `--clean`
    (the runbook) replaces what is."""
    here, count = ("-n", "vcci-platform"), "select count(*), max(id) from records"
    assert "dump" in by_hand(site, "postgresql-backup")
    for name in ("vcci-backend-api", "vcci-worker"):
        site.kubectl("scale", "deployment", name, "--replicas=0", *here)
        site.kubectl("wait", "--for=delete", "pod", f"-lapp={name}", *here, f"--timeout={PATIENCE}s")

    def member(*command: str) -> str:
        return site.kubectl("exec", "postgresql-0", *here, "--", *command)

    dump, before = member("bash", "-c", "ls /backup/vcci-backup-????????.dump").split()[-1], site.sql(count)
    site.sql("drop table records")
    member("pg_restore", "-U", "vcci", "-d", "vcci", dump)
    assert site.sql(count) == before
    site.sql("delete from records")
    member("pg_restore", "--clean", "--if-exists", "-U", "vcci", "-d", "vcci", dump)
    assert site.sql(count) == before
    for name, replicas in (("vcci-backend-api", 3), ("vcci-worker", 2)):
        site.kubectl("scale", "deployment", name, f"--replicas={replicas}", *here)
        site.kubectl("rollout", "status", f"deployment/{name}", *here, f"--timeout={PATIENCE}s")


def test_passwords_are_rotated_while_the_platform_serves(site: Site) -> None:
    """Servers know new passwords before the applications get them; what consumes them is restarted, nothing else is."""
    before = pods(site)
    keys = {"secrets_rotate": ["postgresql-secrets/password", "redis-secrets/password"]}
    rotation = ["playbooks/secrets_rotate.yml", "-e", json.dumps(keys)]
    predicted = site.play(*rotation, "--check")
    rotated = site.play(*rotation)
    assert changed(predicted) == changed(rotated) == 1
    for workload in ("Deployment/vcci-backend-api", "Deployment/vcci-worker", "StatefulSet/redis"):
        assert f"vcci-platform/{workload}" in rotated.partition("restarted:")[2], rotated
    after = pods(site)
    for name in ("postgresql-0", "api-gateway-", "vcci-frontend-"):  # none of these takes a password when it starts
        kept, still = ({pod for pod in found if pod[0].startswith(name)} for found in (before, after))
        assert kept == still, name
    verified = site.play("playbooks/verify.yml", "-e", "tenant_verify_network=false")  # which knows no passwords
    assert changed(verified) == 0
    assert "job done by a worker" in verified
    assert changed(site.play("playbooks/secrets.yml")) == 0


def test_a_backup_of_documents_by_hand(site: Site) -> None:
    """Of that which the proof before this has stored."""
    assert "is complete" in by_hand(site, "weaviate-backup")


def test_kubeseal_validates_what_we_sealed(site: Site) -> None:
    """An administrator's kubeseal reaches the controller through the API server; it decrypts here, and nowhere else."""
    sealed = site.kubectl("get", "sealedsecret", "redis-secrets", "-n", "vcci-platform", "-o", "json")
    command = [*site.program("kubeseal"), "--validate"]
    good = subprocess.run(command, input=sealed, text=True, capture_output=True, check=False, timeout=PATIENCE)
    assert good.returncode == 0, good.stderr
    moved = sealed.replace('"namespace": "vcci-platform"', '"namespace": "default"')
    bad = subprocess.run(command, input=moved, text=True, capture_output=True, check=False, timeout=PATIENCE)
    assert bad.returncode != 0
    assert "unable to decrypt" in bad.stderr


def test_prometheus_loads_the_alert_rules_and_scrapes_the_controller(site: Site) -> None:
    api = "/api/v1/namespaces/vcci-observability/services/prometheus:9090/proxy/api/v1"
    groups = json.loads(site.kubectl("get", "--raw", f"{api}/rules"))["data"]["groups"]
    assert {rule["name"] for group in groups if group["name"] == "sealed-secrets" for rule in group["rules"]} == {
        "SealedSecretUnsealError",
        "SealedSecretNotSynced",
        "SealedSecretsControllerGone",
    }

    def health() -> dict[str, str]:
        """Of the pods that are scraped, by the name of their Deployment."""
        targets = json.loads(site.kubectl("get", "--raw", f"{api}/targets?state=active"))["data"]["activeTargets"]
        return {target["labels"].get("pod", "").rsplit("-", 2)[0]: target["health"] for target in targets}

    # A pod is scraped some seconds after it is discovered.
    eventually(lambda: health().get("sealed-secrets-controller") == "up", health, every=1)


PROBE = "greenlang/vcci-probe:v1.0.0"


def listener(name: str, says: str, address: str) -> dict[str, object]:
    """A pod that says something to whoever connects to port 18080 of an address of its node, and ends."""
    port = {"containerPort": 8080, "hostPort": 18080, "hostIP": address}
    serve = f"while :; do echo {says} | nc -l -N 8080; done"
    main = {"name": "main", "image": PROBE, "command": ["sh", "-c", serve], "ports": [port]}
    spec = {"nodeName": "compute-1", "containers": [main], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "ports"}, "spec": spec}


def test_what_asks_for_a_gpu_is_scheduled(site: Site) -> None:
    """A GPU that is not there; one that asks for two waits."""
    taint = {"key": "nvidia.com/gpu", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
    for name, number in (("one", "1"), ("two", "2")):
        main = {"name": "main", "image": PROBE, "resources": {"limits": {"nvidia.com/gpu": number}}}
        spec = {"containers": [main], "tolerations": [taint], "terminationGracePeriodSeconds": 0}
        meta = {"name": name, "namespace": "default"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
        kubectl(site.state / "kubeconfig", "apply", "-f", "-", given=pod)
    try:
        site.kubectl("wait", "pod/one", "--for=condition=Ready", f"--timeout={PATIENCE}s")
        assert site.kubectl("get", "pod", "one", "-o", "jsonpath={.spec.nodeName}") == "gpu-1"
        assert "Insufficient nvidia.com/gpu" in site.kubectl("describe", "pod", "two")
    finally:
        site.kubectl("delete", "pod", "one", "two")


def test_a_host_port(site: Site) -> None:
    """One port for two pods of a node, of two of its addresses: neither takes what is the other's."""
    address = site.kubectl("get", "node", "compute-1", "-o", "jsonpath={.status.addresses[0].address}")
    pods = [listener("near", "near", "127.0.0.1"), listener("far", "far", address)]
    kubeconfig = site.state / "kubeconfig"
    try:
        site.kubectl("create", "namespace", "ports")
        kubectl(kubeconfig, "apply", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": pods})
        site.kubectl("wait", "pods", "--all", "-n", "ports", "--for=condition=Ready", f"--timeout={PATIENCE}s")

        def said() -> str:
            with contextlib.suppress(OSError), socket.create_connection((address, 18080), timeout=5) as connection:
                return connection.makefile().read().strip()
            return ""

        eventually(lambda: said() == "far", "the pod answers at the node's address")
    finally:
        site.kubectl("delete", "namespace", "ports", "--ignore-not-found")
