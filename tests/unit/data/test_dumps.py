# Copyright (c) 2026 GreenLang. All rights reserved.
"""Of what a dump holds: in which order and as whom it is made, what differs afterwards, what people are shown."""

from __future__ import annotations

import io

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
    import dump_plan  # noqa: PLC0415

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
    import dump_plan  # noqa: PLC0415

    assert [entry.number for entry in entries(*ROWS) if dump_plan.is_left_out(entry)] == [3, 13]


def test_what_needs_each_other_is_made_in_the_order_of_the_dump():
    import dump_plan  # noqa: PLC0415

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
    import dump_toc  # noqa: PLC0415

    with pytest.raises(dump_toc.NotADump, match=said):
        dump_toc.contents(io.BytesIO(content))


def test_differences_of_tables():
    import dump_sums  # noqa: PLC0415

    was, now = {"a": [1, "7"], "b": [2, "8"], "c": [1, "1"]}, {"a": [1, "7"], "b": [3, "8"], "d": [0, "0"]}
    assert dump_sums.differences(was, now) == [
        "b has 3 rows; 2 were dumped",
        "c is not there; 1 rows were dumped",
        "d is there, and was not dumped",
    ]
    assert dump_sums.differences({"a": [1, "7"]}, {"a": [1, "9"]}) == ["a has other rows than were dumped"]


DUMP = {"name": "vcci-backup-20261126.dump", "taken": "2026-11-26T02:00:00Z", "age": 7300, "size": 2**20}
DUMP |= {"verified": True, "tenant": "", "encrypted": True}


def test_the_report_says_what_there_is_and_what_there_is_not():
    none = backups_report([])
    assert [line.split()[1] for line in none[1:2]] == ["none"]
    assert all("playbooks/" in line for line in none[1:])
    theirs = {**DUMP, "name": "vcci-tenant-a-20261126T020000Z.dump", "tenant": "a", "encrypted": False}
    unknown = {**DUMP, "name": "copied.dump", "verified": False}
    drill = "vcci_restore_drill_timestamp_seconds 100\nvcci_restore_drill_success 0\nvcci_restore_drill_rpo_seconds 5\n"
    files = [{"path": "/s/old.etcd", "mtime": 1, "size": 1}, {"path": "/s/new.etcd", "mtime": 50, "size": 2**21}]
    keys = {"exists": True, "path": "/k/local.vault.yml", "mtime": 0, "size": 10}
    told = "\n".join(backups_report([DUMP, theirs, unknown], drill, files, keys, 200.0))
    for part in (
        "2 h",
        "1 dumps, 1.0 MiB, encrypted",
        "tenant a",
        "without a manifest",
        "FAILED",
        "100 s",
        "new.etcd",
        "RTO ? s",
    ):
        assert part in told
    assert "old.etcd" not in told
