# Copyright (c) 2026 GreenLang. All rights reserved.
"""A backup of Redis is made of a replica, read back, and takes the place of what is there; what cannot be restored
changes nothing."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.helpers import PATIENCE, eventually
from tests.integration.images.redis_members import BACKUP, MEMBERS, Members, needs_root, unpacked
from tests.integration.images.test_redis_members import agreed

pytestmark = needs_root


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return unpacked("vcci-redis", tmp_path_factory.getbasetemp() / "images")


@pytest.fixture
def members(image, tmp_path, network):
    made = Members(image, tmp_path, network)
    for folder in ("backup", "scratch"):
        (tmp_path / folder).mkdir()
        os.chown(tmp_path / folder, 999, 999)
    key = subprocess.run(made.command("age-keygen"), capture_output=True, text=True, check=True, env=os.environ).stdout
    (tmp_path / "identity-0").write_text(key)
    made.start(0, 1, 2)
    eventually(lambda: agreed(made), "first agreement")
    yield made
    made.kill(0, 1, 2)


def job(members: Members, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    """As its pod runs it."""
    root, restores = members.root, argv[0] == "restore"
    environment = {
        "PATH": os.environ["PATH"],
        "REDIS_MEMBERS": " ".join(members.address(index) for index in range(3)),
        "REDIS_HOST": members.master(0),
        "REDIS_USER": "members" if restores else "backup",
        "REDISCLI_AUTH": MEMBERS if restores else BACKUP,
        "REDIS_CA": str(root / "tls-0" / "ca.crt"),
        "BACKUP_DIR": str(root / "backup"),
        "BACKUP_PLATFORM": "vcci/test",
        "BACKUP_KEY_FILE": str(root / "identity-0"),
        "SCRATCH": str(root / "scratch"),
        **more,
    }
    command = members.command("/usr/local/bin/entrypoint", *argv)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
    for password in (BACKUP, MEMBERS):
        assert password not in done.stdout + done.stderr
    assert not list((root / "scratch").iterdir())
    return done


def say(members: Members, *words: str) -> str:
    master = eventually(lambda: members.master(0), "the sentinel's answer")
    return members.ask(members.index(master), "redis", *words)


def fill(members: Members) -> None:
    script = """for i = 1, 2000 do redis.call('SET', 'k:' .. i, 'v' .. i) end
      redis.call('SET', 'odd \\n\\0key', 'odd') redis.call('RPUSH', 'queue', 'a', 'b')
      redis.call('SET', 'ends', 'x', 'EX', 5000)
      redis.call('SELECT', 3) redis.call('HSET', 'hash', 'f', '1') return 'OK'"""
    assert eventually(lambda: say(members, "EVAL", script, "0") == "OK", "writes")


def holds(members: Members) -> None:
    assert say(members, "GET", "k:2000") == "v2000"
    assert say(members, "EVAL", "return redis.call('GET', 'odd \\n\\0key')", "0") == "odd"
    assert say(members, "LRANGE", "queue", "0", "-1") == "a\nb"
    assert 0 < int(say(members, "TTL", "ends")) <= 5000
    assert say(members, "-n", "3", "HGET", "hash", "f") == "1"
    assert (say(members, "DBSIZE"), say(members, "EXISTS", "late")) == ("2003", "0")


@pytest.mark.parametrize("encrypted", ["false", "true"])
def test_a_backup_takes_the_place_of_what_is_there(members, encrypted):
    fill(members)
    done = job(members, "backup", BACKUP_ENCRYPT=encrypted)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout.splitlines()[-1])
    assert (made["keys"], made["platform"]) == (2004, "vcci/test")
    assert f"copying the data from {members.master(0)}" not in done.stderr  # but from a replica
    assert made["name"].endswith(".rdb.age" if encrypted == "true" else ".rdb")
    content = (members.root / "backup" / made["name"]).read_bytes()
    assert (b"REDIS" in content) == (encrypted == "false")

    assert say(members, "SET", "late", "1") == "OK"
    assert say(members, "DEL", "k:2000", "queue") == "2"
    assert job(members, "restore", "check", "latest").returncode == 0
    assert say(members, "EXISTS", "late") == "1"
    done = job(members, "restore", "put", "latest", BACKUP_ENCRYPT=encrypted)
    assert done.returncode == 0, done.stderr
    holds(members)
    for index in range(3):
        eventually(lambda index=index: members.ask(index, "redis", "GET", "k:2000") == "v2000", "replicas have it")

    kept = json.loads(done.stdout.splitlines()[-1])["kept"]  # the way back
    done = job(members, "restore", "put", kept, BACKUP_ENCRYPT=encrypted)
    assert done.returncode == 0, done.stderr
    assert (say(members, "EXISTS", "late"), say(members, "EXISTS", "queue")) == ("1", "0")

    # What it acknowledged in memory is on disk, too: all are killed at once.
    say(members, "CONFIG", "SET", "appendfsync", "always")
    members.kill(0, 1, 2)
    members.start(0, 1, 2)
    eventually(lambda: agreed(members), "agreement")
    eventually(lambda: say(members, "GET", "late") == "1", "it is there after all were killed")


def test_what_cannot_be_restored_changes_nothing(members):
    fill(members)
    assert job(members, "restore", "put").stderr.count("error: Nothing was changed: ") == 1
    done = job(members, "backup", BACKUP_ENCRYPT="true", BACKUP_KEY_FILE="/none")
    assert "cannot read the key" in done.stderr
    made = [json.loads(job(members, "backup", BACKUP_ENCRYPT=one).stdout.splitlines()[-1]) for one in ("false", "true")]
    folder, (plain, hidden) = members.root / "backup", (one["name"] for one in made)
    other = members.root / "identity-1"
    other.write_text(
        subprocess.run(members.command("age-keygen"), capture_output=True, text=True, check=True, env=os.environ).stdout
    )
    (folder / "vcci-redis-20200101.rdb").symlink_to("/etc/passwd")
    (folder / "vcci-redis-20200102.rdb").write_bytes((folder / plain).read_bytes()[:-9])
    (folder / "vcci-redis-20200103.rdb").write_bytes((folder / plain).read_bytes())
    cases = [
        (["../x"], {}, "is no backup of Redis here"),
        (["vcci-redis-20200101.rdb"], {}, "is no backup of Redis here"),
        (["vcci-redis-20200102.rdb"], {}, "truncated or changed"),
        (["vcci-redis-20200103.rdb"], {}, "truncated or changed"),
        ([plain], {"BACKUP_PLATFORM": "vcci/other"}, "is of platform vcci/test, and this is vcci/other"),
        ([hidden], {"BACKUP_KEY_FILE": "/none"}, "here is no key"),
        ([hidden], {"BACKUP_KEY_FILE": str(other)}, "cannot be decrypted"),
        ([plain], {"REDIS_CERTIFIED": "postgresql"}, "no master answers"),
        ([plain], {"REDISCLI_AUTH": "another"}, "no master answers"),
        ([plain], {"BACKUP_ENCRYPT": "true", "BACKUP_KEY_FILE": "/none"}, "what is there could not be backed up"),
        ([plain], {"SCRATCH": "/none"}, "cannot write to /none"),
    ]
    for argv, more, told in cases:
        done = job(members, "restore", "put", *argv, **more)
        assert done.returncode == 1, (argv, more)
        last = done.stderr.split("redis-restore: error: ")[-1]
        assert told in last, (argv, more, done.stderr)
        assert last.startswith("Nothing was changed: ")  # by which the applications are started again
        assert len(last.splitlines()) == 1
        assert len(last) < 300
    holds(members)
    assert job(members, "restore", "check", plain, BACKUP_PLATFORM="vcci/other", RESTORE_FOREIGN="true").returncode == 0


def test_what_fails_on_the_way_says_that_something_was_changed(members):
    fill(members)
    assert job(members, "backup").returncode == 0
    assert say(members, "CONFIG", "SET", "min-replicas-to-write", "3") == "OK"  # so that it takes nothing
    done = job(members, "restore", "put", "latest")
    assert done.returncode == 1
    assert "Redis holds a part of vcci-redis-" in done.stderr.split("error: ")[-1]
    assert "Nothing was changed" not in done.stderr


def test_old_ones_go_only_when_enough_are_left(members):
    folder = members.root / "backup"
    for day in (1, 2, 3, 4):
        for name in (
            f"vcci-redis-2020010{day}.rdb",
            f"vcci-redis-2020010{day}.rdb.{'0' * 12}.json",
            f"other-{day}.rdb",
        ):
            (folder / name).touch()
            os.utime(folder / name, (1577836800, 1577836800))
    assert job(members, "backup", BACKUP_KEEP_LEAST="2").returncode == 0
    left = sorted(path.name for path in folder.iterdir() if path.name.endswith(".rdb"))
    assert left[:5] == [*(f"other-{day}.rdb" for day in (1, 2, 3, 4)), "vcci-redis-20200104.rdb"]
    assert len(left) == 6
    assert len([path for path in folder.iterdir() if path.name.endswith(".json")]) == 2
    members.kill(0, 1, 2)
    assert "no member of Redis answers" in job(members, "backup").stderr
    assert sorted(path.name for path in folder.iterdir() if path.name.endswith(".rdb")) == left
