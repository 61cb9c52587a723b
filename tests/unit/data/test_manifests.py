# Copyright (c) 2026 GreenLang. All rights reserved.
"""What role data renders, by default and in the local inventory: contracts, Pod Security, no secrets."""

from __future__ import annotations

import json

import pytest
import yaml

from tests import helpers
from tests.helpers import ROOT

TEMPLATES = (
    "authority.yml.j2",
    "certificates.yml.j2",
    "redis.yml.j2",
    "redis_alerts.yml.j2",
    "redis_backup.yml.j2",
    "postgresql_access.yml.j2",
    "postgresql_services.yml.j2",
    "postgresql.yml.j2",
    "postgresql_backup.yml.j2",
    "backup_metrics.yml.j2",
    "postgresql_archive.yml.j2",
    "seaweedfs.yml.j2",
    "weaviate.yml.j2",
    "weaviate_backup.yml.j2",
    "weaviate_try.yml.j2",
    "postgresql_backup_alerts.yml.j2",
    "restore_drill.yml.j2",
    "restore_drill_result.yml.j2",
)
ELSEWHERE = {
    ("ConfigMap", "backup-alerts"): "vcci-observability",
    ("ConfigMap", "redis-alerts"): "vcci-observability",
    ("NetworkPolicy", "deny-all"): "vcci-restore-drill",
    ("Job", "postgresql-restore-drill"): "vcci-restore-drill",
}
LOCAL = [ROOT / "group_vars/all/cluster.yml"] + [
    ROOT / f"inventories/local/group_vars/vcci_local/{name}.yml" for name in ("cluster", "data")
]


def render(folder, *inventory, **values) -> dict:
    """(kind, name) → manifest."""
    shared = {"platform_environment": "production"}
    documents = helpers.render(folder, "data", names=TEMPLATES, inventory=inventory, **shared, **values)
    found = {(doc["kind"], doc["metadata"]["name"]): doc for doc in documents}
    assert len(found) == len(documents), "two manifests of one kind and name"
    return found


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    return render(tmp_path_factory.mktemp("production"))


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return render(tmp_path_factory.mktemp("local"), *LOCAL)


def pods(manifests):
    for (kind, name), manifest in manifests.items():
        if kind in ("StatefulSet", "Deployment", "Job"):
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
        assert manifest["metadata"]["namespace"] == ELSEWHERE.get(key, "vcci-platform"), key


def test_secrets_come_from_secrets(production):
    for _name, pod in pods(production):
        for container in pod["spec"]["containers"]:
            for entry in container.get("env", ()):
                if "PASSWORD" in entry["name"] or entry["name"].endswith(("AUTH", "KEYS")):
                    known = ("/run/secrets/", "$(KEY_")  # a file, or another variable, which is a secret's
                    assert "valueFrom" in entry or entry["value"].startswith(known), entry
            assert not any("password" in argument.lower() for argument in container["args"])


def test_each_try_of_a_backup_has_its_own_time(production, local):
    """A job's limit would leave the second try what the first one left of it."""
    made = [manifest for found in (production, local) for (kind, _name), manifest in found.items() if kind == "CronJob"]
    assert len(made) >= 6
    for manifest in made:
        job = manifest["spec"]["jobTemplate"]["spec"]
        assert "activeDeadlineSeconds" not in job, manifest["metadata"]["name"]
        assert job["template"]["spec"]["activeDeadlineSeconds"] >= 7200, manifest["metadata"]["name"]


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


def test_members_know_each_other_by_stable_addresses(production):
    environment = {
        entry["name"]: entry.get("value")
        for entry in production["StatefulSet", "redis"]["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    assert environment["REDIS_PEERS"].split() == [
        f"redis-{n}.redis-headless.vcci-platform.svc.cluster.local" for n in range(3)
    ]
    assert environment["REDIS_QUORUM"] == "2"
    assert environment["REDIS_DOMAIN"] == "vcci-platform.svc.cluster.local"
    for member in ("redis-0", "redis-1", "redis-2"):
        own = production["Service", member]["spec"]
        assert own["selector"] == {"app": "redis", "statefulset.kubernetes.io/pod-name": member}
        assert own["publishNotReadyAddresses"] is True
        assert "clusterIP" not in own
    assert production["StatefulSet", "redis"]["spec"]["serviceName"] == "redis-headless"


def patroni(manifests) -> dict:
    """The folder of a member's configuration, merged as Patroni merges it, and the cluster's own settings."""
    data = manifests["ConfigMap", "postgresql-config"]["data"]
    return {**yaml.safe_load(data["patroni.yml"]), "dcs": json.loads(data["dcs.json"])}


def test_configuration_follows_the_sizes(production, local):
    def parameters(manifests):
        found = patroni(manifests)
        return {**found["dcs"]["postgresql"]["parameters"], **found["postgresql"]["parameters"]}

    assert parameters(production)["shared_buffers"] == "1024MB"
    assert parameters(production)["max_slot_wal_keep_size"] == f"{100 * 1024 // 6}MB"
    assert parameters(local)["shared_buffers"] == "24MB"
    assert parameters(local)["max_connections"] == "80"
    lines = [manifests["ConfigMap", "redis-config"]["data"]["redis.conf"] for manifests in (production, local)]
    maxmemory = [dict(line.split(" ", 1) for line in text.splitlines())["maxmemory"] for text in lines]
    assert maxmemory == [str(int(4 * 1024**3 * 0.6)), str(int(96 * 1024**2 * 0.6))]


def test_members_agree_on_what_must_be_the_same(production, tmp_path):
    """Settings of both places come from one variable, quoted as in postgresql.conf or not."""
    given = {"max_connections": 300, "search_path": "'$user, public'", "work_mem": "1MB"}
    found = patroni(render(tmp_path, data_postgresql_settings=given))
    assert found["dcs"]["postgresql"]["parameters"]["max_connections"] == "300"
    assert "max_connections" not in found["postgresql"]["parameters"]
    assert found["postgresql"]["parameters"]["search_path"] == "$user, public"
    assert found["postgresql"]["parameters"]["work_mem"] == "1MB"
    dcs = patroni(production)["dcs"]
    assert (dcs["ttl"], dcs["loop_wait"], dcs["retry_timeout"]) == (20, 2, 5)
    assert dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"]
    assert (dcs["synchronous_mode"], dcs["synchronous_mode_strict"], dcs["failsafe_mode"]) == ("quorum", True, True)
    alone = patroni(render(tmp_path, data_postgresql_replicas=1, data_postgresql_synchronous=False))["dcs"]
    assert (alone["synchronous_mode"], alone["synchronous_mode_strict"]) == (False, False)


def decided(lines: list[str], kind: str, database: str, user: str, address: str) -> str:
    """The method of the first line that fits a connection over the network, as PostgreSQL reads pg_hba.conf."""
    for line in lines:
        of, databases, users, *rest = line.split()
        same_kind = of in ("host", kind)
        same_database = databases == database or (databases == "all" and database != "replication")
        same_user = users == "all" or user in users.split(",")
        if same_kind and same_database and same_user and rest[0].partition("/")[0] in ("all", address):
            return rest[1]
    return "reject"


def test_who_may_log_in(production):
    lines = patroni(production)["postgresql"]["pg_hba"]
    table = {
        ("hostssl", "vcci", "vcci", "10.1.2.3"): "scram-sha-256",
        ("hostnossl", "vcci", "vcci", "10.1.2.3"): "reject",
        ("hostssl", "vcci", "postgres", "10.1.2.3"): "reject",
        ("hostnossl", "vcci", "postgres", "127.0.0.1"): "reject",
        ("hostnossl", "vcci", "vcci_monitor", "127.0.0.1"): "scram-sha-256",
        ("hostssl", "replication", "vcci_replication", "10.1.2.3"): "scram-sha-256",
        ("hostnossl", "replication", "vcci_replication", "10.1.2.3"): "reject",
        ("hostssl", "replication", "vcci", "10.1.2.3"): "reject",
        ("hostssl", "vcci", "vcci_replication", "10.1.2.3"): "reject",
        ("hostssl", "postgres", "vcci_rewind", "10.1.2.3"): "scram-sha-256",
        ("hostssl", "vcci", "vcci_rewind", "10.1.2.3"): "reject",
    }
    assert {case: decided(lines, *case) for case in table} == table
    assert [line for line in lines if line.startswith("local")] == [
        "local replication vcci_replication peer map=pod",
        "local all all peer map=pod",
    ]


def test_members_of_each_version_know_who_comes_over_the_socket(production, tmp_path):
    """To versions before 16, `all` in a map of users is the name of one."""
    former = patroni(render(tmp_path, data_postgresql_major="15"))["postgresql"]["pg_ident"]
    assert patroni(production)["postgresql"]["pg_ident"] == ["pod postgres all"]
    assert {"pod postgres postgres", "pod postgres vcci_replication", "pod postgres vcci_restore"} <= set(former)
    assert "pod postgres all" not in former


def test_what_members_keep_has_services_of_its_name(production):
    """Endpoints without one are deleted when the controller manager starts."""
    for name in ("postgresql", "postgresql-config", "postgresql-sync", "postgresql-failover"):
        service = production["Service", name]
        assert "selector" not in service["spec"]
        assert service["metadata"]["labels"]["cluster-name"] == "postgresql"
    rules = production["Role", "postgresql"]["rules"]
    assert {resource for rule in rules for resource in rule["resources"]} == {"endpoints", "pods"}
    assert not {"delete", "*"} & {verb for rule in rules for verb in rule["verbs"]}
    assert ("ClusterRole", "postgresql") not in production


@pytest.mark.parametrize("name", ["postgresql", "redis"])
def test_members_share_no_node_but_where_it_is_preferred(production, tmp_path, name):
    def rules(manifests):
        return manifests["StatefulSet", name]["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]

    assert list(rules(production)) == ["requiredDuringSchedulingIgnoredDuringExecution"]
    preferred = rules(render(tmp_path, **{f"data_{name}_anti_affinity": "preferred"}))
    assert list(preferred) == ["preferredDuringSchedulingIgnoredDuringExecution"]
    assert production["PodDisruptionBudget", name]["spec"]["maxUnavailable"] == 1


def test_a_cut_off_master_stops_before_the_next_one_is_elected(production, local):
    for manifests in (production, local):
        settings = dict(
            line.split(" ", 1) for line in manifests["ConfigMap", "redis-config"]["data"]["redis.conf"].splitlines()
        )
        environment = manifests["StatefulSet", "redis"]["spec"]["template"]["spec"]["containers"][0]["env"]
        silence = next(int(entry["value"]) for entry in environment if entry["name"] == "REDIS_DOWN_AFTER_MS")
        assert 0 < int(settings["min-replicas-max-lag"]) * 1000 <= silence - 1000
        assert settings["min-replicas-to-write"] == "1"


def test_a_pod_outlives_no_ttl(production):
    """A primary whose Patroni hangs ends before another may be one: 20 s after it last said so, two before it hung."""
    pod = production["StatefulSet", "postgresql"]["spec"]["template"]["spec"]
    probe = pod["containers"][0]["livenessProbe"]
    failed = probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"]
    assert failed + probe["terminationGracePeriodSeconds"] < 20 - 2
    assert {"name": "shm", "mountPath": "/dev/shm"} in pod["containers"][0]["volumeMounts"]


def test_certificates_name_whatever_clients_say(production):
    certificate = production["Certificate", "postgresql-tls"]["spec"]
    assert {
        "localhost",
        "postgresql",
        "postgresql.vcci-platform.svc.cluster.local",
        "postgresql-replicas.vcci-platform.svc",
        "postgresql-2.postgresql-headless",
        "postgresql-2.postgresql-headless.vcci-platform.svc.cluster.local",
    } <= set(certificate["dnsNames"])
    assert (certificate["duration"], certificate["renewBefore"]) == ("2160h", "720h")
    authority = production["Certificate", "data-ca"]["spec"]
    assert authority["isCA"]
    assert production["Issuer", certificate["issuerRef"]["name"]]["spec"]["ca"]["secretName"] == authority["secretName"]


def test_configuration_changes_replace_the_pods(production, local):
    for name in ("redis", "postgresql"):
        digests = {
            manifests["StatefulSet", name]["spec"]["template"]["metadata"]["annotations"]["vcci.greenlang.io/config"]
            for manifests in (production, local)
        }
        assert len(digests) == 2


def test_flows(production):
    for name, port in (("redis", 6380), ("postgresql", 5432), ("weaviate", 8080)):
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


def test_redis_is_certified_by_the_names_that_clients_and_members_use(production):
    certificate = production["Certificate", "redis-tls"]["spec"]
    names = {"redis", "redis-sentinel.vcci-platform.svc", "redis-2", "redis-0.redis-headless", "localhost"}
    assert names <= set(certificate["dnsNames"])
    pod = production["StatefulSet", "redis"]["spec"]["template"]["spec"]
    assert {"name": "tls", "secret": {"secretName": "redis-tls", "defaultMode": 0o440}} in pod["volumes"]
    assert [container["name"] for container in pod["containers"]] == ["redis", "sentinel", "proxy", "exporter"]
    for container in pod["containers"][:3]:
        assert {"name": "tls", "mountPath": "/run/secrets/redis-tls", "readOnly": True} in container["volumeMounts"]
        assert "REDIS_FORMER_CLIENTS" not in {entry["name"] for entry in container["env"]}


def test_redis_is_backed_up_as_who_may_copy_and_nothing_else(production, local):
    for manifests in (production, local):
        spec = manifests["CronJob", "redis-backup"]["spec"]["jobTemplate"]["spec"]
        assert (spec["template"]["spec"]["activeDeadlineSeconds"], spec["backoffLimit"]) == (7200, 2)
        (container,) = spec["template"]["spec"]["containers"]
        found = {entry["name"]: entry for entry in container["env"]}
        key = {"name": "redis-secrets", "key": "backup-password"}
        assert found["REDISCLI_AUTH"]["valueFrom"] == {"secretKeyRef": key}
        assert found["REDIS_USER"]["value"] == "backup"
        assert found["REDIS_MEMBERS"]["value"] == "redis-0 redis-1 redis-2"
        assert all(isinstance(entry.get("value", ""), str) for entry in container["env"])
        assert {"name": "backup", "mountPath": "/backup"} in container["volumeMounts"]
        volumes = {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}
        assert volumes["key"]["secret"]["optional"] is True
        assert volumes["key"]["secret"]["defaultMode"] == 0o440
        peers = [rule["from"] for rule in manifests["NetworkPolicy", "redis"]["spec"]["ingress"]]
        assert [{"podSelector": {"matchLabels": {"app": "redis-backup"}}}] in peers


def environment(manifests, kind: str, name: str) -> dict:
    pod = manifests[kind, name]["spec"]["template"]["spec"]
    return {entry["name"]: entry.get("value", "a secret") for entry in pod["containers"][0]["env"]}


def test_members_of_weaviate(production, local):
    """They find each other quickly and vote, and nothing has fewer copies than three; everybody needs a key."""
    found = environment(production, "StatefulSet", "weaviate")
    assert found["CLUSTER_JOIN"] == ",".join(f"weaviate-{n}.weaviate-headless:7100" for n in range(3))
    assert (found["RAFT_JOIN"], found["RAFT_BOOTSTRAP_EXPECT"]) == ("weaviate-0,weaviate-1,weaviate-2", "3")
    assert (found["CLUSTER_HOSTNAME"], found["REPLICATION_MINIMUM_FACTOR"]) == ("$(POD_NAME)", "3")
    assert "CLUSTER_ADVERTISE_ADDR" not in found
    assert found["AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED"] == "false"
    keys = [f"$(KEY_{user.upper()})" for user in found["AUTHENTICATION_APIKEY_USERS"].split(",")]
    assert found["AUTHENTICATION_APIKEY_ALLOWED_KEYS"].split(",") == keys
    assert {found[key[2:-1]] for key in keys} == {"a secret"}
    assert int(found["GOMEMLIMIT"]) == 8 * 2**30 * 8 // 10
    headless = production["Service", "weaviate-headless"]["spec"]
    assert (headless["clusterIP"], headless["publishNotReadyAddresses"]) == ("None", True)
    pod = production["StatefulSet", "weaviate"]["spec"]
    assert pod["podManagementPolicy"] == "Parallel"
    assert "requiredDuringSchedulingIgnoredDuringExecution" in pod["template"]["spec"]["affinity"]["podAntiAffinity"]


def test_weaviate_is_backed_up_where_there_is_an_object_store(production, local, tmp_path):
    assert environment(production, "StatefulSet", "weaviate")["ENABLE_MODULES"] == ""
    found = environment(local, "StatefulSet", "weaviate")
    assert (found["ENABLE_MODULES"], found["BACKUP_S3_ENDPOINT"]) == ("backup-s3", "seaweedfs.vcci-platform.svc:8333")
    given = render(tmp_path, data_s3_endpoint="s3.example.com", data_s3_egress=[{"ports": [{"port": 443}]}])
    assert environment(given, "StatefulSet", "weaviate")["BACKUP_S3_ENDPOINT"] == "s3.example.com"
    for name in ("weaviate", "weaviate-backup"):
        assert {"ports": [{"port": 443}]} in given["NetworkPolicy", name]["spec"]["egress"]
        store = {"podSelector": {"matchLabels": {"app": "seaweedfs"}}}
        assert [store] in [rule.get("to") for rule in local["NetworkPolicy", name]["spec"]["egress"]]


def test_the_object_stores_keys_come_by_file(local):
    pod = local["StatefulSet", "seaweedfs"]["spec"]["template"]["spec"]
    arguments = pod["containers"][0]["args"]
    assert "-s3.config=/run/secrets/s3/s3.json" in arguments
    assert "-bucket=vcci-postgresql-archive,vcci-weaviate-backup" in arguments
    assert "env" not in pod["containers"][0]
    assert local["NetworkPolicy", "seaweedfs"]["spec"]["egress"] == []


def test_what_waits_for_the_archive_is_bounded_and_its_keys_are_files(production, local, tmp_path):
    def conf(manifests):
        return manifests["ConfigMap", "postgresql-config"]["data"]["pgbackrest.conf"]

    assert f"archive-push-queue-max={100 * 1024**3 // 4}\n" in conf(production)
    assert f"archive-push-queue-max={1024**3 // 4}\n" in conf(local)
    assert "repo1-path=/archive/postgresql\n" in conf(production)
    assert "cipher-pass" not in conf(production)
    found = patroni(production)["postgresql"]
    assert found["create_replica_methods"] == ["pgbackrest", "basebackup"]
    assert found["parameters"]["archive_mode"] == "on"
    pod = production["StatefulSet", "postgresql"]["spec"]["template"]["spec"]
    assert {"postgresql", "archive", "exporter"} == {container["name"] for container in pod["containers"]}
    asks = production["CronJob", "postgresql-archive"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert [volume["name"] for volume in asks["volumes"]] == ["secret", "data-ca"], "neither data nor archive"

    store = {"data_postgresql_archive": "s3", "data_s3_endpoint": "s3.example.com", "data_s3_egress": [{"ports": []}]}
    far = render(tmp_path, **store)
    assert "repo1-s3-endpoint=s3.example.com\n" in conf(far)
    assert {"ports": []} in far["NetworkPolicy", "postgresql"]["spec"]["egress"]
    none = render(tmp_path, data_postgresql_archive="none")
    assert "archive_mode" not in patroni(none)["postgresql"]["parameters"]
    assert patroni(none)["postgresql"]["create_replica_methods"] == ["basebackup"]
    containers = none["StatefulSet", "postgresql"]["spec"]["template"]["spec"]["containers"]
    assert "archive" not in {container["name"] for container in containers}


@pytest.mark.parametrize("name", ["postgresql", "redis"])
def test_alerts_are_rules_with_a_runbook(tmp_path, name):
    (config,) = helpers.render(tmp_path, "data", names=[f"{name}_alerts.yml.j2"])
    assert config["metadata"]["name"] == f"{name}-alerts"
    groups = yaml.safe_load(config["data"][f"{name}.yml"])["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    for rule in rules:
        assert rule["expr"].count("(") == rule["expr"].count(")"), rule
        assert "{{" not in rule["expr"], rule
        assert (ROOT / rule["annotations"]["runbook"]).exists()
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_who_shows_figures_has_a_password_of_its_own_alone(production):
    """And only members of PostgreSQL ask the API server anything."""
    mounts = {}
    for name in ("postgresql", "redis"):
        pod = production["StatefulSet", name]["spec"]["template"]["spec"]
        mounts |= {(name, one["name"]): {mount["name"] for mount in one["volumeMounts"]} for one in pod["containers"]}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        if name == "postgresql":
            assert [item["key"] for item in volumes["exporter"]["secret"]["items"]] == ["exporter-dsn"]
        else:
            assert "env" not in next(one for one in pod["containers"] if one["name"] == "exporter")
    assert mounts["postgresql", "exporter"] == {"exporter"}
    assert mounts["redis", "exporter"] == {"run"}
    assert [where for where, names in mounts.items() if "api-token" in names] == [("postgresql", "postgresql")]
