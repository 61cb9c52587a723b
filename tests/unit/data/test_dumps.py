# Copyright (c) 2026 GreenLang. All rights reserved.
"""Of what a dump holds: in which order and as whom it is made, what differs afterwards, what people are shown."""

from __future__ import annotations

import io
import json

import pytest
from ansible_collections.greenlang.vcci.plugins.filter.backups_report import backups_report

from tests.helpers import ROOT

LIB = ROOT / "images" / "vcci-postgresql" / "lib"


@pytest.fixture(autouse=True)
def programs(monkeypatch):
    monkeypatch.syspath_prepend(str(LIB))


def entries(*rows):
    from dump_toc import Entry  # noqa: PLC0415  its place is known to the fixture

    return [
        Entry(number, *row[:5], definition=row[6] if len(row) > 6 else "", needs=row[5])
        for number, row in enumerate(rows)
    ]


PRE, DATA, POST = 2, 3, 4
# kind, namespace, name, owner, section, needs
ROWS = [
    ("SCHEMA", "", "tenant_a", "tenant_a", PRE, ()),
    ("EXTENSION", "", "vector", "", PRE, ()),
    ("COMMENT", "", "EXTENSION vector", "", PRE, ()),
    ("EVENT TRIGGER", "", "at_ddl", "postgres", PRE, ()),
    ("TABLE", "tenant_a", "one", "tenant_a", PRE, (0,)),
    ("TABLE", "public", "jobs", "vcci", PRE, ()),
    ("VIEW", "tenant_a", "of_jobs", "tenant_a", PRE, (5,)),
    ("TABLE DATA", "public", "jobs", "vcci", DATA, (5,)),
    ("TABLE DATA", "tenant_a", "one", "tenant_a", DATA, (4,)),
    ("CONSTRAINT", "public", "jobs jobs_pkey", "vcci", POST, (5,)),
    ("FK CONSTRAINT", "tenant_a", "one one_fkey", "tenant_a", POST, (9,)),
    ("ACL", "", "SCHEMA tenant_a", "tenant_a", PRE, (0,)),
    ("ACL", "public", "TABLE jobs", "vcci", PRE, (5,)),
    ("ACL", "public", "TABLE other", "vcci", PRE, (), "SET SESSION AUTHORIZATION x;\nGRANT …;"),
]


def test_each_object_is_made_as_its_owner_after_what_it_needs():
    import dump_plan  # noqa: PLC0415  likewise

    made = dump_plan.groups(entries(*ROWS), lambda entry: entry.owner)
    assert [(group.owner, [entry.number for entry in group.entries]) for group in made] == [
        ("tenant_a", [0, 11]),
        ("tenant_a", [4]),
        ("vcci", [5]),
        ("tenant_a", [6]),
        ("vcci", [7]),
        ("tenant_a", [8]),
        ("vcci", [12]),
        ("vcci", [9]),
        ("tenant_a", [10]),
    ]


def test_what_only_a_superuser_may_make_is_left_out():
    import dump_plan  # noqa: PLC0415  likewise

    assert [entry.number for entry in entries(*ROWS) if dump_plan.is_left_out(entry)] == [3, 13]


def test_what_needs_each_other_is_made_in_the_order_of_the_dump():
    import dump_plan  # noqa: PLC0415  likewise

    rows = [("TABLE", "p", "a", "x", PRE, (1,)), ("TABLE", "p", "b", "y", PRE, (0,))]
    made = dump_plan.groups(entries(*rows), lambda entry: entry.owner)
    assert [entry.number for group in made for entry in group.entries] == [0, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no dump"),
        (b"create", "no dump"),
        (b"PGDMP\x01\x63\x00", "newer than"),
        (b"PGDMP\x01\x0e\x00\x04\x08\x01\x00", "truncated"),
    ],
)
def test_what_is_no_dump(content, said):
    import dump_toc  # noqa: PLC0415  likewise

    with pytest.raises(dump_toc.NotADump, match=said):
        dump_toc.contents(io.BytesIO(content))


def test_differences_of_tables():
    import dump_sums  # noqa: PLC0415  likewise

    was, now = {"a": [1, "7"], "b": [2, "8"], "c": [1, "1"]}, {"a": [1, "7"], "b": [3, "8"], "d": [0, "0"]}
    assert dump_sums.differences(was, now) == [
        "b has 3 rows; 2 were dumped",
        "c is not there; 1 rows were dumped",
        "d is there, and was not dumped",
    ]
    assert dump_sums.differences({"a": [1, "7"]}, {"a": [1, "9"]}) == ["a has other rows than were dumped"]


def test_backups_of_redis_are_told_from_dumps(tmp_path):
    import dump_file  # noqa: PLC0415  likewise

    for name in ("vcci-redis-20261126.rdb", "vcci-redis-before-20261126T010203Z.rdb.age", "vcci-backup-20261126.dump"):
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / "vcci-redis-20261125.rdb").symlink_to("/etc/passwd")
    said = {"name": "vcci-redis-20261126.rdb", "taken": 1000, "size": 5, "sha256": "0" * 64, "keys": 7}
    (tmp_path / f"vcci-redis-20261126.rdb.{'0' * 12}.json").write_text(json.dumps(said))
    assert dump_file.names(tmp_path) == ["vcci-backup-20261126.dump"]
    found = {name: dump_file.listed(tmp_path, name) for name in dump_file.names(tmp_path, dump_file.REDIS)}
    assert {name: (one["verified"], one["encrypted"]) for name, one in found.items()} == {
        "vcci-redis-20261126.rdb": (True, False),
        "vcci-redis-before-20261126T010203Z.rdb.age": (False, True),
    }
    assert found["vcci-redis-20261126.rdb"]["taken"] == "1970-01-01T00:16:40Z"


DUMP = {"name": "vcci-backup-20261126.dump", "taken": "2026-11-26T02:00:00Z", "age": 7300, "size": 2**20}
DUMP |= {"verified": True, "tenant": "", "time": "", "encrypted": True}


def test_the_report_says_what_there_is_and_what_there_is_not():
    none = backups_report([])
    assert [line.split()[1] for line in none[1:2]] == ["none"]
    assert all("playbooks/" in line for line in none[1:])
    theirs = {**DUMP, "name": "vcci-tenant-a-20261126T020000Z.dump", "tenant": "a", "encrypted": False}
    then = {**DUMP, "name": "vcci-time-1.dump", "time": "20261125T020000Z", "taken": "2026-11-26T03:00:00Z"}
    unknown = {**DUMP, "name": "copied.dump", "verified": False}
    drill = "vcci_restore_drill_timestamp_seconds 100\nvcci_restore_drill_success 0\nvcci_restore_drill_rpo_seconds 5\n"
    files = [{"path": "/s/old.etcd", "mtime": 1, "size": 1}, {"path": "/s/new.etcd", "mtime": 50, "size": 2**21}]
    keys = {"exists": True, "path": "/k/local.vault.yml", "mtime": 0, "size": 10}
    copied = {**DUMP, "name": "vcci-redis-20261126.rdb"}
    physical = {"label": "20261126-010000F", "type": "full", "error": False, "timestamp": {"stop": 20}}
    physical["info"] = {"repository": {"delta": 3 * 2**20}}
    archive = json.dumps([{"status": {"code": 0, "message": "ok"}, "backup": [physical]}])
    ids = {"vcci-19700101-000130": "SUCCESS", "vcci-19700101-000140": "FAILED", "by-hand": "SUCCESS"}
    weaviate = json.dumps([{"id": name, "status": state} for name, state in ids.items()])
    given = ([DUMP, theirs, then, unknown], drill, files, keys, 200.0, [copied], archive, weaviate)
    told = "\n".join(backups_report(*given))
    for part in (
        "2 h",
        "1 dumps, 1.0 MiB, encrypted",
        "tenant a",
        "postgresql of 20261125T020000Z",
        "without a manifest",
        "FAILED",
        "100 s",
        "new.etcd",
        "RTO ? s",
        "vcci-redis-20261126.rdb",
        "20261126-010000F",
        "3 min",
        "1 backups, 1 full",
        "vcci-19700101-000130",
        "110 s",
        "1 backups, 1 FAILED",
    ):
        assert part in told
    assert "old.etcd" not in told
    broken = json.dumps([{"status": {"code": 2, "message": "no valid backups"}, "backup": []}])
    assert "no valid backups" in "\n".join(backups_report([], archive=broken))


def test_the_report_says_who_did_not_answer():
    rows = {line.split("  ")[0]: line for line in backups_report([], silent=["postgresql", "redis", "archive"])}
    for what in ("postgresql", "redis", "archive"):
        assert "not known" in rows[what]
    assert "none" in rows["weaviate"]
