# Copyright (c) 2026 GreenLang. All rights reserved.
"""The archive of the image vcci-postgresql: backups that are asked for, points in time, an archive that is away."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.helpers import PATIENCE, eventually, reserved
from tests.integration.images.archive_members import PROGRAM, ArchiveMembers, ObjectStore
from tests.integration.images.redis_members import needs_root, unpacked

pytestmark = needs_root
NETWORKS = range(200, 250)
SMALL = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "1000m", "memory": "512Mi"}}
ALONE = {"data_postgresql_replicas": 1, "data_postgresql_synchronous": False, "data_postgresql_resources": SMALL}


Made = Callable[..., ArchiveMembers]


@pytest.fixture(scope="module")
def made(tmp_path_factory, kubeconfig, kubectl) -> Iterator[Made]:
    """Members with these settings, in a network and a namespace of their own: there until the last test ended."""
    image = unpacked("vcci-postgresql", tmp_path_factory.getbasetemp() / "images")
    with contextlib.ExitStack() as stack:

        def make(**values: object) -> ArchiveMembers:
            network, namespace = stack.enter_context(reserved(NETWORKS, "network")), f"test-{uuid.uuid4().hex[:10]}"
            kubectl("create", "namespace", namespace)
            stack.callback(kubectl, "delete", "namespace", namespace, "--wait=false")
            root = tmp_path_factory.mktemp("members")
            members = ArchiveMembers(image, root, network, kubeconfig, namespace, **values)
            stack.callback(members.stop)
            members.bring(kubectl)
            return members

        yield make


@pytest.fixture(scope="module")
def members(made: Made) -> ArchiveMembers:
    three = made(data_postgresql_resources=SMALL)
    three.start(0, 1, 2)
    return three


@pytest.fixture(scope="module")
def single(made: Made) -> ArchiveMembers:
    """One member, of which four files of WAL may wait."""
    one = made(**ALONE, data_postgresql_archive_queue_size="64Mi")
    one.start(0)
    return one


@pytest.fixture
def alone(single: ArchiveMembers) -> ArchiveMembers:
    """It serves, and has a backup; what was written before is gone."""
    eventually(lambda: single.primaries() == [0], single.logs)
    single.backed_up(0)
    single.sql(0, "drop owned by vcci")
    return single


def whole(members: ArchiveMembers) -> int:
    found = eventually(lambda: (members.whole() is not None) and [members.whole()], members.logs)
    return found[0]


def test_a_point_in_time_and_back(members, kubectl):
    """As the playbook does it: what was written after is gone, what was before the restore comes back by undoing it."""
    first = whole(members)
    members.backed_up(first)
    members.sql(first, "create table marker (word text)")
    members.sql(first, "insert into marker values ('before')")
    at = members.now(first)
    time.sleep(0.1)
    members.sql(first, "insert into marker values ('after')")
    assert members.archive(first, "mark")["ok"]
    found = members.archive(first, "explain", at)
    assert found["ok"], found
    assert members.archive(first, "may", "run1", str(found["size"]))["ok"]
    assert "MiB free" in members.archive(first, "may", "run1", str(1 << 60))["said"]

    copied = {index: copies(members, index) for index in range(3)}
    for index in range(3):
        members.end(index)
    size = str(found["size"])
    assert "reached" in members.archive(first, "place", "run1", at, found["backup"], size, "1")
    again = members.archive(first, "place", "run1", at, found["backup"], size, "1")
    assert again["ok"], "a step that was taken is taken again"
    for index in {0, 1, 2} - {first}:
        assert members.archive(index, "aside", "run1")["ok"]
    members.fresh(kubectl)
    members.start(0, 1, 2)
    assert whole(members) == first
    assert members.sql(first, "select string_agg(word, ' ' order by word) from marker") == "before"
    for index in {0, 1, 2} - {first}:  # the last backup is of the line of history that was left
        assert copies(members, index) == copied[index] + 1
    members.backed_up(first)
    undone = members.archive(first, "explain", "latest", line(members, first))["backup"]
    members.sql(first, "insert into marker values ('since')")
    refused = members.archive(first, "place", "run2", at, found["backup"], size)
    assert "still at work on this volume" in refused["said"]
    for index in range(3):  # which is asked before anything is stopped
        assert "still kept" in members.archive(index, "may", "run2", size)["said"]
        assert members.archive(index, "may", "run1", size)["ok"], "that run goes on"

    for index in range(3):
        kept = members.archive(index, "kept")
        assert (kept["kept"], kept["run"]) == (True, "run1")
        members.end(index)
    assert "still kept" in members.archive(first, "place", "run2", at, found["backup"], size)["said"]
    for index in range(3):  # the undoing of what came no further leaves what the one before it kept
        assert members.archive(index, "back", "run2")["ok"]
        assert members.archive(index, "forget", "run2")["ok"]
        assert members.archive(index, "kept")["kept"]
    for index in range(3):
        assert members.archive(index, "back", "run1")["ok"]
    members.fresh(kubectl)
    members.start(0, 1, 2)
    assert whole(members) == first
    assert members.sql(first, "select string_agg(word, ' ' order by word) from marker") == "after before"
    # The newest backup may be of the line of history that was left: no time of this one is reached from it.
    assert members.archive(first, "explain", "latest", line(members, first))["backup"] != undone
    assert "has no line of history 99" in members.archive(first, "explain", "latest", "99")["said"]
    for index in range(3):
        assert members.archive(index, "forget", "run1")["ok"]
        assert not members.archive(index, "kept")["kept"]
    # The lines of history that were left are no obstacle for those that follow, and push out nothing that was before.
    assert members.archive(first, "mark")["ok"]
    eventually(lambda: members.figures(first).get("backups") == 3, members.logs)
    members.backed_up(first)
    found = members.archive(first, "explain", at, line(members, first))
    assert found["ok"], found


def line(members: ArchiveMembers, index: int) -> str:
    """The number of the line of history that it writes on."""
    return str(int(members.super(index, "select pg_walfile_name(pg_current_wal_lsn())")[:8], 16))


def copies(members: ArchiveMembers, index: int) -> int:
    """How often a member was made as a copy of the primary."""
    return members.said(index).count("replica has been created using basebackup")


def test_a_restore_that_is_killed_anywhere(alone, kubectl):
    """Whatever moment it is killed at, the next one ends it, or the former data is untouched."""
    alone.sql(0, "create table marker as select generate_series(1, 1000) as number")
    at = alone.now(0)
    time.sleep(0.1)
    alone.sql(0, "delete from marker")
    alone.archive(0, "mark")
    found = alone.archive(0, "explain", at)
    alone.end(0)
    words = [PROGRAM, "place", "run1", at, found["backup"], str(found["size"])]
    seed = random.SystemRandom().randrange(1000)
    print(f"seed {seed}")  # noqa: T201 - to try it again
    moments = random.Random(seed)
    for _attempt in range(4):
        command = alone.command(0, *words, alone=True)
        process = subprocess.Popen(command, env=alone.environment(0), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0.1, 3))
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        process.communicate()
    placed = alone.archive(0, *words[1:])
    assert placed["ok"], placed
    alone.fresh(kubectl)
    alone.start(0)
    eventually(lambda: alone.primaries() == [0], alone.logs)
    assert alone.sql(0, "select count(*) from marker") == "1000"
    assert alone.archive(0, "forget")["ok"]


def test_backups_are_asked_for_by_a_login_that_may_nothing_else(alone):
    for what, kind in (("diff", "D"), ("full", "F"), ("auto", "D")):
        done = alone.request(0, what)
        assert done.returncode == 0, done.stdout + done.stderr
        newest = alone.newest(0)
        assert newest.endswith(kind), (what, newest)
    removed = alone.request(0, f"expire {newest}")
    assert removed.returncode == 0, removed.stdout
    assert newest not in alone.run(0, "pgbackrest", "repo-ls", "backup/vcci").stdout
    assert alone.figures(0)["request_failed"] == 0
    login = {"PGUSER": "vcci_archive", "PGPASSWORD": "asks", "PGPASSFILE": "/nowhere"}
    for database, statement in (
        ("vcci", "select 1"),
        ("postgres", "select pg_read_file('/etc/passwd')"),
        ("postgres", "update vcci_archive.requests set state = 'done'"),
        ("postgres", "insert into vcci_archive.requests (what, state) values ('full', 'done')"),
        ("postgres", "insert into vcci_archive.requests (what) values ('full --repo1-path=/tmp')"),
        ("postgres", "create table mine (word text)"),
    ):
        refused = alone.run(0, "psql", "-d", database, "-c", statement, **login)
        assert refused.returncode != 0, statement
    # What fails is told to who asked, and by a figure.
    with alone.closed():
        done = alone.request(0, "full")
        assert done.returncode == 1
        assert "cannot be written to" in done.stdout
        eventually(lambda: alone.figures(0)["request_failed"] == 1, alone.logs)


def test_an_archive_that_is_away_fills_no_volume(alone):
    """Writes go on; what waits is bounded, whatever fails; a backup follows by itself, and the gap is told."""
    alone.sql(0, "create table filler (text text)")
    wrote = "insert into filler select repeat(md5(random()::text), 100) from generate_series(1, 4000)"
    most = (4 + 2) * 16 * 1024**2 + 1
    with alone.closed():
        for _round in range(12):
            alone.sql(0, wrote)
            alone.super(0, "select pg_switch_wal()")
            # One more while it is looked at, and one that was just closed.
            eventually(lambda: alone.figures(0).get("waiting_bytes", most) < most, alone.logs)
        eventually(lambda: alone.figures(0)["gap"] == 1, alone.logs)
        at = alone.now(0)
        time.sleep(0.1)
        alone.sql(0, "create table later as select 1 as row")
    alone.backed_up(0)
    assert alone.newest(0).endswith("D"), "one more full backup, of which two are kept"
    behind = alone.now(0)
    alone.archive(0, "mark")
    refused = alone.archive(0, "explain", at)
    assert not refused["ok"]
    assert "in a gap" in refused["said"] or "given up" in refused["said"], refused
    found = alone.archive(0, "explain", behind)
    assert found["ok"], found


def test_a_new_member_comes_out_of_the_archive(members):
    first = whole(members)
    members.sql(first, "create table kept as select generate_series(1, 1000) as row")
    members.backed_up(first)
    members.archive(first, "mark")
    other = next(index for index in (2, 1) if index != first)
    members.kill(other)
    members.wipe(other)
    members.start(other)
    whole(members)
    assert "replica has been created using pgbackrest" in members.said(other)
    marker = members.root / f"member-{other}" / "data" / "archive" / "catching-up"
    eventually(lambda: not marker.exists(), members.logs)


def test_a_member_that_was_away_for_too_long_follows_again(members):
    """The primary keeps a sixth of its volume for who is away: what is no more with it, the archive has."""
    first = whole(members)
    other = next(index for index in (2, 1) if index != first)
    members.kill(other)
    for _segment in range(14):
        members.super(first, "select pg_current_xact_id(), pg_switch_wal()")
    members.super(first, "checkpoint")
    kept = f"select wal_status from pg_replication_slots where slot_name = 'postgresql_{other}'"
    assert members.super(first, kept) == "lost"
    members.start(other)
    whole(members)
    assert "the archive is asked" in sidecar(members, other)


def test_what_a_lost_primary_never_archived_is_a_gap(members):
    """Its successor has it, and PostgreSQL does not archive it there; what is only late raises no alarm."""
    first = whole(members)
    members.backed_up(first)
    members.archive(first, "mark")
    with members.closed():
        switched(members, first)
    eventually(lambda: members.figures(first).get("waiting_bytes") == 0, members.logs)
    time.sleep(10)  # some looks
    assert NEVER not in sidecar(members, first)
    with members.closed():
        switched(members, first)
        at = members.now(first)
        members.kill(first)
        second = eventually(members.primaries, members.logs)[0]
    eventually(lambda: members.archive(second, "mark")["ok"], members.logs, every=1)
    eventually(lambda: NEVER in sidecar(members, second), members.logs)
    members.backed_up(second)
    behind = members.now(second)
    time.sleep(0.1)
    members.archive(second, "mark")
    assert "in a gap" in members.archive(second, "explain", at)["said"]
    found = members.archive(second, "explain", behind)
    assert found["ok"], found
    members.start(first)
    whole(members)


NEVER = "never came into the archive"


def switched(members: ArchiveMembers, index: int) -> None:
    """Two segments wait there."""
    for _round in range(2):
        members.super(index, "select pg_current_xact_id(), pg_switch_wal()")
    eventually(lambda: members.figures(index).get("waiting_bytes", 0) > 0, members.logs)


def sidecar(members: ArchiveMembers, index: int) -> str:
    return (members.root / f"member-{index}-archive.log").read_text(errors="replace")


def test_a_database_whose_volumes_are_all_lost(alone, kubectl):
    """It is made again of the archive where that is asked for, and goes on in it."""
    alone.sql(0, "create table kept as select generate_series(1, 1000) as row")
    alone.archive(0, "mark")
    alone.kill(0)
    alone.wipe(0)
    alone.fresh(kubectl)
    kubectl("annotate", "endpoints", "postgresql-config", "-n", alone.namespace, "--overwrite", "initialize=")
    alone.begun(0)  # by a bootstrap that was killed
    assert alone.archive(0, "check", POSTGRES_SYSTEM="", POSTGRES_BOOTSTRAP="archive")["ok"]
    config = alone.root / "config" / "bootstrap.json"
    before = config.read_text()
    config.write_text(before.replace('"method": "initdb"', '"method": "archive"'))
    alone.start(0)
    eventually(lambda: alone.primaries() == [0], alone.logs)
    config.write_text(before)
    alone.backed_up(0)  # until it has been made it lets nobody in
    assert alone.sql(0, "select count(*) from kept") == "1000"


def test_archives_that_are_not_this_databases(alone):
    system = alone.super(0, "select system_identifier from pg_control_system()")
    assert "backups" in alone.archive(0, "check", POSTGRES_SYSTEM=system)["said"]
    assert "another database" in alone.archive(0, "check", POSTGRES_SYSTEM="7")["said"]
    assert "there is none here yet" in alone.archive(0, "check", POSTGRES_SYSTEM="")["said"]
    alone.end_sidecars(0)
    (alone.root / "keys" / "cipher-key").write_text("another key")
    assert "another key" in alone.archive(0, "check", POSTGRES_SYSTEM=system)["said"]
    (alone.root / "keys" / "cipher-key").unlink()
    assert "cipher-key is missing" in alone.archive(0, "check", POSTGRES_SYSTEM=system)["said"]


def test_an_object_store(made, kubectl):
    """What is wrong with it is told before anything is there; then backups and points in time are as in a volume."""
    values = {"data_s3_endpoint": f"s3.test:{ObjectStore.PORT}", "data_postgresql_archive_bucket": "bucket"}
    values |= {"data_postgresql_archive": "s3", "data_postgresql_archive_ca": "data-ca"}
    members = made(**ALONE, **values)
    store = ObjectStore(members)
    try:

        def check(**settings: str) -> str:
            told = {"POSTGRES_SYSTEM": "", "POSTGRES_ARCHIVE_PATIENCE": "1", **settings}
            return members.archive(0, "check", **told)["said"]

        eventually(lambda: check() == "no backup yet", check, every=1)
        assert "no backup to make a database of" in check(POSTGRES_BOOTSTRAP="archive")
        store.give(secret_access_key="another")
        assert "refuses the credential" in check()
        store.give(secret_access_key=store.ACCESS["secret-access-key"])
        assert "no such bucket" in check(PGBACKREST_REPO1_S3_BUCKET="nowhere")
        assert "does not answer" in check(PGBACKREST_REPO1_S3_ENDPOINT="s3.test:18334")
        other = "/run/secrets/kubernetes.io/serviceaccount/ca.crt"
        assert "certificate" in check(PGBACKREST_REPO1_STORAGE_CA_FILE=other)

        members.start(0)
        eventually(lambda: members.primaries() == [0], members.logs)
        members.backed_up(0)
        members.sql(0, "create table marker as select 1 as row")
        at = members.now(0)
        time.sleep(0.1)
        members.sql(0, "drop table marker")
        # The server is away for a while.
        store.stop()
        members.super(0, "select pg_switch_wal()")
        eventually(lambda: members.figures(0)["failing"] == 1, members.logs)
        store.start()
        eventually(lambda: members.figures(0)["failing"] == 0, members.logs)
        members.archive(0, "mark")
        found = members.archive(0, "explain", at)
        members.end(0)
        placed = members.archive(0, "place", "run1", at, found["backup"], str(found["size"]))
        assert placed["ok"], placed
        members.fresh(kubectl)
        members.start(0)
        eventually(lambda: members.primaries() == [0], members.logs)
        assert members.sql(0, "select count(*) from marker") == "1"
    finally:
        store.stop()
