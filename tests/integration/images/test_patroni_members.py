# Copyright (c) 2026 GreenLang. All rights reserved.
"""The image vcci-postgresql as members that agree at a real API server: who may, who leads; nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.helpers import eventually
from tests.integration.images.patroni_members import SOCKETS, Members
from tests.integration.images.redis_members import needs_root, unpacked

pytestmark = needs_root
SMALL = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "1000m", "memory": "512Mi"}}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return unpacked("vcci-postgresql", tmp_path_factory.getbasetemp() / "images")


@pytest.fixture
def members(image, tmp_path, network, kubeconfig, kubectl, namespace) -> Iterator[Members]:
    made = Members(image, tmp_path, network, kubeconfig, namespace, data_postgresql_resources=SMALL)
    made.bring(kubectl)
    yield made
    made.stop()


def whole(members: Members) -> int:
    """The primary, when all members are well again."""
    found = eventually(lambda: (members.whole() is not None) and [members.whole()], members.logs)
    return found[0]


def test_who_reaches_what(members):
    members.start(0, 1, 2)
    first = whole(members)
    assert first == 0, "the lowest that is well makes the cluster"

    # As typed in every member, without a password: the primary, verified. The superuser is inside only.
    for index in range(3):
        assert members.sql(index, "select pg_is_in_recovery()") == "f"
    refusals = {
        "no encryption": members.run(1, "psql", "-U", "vcci", "-d", "vcci", "-c", "select 1", PGSSLMODE="disable"),
        "reject": members.run(1, "psql", "-U", "postgres", "-d", "vcci", "-c", "select 1"),
        "certificate verify failed": members.run(
            1,
            "psql",
            "-U",
            "vcci",
            "-d",
            "vcci",
            "-c",
            "select 1",
            PGSSLROOTCERT="/run/secrets/kubernetes.io/serviceaccount/ca.crt",
        ),
    }
    for reason, done in refusals.items():
        assert done.returncode != 0, reason
        assert reason in done.stderr, done.stderr
    socket = ("-h", SOCKETS, "-U", "postgres", "-d", "vcci", "-At", "-c")
    assert members.run(first, "psql", *socket, "select 1").stdout.strip() == "1"
    roles = "select string_agg(rolname, ' ' order by 1) from pg_roles where rolreplication and rolname <> 'postgres'"
    assert members.run(first, "psql", *socket, roles).stdout.strip() == "vcci_replication"
    states = "select string_agg(distinct state || ' ' || sync_state, ',') from pg_stat_replication"
    eventually(lambda: members.run(first, "psql", *socket, states).stdout.strip() == "streaming quorum", members.logs)

    # The reference's restore, typed in any member.
    members.sql(0, "create table kept as select 1 as row")
    dump = "/backup/vcci-backup-20260101.dump"
    done = members.run(2, "pg_dump", "-U", "vcci", "-d", "vcci", "--format=custom", "--file", dump)
    assert done.returncode == 0, done.stderr
    for index in range(3):
        members.sql(index, "drop table kept")
        done = members.run(index, "pg_restore", "-U", "vcci", "-d", "vcci", dump)
        assert done.returncode == 0, done.stderr
        assert members.sql(index, "select count(*) from kept") == "1"

    # Whoever may not be a member may ask, and nothing else.
    assert members.ask(first, "/readiness")[0] == 200
    assert members.ask(first, "/config", "PATCH", {"ttl": 60})[0] == 403


def test_one_server_becomes_the_first_member(members):
    """As an earlier version made it: a server with its configuration beside it, that nobody told of Patroni."""
    data = "/var/lib/postgresql/data/pgdata"
    settings = f"-c listen_addresses= -c unix_socket_directories={SOCKETS}"
    psql = f"psql -h {SOCKETS}"
    steps = [
        f"initdb --pgdata {data} --username postgres --locale C.UTF-8 --auth-local peer --auth-host scram-sha-256",
        f"echo \"include_if_exists = '/etc/postgresql/vcci/postgresql.conf'\" >> {data}/postgresql.conf",
        f"echo 'local all all peer map=pod' > {data}/pg_hba.conf; echo 'pod postgres all' > {data}/pg_ident.conf",
        f"pg_ctl start --wait --pgdata {data} --log {data}.log --options '{settings}'",
        f"{psql} -U postgres -d postgres -c 'create role vcci login' -c 'create database vcci owner vcci'",
        f"{psql} -U vcci -d vcci -c 'create table kept as select generate_series(1, 1000) as row'",
        f"pg_ctl stop --wait --pgdata {data} --mode fast",
    ]
    for step in steps:
        done = members.run(0, "bash", "-c", f"unset PGHOST PGTARGETSESSIONATTRS; {step}")
        assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
    system = members.run(0, "bash", "-c", f"pg_controldata {data} | grep 'system identifier'").stdout.split()[-1]
    # Others that come first make no database of their own.
    members.start(1)
    eventually(lambda: members.told(1), members.logs)
    members.start(0)
    eventually(lambda: members.primaries() == [0], members.logs)
    members.start(2)
    whole(members)
    assert {members.told(index)["database_system_identifier"] for index in range(3)} == {system}
    assert members.sql(2, "select count(*) from kept") == "1000"


def test_an_empty_volume_never_becomes_the_data(members, client, kubectl):
    """Also when the cluster's own store is lost, and with it the note that there is a database."""
    members.start(0, 1, 2)
    first = whole(members)
    members.sql(first, "create table kept as select 1 as row")
    members.kill(0)
    other = eventually(members.primaries, members.logs)[0]
    members.wipe(0)
    names = ("postgresql", "postgresql-config", "postgresql-sync", "postgresql-failover")
    kubectl("delete", "endpoints", *names, "-n", members.namespace, "--ignore-not-found")
    members.start(0)
    whole(members)
    assert members.sql(0, "select count(*) from kept") == "1"
    assert other in (1, 2)


def test_new_certificates_and_settings_are_taken_while_it_runs(members, client):
    members.start(0, 1, 2)
    first = whole(members)
    serial = members.renew()
    eventually(lambda: {members.served(index) for index in range(3)} == {serial}, members.logs)
    path = members.root / "config" / "dcs.json"
    wanted = json.loads(path.read_text())
    wanted["maximum_lag_on_failover"] = 2097152
    path.write_text(json.dumps(wanted))

    def agreed() -> bool:
        kept = client.get("v1", "Endpoints", "postgresql-config", members.namespace)
        return json.loads(kept["metadata"]["annotations"]["config"])["maximum_lag_on_failover"] == 2097152

    eventually(agreed, members.logs)
    assert whole(members) == first
