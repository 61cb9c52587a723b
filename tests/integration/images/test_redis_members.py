# Copyright (c) 2026 GreenLang. All rights reserved.
"""Start order, failover and the way to the master of the image vcci-redis, on loopback."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from vcci.queue import TASK, make_queue
from vcci.settings import read_settings

from tests.helpers import PATIENCE, ROOT, eventually
from tests.integration.images.redis_members import PASSWORD, Members, needs_root, unpacked

pytestmark = needs_root


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return unpacked("vcci-redis", tmp_path_factory.getbasetemp() / "images")


@pytest.fixture
def members(image, tmp_path, network):
    made = Members(image, tmp_path, network)
    yield made
    made.kill(*range(made.replicas))


def agreed(members: Members, among=(0, 1, 2)) -> str:
    """The one master that all sentinels name and all servers follow, and that knows that it is, or nothing."""
    names = {members.master(index) for index in among}
    if len(names) != 1:
        return ""
    master = names.pop()
    ready = all(members.status(index, "/ready") == 200 for index in among)
    roles = [members.ask(index, "redis", "ROLE").split("\n")[0] for index in among]
    masters = [members.address(index) for index, role in zip(among, roles, strict=True) if role == "master"]
    return master if ready and masters == [master] else ""


def writes(members: Members, index: int, key: str, value: str) -> bool:
    return members.ask(index, "proxy", "SET", key, value, user="application") == "OK"


def test_life_of_three_members(members):
    """First start → a write through any proxy → the master dies → whole restart, with one that missed the election."""
    members.start(0, 1, 2)
    assert eventually(lambda: agreed(members), "first agreement") == members.address(0)
    for index in range(3):
        write = functools.partial(writes, members, index, f"k{index}", "1")
        assert eventually(write, "a write through every proxy")
    assert eventually(lambda: members.status(1, "/ready") == 200, "readiness as the kubelet asks for it")
    assert members.status(1, "/") == 200
    for part in ("redis", "sentinel"):
        alive = functools.partial(members.status, 1, f"/alive/{part}")
        assert eventually(lambda alive=alive: alive() == 200, f"the kubelet hears that {part} is alive")
    assert 'p"a' not in "".join(path.read_text(errors="replace") for path in members.root.glob("*.log"))

    members.kill(0)
    assert members.status(0, "/ready") == 0
    second = eventually(lambda: agreed(members, (1, 2)), "failover")
    assert second in (members.address(1), members.address(2))
    assert eventually(lambda: writes(members, 1, "after", "failover"), "a write through a proxy after the failover")

    records = [members.root / f"data-{index}" / "election" for index in (1, 2)]

    def recorded() -> bool:
        return all(path.exists() and path.read_text().split()[0] == members.member(second) for path in records)

    eventually(recorded, "the record of the election")
    assert PASSWORD not in "".join(path.read_text() for path in records)
    members.kill(1, 2)
    members.start(0, 1, 2)
    assert eventually(lambda: agreed(members), "agreement after a whole restart") == second
    eventually(lambda: members.ask(0, "proxy", "GET", "after") == "failover", "the value through a proxy")
    assert members.ask(0, "redis", "ROLE").startswith("slave")


def test_who_may_do_what(members):
    """Applications use it, and ask sentinels for the master; the exporter asks for figures; nobody else is anybody."""
    members.start(0, 1, 2, parts=("redis", "sentinel", "proxy", "exporter"))
    eventually(lambda: agreed(members), "first agreement")
    eventually(lambda: writes(members, 1, "k", "1"), "a write through a proxy")
    asked = functools.partial(members.ask, 0, "redis", user="application")
    assert asked("EVAL", "return redis.call('GET', 'k')", "0") == "1"
    hello, script = "__sentinel__:hello", "return redis.call('PUBLISH', '__sentinel__:hello', 'x')"
    for command in (["CONFIG", "GET", "*"], ["REPLICAOF", "NO", "ONE"], ["SHUTDOWN"], ["FLUSHALL"], ["ACL", "LIST"]):
        assert asked(*command).startswith("NOPERM"), command
    for command in (["PUBLISH", hello, "x"], ["SPUBLISH", hello, "x"], ["EVAL", script, "0"]):
        assert "permission" in asked(*command), command
    assert asked("PUBLISH", "/0.celery.pidbox", "x") == "0"
    sentinel = functools.partial(members.ask, 0, "sentinel", user="application")
    assert sentinel("SENTINEL", "get-master-addr-by-name", "mymaster").startswith(members.address(0))
    for command in (["SENTINEL", "FAILOVER", "mymaster"], ["SENTINEL", "SET", "mymaster", "quorum", "1"]):
        assert sentinel(*command).startswith("NOPERM"), command
    assert "PONG" not in members.ask(0, "redis", "PING", user="nobody")

    def figures() -> bool:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://{members.address(1)}:9121/metrics") as answer,
        ):
            text = answer.read().decode()
            return "redis_instance_info{" in text and "redis_up 1" in text and 'role="slave"' in text
        return False

    eventually(figures, "figures of the server beside the exporter")


def test_planned_stop_hands_over_first(members):
    members.start(0, 1, 2)
    first = members.index(eventually(lambda: agreed(members), "first agreement"))
    eventually(lambda: writes(members, 2, "k", "1"), "a write through a proxy")
    assert members.script(first, "/usr/local/bin/redis-stop").returncode == 0
    assert members.ask(first, "redis", "ROLE").startswith("slave")
    others = tuple({0, 1, 2} - {first})
    second = members.index(members.master(others[0]))
    assert "sync_full:0" in members.ask(second, "redis", "INFO", "stats")  # nobody copied everything
    members.kill(first, number=15)
    left = eventually(lambda: agreed(members, others), "agreement without the one that stopped")
    assert left != members.address(first)


def test_a_killed_master_yields_to_a_replica_that_has_all(members):
    """What it acknowledged may be on no disk yet: a replica that has it is elected, though it is back at once."""
    members.start(0, 1, 2)
    eventually(lambda: agreed(members), "first agreement")
    eventually(lambda: writes(members, 1, "k", "kept"), "a write through a proxy")
    members.kill_part("redis", 0)
    members.start(0, parts=("redis",))
    assert eventually(lambda: agreed(members), "agreement") != members.address(0)
    assert members.ask(1, "redis", "GET", "k") == "kept"


def test_nobody_is_master_without_a_majority(members):
    """One member whose others are away serves nothing, whatever it was before; with one more there is a master."""
    members.start(0, 1, 2)
    eventually(lambda: agreed(members), "first agreement")
    members.kill(0, 1, 2)
    members.start(0)
    eventually(lambda: members.master(0), "its sentinel")
    log = members.root / "redis-0.log"
    eventually(lambda: "waiting until most sentinels" in log.read_text(), "its server waits")
    assert members.ask(0, "redis", "PING") == ""
    members.start(1)
    eventually(lambda: agreed(members, (0, 1)), "agreement of two")


def test_a_replica_ends_while_it_writes_down_what_it_copied(members):
    members.start(0, 1, 2)
    master = eventually(lambda: agreed(members), "first agreement")
    index = (members.index(master) + 1) % 3
    replica = functools.partial(members.ask, index, "redis")
    keys = [word for number in range(200) for word in (f"k{number}", "x")]
    assert members.ask(members.index(master), "redis", "MSET", *keys) == "OK"
    eventually(lambda: replica("DBSIZE") == "200", "the replica has all")
    assert replica("CONFIG", "SET", "rdb-key-save-delay", "1000000") == "OK"  # microseconds
    replica("REPLICAOF", "NO", "ONE")
    assert replica("SET", "own", "x") == "OK"  # so that it copies everything
    replica("REPLICAOF", master, "6379")
    eventually(lambda: "aof_rewrite_in_progress:1" in replica("INFO", "persistence"), "it writes")
    eventually(lambda: replica("GET", "own") == "", "it has copied")
    assert replica("CONFIG", "SET", "rdb-key-save-delay", "0") == "OK"  # not of its last words, too
    members.kill(index, number=15)


def test_master_lost_for_good_while_all_were_down(members):
    """Freshly started sentinels know the members by name, so they elect without ever having met the master."""
    members.start(0, 1, 2)
    eventually(lambda: agreed(members), "first agreement")
    eventually(lambda: writes(members, 1, "k", "kept"), "a write through a proxy")
    time.sleep(1.2)  # the append-only files are synced every second
    members.kill(0, 1, 2)
    members.start(1, 2)
    assert eventually(lambda: agreed(members, (1, 2)), "election") in (members.address(1), members.address(2))
    eventually(lambda: members.ask(1, "proxy", "GET", "k") == "kept", "the value through a proxy")


def test_an_empty_volume_never_becomes_the_data(members):
    members.start(0, 1, 2)
    eventually(lambda: agreed(members), "first agreement")
    eventually(lambda: writes(members, 1, "k", "kept"), "a write through a proxy")
    members.kill(0)
    shutil.rmtree(members.root / "data-0")
    members.start(0)
    eventually(lambda: agreed(members), "agreement with the data kept")
    eventually(lambda: members.ask(0, "proxy", "GET", "k") == "kept", "the value through a proxy")


@contextlib.contextmanager
def worker(folder: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen]:
    options = ["--pool", "threads", "--concurrency", "2", "--queues", "default", "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-m", "celery", "--app", "tests.integration.images.queue_worker", "worker", *options]
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT}/images/vcci-backend-api/app", "DONE": str(folder / "done")}
    (folder / "done").touch()
    with (folder / "worker.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, env={**os.environ, **settings, **paths}, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)


def test_a_worker_outlives_changes_of_the_master(members, tmp_path):
    """A server that hands its role over answers UNBLOCKED to who waits for a job, and READONLY afterwards."""
    members.start(0, 1, 2)
    eventually(lambda: agreed(members), "first agreement")
    eventually(lambda: writes(members, 2, "k", "1"), "a write through a proxy")
    redis = f"rediss://application:{quote(PASSWORD, safe='')}@{members.address(2)}:6380/0"
    settings = {"REDIS_URL": redis, "REDIS_CA_FILE": str(members.root / "tls-2" / "ca.crt")}
    settings["DATABASE_URL"] = "postgresql://none"
    queue = make_queue(read_settings(settings))
    numbers = iter(range(100))

    def done() -> None:
        number = next(numbers)
        eventually(lambda: writes(members, 2, "k", str(number)), "a write through the proxy")
        queue.send_task(TASK, args=[number])
        eventually(lambda: str(number) in (tmp_path / "done").read_text().split(), f"job {number}")

    with worker(tmp_path, settings) as process:
        done()
        for _change in range(2):
            before = members.master(2)
            eventually(lambda: members.ask(1, "sentinel", "SENTINEL", "FAILOVER", "mymaster") == "OK", "a failover")
            eventually(lambda before=before: agreed(members) not in ("", before), "another master")
            done()
        assert process.poll() is None, (tmp_path / "worker.log").read_text()[-2000:]
        assert "Unrecoverable" not in (tmp_path / "worker.log").read_text()
