# Copyright (c) 2026 GreenLang. All rights reserved.
"""What role data renders, by default and in the local inventory: contracts, Pod Security, no secrets."""

from __future__ import annotations

import pytest

from tests import helpers
from tests.helpers import ROOT

TEMPLATES = ("redis.yml.j2", "postgresql.yml.j2", "postgresql_backup.yml.j2")


def render(folder, *inventory) -> dict:
    """(kind, name) → manifest."""
    documents = helpers.render(folder, "data", names=TEMPLATES, inventory=inventory)
    found = {(doc["kind"], doc["metadata"]["name"]): doc for doc in documents}
    assert len(found) == len(documents), "two manifests of one kind and name"
    return found


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    return render(tmp_path_factory.mktemp("production"))


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return render(tmp_path_factory.mktemp("local"), ROOT / "inventories/local/group_vars/vcci_local/data.yml")


def pods(manifests):
    for (kind, name), manifest in manifests.items():
        if kind == "StatefulSet":
            yield name, manifest["spec"]["template"]
        elif kind == "CronJob":
            yield name, manifest["spec"]["jobTemplate"]["spec"]["template"]


@pytest.mark.parametrize("inventory", ["production", "local"])
def test_every_pod_is_restricted_and_bounded(inventory, request):
    for name, pod in pods(request.getfixturevalue(inventory)):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["nodeSelector"] == {"workload-type": "memory"}, name
        assert pod["metadata"]["labels"]["app"] == name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, container["name"]
            assert set(container["resources"]) == {"requests", "limits"}
            assert container["imagePullPolicy"] == "IfNotPresent"
            assert ":v" in container["image"]


def test_every_object_is_labelled_and_in_its_place(production):
    for key, manifest in production.items():
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "vcci-scope3-platform", key
        assert labels["app.kubernetes.io/managed-by"] == "greenlang.vcci", key
        assert labels["app.kubernetes.io/component"] == "data", key
        assert manifest["metadata"]["namespace"] == "vcci-platform", key


def test_secrets_come_from_secrets(production):
    for _name, pod in pods(production):
        for container in pod["spec"]["containers"]:
            for entry in container["env"]:
                if "PASSWORD" in entry["name"] or "AUTH" in entry["name"]:
                    assert "valueFrom" in entry or entry["value"].startswith("/run/secrets/"), entry
            assert not any("password" in argument.lower() for argument in container["args"])


def test_the_reference_documents_names(production):
    assert production["StatefulSet", "postgresql"]["spec"]["template"]["metadata"]["labels"]["app"] == "postgresql"
    assert production["Service", "postgresql"]["spec"]["ports"][0]["port"] == 5432
    assert production["Service", "redis"]["spec"]["ports"] == [{"name": "redis", "port": 6379, "targetPort": "proxy"}]
    assert production["StatefulSet", "redis"]["spec"]["template"]["spec"]["containers"][0]["name"] == "redis"
    assert production["CronJob", "postgresql-backup"]["spec"]["schedule"] == "0 2 * * *"
    server = production["StatefulSet", "postgresql"]["spec"]["template"]["spec"]["containers"][0]
    assert server["resources"] == {
        "requests": {"cpu": "1000m", "memory": "4Gi"},
        "limits": {"cpu": "4000m", "memory": "16Gi"},
    }
    assert {"name": "backup", "mountPath": "/backup"} in server["volumeMounts"]


def test_members_know_each_other_by_stable_names(production):
    environment = {
        entry["name"]: entry.get("value")
        for entry in production["StatefulSet", "redis"]["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    assert environment["REDIS_PEERS"].split() == [
        f"redis-{n}.redis-headless.vcci-platform.svc.cluster.local" for n in range(3)
    ]
    assert environment["REDIS_QUORUM"] == "2"
    headless = production["Service", "redis-headless"]["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True
    assert production["StatefulSet", "redis"]["spec"]["serviceName"] == "redis-headless"


def test_configuration_follows_the_sizes(production, local):
    def lines(manifests, name, key, separator):
        return dict(line.split(separator, 1) for line in manifests["ConfigMap", name]["data"][key].splitlines())

    assert lines(production, "postgresql-config", "postgresql.conf", " = ")["shared_buffers"] == "1024MB"
    assert lines(local, "postgresql-config", "postgresql.conf", " = ")["shared_buffers"] == "32MB"
    assert lines(local, "postgresql-config", "postgresql.conf", " = ")["max_connections"] == "60"
    assert lines(production, "redis-config", "redis.conf", " ")["maxmemory"] == str(int(4 * 1024**3 * 0.6))
    assert lines(local, "redis-config", "redis.conf", " ")["maxmemory"] == str(int(96 * 1024**2 * 0.6))
    assert production["ConfigMap", "postgresql-config"]["data"]["pg_hba.conf"].splitlines() == [
        "local all all peer map=pod",
        "host all all all scram-sha-256",
    ]


def test_configuration_changes_replace_the_pods(production, local):
    for name in ("redis", "postgresql"):
        digests = {
            manifests["StatefulSet", name]["spec"]["template"]["metadata"]["annotations"]["vcci.greenlang.io/config"]
            for manifests in (production, local)
        }
        assert len(digests) == 2


def test_flows(production):
    for name, port in (("redis", 6380), ("postgresql", 5432)):
        admitted = production["NetworkPolicy", name]["spec"]["ingress"][0]
        granted = production["NetworkPolicy", f"{name}-clients"]["spec"]
        assert granted["podSelector"] in [peer["podSelector"] for peer in admitted["from"]]
        assert granted["podSelector"]["matchExpressions"][0]["values"] == [
            "vcci-backend-api",
            "vcci-worker",
            "vcci-worker-ml",
        ]
        assert all(
            {"protocol": "TCP", "port": port} in rules for rules in (admitted["ports"], granted["egress"][0]["ports"])
        )
