# Copyright (c) 2026 GreenLang. All rights reserved.
"""Role secrets with the real controller: the reference document's Secrets, key by key."""

from __future__ import annotations

import base64
import datetime
import json
import random
import uuid
from urllib.parse import unquote, urlsplit

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import keyring
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import sealing_pair

from tests.helpers import ROOT, ansible, play

CANARY = f"canary-{uuid.uuid4()}"
KEYS = {
    "backend-secrets": [
        "ANTHROPIC_API_KEY",
        "DATABASE_URL",
        "JWT_SECRET",
        "OPENAI_API_KEY",
        "REDIS_URL",
        "WEAVIATE_API_KEY",
    ],
    "postgresql-archive-secrets": ["cipher-key"],
    "postgresql-backup-key": ["identity"],
    "postgresql-secrets": [
        "archive-password",
        "backup-password",
        "exporter-dsn",
        "password",
        "replication-password",
        "rewind-password",
        "username",
    ],
    "redis-secrets": ["backup-password", "members-password", "password"],
    "weaviate-secrets": ["administrator", "application", "backup", "members", "viewer"],
    "s3-secrets": ["access-key-id", "s3.json", "secret-access-key"],
    "grafana-secrets": ["admin-password", "admin-user"],
}
pytestmark = pytest.mark.usefixtures("controller")


@pytest.fixture
def role(kubeconfig, namespace, tmp_path):
    """Run the role in the test's namespace; its results, and everything that was said."""

    def run(*flags: str, assume_empty: bool = False, part: str = "main", **variables) -> tuple[list[dict], str]:
        given = "{{ lookup('ansible.builtin.env', 'CANARY') }}"
        values = {
            "platform_environment": "production",
            "platform_namespace": namespace,
            "platform_observability_namespace": namespace,
            "secrets_openai_api_key": given,
            "secrets_anthropic_api_key": given,
            **variables,
        }
        task = {"ansible.builtin.include_role": {"name": "greenlang.vcci.secrets", "tasks_from": part}}
        connection = {
            name: {"kubeconfig": str(kubeconfig)}
            for name in ("greenlang.vcci.sealing_keys", "greenlang.vcci.sealed_secret_info")
        }
        defaults = {
            **connection,
            "greenlang.vcci.sealed_secret": {
                "kubeconfig": str(kubeconfig),
                "record_namespace": namespace,
                "assume_empty": assume_empty,
            },
        }
        shared = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
        # Above the shared values, as an inventory's are.
        (tmp_path / "values.json").write_text(json.dumps(values))
        flags += ("-e", f"@{tmp_path / 'values.json'}")
        return play(
            tmp_path, [task], *flags, environment={"CANARY": CANARY}, vars_files=shared, module_defaults=defaults
        )

    return run


@pytest.fixture
def values(client, namespace):
    def read() -> dict[str, dict[str, str]]:
        found = {secret["metadata"]["name"]: secret for secret in client.list("v1", "Secret", namespace)}
        return {
            name: {key: base64.b64decode(text).decode() for key, text in found[name]["data"].items()} for name in KEYS
        }

    return read


def test_the_reference_documents_secrets(role, values) -> None:
    results, said = role("-vvvv", "--diff")
    assert results[-1]["changed"], said
    first = values()
    assert {name: sorted(keys) for name, keys in first.items()} == KEYS
    for value in [CANARY, *(value for keys in first.values() for value in keys.values() if len(value) > 10)]:
        assert value not in said
        assert base64.b64encode(value.encode()).decode() not in said
    backend, postgresql = first["backend-secrets"], first["postgresql-secrets"]
    assert (backend["OPENAI_API_KEY"], backend["ANTHROPIC_API_KEY"]) == (CANARY, CANARY)
    assert len(base64.b64decode(backend["JWT_SECRET"])) == 32
    database, redis, exporter = (
        urlsplit(url) for url in (backend["DATABASE_URL"], backend["REDIS_URL"], postgresql["exporter-dsn"])
    )
    assert (database.scheme, database.username, database.netloc.split("@")[1], database.path) == (
        "postgresql",
        "vcci",
        "postgresql:5432",
        "/vcci",
    )
    assert unquote(str(database.password)) == postgresql["password"]
    assert (redis.scheme, redis.username) == ("rediss", "application")
    assert (unquote(str(redis.password)), redis.netloc.split("@")[1], redis.path) == (
        first["redis-secrets"]["password"],
        "redis:6379",
        "/0",
    )
    assert (exporter.username, exporter.netloc.split("@")[1]) == ("vcci_monitor", "localhost:5432")
    assert (exporter.path, exporter.query) == ("/vcci", "sslmode=disable")
    assert exporter.password != postgresql["password"]

    results, said = role("--diff")
    assert "changed=0 " in said, said
    assert values() == first

    # A new key of somebody else's touches that alone; a new name around a generated password keeps the password.
    results, said = role(secrets_openai_api_key="new", secrets_postgresql_database="other")
    changed = {name.split("/")[1]: state["changed_keys"] for name, state in results[-1]["secrets"].items()}
    anew = {"backend-secrets": ["DATABASE_URL", "OPENAI_API_KEY"], "postgresql-secrets": ["exporter-dsn"]}
    assert changed == {name: anew.get(name, []) for name in KEYS}
    assert values()["postgresql-secrets"]["exporter-dsn"] == postgresql["exporter-dsn"].replace("/vcci?", "/other?")


def test_a_first_check_lists_everything_and_asks_nothing(role, client, namespace) -> None:
    results, said = role("--check", "--diff", assume_empty=True)
    assert {
        name.split("/")[1]: sorted(state["changed_keys"]) for name, state in results[-1]["secrets"].items()
    } == KEYS, said
    assert client.list("bitnami.com/v1alpha1", "SealedSecret", namespace) == []


def test_keys_of_other_companies_are_required_in_one_error(role, client, namespace) -> None:
    results, _said = role(secrets_openai_api_key="", secrets_anthropic_api_key="")
    assert results[-1]["failed"]
    assert "secrets_openai_api_key, secrets_anthropic_api_key" in results[-1]["msg"]
    assert "inventories/production/group_vars/vcci_production/" in results[-1]["msg"]
    assert client.list("bitnami.com/v1alpha1", "SealedSecret", namespace) == []


def test_procedures_of_the_role(role, values, namespace, tmp_path) -> None:
    """What the playbooks of these names do: rotation, report, backup, re-encryption in the cluster and in files."""
    (tmp_path / "password").write_text("vault password")
    flags = ("--vault-password-file", str(tmp_path / "password"))
    files = {
        "secrets_directory": str(tmp_path / "sealed"),
        "secrets_sealing_keys_file": str(tmp_path / "keys.vault.yml"),
    }
    results, said = role(**files)
    assert len(list((tmp_path / "sealed" / namespace).glob("*.yml"))) == len(KEYS), said
    before = values()
    results, said = role(secrets_rotate=["redis-secrets"], secrets_restart=True)
    changed = {
        name.split("/")[1]: state["changed_keys"]
        for name, state in results[-1]["secrets"].items()
        if state["changed_keys"]
    }
    theirs = ["backup-password", "members-password", "password"]
    assert changed == {"redis-secrets": theirs, "backend-secrets": ["REDIS_URL"]}, said
    assert values()["redis-secrets"] != before["redis-secrets"]
    results, said = role(part="report")
    assert any(line.startswith(f"{namespace}/redis-secrets") for line in results[-2]["msg"]), said
    results, said = role(*flags, part="sealing_keys", secrets_sealing_keys_state="backed_up", **files)
    assert "sealing keys in" in results[-1]["msg"][0], said
    for more in ({}, files):
        results, said = role(*flags, part="sealing_keys", secrets_sealing_keys_state="reencrypted", **more)
        assert results[-1]["msg"][0].startswith("0 SealedSecrets sealed anew"), said


def test_manifests_need_no_cluster(tmp_path) -> None:
    """Sealed from a certificate, and anew from a backup, with a kubeconfig that is not there."""
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    pairs = [sealing_pair(begins, 30, 2048) for begins in (now - day, now)]
    (tmp_path / "sealing.pem").write_bytes(pairs[0][0])
    backup = [keyring.key_secret("kube-system", *pair, random.Random(number)) for number, pair in enumerate(pairs)]
    text = VaultLib([("default", VaultSecret(b"vault password"))]).encrypt(json.dumps({"items": backup}))
    (tmp_path / "keys.vault.yml").write_bytes(text)
    (tmp_path / "password").write_text("vault password")
    values = {
        "secrets_cluster": False,
        "secrets_directory": str(tmp_path / "sealed"),
        "secrets_certificate": str(tmp_path / "sealing.pem"),
        "secrets_fingerprint_key": "k" * 32,
        "secrets_sealing_keys_file": str(tmp_path / "keys.vault.yml"),
        "cluster_kubeconfig": str(tmp_path / "none"),
    }
    flags = ("-i", "inventories/local", "-e", json.dumps(values), "--vault-password-file", str(tmp_path / "password"))
    for playbook in ("secrets", "secrets_reencrypt"):
        for changed in (1, 0):
            said = ansible("ansible-playbook", f"playbooks/{playbook}.yml", *flags).stdout
            assert f"changed={changed} " in said, said
            assert "failed=0" in said, said
    assert len(list((tmp_path / "sealed").rglob("*.yml"))) == len(KEYS)
