# Copyright (c) 2026 GreenLang. All rights reserved.
"""Backups and restores on the running site: what is lost comes back, of all or of one tenant, and can be taken back."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator

import pytest

from tests.helpers import eventually
from tests.molecule.conftest import Site, changed, kill_in

HERE = ("-n", "vcci-platform")
PLAY = "playbooks/data_restore.yml"
STEPS = ("make", "stop", "exchange", "start")
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


@pytest.fixture(scope="module")
def dump(site: Site) -> Iterator[str]:
    with dumped(site) as name:
        yield name


@contextlib.contextmanager
def dumped(site: Site) -> Iterator[str]:
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
    try:
        yield found[1]
    finally:
        ask(site, "drop table if exists public.kept; drop schema if exists tenant_acme_corp cascade")
        ask(site, "drop owned by tenant_acme_corp; drop role if exists tenant_acme_corp")


def in_place(dump: str) -> list[str]:
    return [PLAY, "-e", "data_restore_into=in-place", "-e", f"data_restore_from={dump}", *CONFIRMED]


def state(site: Site, wanted: str) -> str:
    return site.play(PLAY, "-e", f"data_restore_state={wanted}", *CONFIRMED)


def test_a_drill_leaves_figures_and_nothing_else(site: Site, dump: str) -> None:
    """What Prometheus has of it is looked at in the end: the kubelet brings it within a minute or so."""
    told = site.play("playbooks/data_restore_drill.yml")
    assert changed(told) >= 1
    assert re.search(r"RPO \d+ s .*, RTO [\d.]+ s", told), told
    assert "vcci-restore-drill" not in site.kubectl("get", "namespaces")


def test_all_backups_are_shown(site: Site, dump: str) -> None:
    told = site.play("playbooks/backups_report.yml")
    assert changed(told) == 0
    assert dump in told


def test_bad_input_changes_nothing(site: Site, dump: str) -> None:
    before = databases(site)
    for flags, said in {
        ("-e", "data_restore_into=in-place"): "Remedy: type the name",
        ("-e", "data_restore_from=vcci-backup-20010101.dump"): "No such file",
    }.items():
        assert said in " ".join(site.play(PLAY, *flags).split())
    assert databases(site) == before


def test_in_place_although_it_was_killed_and_back_again(site: Site, dump: str) -> None:
    """While the databases are exchanged; tests/soak/restore.py kills it in each step."""
    assert changed(site.play(*in_place(dump), "--check")) == 0
    killed_in(site, dump, "exchange")
    assert changed(site.play("playbooks/data.yml", "playbooks/apps.yml")) == 0


def killed_in(site: Site, dump: str, step: str) -> None:
    """Whatever is live then has all rows of before, or all of the dump; run again it comes to its end, and back."""
    ask(site, "delete from public.kept where n > 10")
    was = site.replicas()
    kill_in(site, in_place(dump), step)
    eventually(lambda: rows(site) in ("10", "1000"), "one or the other is live")
    assert changed(site.play(*in_place(dump))) >= 1
    assert (rows(site), site.replicas()) == ("1000", was)
    [kept] = databases(site)
    assert "is kept of an earlier restore" in " ".join(site.play(*in_place(dump)).split())
    assert changed(state(site, "returned")) >= 1
    assert (rows(site), site.replicas()) == ("10", was)
    assert kept not in databases(site)
    assert "there is nothing to return to" in " ".join(state(site, "returned").split())
    assert rows(site) == "10"
    assert changed(state(site, "confirmed")) >= 1
    assert databases(site) == []


def rows(site: Site) -> str:
    return ask(site, "select count(*) from public.kept")


def test_one_tenant(site: Site, dump: str) -> None:
    site.play("playbooks/tenant_backup.yml", "-e", "tenant_id=acme-corp")
    ask(site, "delete from tenant_acme_corp.entries; insert into public.kept values (0, 'since')")
    restored = site.play("playbooks/tenant_restore.yml", *TENANT)
    assert changed(restored) >= 1
    assert ask(site, "select count(*) from tenant_acme_corp.entries") == "100"
    assert ask(site, "select line from public.kept where n = 0") == "since"
    site.play("playbooks/tenant_restore.yml", *TENANT, "-e", "data_restore_state=returned")
    assert ask(site, "select count(*) from tenant_acme_corp.entries") == "0"
    site.play("playbooks/tenant_restore.yml", *TENANT, "-e", "data_restore_state=confirmed")
    assert ask(site, "select count(*) from pg_namespace where nspname ~ '^was:'") == "0"
    ask(site, "delete from public.kept where n = 0")


def test_prometheus_has_what_the_drill_measured(site: Site) -> None:
    api = "/api/v1/namespaces/vcci-observability/services/prometheus:9090/proxy/api/v1"

    def drilled() -> bool:
        found = json.loads(site.kubectl("get", "--raw", f"{api}/query?query=vcci_restore_drill_success"))
        return [sample["value"][1] for sample in found["data"]["result"]] == ["1"]

    eventually(drilled, "Prometheus has what the drill measured", every=3)
    groups = json.loads(site.kubectl("get", "--raw", f"{api}/rules"))["data"]["groups"]
    assert "RestoreDrillFailed" in {rule["name"] for group in groups for rule in group["rules"]}
