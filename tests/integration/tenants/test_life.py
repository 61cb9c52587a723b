# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant's life by the playbooks: onboarded, verified, moved, suspended, resumed, reported, offboarded, gone."""

from __future__ import annotations

import base64
import csv
import json
import time

import pytest
from ansible_collections.greenlang.vcci.plugins.filter.tenant_probe_objects import tenant_probe_objects
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from cryptography.hazmat.primitives import serialization

from tests.helpers import PATIENCE, eventually

PEOPLE = [{"group": "acme-admins"}, {"user": "eve", "role": "viewer"}]
# Simulated nodes offer no ephemeral storage.
PAUSE = {
    "image": "greenlang/pause:v1",
    "resources": {
        "requests": {"cpu": "10m", "memory": "8Mi", "ephemeral-storage": "0"},
        "limits": {"cpu": "10m", "memory": "8Mi", "ephemeral-storage": "1Mi"},
    },
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}


def workload(kind: str, name: str, **spec: object) -> dict:
    pod = {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "containers": [{"name": "main", **PAUSE}],
            "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": pod, **spec},
    }


@pytest.fixture(scope="module")
def acme() -> dict:
    return {"id": "acme-life", "name": "ACME", "tier": "starter", "owners": PEOPLE, "hosts": ["acme.example"]}


@pytest.fixture(scope="module")
def globex() -> dict:
    limits = {"min": {"cpu": "50m", "memory": "64Mi"}}  # above what we ask for
    more = {"owners": [{"user": "bob"}], "overrides": {"limits": limits}}
    return {"id": "globex-life", "name": "Globex", "tier": "starter", **more}


@pytest.fixture(scope="module")
def running(site, acme, globex) -> str:
    """Both tenants onboarded, and workloads of one; its namespace."""
    made = site.run("tenant_onboard", tenant_list=[acme, globex])
    assert made.changed, made.text
    assert not site.run("tenant_onboard", tenant_list=[acme, globex]).changed
    where = "vcci-tenant-acme-life"
    for kind, name, spec in (
        ("Deployment", "web", {"replicas": 2}),
        ("StatefulSet", "store", {"replicas": 1, "serviceName": "store"}),
        ("Deployment", "idle", {"replicas": 0}),
    ):
        site.client.request(
            "POST", f"/apis/apps/v1/namespaces/{where}/{kind.lower()}s", body=workload(kind, name, **spec)
        )
    eventually(lambda: len(pods(site, where)) == 3, "pods")
    return where


def flat(done) -> str:
    """What a run said, in one line: its output is wrapped anywhere."""
    return " ".join(done.text.split())


def pods(site, where: str) -> list:
    return [pod for pod in site.client.list("v1", "Pod", where) if pod["status"].get("phase") == "Running"]


def replicas(site, where: str) -> dict:
    return {
        item["metadata"]["name"]: item["spec"]["replicas"]
        for kind in ("Deployment", "StatefulSet")
        for item in site.client.list("apps/v1", kind, where)
    }


def test_verified(site, running, tmp_path):
    """The whole matrix against the API server; the network's needs real nodes."""
    options = {"tenant_verify_network": False, "tenant_verify_directory": str(tmp_path)}
    seen = site.run("tenant_verify", tenant_verify_ids=["acme-life", "globex-life"], **options)
    assert seen.text.count(" ok") >= 48, seen.text
    assert "WRONG" not in seen.text, seen.text
    cells = list(csv.DictReader((tmp_path / "isolation.csv").read_text().splitlines()))
    assert {cell["must be"] for cell in cells} == {"allowed", "refused"}
    assert f"{len(cells)} cells (Against the API server {len(cells)}" in flat(seen)
    assert (tmp_path / "isolation.html").read_text().count(" ok</td>") == len(cells)


def test_probes_are_admitted(site, running):
    """Within the limits of the tenant, which are above what a probe asks for."""
    where = "vcci-tenant-globex-life"
    bounds = [*site.client.list("v1", "LimitRange", where), *site.client.list("v1", "ResourceQuota", where)]
    image, user = "greenlang/vcci-probe:v1.0.0", {"runAsUser": 10001}
    for targets in (None, {where: []}):
        pod = tenant_probe_objects([where], image, targets, security=user, bounds=bounds)[0]
        site.client.request("POST", f"/api/v1/namespaces/{where}/pods", body=pod, query={"dryRun": "All"})
    too_small = tenant_probe_objects([where], image, security=user)[0]
    with pytest.raises(VcciError, match="minimum memory usage per Container is 64Mi"):
        site.client.request("POST", f"/api/v1/namespaces/{where}/pods", body=too_small, query={"dryRun": "All"})


def test_a_missing_bound_is_seen(site, running, module, kubeconfig, tmp_path):
    """By who is asked again until it holds, since a policy takes effect some seconds after it was written."""
    image, both = "greenlang/vcci-probe:v1.0.0", [running, "vcci-tenant-globex-life"]
    tried = {"namespaces": both, "image": image, "kubeconfig": str(kubeconfig)}

    def wrong(wait_timeout: int = 0) -> str:
        return str(module("tenant_attempts", **tried, wait_timeout=wait_timeout)["wrong"])

    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/vcci-tenant-images"
    site.client.request("DELETE", path)
    try:
        eventually(lambda: "a forbidden image must be refused, was allowed" in wrong(), "an open cell")
        options = {"tenant_verify_ids": ["acme-life", "globex-life"], "tenant_verify_network": False}
        options |= {"tenant_verify_directory": str(tmp_path), "tenant_verify_wait_timeout": 2}
        told = site.run("tenant_verify", fails=True, **options).text
        assert "a forbidden image must be refused, was allowed" in told
        assert "a forbidden image,refused,allowed,WRONG" in (tmp_path / "isolation.csv").read_text()
    finally:
        assert site.run("tenant", tenant_list=[], tags="admission").changed
        assert wrong(PATIENCE) == "[]"


def test_another_tier(site, running, acme, globex):
    refused = site.run(
        "tenant_change_tier", fails=True, tenant_list=[acme, globex], tenant_id="acme-life", tenant_tier="professional"
    )
    assert "is in tier starter in the data" in refused.text
    moved = [{**acme, "tier": "professional"}, globex]
    done = site.run("tenant_change_tier", tenant_list=moved, tenant_id="acme-life", tenant_tier="professional")
    assert "starter → professional" in done.text
    quota = site.client.get("v1", "ResourceQuota", "tenant-quota", running)
    assert quota["spec"]["hard"]["pods"] == "100"
    eventually(
        lambda: (
            site.client.get("v1", "ResourceQuota", "tenant-quota", running)["status"].get("used", {}).get("pods") == "3"
        ),
        "use is counted",
    )
    tiny = [{**acme, "tier": "tiny"}, globex]
    below = site.run(
        "tenant_change_tier",
        fails=True,
        tenant_list=tiny,
        tenant_tiers={"tiny": {"quota": {"pods": 1}}},
        tenant_id="acme-life",
        tenant_tier="tiny",
    )
    assert "pods would be 1, and 3 are in use" in below.text
    site.run("tenant_change_tier", tenant_list=[acme, globex], tenant_id="acme-life", tenant_tier="starter")


def test_suspended_and_as_before(site, running, acme, globex):
    alone = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "alone"},
        "spec": workload("Pod", "x")["spec"]["template"]["spec"],
    }
    site.client.request("POST", f"/api/v1/namespaces/{running}/pods", body=alone)
    assert "nothing would make again: alone" in site.run("tenant_suspend", fails=True, tenant_id="acme-life").text
    assert replicas(site, running) == {"web": 2, "idle": 0, "store": 1}

    assert site.run("tenant_suspend", "--check", tenant_id="acme-life", tenant_delete_pods=True).changed
    assert replicas(site, running) == {"web": 2, "idle": 0, "store": 1}
    assert site.run("tenant_suspend", tenant_id="acme-life", tenant_delete_pods=True).changed
    assert replicas(site, running) == {"web": 0, "idle": 0, "store": 0}
    assert pods(site, running) == []
    assert not site.run("tenant_suspend", tenant_id="acme-life").changed
    assert not site.run("tenant_onboard", tenant_list=[acme, globex]).changed
    site.client.request(
        "PATCH",
        f"/apis/apps/v1/namespaces/{running}/deployments/idle",
        body={"spec": {"replicas": 1}},
        content_type="application/merge-patch+json",
    )
    time.sleep(2)
    assert pods(site, running) == []  # nothing new starts
    site.client.request(
        "PATCH",
        f"/apis/apps/v1/namespaces/{running}/deployments/idle",
        body={"spec": {"replicas": 0}},
        content_type="application/merge-patch+json",
    )

    # Isolation is verified with those that run: what needs no second one, where there is none.
    options = {"tenant_list": [acme, globex], "tenant_verify_network": False}
    named = site.run("tenant_verify", fails=True, tenant_verify_ids=["globex-life", "acme-life"], **options)
    assert "acme-life is suspended. Isolation" in flat(named)
    assert "service account: " not in named.text
    lacking = site.run("tenant_verify", fails=True, **options)
    assert "that needs two tenants that run, and of the data globex-life runs" in flat(lacking)
    assert lacking.text.count(" ok") > 100
    assert "WRONG" not in lacking.text
    assert "another tenant's" not in lacking.text
    assert "acme-life:" not in lacking.text

    assert site.run("tenant_resume", tenant_id="acme-life").changed
    assert replicas(site, running) == {"web": 2, "idle": 0, "store": 1}
    eventually(lambda: len(pods(site, running)) == 3, "pods again")
    assert not site.run("tenant_resume", tenant_id="acme-life").changed


def test_reported(site, running, tmp_path, globex):
    seen = site.run("tenant_report", tenant_list=[globex], tenant_report_directory=str(tmp_path))
    assert "orphaned, in no data: acme-life" in seen.text.replace("\n", " ")
    rows = list(csv.DictReader((tmp_path / "tenants.csv").read_text().splitlines()))
    assert {"acme-life", "globex-life"} <= {row["id"] for row in rows}
    assert "acme-life" in (tmp_path / "tenants.html").read_text()


def test_goodbye(site, running, kubectl, tmp_path, acme, globex):
    options = {
        "tenant_list": [globex],
        "tenant_id": "acme-life",
        "tenant_confirm": "acme-life",
        "tenant_offboard_directory": str(tmp_path),
        "tenant_offboard_database": False,
        "tenant_state_wait_timeout": PATIENCE,
    }
    folder, client = tmp_path / "acme-life", site.client
    assert (
        "still in the data"
        in site.run("tenant_offboard", fails=True, **{**options, "tenant_list": [acme, globex]}).text
    )
    assert "is not acme-life" in site.run("tenant_offboard", fails=True, **{**options, "tenant_confirm": "acme"}).text

    # Before the cordon, check mode says what would be done, and does nothing.
    looked = site.run("tenant_offboard", "--check", **options)
    assert looked.changed
    assert "would be cordoned" in looked.text
    assert len(pods(site, running)) == 3
    assert client.get("v1", "ConfigMap", "tenant-offboarding-acme-life", "vcci-platform") is None

    # Cordon, backup, quarantine.
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "inner", "namespace": running},
        "stringData": {"password": "hidden-value"},
    }
    kubectl("apply", "--filename", "-", given=secret)
    assert "hidden-value" in str(client.get("v1", "Secret", "inner", running)["metadata"]["annotations"])
    first = site.run("tenant_offboard", **options)
    assert "Run this again after" in first.text
    assert pods(site, running) == []
    assert client.list("rbac.authorization.k8s.io/v1", "RoleBinding", running) == []
    backup = (folder / "objects.json").read_text()
    assert '"inner"' in backup
    assert "hidden-value" not in backup
    assert base64.b64encode(b"hidden-value").decode() not in backup
    assert not site.run("tenant_offboard", **options).changed
    asked = {"tenant_list": [acme, globex], "tenant_only": ["acme-life"]}
    assert "is being offboarded" in site.run("tenant_onboard", fails=True, **asked).text

    # Taken back, and begun again.
    site.run("tenant_resume", tenant_id="acme-life")
    assert replicas(site, running)["web"] == 2
    site.run("tenant_onboard", tenant_list=[acme, globex])  # it is no new one
    assert client.list("rbac.authorization.k8s.io/v1", "RoleBinding", running) == []
    site.run("tenant_onboard", tenant_list=[acme, globex], tenant_only=["acme-life"])
    assert len(client.list("rbac.authorization.k8s.io/v1", "RoleBinding", running)) == 3
    (folder / "volume-gone.tgz").write_text("of a claim that is gone")
    assert site.run("tenant_offboard", "--check", **options).changed
    assert list(folder.glob("earlier-*")) == []
    site.run("tenant_offboard", **options)
    kept = (folder / "objects.json").read_text()
    (aside,) = folder.glob("earlier-*")
    assert {"objects.json", "volume-gone.tgz"} <= {path.name for path in aside.iterdir()}

    # The quarantine is over.
    record = "/api/v1/namespaces/vcci-platform/configmaps/tenant-offboarding-acme-life"
    known = client.get("v1", "ConfigMap", "tenant-offboarding-acme-life", "vcci-platform")["data"]
    client.request(
        "PATCH",
        record,
        body={"data": {"quarantined_until": "2026-01-01T00:00:00Z"}},
        content_type="application/merge-patch+json",
    )

    # Nothing goes while the backup is not what was recorded, or the namespace is another.
    (folder / "objects.json").write_text(kept[:-1])
    for arguments in ((), ("--check",)):
        assert "objects.json has" in flat(site.run("tenant_offboard", *arguments, fails=True, **options))
    (folder / "objects.json").unlink()
    assert "objects.json: No such file" in flat(site.run("tenant_offboard", fails=True, **options))
    assert site.run("tenant_offboard", "--check", **options, tenant_offboard_without_backup=True).changed
    assert list(folder.glob("record-existed-*")) == []  # nothing is written
    (folder / "objects.json").write_text(kept)
    client.request("PATCH", record, body={"data": {"uid": "another"}}, content_type="application/merge-patch+json")
    assert "is not the one that was cordoned" in flat(site.run("tenant_offboard", fails=True, **options))
    client.request("PATCH", record, body={"data": {"uid": known["uid"]}}, content_type="application/merge-patch+json")
    assert (
        client.get("v1", "ConfigMap", "tenant-offboarding-acme-life", "vcci-platform")["data"]["phase"] == "quarantined"
    )

    # A finalizer that is nobody's holds the namespace, and is taken off. What a person must decide about stops it.
    held = f"/api/v1/namespaces/{running}/configmaps/held"
    client.request(
        "POST", held.rpartition("/")[0], body={"metadata": {"name": "held", "finalizers": ["example.com/held"]}}
    )
    policy = {
        "metadata": {"name": "for-acme"},
        "spec": {
            "podSelector": {},
            "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": running}}}]}],
        },
    }
    policies = "/apis/networking.k8s.io/v1/namespaces/vcci-platform/networkpolicies"
    client.request("POST", policies, body=policy)
    labels = {"tenant": "acme-life"}
    configs, claims = (
        "/api/v1/namespaces/vcci-platform/configmaps",
        "/api/v1/namespaces/vcci-platform/persistentvolumeclaims",
    )
    client.request(
        "POST",
        configs,
        body={"metadata": {"name": "of-acme", "labels": {**labels, "app.kubernetes.io/managed-by": "greenlang.vcci"}}},
    )
    client.request("POST", configs, body={"metadata": {"name": "of-somebody", "labels": labels}})
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "none",
        "resources": {"requests": {"storage": "1Mi"}},
    }
    client.request("POST", claims, body={"metadata": {"name": "invoices", "labels": labels}, "spec": claim})
    volume = {
        "capacity": {"storage": "1Mi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "none",
        "claimRef": {"namespace": running, "name": "files"},
        "hostPath": {"path": "/tmp/acme-life"},
    }
    client.request("POST", "/api/v1/persistentvolumes", body={"metadata": {"name": "acme-life"}, "spec": volume})
    asked = site.run("tenant_offboard", fails=True, **{**options, "tenant_state_wait_timeout": 30})
    assert client.get("v1", "Namespace", running) is None
    said = flat(asked)
    assert "somebody must decide" in said
    assert "NetworkPolicy vcci-platform/for-acme" in said
    assert "policy Retain keeps the disk" in said
    assert "ConfigMap vcci-platform/of-somebody has its label" in said
    assert "PersistentVolumeClaim vcci-platform/invoices has its label" in said
    assert not (folder / "certificate.json").exists()
    for path in (
        f"{policies}/for-acme",
        f"{configs}/of-somebody",
        f"{claims}/invoices",
        "/api/v1/persistentvolumes/acme-life",
    ):
        assert client.request("GET", path)  # none of them was deleted
        client.request("DELETE", path)
    assert site.run("tenant_offboard", **options).changed
    assert client.get("v1", "Namespace", running) is None
    assert client.get("v1", "ConfigMap", "of-acme", "vcci-platform") is None

    # The certificate.
    text = (folder / "certificate.json").read_bytes()
    key = serialization.load_pem_public_key((folder / "certificate.pub.pem").read_bytes())
    key.verify((folder / "certificate.json.sig").read_bytes(), text)
    said = json.loads(text)
    assert said["swept"]["remaining"] == 0
    assert said["swept"]["kinds"] > 40
    assert "web" in said["existed"]["Deployment"]
    assert said["forced"] == [{"object": "ConfigMap held", "what": "finalizers taken off: example.com/held"}]
    assert {entry["file"] for entry in said["backups"]} == {"objects.json"}
    assert said["backups_checked"]

    # Again: nothing; and never again.
    assert not site.run("tenant_offboard", **options).changed
    assert "was offboarded" in site.run("tenant_onboard", fails=True, tenant_list=[acme, globex]).text
    (folder / "certificate.json").unlink()
    site.run("tenant_offboard", **options)
    assert (folder / "certificate.json").exists()


def test_a_directory_of_tenants_is_data_too(site, tmp_path, globex):
    """A tenant that has a file there is in the data: it is not offboarded, nor orphaned."""
    folder = tmp_path / "tenants"
    folder.mkdir()
    (folder / "globex-life.yml").write_text(json.dumps(globex))
    options = {"tenant_list": [], "tenant_directory": str(folder)}
    assert site.run("tenant_onboard", **options).failed is False
    assert "orphaned" not in site.run("tenant_report", **options).text.replace("orphaned, in no data: acme-life", "")
    refused = site.run("tenant_offboard", fails=True, **options, tenant_id="globex-life", tenant_confirm="globex-life")
    assert "still in the data" in refused.text
