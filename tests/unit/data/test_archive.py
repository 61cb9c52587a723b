# Copyright (c) 2026 GreenLang. All rights reserved.
"""The archive's program in the image vcci-postgresql, where it is pure: which point in time can be reached, what errors
mean, what pgBackRest is given."""

from __future__ import annotations

import os
import sys
import time
import types

import pytest

from tests.helpers import ROOT

sys.path.insert(0, str(ROOT / "images" / "vcci-postgresql" / "lib"))
sys.modules.setdefault("psycopg2", types.SimpleNamespace(Error=Exception))  # type: ignore[arg-type]  # the image has it
from vcci_archive import configure, figures, history, repository, restore, serve, server  # noqa: E402 - found by the line above
from vcci_archive.settings import SEGMENT, Refusal  # noqa: E402 - likewise

DAY = 1764201600  # 2025-11-27T00:00:00Z


def backup(label: str, ended: int, first: int, kind: str = "full", line: str = "00000001") -> history.Backup:
    return history.Backup(label, kind, ended - 10, ended, first, 1000, line, first, first * SEGMENT + 0x138)


def test_what_is_in_an_archive():
    info = [
        {
            "db": [{"id": 1, "system-id": 7}],
            "backup": [
                {
                    "label": label,
                    "type": "full",
                    "error": broken,
                    "database": {"id": 1},
                    "timestamp": {"start": 1, "stop": stop},
                    "archive": {"start": "000000020000000100000003", "stop": "000000020000000100000003"},
                    "lsn": {"start": "1/3000028", "stop": "1/3000138"},
                    "info": {"size": 5},
                }
                for label, broken, stop in (("late", False, 9), ("broken", True, 5), ("early", False, 2))
            ],
        }
    ]
    assert history.system(info) == "7"
    assert [one.label for one in history.backups(info)] == ["early", "late"]
    assert history.backups(info)[0].first == 256 + 3
    assert history.backups(info)[0].end == (256 + 3) * SEGMENT + 0x138
    listed = {
        f"0000000100000001/{'0000000100000001' + '00000003'}-{'a' * 40}.zst": {"type": "file", "time": 4},
        f"0000000200000001/{'0000000200000001' + '00000003'}-{'b' * 40}.zst": {"type": "file", "time": 6},
        "00000002.history": {"type": "file", "time": 5},
        f"0000000200000001/{'0000000200000001' + '00000003'}.partial-{'b' * 40}.zst": {"type": "file", "time": 8},
    }
    assert history.pieces(listed) == {("00000001", 259): 4.0, ("00000002", 259): 6.0}
    assert history.segments(history.pieces(listed), {"00000001": 0, "00000002": 259 * SEGMENT + 5}) == {259: 6.0}
    assert history.newest([{"archive": [{"id": "17-1", "max": "000000020000000100000003"}]}])[:8] == "00000002"
    assert history.newest([{"archive": [{"id": "17-1", "max": None}]}, {}]) == ""


@pytest.mark.parametrize(
    ("known", "first", "hole"),
    [
        ({1: 1.0, 2: 2.0, 3: 3.0}, 1, None),
        ({1: 1.0, 2: 2.0, 5: 9.0}, 1, (2.0, 9.0)),
        ({1: 1.0, 2: 2.0, 5: 9.0, 6: 9.5}, 5, None),
        ({5: 9.0}, 4, (0.0, 9.0)),
        ({}, 4, None),
    ],
)
def test_gaps(known, first, hole):
    assert history.gap(known, first) == hole


def test_a_history():
    text = "1\t0/6000148\tno recovery target specified\n# said by nobody\n\n2\t1/5000000\tafter a failover\n"
    assert history.lines("00000003", text) == {"00000001": 0, "00000002": 0x6000148, "00000003": 0x105000000}
    assert history.lines("00000001", "") == {"00000001": 0}


FAILED_OVER = "1\t0/6000148\tfailover\n"
RESTORED = "1\t0/3000148\tbefore 2025-11-27 00:00:00+00\n"


@pytest.mark.parametrize(
    ("there", "past", "missing"),
    [
        ({1: (2, 3, 4, 5), 2: (6, 7)}, FAILED_OVER, None),
        ({1: (2, 3), 2: (6, 7)}, FAILED_OVER, 4),  # given up, or not yet archived, when the other became the primary
        ({1: (2, 3)}, FAILED_OVER, None),  # nothing came since
        ({1: (2, 3, 4, 5), 2: (7,)}, FAILED_OVER, 6),
        ({1: (2, 3, 4, 5, 6), 2: (7,)}, FAILED_OVER, 6),  # the former timeline's is not that of this one
        ({1: (2, 5, 9), 2: (3, 4)}, RESTORED, None),  # a hole in what was left by a restore
        ({1: (2, 3, 4, 5), 2: (4,)}, RESTORED, 3),  # what the recovery wrote
    ],
)
def test_what_own_history_lacks(there, past, missing):
    """Whoever became the primary does not know what its predecessor gave up; what is only late comes in order."""
    known = {(f"{line:08X}", place): 0.0 for line, places in there.items() for place in places}
    assert history.lost(known, backup("last", DAY, 2), history.lines("00000002", past)) == missing


def test_a_backup_of_a_timeline_that_was_left():
    known = {("00000001", place): 0.0 for place in range(1, 9)} | {("00000002", 3): 0.0}
    lines = history.lines("00000002", RESTORED)
    assert history.lost(known, backup("last", DAY, 7), lines) == 7
    later = history.lines("00000003", "2\t0/9000000\n")
    assert history.lost({("00000003", 9): 0.0}, backup("last", DAY, 8), later) == 8


THERE = [backup("first", DAY, 1), backup("second", DAY + 1000, 6, "diff")]
KNOWN = {1: DAY + 0.0, 2: DAY + 60.0, 3: DAY + 120.0, 6: DAY + 1000.0, 7: DAY + 1100.0}
FIRST = {"00000001": 0}


@pytest.mark.parametrize(
    ("wanted", "label"),
    [
        ("2025-11-27T00:01:30Z", "first"),
        ("2025-11-27T01:01:30+01:00", "first"),
        ("2025-11-27 00:01:30.5+00", "first"),
        ("2025-11-27T00:17:00Z", "second"),
        ("latest", "second"),
    ],
)
def test_the_backup_that_leads_to_a_time(wanted, label):
    assert history.choose(wanted, THERE, FIRST, KNOWN, DAY + 5000.0).label == label


@pytest.mark.parametrize(
    ("wanted", "there", "why"),
    [
        ("2025-11-27T00:01:30", THERE, "no point in time with a zone"),
        ("yesterday", THERE, "no point in time with a zone"),
        ("2025-13-27T00:01:30Z", THERE, "no point in time"),
        ("2025-11-26T23:00:00Z", THERE, "before the end of the first backup"),
        ("2025-11-28T00:00:00Z", THERE, "in the future"),
        ("2025-11-27T00:10:00Z", THERE, "in a gap: what was written after 2025-11-27T00:02:00Z was given up"),
        ("2025-11-27T01:00:00Z", THERE, "the archive ends at 2025-11-27T00:18:20Z"),
        ("latest", [], "has no backup"),
        ("latest", THERE[:1], "in a gap: what was written after 2025-11-27T00:02:00Z was given up"),
    ],
)
def test_times_that_cannot_be_reached(wanted, there, why):
    with pytest.raises(Refusal, match="Remedy") as refused:
        history.choose(wanted, there, FIRST, KNOWN, DAY + 5000.0)
    assert why in str(refused.value)
    assert len(str(refused.value)) < 300


# Timeline 1: a full backup in segment 1, a differential one in 5. A restore to what was written in segment 4 made 2; it
# was undone, which made 3 out of the end of 1, in segment 8. Each of the two wrote up to segment 9.
EVERY = [
    backup("full", DAY, 1),
    backup("diff", DAY + 1000, 5, "diff"),
    backup("left", DAY + 2000, 6, "full", "00000002"),
]
PIECES = {
    **{("00000001", place): DAY + 200.0 * place for place in range(1, 9)},
    **{("00000002", place): DAY + 1500.0 + 100 * place for place in range(4, 10)},
    **{("00000003", place): DAY + 3000.0 + 100 * place for place in range(8, 10)},
}
RETURNED = {"00000002": "1\t0/4000148\tto a time\n", "00000003": "1\t0/8000148\tundone\n"}


@pytest.mark.parametrize(
    ("line", "wanted", "label"),
    [
        ("00000001", "latest", "diff"),
        ("00000001", "2025-11-27T00:16:00Z", "full"),  # while the second was made
        ("00000001", "2025-11-27T00:16:50Z", "diff"),
        (
            "00000002",
            "2025-11-27T00:30:00Z",
            "full",
        ),  # until a backup of it has ended: the newest one is of what was left
        ("00000002", "latest", "left"),
        ("00000003", "latest", "diff"),
        ("00000003", "2025-11-27T01:04:00Z", "diff"),
    ],
)
def test_a_backup_of_another_history_leads_nowhere(line, wanted, label):
    own = history.lines(line, RETURNED.get(line, ""))
    assert history.choose(wanted, EVERY, own, history.segments(PIECES, own), DAY + 5000.0).label == label


def test_a_history_without_a_backup():
    own = history.lines("00000002", RETURNED["00000002"])
    with pytest.raises(Refusal, match=r"no backup of line of history 2: .*Remedy: run CronJob"):
        history.choose("latest", EVERY[1:2], own, history.segments(PIECES, own), DAY + 5000.0)


@pytest.mark.parametrize("end", [0x4000148, 0x4000149])
def test_a_backup_that_ends_where_a_restore_begins(end):
    """By the byte: both are in one segment."""
    own = history.lines("00000002", RETURNED["00000002"])
    assert history.on(own, backup("last", DAY, 4)._replace(end=end)) == (end == 0x4000148)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            "ERROR: [028]: backup and archive info files exist but do not match the database\n       HINT: x",
            "another database",
        ),
        (
            "ERROR: [029]: HTTP request failed with 403 (Forbidden):\n       *** Response:\n InvalidAccessKeyId",
            "credential",
        ),
        ("ERROR: [049]: unable to get address for 'nowhere': [-2] Name or service not known", "does not answer"),
        ("ERROR: [095]: unable to verify certificate presented by 's3:443': [19]", "data_postgresql_archive_ca"),
        ("ERROR: [101]: HTTP request failed with 404 (Not Found): NoSuchBucket", "no such bucket"),
        ("ERROR: [039]: HTTP request failed with 507 (Insufficient Storage)", "it is full"),
        ("ERROR: [029]: unable to load info file: CryptoError: unable to flush, bad decrypt", "another key"),
        ("ERROR: [FormatError] unable to load\nFormatError: key/value found outside of section", "another key"),
        ("something else", "the archive: something else"),
    ],
)
def test_what_errors_mean(said, meant):
    assert meant in repository.meaning(said)
    assert len(repository.meaning(said)) < 400
    assert "\n" not in repository.meaning(said)


def test_keys_are_in_the_file_alone():
    shared = "[global]\nrepo1-type=s3\nrepo1-cipher-type=aes-256-cbc\n\n[vcci]\npg1-path=/x\n"
    secrets = {"cipher-key": "c", "access-key-id": "a", "secret-access-key": "s"}
    whole = configure.whole(shared, secrets)
    assert whole.startswith("[global]\nrepo1-cipher-pass=c\nrepo1-s3-key=a\nrepo1-s3-key-secret=s\nrepo1-type=s3\n")
    assert whole.endswith("[vcci]\npg1-path=/x\n")
    assert configure.whole("[global]\nrepo1-type=posix\n", secrets) == "[global]\nrepo1-type=posix\n"
    for missing in secrets:
        with pytest.raises(Refusal, match=missing):
            configure.whole(shared, {**secrets, missing: ""})


def test_figures_are_as_prometheus_reads_them():
    assert figures.text({"primary": True, "backups": 3}).splitlines()[2:] == [
        "vcci_archive_primary 1",
        "# HELP vcci_archive_backups Good backups in the archive.",
        "# TYPE vcci_archive_backups gauge",
        "vcci_archive_backups 3",
    ]


def test_why_a_recovery_failed():
    ended = "LOG: last completed transaction was at log time 2025-11-27 00:00:01.5+00\n"
    ended += "FATAL:  recovery ended before configured recovery target was reached\n"
    assert "the last transaction of which is of 2025-11-27 00:00:01.5+00" in server.reason(ended)
    assert server.reason("PANIC:  could not locate a valid checkpoint record\n").endswith("valid checkpoint record")


def test_data_that_is_set_aside_is_found_by_whoever_goes_on(tmp_path, monkeypatch):
    data, before = tmp_path / "pgdata", tmp_path / "pgdata.before"
    for name, path in {"DATA": data, "BEFORE": before, "RESTORED": tmp_path / "restored.json"}.items():
        monkeypatch.setattr(restore, name, path)
    monkeypatch.setattr(restore.settings, "CATCHING_UP", tmp_path / "catching-up")
    monkeypatch.setattr(configure, "write", lambda: None)
    data.mkdir()
    restore.note("run1", "aside")
    restore.aside("run1")  # after one that was killed there
    assert (data.exists(), before.exists()) == (False, True)
    data.mkdir()
    restore.aside("run1")  # after one that was killed when the member had begun anew
    assert (data.exists(), before.exists()) == (True, True)
    for refused in (lambda: restore.aside("run2"), lambda: restore.may("run2", 1)):
        with pytest.raises(Refusal, match="still kept from an earlier restore"):
            refused()
    assert restore.may("run1", 1 << 60) == {}, "it has its copy already"


@pytest.fixture
def volume(tmp_path, monkeypatch):
    """What a restore of `run1` left: its data, and those from before."""
    names = {"DATA": "pgdata", "BEFORE": "pgdata.before", "UNDONE": "pgdata.undone", "RESTORING": "pgdata.restoring"}
    for name, word in {**names, "RESTORED": "restored.json"}.items():
        monkeypatch.setattr(restore, name, tmp_path / word)
    monkeypatch.setattr(restore.settings, "CATCHING_UP", tmp_path / "catching-up")
    for word in ("pgdata", "pgdata.before"):
        (tmp_path / word).mkdir()
    restore.note("run1", "aside")
    return tmp_path


def test_a_run_undoes_and_deletes_only_what_is_its_own(volume):
    assert restore.kept() == {"kept": True, "run": "run1", "phase": "aside"}
    assert restore.back("run2") == {"phase": ""}
    restore.forget("run2")
    assert (volume / "pgdata").exists()
    assert (volume / "pgdata.before").exists()
    assert restore.back("run1") == {"phase": "aside"}
    assert not (volume / "pgdata").exists()
    restore.forget("run1")
    assert not (volume / "pgdata.before").exists()
    assert not restore.kept()["kept"]


def test_what_is_deleted_in_part_is_not_put_back(volume):
    (volume / "restored.json").unlink()  # an acceptance that was killed while it deleted
    assert restore.kept() == {"kept": True, "run": "", "phase": ""}
    for run in ("run1", ""):
        with pytest.raises(Refusal, match="is being deleted"):
            restore.back(run)
    restore.forget("")
    assert not restore.kept()["kept"]


def test_a_volume_without_room_is_told_before(volume):
    restore.forget("run1")
    with pytest.raises(Refusal, match="MiB free"):
        restore.may("run2", 1 << 60)
    assert restore.may("run2", 1) == {}


@pytest.mark.parametrize(
    ("streams", "answered", "since", "asked", "then"),
    [
        (True, True, 99, False, False),
        (True, True, 99, True, False),
        (False, True, 50, False, False),
        (False, True, 70, False, True),
        (False, True, 70, True, True),
        (False, False, 70, False, False),
        (False, False, 70, True, True),  # it was made of the archive
    ],
    ids=["follows", "follows again", "not yet", "too long", "still", "no primary", "no primary, but asked before"],
)
def test_when_a_member_asks_the_archive(tmp_path, monkeypatch, streams, answered, since, asked, then):
    monkeypatch.setattr(serve.settings, "CATCHING_UP", tmp_path / "catching-up")
    sidecar = serve.Sidecar()
    sidecar.followed -= since
    if asked:
        serve.settings.CATCHING_UP.touch()
    sidecar.follow(streams, lambda: answered)
    assert serve.settings.CATCHING_UP.exists() == then
    sidecar.follow(False, lambda: True)  # the time begins anew with each that was well
    assert serve.settings.CATCHING_UP.exists() == then


@pytest.mark.parametrize(
    ("asked", "full", "gap", "done", "made", "left"),
    [
        ("auto", None, None, True, "full", False),
        ("auto", 6, None, True, "diff", False),
        ("auto", 7, None, True, "full", False),
        ("auto", 1, -60, True, "diff", False),
        ("auto", 1, -60, False, "diff", True),
        ("auto", 1, 60, True, "diff", True),
        ("incr", None, -60, True, "incr", False),
    ],
    ids=["the first", "in between", "a week later", "of any kind", "fails", "given up since it began", "as asked"],
)
def test_which_backup_is_made_and_ends_a_gap(tmp_path, monkeypatch, asked, full, gap, done, made, left):
    """`full`: days since the last one; `gap`: seconds from now at which log was given up."""
    monkeypatch.setattr(serve.settings, "GAP", tmp_path / "gap")
    sidecar, said, now = serve.Sidecar(), list[str](), time.time()
    monkeypatch.setattr(sidecar, "backrest", lambda *words: (said.extend(words), (done, ""))[1])
    sidecar.state.full = 0.0 if full is None else now - full * 86400
    if gap is not None:
        serve.settings.GAP.touch()
        os.utime(serve.settings.GAP, (now + gap, now + gap))
    sidecar.obey(asked)
    assert said == ["backup", f"--type={made}"]
    assert serve.settings.GAP.exists() == left


@pytest.mark.parametrize(("full", "made"), [(0.0, "full"), (1.0, "diff")], ids=["the first", "after a year"])
def test_the_backup_that_follows_by_itself_lets_go_nothing_that_was_before(monkeypatch, full, made):
    sidecar, said = serve.Sidecar(), list[str]()
    monkeypatch.setattr(serve.restore, "take_line", lambda _data: None)
    monkeypatch.setattr(sidecar, "backrest", lambda *words: (said.extend(words), (True, ""))[1])
    sidecar.state.full = full and time.time() - 366 * 86400
    sidecar.heal()
    assert said == ["backup", f"--type={made}", "--delta"]
