# Copyright (c) 2026 GreenLang. All rights reserved.
"""Dumps of the image vcci-postgresql become databases again: beside the live one, owner by owner; or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import helpers
from tests.integration.images import redis_members
from tests.integration.images.postgresql_server import Server

pytestmark = redis_members.needs_root
PLATFORM = "test/vcci"
# What a platform and its tenants have, and what of it would be dangerous as a superuser or as another tenant.
CONTENT = """
create extension vector;
create role tenant_acme; create role tenant_globex; create role analyst;
create schema tenant_acme authorization tenant_acme; create schema tenant_globex authorization tenant_globex;
set role vcci;
create table public.jobs (id bigint generated always as identity primary key, body text not null,
  made timestamptz default now());
insert into public.jobs (body) select 'job ' || i from generate_series(1, 2000) i;
create table public.parts (day date not null, n int) partition by range (day);
create table public.parts_1 partition of public.parts for values from ('2026-01-01') to ('2027-01-01');
insert into public.parts select '2026-02-01'::date + i, i from generate_series(0, 50) i;
create view public.open_jobs as select * from public.jobs where body like '%1';
create materialized view public.sums as select count(*) from public.jobs;
create table public.vectors (v vector(2)); insert into public.vectors values ('[1,2]');
grant select on public.jobs to analyst; create index on public.jobs (lower(body));
reset role; set role tenant_acme;
create function tenant_acme.fine(text) returns boolean language plpgsql immutable as
  $$ begin return length($1) > 0; end $$;
create table tenant_acme.entries (id int primary key, entry text check (tenant_acme.fine(entry)), at float8);
insert into tenant_acme.entries select i, 'entry ' || i || E'\\t\\\\.\\n', random() from generate_series(1, 500) i;
create table tenant_acme.lines (entry int references tenant_acme.entries, note text);
insert into tenant_acme.lines select i, 'note' from generate_series(1, 500) i;
create sequence tenant_acme.numbers start 77; select nextval('tenant_acme.numbers');
alter table tenant_acme.entries enable row level security; alter table tenant_acme.entries force row level security;
create policy nobody on tenant_acme.entries using (false);
select lo_from_bytea(4242, 'kept');
reset role; set role tenant_globex;
create table tenant_globex.entries as select 'globex ' || i as entry from generate_series(1, 10) i;
reset role;
create table public.of_the_superuser as select 1 as one;
create function public.at_ddl() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger at_ddl on ddl_command_end execute function public.at_ddl();
alter database vcci set work_mem = '9MB'; grant connect on database vcci to analyst;
revoke connect on database vcci from public;
"""


class Platform:
    """A server with `CONTENT`, a folder of backups, and what programs in its pod say."""

    def __init__(self, server: Server, root: Path) -> None:
        self.server, self.backup = server, root / "backup"
        self.environment = {
            "BACKUP_DIR": str(self.backup),
            "BACKUP_PLATFORM": PLATFORM,
            "BACKUP_KEY_FILE": f"{root}/secrets/identity",
            "PGDATA": f"{root}/data/pgdata",
        }

    def back_up(self, *argv: str, **environment: str) -> str:
        login = {"PGHOST": self.server.address, "PGUSER": "vcci_backup", "PGPASSWORD": "b", "PGDATABASE": "vcci"}
        told = {**self.environment, **login, **environment}
        done = self.server.run("/usr/local/bin/entrypoint", "backup", *argv, **told)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(json.loads(done.stdout)["name"])

    def restore(self, *argv: str, platform: str = PLATFORM, **environment: str) -> dict[str, Any]:
        told = {**self.environment, **environment}
        done = self.server.run("postgresql-restore", *argv, "--platform", platform, **told)
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def ask(self, statement: str, database: str = "vcci", user: str = "postgres") -> str:
        login = [
            "--host",
            f"{self.server.root}/sockets",
            "--username",
            user,
            "--dbname",
            database,
            "--set",
            "ON_ERROR_STOP=1",
        ]
        done = self.server.run("psql", *login, "--no-align", "--tuples-only", "--command", statement)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    image = redis_members.unpacked("vcci-postgresql", tmp_path_factory.getbasetemp() / "images")
    root = tmp_path_factory.mktemp("server")
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(helpers.reserved(range(200, 250), "network"))
        server = Server(image, root, network, "15434", password="secret", backup_password="b")
        stack.enter_context(server.running())
        server.ask(*CONTENT.split("\n\n"))
        key = server.run("age-keygen").stdout
        (root / "secrets" / "identity").write_text(key)
        yield Platform(server, root)


@pytest.fixture(scope="module")
def dump(platform: Platform) -> str:
    return platform.back_up()


def test_backups_alone_read_everything(platform):
    """Also in a database of before, where the owner read it all: each start says who may what."""
    server = platform.server
    server.ask("drop owned by vcci_backup", "drop role vcci_backup", "grant pg_read_all_data to vcci")
    assert server.run("postgresql-roles", "on_start", "primary").returncode == 0
    reads = "select array_agg(member::regrole) from pg_auth_members where roleid ="
    assert platform.ask(f"{reads} 'pg_read_all_data'::regrole") == "{vcci_backup}"
    more = "select rolsuper or rolcreaterole or rolcreatedb or rolreplication from pg_roles where rolname ="
    assert platform.ask(f"{more} 'vcci_backup'") == "f"
    login = {"PGHOST": server.address, "PGDATABASE": "vcci"}
    backup, owner = {"PGUSER": "vcci_backup", "PGPASSWORD": "b"}, {"PGUSER": "vcci", "PGPASSWORD": "secret"}
    may_write = ("--command", "set default_transaction_read_only = off")
    for user, statement, said in (
        (backup, "select count(*) from tenant_acme.entries", "500"),
        (backup, "create table x()", "permission denied"),
        (backup, "delete from tenant_acme.entries", "permission denied"),
        (owner, "select count(*) from tenant_acme.entries", "permission denied"),
    ):
        done = server.run("psql", *may_write, "--command", statement, **login, **user)
        assert said in done.stdout + done.stderr
    refused = server.run("/usr/local/bin/entrypoint", "backup", **platform.environment, **login, **owner)
    assert refused.returncode != 0
    assert "permission denied" in refused.stderr
    assert list(platform.backup.iterdir()) == [], "what is not whole is no backup"
    name = platform.back_up()
    assert "entry 500" in server.run("pg_restore", "--file", "-", str(platform.backup / name)).stdout


def test_whole_and_beside_what_is_live(platform, dump):
    done = platform.restore("restore", dump, "--into", "vcci_restored_1")
    assert (done["faults"], done["problems"], done["differences"]) == ([], [], [])
    assert done["left_out"] == ["EVENT TRIGGER at_ddl"]
    same = "select array_agg((relname, relkind, relowner::regrole) order by relname) from pg_class where relnamespace"
    ours = f"{same} in ('public'::regnamespace, 'tenant_acme'::regnamespace) and relname <> 'of_the_superuser'"
    assert platform.ask(ours) == platform.ask(ours, "vcci_restored_1")
    owner = "select relowner::regrole from pg_class where relname = 'of_the_superuser'"
    assert (platform.ask(owner), platform.ask(owner, "vcci_restored_1")) == ("postgres", "vcci")
    for about in (
        "select relrowsecurity, relforcerowsecurity from pg_class where oid = 'tenant_acme.entries'::regclass",
        "select nspacl from pg_namespace where nspname = 'tenant_acme'",
        "select relacl from pg_class where relname = 'jobs'",
        "select setconfig from pg_db_role_setting s, pg_database where oid = setdatabase and datname = current_catalog",
        "select array(select unnest(datacl)::text order by 1) from pg_database where datname = current_database()",
        "select last_value from tenant_acme.numbers",
        "select lo_get(4242)",
    ):
        assert platform.ask(about) == platform.ask(about, "vcci_restored_1"), about
    assert platform.restore("drop", "vcci_restored_1")["faults"] == []
    assert platform.restore("list")["databases"] == {}


def test_in_place_by_renaming_and_back_again(platform, dump):
    assert platform.restore("restore", dump, "--into", "vcci_restored_2")["problems"] == []
    platform.ask("insert into public.jobs (body) values ('since')")
    assert platform.restore("swap", "vcci_restored_2", "--was", "vcci_was_2")["changed"] is True
    assert platform.restore("swap", "vcci_restored_2", "--was", "vcci_was_2")["changed"] is False
    count = "select count(*) from public.jobs"
    assert (platform.ask(count), platform.ask(count, "vcci_was_2")) == ("2000", "2001")
    assert "too many connections" in as_owner(platform, "vcci_was_2")
    assert as_owner(platform, "vcci") == "1"
    assert platform.restore("swap", "vcci_was_2", "--was", "vcci_was_3")["changed"] is True
    assert platform.restore("swap", "vcci_was_2", "--was", "vcci_was_3")["changed"] is False
    assert platform.ask(count) == "2001"
    assert "not one that a restore made" in platform.restore("swap", "vcci_was_3", "--was", "vcci_was_4")["faults"][0]
    assert as_owner(platform, "vcci") == "1"
    assert "stays" in platform.restore("drop", "vcci")["faults"][0]
    assert platform.restore("drop", "vcci_was_3")["dropped"] == "vcci_was_3"
    platform.ask("create database of_somebody")
    assert "was not made by a restore" in platform.restore("drop", "of_somebody")["faults"][0]
    assert "not one that a restore made" in platform.restore("swap", "of_somebody", "--was", "vcci_was_4")["faults"][0]
    platform.ask("drop database of_somebody")
    platform.ask("delete from public.jobs where body = 'since'")


def as_owner(platform: Platform, database: str) -> str:
    login = {"PGHOST": platform.server.address, "PGUSER": "vcci", "PGPASSWORD": "secret", "PGDATABASE": database}
    done = platform.server.run("psql", "--no-align", "--tuples-only", "--command", "select 1", **login)
    return (done.stdout + done.stderr).strip()


def test_encrypted_and_not_with_another_key(platform):
    name = platform.back_up(BACKUP_ENCRYPT="true")
    assert name.endswith(".dump.age")
    assert not (platform.backup / name).read_bytes().startswith(b"PGDMP")
    done = platform.restore("restore", name, "--into", "vcci_restored_3")
    assert (done["faults"], done["problems"], done["differences"]) == ([], [], [])
    platform.restore("drop", "vcci_restored_3")
    key = platform.backup.parent / "secrets" / "identity"
    right = key.read_text()
    try:
        key.write_text(platform.server.run("age-keygen").stdout)
        (fault,) = platform.restore("look", name)["faults"]
        assert "was encrypted with another key" in fault
        pem = subprocess.run(
            ["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, text=True, check=True
        )
        key.write_text(pem.stdout)  # as the role secrets generates it
        other = platform.back_up(BACKUP_ENCRYPT="true")
        assert platform.restore("look", other)["faults"] == []
        key.unlink()
        assert "here is no key" in platform.restore("look", other)["faults"][0]
    finally:
        key.write_text(right)
        (platform.backup / name).unlink(missing_ok=True)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 255]))


def newer(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(6)
        file.write(bytes([99]))


def of_a_newer_server(path: Path) -> None:
    content = path.read_bytes()
    where = content.index(b"17.")
    path.write_bytes(content[:where] + b"18." + content[where + 3 :])


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("create table x();")


@pytest.mark.parametrize(
    ("spoil", "manifest", "said"),
    [
        (truncate, True, "truncated or changed"),
        (flip, True, "truncated or changed"),
        (truncate, False, "truncated or changed"),
        (newer, False, "newer than"),
        (of_a_newer_server, False, "is of PostgreSQL 18, and this server is 17"),
        (nothing, False, "no dump of pg_dump's custom format"),
        (text, False, "no dump of pg_dump's custom format"),
        (lambda _path: None, False, "has no manifest"),
    ],
)
def test_what_is_no_whole_dump_of_here(platform, dump, spoil, manifest, said):
    copy = platform.backup / "spoiled.dump"
    shutil.copy2(platform.backup / dump, copy)
    os.chown(copy, 999, 999)
    (beside,) = platform.backup.glob(f"{dump}.{'[0-9a-f]' * 12}.json")
    digits = beside.name.split(".")[-2]
    if manifest:
        shutil.copy2(beside, platform.backup / f"spoiled.dump.{digits}.json")
    spoil(copy)
    try:
        before = platform.ask("select array_agg(datname order by 1) from pg_database")
        for verb in (["look", "spoiled.dump"], ["restore", "spoiled.dump", "--into", "vcci_restored_4"]):
            faults = platform.restore(*verb)["faults"]
            assert any(said in fault for fault in faults), faults
            assert all("Remedy: " in fault and len(fault) < 300 for fault in faults)
        assert platform.ask("select array_agg(datname order by 1) from pg_database") == before
    finally:
        for path in platform.backup.glob("spoiled.dump*"):
            path.unlink()


def test_other_bad_input(platform, dump):
    (fault,) = platform.restore("look", dump, platform="production/vcci")["faults"]
    assert "is of platform 'test/vcci'" in fault
    assert platform.restore("look", dump, "--foreign", platform="production/vcci")["faults"] == []
    assert "No such file" in platform.restore("look", "vcci-backup-20010101.dump")["faults"][0]
    assert "no name of a dump" in platform.restore("look", "../sockets/x.dump")["faults"][0]
    link = platform.backup / "link.dump"
    link.symlink_to(platform.backup / dump)
    try:
        assert "links are not followed" in platform.restore("look", "link.dump")["faults"][0]
        assert "link.dump" not in [found["name"] for found in platform.restore("list")["dumps"]]
    finally:
        link.unlink()
    assert "of its own is needed" in platform.restore("restore", dump, "--into", "vcci")["faults"][0]
    assert platform.restore("look", "latest")["dump"]["name"] == dump


CLIMB = """
create table tenant_evil.log (line text);
create function tenant_evil.at_last(text) returns boolean language plpgsql as $f$
declare step text;
begin
  foreach step in array array['reset role', 'set role postgres', 'set role vcci', 'set role tenant_globex',
    'set session authorization postgres',
    'create role climbed', 'create table public.climbed()', 'insert into tenant_globex.entries values (''climbed'')',
    'grant vcci to tenant_evil', 'grant tenant_globex to tenant_evil', 'alter role vcci_restore password ''climbed''',
    'alter role vcci_restore set search_path = tenant_evil', 'alter system set work_mem = ''7MB''',
    'copy (select 1) to program ''touch /tmp/climbed''',
    'create event trigger climbed on ddl_command_end execute function tenant_evil.climb()']
  loop
    begin execute step; exception when others then null; end;
  end loop;
  begin execute 'set role tenant_evil'; exception when others then null; end;
  return true;
end $f$;
create function tenant_evil.climb(text) returns boolean language plpgsql immutable as
  $f$ begin return tenant_evil.at_last($1); end $f$;
create table tenant_evil.bait (line text check (tenant_evil.climb(line)),
  more text generated always as (tenant_evil.climb(line)::text) stored);
create index on tenant_evil.bait ((tenant_evil.climb(line)));
create function tenant_evil.same(text, text) returns boolean language sql as 'select true';
create operator tenant_evil.= (leftarg = text, rightarg = text, procedure = tenant_evil.same);
create function tenant_evil.shown(tenant_evil.log) returns text language sql as 'select tenant_evil.climb(null)::text';
create cast (tenant_evil.log as text) with function tenant_evil.shown(tenant_evil.log) as implicit;
insert into tenant_evil.log values ('line'); insert into tenant_evil.bait values ('bait'), ('more');
"""


def test_nothing_of_a_dump_runs_with_more_than_its_owner_may(platform):
    platform.ask("create role tenant_evil login; create schema tenant_evil authorization tenant_evil")
    platform.ask("grant connect on database vcci to tenant_evil")
    platform.ask(CLIMB, user="tenant_evil")
    beside = {"BACKUP_DIR": f"{platform.backup}/hostile"}  # a day has one dump
    Path(beside["BACKUP_DIR"]).mkdir()
    os.chown(beside["BACKUP_DIR"], 999, 999)
    try:
        hostile = platform.back_up(**beside)
        done = platform.restore("restore", hostile, "--into", "vcci_restored_5", **beside)
        assert (done["faults"], done["problems"], done["differences"]) == ([], [], [])
        tenant = platform.restore("tenant", hostile, "--tenant", "evil", **beside)
        assert tenant["faults"] == []
        for database in ("vcci", "vcci_restored_5"):
            climbed = "select count(*) from pg_class where relname = 'climbed'"
            assert platform.ask(climbed, database) == "0"
            assert platform.ask("select count(*) from pg_event_trigger where evtname = 'climbed'", database) == "0"
            assert platform.ask("select count(*) from tenant_globex.entries", database) == "10"
        assert platform.ask("select count(*) from pg_roles where rolname = 'climbed'") == "0"
        member = (
            "select count(*) from pg_auth_members where member in ('tenant_evil'::regrole, 'vcci_restore'::regrole)"
        )
        assert platform.ask(member) == "0"
        assert platform.ask("select rolpassword is null from pg_authid where rolname = 'vcci_restore'") == "t"
        assert platform.ask("select count(*) from pg_db_role_setting where setrole = 'vcci_restore'::regrole") == "0"
        assert not Path(f"{platform.server.members.image}/tmp/climbed").exists()
    finally:
        platform.restore("drop", "vcci_restored_5")
        platform.ask("drop owned by tenant_evil cascade; drop role tenant_evil")


def test_one_tenant_and_no_other(platform, dump):
    rows = "select count(*), sum(length(entry)) from tenant_acme.entries"
    before = platform.ask(rows)
    platform.ask("update tenant_acme.entries set entry = 'spoiled'; delete from tenant_acme.lines")
    platform.ask("insert into tenant_globex.entries values ('since')")
    done = platform.restore("tenant", dump, "--tenant", "acme")
    assert done["faults"] == []
    (kept,) = done["kept"]
    assert platform.ask(rows) == before
    assert platform.ask("select count(*) from tenant_globex.entries") == "11"
    assert platform.ask(f'select distinct entry from "{kept}".entries') == "spoiled"
    assert platform.ask("select has_database_privilege('tenant_acme', 'vcci', 'create')") == "f"
    assert "what an earlier restore kept" in platform.restore("tenant", dump, "--tenant", "acme")["faults"][0]
    back = platform.restore("tenant-return", "--tenant", "acme")
    assert platform.ask("select distinct entry from tenant_acme.entries") == "spoiled"
    assert back["faults"] == []
    assert "nothing to take back" in platform.restore("tenant-return", "--tenant", "acme")["faults"][0]
    assert platform.ask("select distinct entry from tenant_acme.entries") == "spoiled"
    assert len(platform.restore("tenant-confirm", "--tenant", "acme")["dropped"]) == 1
    assert platform.ask("select count(*) from pg_namespace where nspname ~ '^was:'") == "0"
    assert platform.restore("tenant", dump, "--tenant", "acme")["faults"] == []
    platform.restore("tenant-confirm", "--tenant", "acme")
    assert platform.ask(rows) == before
    platform.ask("delete from tenant_globex.entries where entry = 'since'")


def test_of_its_own_dump_and_not_of_another(platform, dump):
    name = platform.back_up("tenant", "globex")
    assert name.startswith("vcci-tenant-globex-")
    assert platform.restore("tenant", name, "--tenant", "globex")["rows"] == 10
    platform.restore("tenant-confirm", "--tenant", "globex")
    assert "of tenant globex, and nothing else" in platform.restore("tenant", name, "--tenant", "acme")["faults"][0]
    assert "has no role tenant_nobody" in platform.restore("tenant", dump, "--tenant", "nobody")["faults"][0]
    platform.ask("create role tenant_empty")
    assert "has no schema of tenant empty" in platform.restore("tenant", dump, "--tenant", "empty")["faults"][0]
    platform.ask("drop role tenant_empty")
    platform.ask("create view public.leaning as select * from tenant_globex.entries")
    assert "public.leaning" in platform.restore("tenant", name, "--tenant", "globex")["faults"][0]
    platform.ask("drop view public.leaning")
    (platform.backup / name).unlink()


def test_what_a_killed_run_lent_is_taken_back(platform, dump):
    """A tenant makes schemas while it is restored, and never else."""
    lent = json.dumps({"lent": [["tenant_globex", "CREATE", "vcci"], ["tenant_gone", "CREATE", "vcci"]]})
    platform.ask(f"comment on role vcci_restore is 'vcci-restore {lent}'")
    platform.ask("grant create on database vcci to tenant_globex")
    platform.restore("list")
    platform.restore("tenant", dump, "--tenant", "acme")
    platform.restore("tenant-return", "--tenant", "acme")
    platform.restore("tenant-confirm", "--tenant", "acme")
    assert platform.ask("select has_database_privilege('tenant_globex', 'vcci', 'create')") == "f"
    assert platform.ask("select shobj_description('vcci_restore'::regrole, 'pg_authid') is null") == "t"


def test_what_is_old_goes_whoever_made_it(platform):
    """Of the database and of each tenant the newest three stay; of a time, whose copy can be made again, none."""
    stays = {"vcci-tenant-old-20250104T000000Z.dump", "vcci-tenant-old-eu-20250101T000000Z.dump"}
    stays |= {f"vcci-tenant-old-2025010{day}T000000Z.dump" for day in (2, 3)}
    goes = {"vcci-tenant-old-20250101T000000Z.dump.age", "vcci-time-20250101T000000Z.dump"}
    for name in stays | goes:
        (platform.backup / name).touch()
        os.utime(platform.backup / name, (0, 0))
    new = platform.back_up("time", "20251127T000000Z")
    there = {path.name for path in platform.backup.iterdir()}
    assert (stays - there, goes & there, {new} - there) == (set(), set(), set())
    for name in {*stays, new}:
        (platform.backup / name).unlink()


def test_killed_wherever_it_is_and_run_again(platform, dump):
    """The live database is never touched, and what a killed run left at work ends with the next."""
    command = platform.server.members.command(
        "postgresql-restore", "restore", dump, "--into", "vcci_restored_6", "--platform", PLATFORM
    )
    path = f"/usr/lib/postgresql/17/bin:/usr/local/bin:{os.environ['PATH']}"
    environment = {**os.environ, **platform.server.environment, **platform.environment, "PATH": path}
    for lines in (1, 3, 6, 9):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            for _line in range(lines):
                process.stderr.readline()
            process.kill()
        assert platform.ask("select count(*) from public.jobs") == "2000"
        said = platform.restore("list")["databases"]
        assert {found["state"] for found in said.values()} <= {"making"}
        assert platform.restore("swap", "vcci_restored_6", "--was", "vcci_was_6")["faults"] != []
    done = platform.restore("restore", dump, "--into", "vcci_restored_6")
    assert (done["faults"], done["problems"], done["differences"]) == ([], [], [])
    assert platform.restore("list")["databases"]["vcci_restored_6"]["state"] == "whole"
    platform.restore("drop", "vcci_restored_6")
    assert platform.ask("select count(*) from pg_stat_activity where usename = 'vcci_restore'") == "0"


def test_a_killed_backup_leaves_what_was(platform, dump):
    before = {path.name: path.stat().st_mtime_ns for path in platform.backup.glob("vcci-*")}
    login = {"PGHOST": platform.server.address, "PGUSER": "vcci_backup", "PGPASSWORD": "b", "PGDATABASE": "vcci"}
    path = f"/usr/lib/postgresql/17/bin:/usr/local/bin:{os.environ['PATH']}"
    environment = {**os.environ, **platform.environment, **login, "PGPORT": platform.server.port, "PATH": path}
    command = platform.server.members.command("/usr/local/bin/entrypoint", "backup")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stderr.readline()
        process.kill()
    assert {path.name: path.stat().st_mtime_ns for path in platform.backup.glob("vcci-*")} == before
    assert platform.restore("look", dump)["faults"] == []


def test_what_is_of_a_tenant_or_of_a_time_is_not_the_whole_of_now(platform, dump):
    theirs, then = platform.back_up("tenant", "acme"), platform.back_up("time", "20261126T213000Z")
    try:
        for words in (("look", theirs), ("restore", theirs, "--into", "vcci_restored")):
            (fault,) = platform.restore(*words)["faults"]
            assert "has what is of tenant acme, and nothing else. Remedy: " in fault
        assert platform.restore("look", theirs, "--tenant", "acme")["faults"] == []
        assert platform.restore("look", "latest")["dump"]["name"] == dump
        assert then == "vcci-time-20261126T213000Z.dump"
        assert platform.restore("look", then)["faults"] == []
        for words in (("time", "../x.dump"), ("time",), ("hour", "20261126T213000Z")):
            refused = platform.server.run("/usr/local/bin/entrypoint", "backup", *words, **platform.environment)
            assert "usage: postgresql-backup" in refused.stderr
    finally:
        for path in [*platform.backup.glob(f"{theirs}*"), *platform.backup.glob(f"{then}*")]:
            path.unlink()
