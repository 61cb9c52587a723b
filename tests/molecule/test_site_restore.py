# Copyright (c) 2026 GreenLang. All rights reserved.
"""Backups and restores on the running site: what is lost comes back, of all or of one tenant, and can be taken back."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.helpers import ROOT, TOOLS, eventually
from tests.molecule.conftest import Site, changed

HERE = ("-n", "vcci-platform")
CONFIRMED = ("-e", "data_restore_confirm=vcci")
TENANT = ("-e", "tenant_id=acme-corp", "-e", "tenant_confirm=acme-corp")


def primary(site: Site) -> str:
    return site.kubectl(
        "get", "endpoints", "postgresql", *HERE, "-o", "jsonpath={.metadata.annotations.leader}"
    ).strip()


def ask(site: Site, statement: str, database: str = "vcci") -> str:
    """As the superuser."""
    login = ["--host", "/var/run/postgresql", "--username", "postgres", "--dbname", database]
    psql = ["psql", *login, "--no-align", "--tuples-only", "--quiet", "--command", statement]
    return site.kubectl("exec", primary(site), *HERE, "-c", "postgresql", "--", *psql).strip()


def databases(site: Site) -> list[str]:
    return ask(site, "select datname from pg_database where datname ~ '^vcci_' order by 1").split()


def replicas(site: Site) -> dict[str, int]:
    found = json.loads(site.kubectl("get", "deployments", *HERE, "-o", "json"))["items"]
    return {one["metadata"]["name"]: one["spec"]["replicas"] for one in found}


@pytest.fixture(scope="module")
def dump(site: Site) -> Iterator[str]:
    """A backup of rows of the platform and of a tenant."""
    made = (
        "create table if not exists public.kept as select i as n, 'row ' || i as line from generate_series(1, 1000) i;"
        "alter table public.kept owner to vcci;"
        "create role tenant_acme_corp; create schema tenant_acme_corp authorization tenant_acme_corp;"
        "create table tenant_acme_corp.entries as select i as n from generate_series(1, 100) i;"
        "alter table tenant_acme_corp.entries owner to tenant_acme_corp;"
        "alter table tenant_acme_corp.entries enable row level security;"
    )
    ask(site, made)
    told = site.play("playbooks/data_backup.yml")
    assert changed(told) >= 1
    found = re.search(r"(vcci-backup-\d{8}\.dump): .* read back", told)
    assert found, told
    yield found[1]
    ask(site, "drop table if exists public.kept; drop schema if exists tenant_acme_corp cascade")
    ask(site, "drop owned by tenant_acme_corp; drop role if exists tenant_acme_corp")


def test_all_backups_are_shown(site: Site, dump: str) -> None:
    told = site.play("playbooks/backups_report.yml")
    assert changed(told) == 0
    assert dump in told


def test_bad_input_changes_nothing(site: Site, dump: str) -> None:
    before = databases(site)
    for flags, said in {
        ("-e", "data_restore_into=in-place"): "Remedy: type the name",
        ("-e", "data_restore_from=vcci-backup-20010101.dump"): "No such file",
        ("-e", "data_restore_state=returned", *CONFIRMED): "there is nothing to return to",
    }.items():
        assert said in " ".join(site.play("playbooks/data_restore.yml", *flags).split())
    assert databases(site) == before


def test_in_place_and_back_again(site: Site, dump: str) -> None:
    ask(site, "delete from public.kept where n > 10")
    was = replicas(site)
    flags = (
        "playbooks/data_restore.yml",
        "-e",
        "data_restore_into=in-place",
        "-e",
        f"data_restore_from={dump}",
        *CONFIRMED,
    )
    assert changed(site.play(*flags, "--check")) == 0
    assert changed(site.play(*flags)) >= 1
    assert ask(site, "select count(*) from public.kept") == "1000"
    assert replicas(site) == was
    [kept] = databases(site)
    assert "is kept of an earlier restore" in " ".join(site.play(*flags).split())
    back = site.play("playbooks/data_restore.yml", "-e", "data_restore_state=returned", *CONFIRMED)
    assert changed(back) >= 1
    assert ask(site, "select count(*) from public.kept") == "10"
    site.play("playbooks/data_restore.yml", "-e", "data_restore_state=returned", *CONFIRMED)
    assert ask(site, "select count(*) from public.kept") == "1000"
    assert kept not in databases(site)
    assert changed(site.play("playbooks/data_restore.yml", "-e", "data_restore_state=confirmed", *CONFIRMED)) >= 1
    assert databases(site) == []
    assert changed(site.play("playbooks/data.yml")) == 0
    assert changed(site.play("playbooks/apps.yml")) == 0


@pytest.mark.parametrize("step", ["make", "stop", "exchange", "start"])
def test_killed_in_each_step_and_run_again(site: Site, dump: str, step: str) -> None:
    """Whatever is live then has all rows of before, or all of the dump."""
    ask(site, "delete from public.kept where n > 500")
    was = replicas(site)
    flags = [
        "playbooks/data_restore.yml",
        "-e",
        "data_restore_into=in-place",
        "-e",
        f"data_restore_from={dump}",
        *CONFIRMED,
    ]
    command = [str(TOOLS / "ansible-playbook"), *flags, *site.flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        for line in process.stdout:
            if f"step {step}" in line:
                break
        process.send_signal(signal.SIGKILL)
    eventually(lambda: ask(site, "select count(*) from public.kept") in ("500", "1000"), 60, "one or the other is live")
    assert changed(site.play(*flags)) >= 1
    assert ask(site, "select count(*) from public.kept") == "1000"
    assert replicas(site) == was
    site.play("playbooks/data_restore.yml", "-e", "data_restore_state=confirmed", *CONFIRMED)
    assert databases(site) == []


def test_one_tenant(site: Site, dump: str) -> None:
    site.play("playbooks/tenant_backup.yml", "-e", "tenant_id=acme-corp")
    ask(site, "delete from tenant_acme_corp.entries; insert into public.kept values (0, 'since')")
    restored = site.play("playbooks/tenant_restore.yml", *TENANT)
    assert changed(restored) >= 1
    assert ask(site, "select count(*) from tenant_acme_corp.entries") == "100"
    assert ask(site, "select line from public.kept where n = 0") == "since"
    site.play("playbooks/tenant_restore.yml", *TENANT, "-e", "data_restore_state=returned")
    assert ask(site, "select count(*) from tenant_acme_corp.entries") == "0"
    site.play("playbooks/tenant_restore.yml", *TENANT, "-e", "data_restore_state=returned")
    site.play("playbooks/tenant_restore.yml", *TENANT, "-e", "data_restore_state=confirmed")
    assert ask(site, "select count(*) from pg_namespace where nspname ~ '^was:'") == "0"
    ask(site, "delete from public.kept where n = 0")


def test_a_drill_leaves_figures_and_nothing_else(site: Site, dump: str) -> None:
    told = site.play("playbooks/data_restore_drill.yml")
    assert changed(told) >= 1
    assert re.search(r"RPO \d+ s .*, RTO [\d.]+ s", told), told
    assert "vcci-restore-drill" not in site.kubectl("get", "namespaces")
    api = "/api/v1/namespaces/vcci-observability/services/prometheus:9090/proxy/api/v1"

    def drilled() -> bool:
        """The kubelet brings the ConfigMap within a minute or so, and Prometheus asks every half minute."""
        found = json.loads(site.kubectl("get", "--raw", f"{api}/query?query=vcci_restore_drill_success"))
        return [sample["value"][1] for sample in found["data"]["result"]] == ["1"]

    eventually(drilled, 240, "Prometheus has what the drill measured", every=3)
    groups = json.loads(site.kubectl("get", "--raw", f"{api}/rules"))["data"]["groups"]
    assert "RestoreDrillFailed" in {rule["name"] for group in groups for rule in group["rules"]}
