# Copyright (c) 2026 GreenLang. All rights reserved.
"""Members of Redis as an earlier version made them, which know each other by name, become those of this one, as role
data has them replaced: nothing that was acknowledged is lost."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import subprocess
import threading
import time

import redis

from tests.helpers import ROOT, eventually
from tests.integration.images.redis_members import MEMBERS, PASSWORD, Members, needs_root, unpacked
from tests.integration.images.test_redis_members import agreed

pytestmark = needs_root
PATIENCE = 300
QUOTED = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
SCRIPT = ROOT / "roles" / "data" / "files" / "redis_hand_over.sh"
FORMER = {"REDISCLI_USER": "default", "REDISCLI_AUTH": PASSWORD, "REDIS_SECRETS": "/nowhere"}
SERVER = """bind {address}
port 6379
dir {data}
appendonly yes
min-replicas-to-write 1
min-replicas-max-lag 10
requirepass "{password}"
masterauth "{password}"
replica-announce-ip {name}
"""
SENTINEL = """bind {address}
port 26379
dir {run}
requirepass "{password}"
sentinel sentinel-pass "{password}"
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip {name}
sentinel announce-port 26379
sentinel myid {id}
sentinel monitor mymaster {master} 6379 2
sentinel auth-pass mymaster "{password}"
sentinel down-after-milliseconds mymaster 10000
sentinel failover-timeout mymaster 30000
"""


def start_former(members: Members, master: int) -> None:
    names = [members.former(index) for index in range(3)]
    ids = [hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest() for name in names]
    for index in range(3):
        data, run = members.root / f"data-{index}", members.root / f"run-{index}"
        values = {"address": members.address(index), "data": data, "run": run, "password": QUOTED}
        values |= {"name": names[index], "id": ids[index], "master": names[master]}
        server, sentinel = SERVER.format(**values), SENTINEL.format(**values)
        if index != master:
            server += f"replicaof {names[master]} 6379\n"
        for other in {0, 1, 2} - {index}:
            sentinel += f"sentinel known-sentinel mymaster {names[other]} 26379 {ids[other]}\n"
        for folder in (data, run):
            folder.mkdir()
            os.chown(folder, 999, 999)
        for part, text in (("redis", server), ("sentinel", sentinel)):
            path = run / f"{part}-former.conf"
            path.write_text(text)
            os.chown(path, 999, 999)
            members.run(part, index, f"redis-{'server' if part == 'redis' else part}", str(path))


def hand_over(members: Members, wanted: str, at: int, **environment: str) -> None:
    environment = {**members.environment(at), "REDISCLI_AUTH": MEMBERS, **environment}
    command = members.command("bash", "-c", SCRIPT.read_text(), "hand-over", wanted)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def tell(members: Members, index: int, phase: str) -> None:
    """As role secrets does when it has made a value that was not there."""
    script = (ROOT / "roles" / "secrets" / "files" / "tell_redis.sh").read_text()
    command = members.command("bash", "-c", script, "tell", phase)
    known = {"password": PASSWORD, "members-password": MEMBERS}
    text = "".join(f"{key} {base64.b64encode(value.encode()).decode()}\n" for key, value in known.items()) + "\n"
    environment = {**os.environ, **members.environment(index), **FORMER}
    done = subprocess.run(
        command, env=environment, input=text, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Writer(threading.Thread):
    """Writes numbered keys wherever they are taken, 50 a second at most."""

    def __init__(self, members: Members) -> None:
        super().__init__(daemon=True)
        self.doors = [
            redis.Redis(members.address(index), password=PASSWORD, socket_timeout=2, retry=None) for index in range(3)
        ]
        self.done, self.stop = list[int](), False

    def run(self) -> None:
        number, where = 0, 0
        while not self.stop:
            number += 1
            try:
                self.doors[where].set(f"kept:{number}", number)
                self.done.append(number)
            except redis.RedisError:
                where = (where + 1) % 3
            time.sleep(0.02)


def test_members_that_know_names_become_members_that_know_addresses(tmp_path, tmp_path_factory, network) -> None:
    """The master is not the first member, which is replaced last: its role is handed over twice."""
    master = 1
    members = Members(unpacked("vcci-redis", tmp_path_factory.mktemp("image")), tmp_path, network)
    writer = Writer(members)
    try:
        start_former(members, master)
        asked = functools.partial(members.ask, user="default")
        eventually(lambda: "slaves:2" in asked(master, "redis", "INFO", "replication"), PATIENCE, "two that follow")
        eventually(lambda: all(asked(index, "sentinel", "PING") == "PONG" for index in range(3)), PATIENCE, "sentinels")
        writer.start()
        for phase in ("accept", "use"):
            for index in range(3):
                tell(members, index, phase)
        hand_over(members, "redis-0", 0, **FORMER)
        for index in (2, 1):
            members.kill(index, number=15)
            members.start(index)
            eventually(lambda index=index: members.status(index, "/ready") == 200, PATIENCE, f"{index} follows")
        hand_over(members, "redis-1", 1)
        members.kill(0, number=15)
        members.start(0)
        assert eventually(lambda: agreed(members), PATIENCE, "agreement") == members.address(1)
        writer.stop = True
        writer.join()
        values = writer.doors[1].mget([f"kept:{number}" for number in writer.done])
        assert values == [str(number).encode() for number in writer.done]

        def known(index: int) -> int:
            return members.ask(index, "sentinel", "SENTINEL", "SENTINELS", "mymaster").split("\n").count("runid")

        eventually(lambda: [known(index) for index in range(3)] == [2, 2, 2], PATIENCE, "sentinels know each other")
    finally:
        writer.stop = True
        members.kill(0, 1, 2)
