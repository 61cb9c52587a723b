# Copyright (c) 2026 GreenLang. All rights reserved.
"""Members of Redis as an earlier version made them, which know each other by name, become those of this one, as role
data has them replaced: nothing that was acknowledged is lost."""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import os
import subprocess
import threading
import time
from typing import Any

import redis

from tests.helpers import ROOT, eventually
from tests.integration.images.redis_members import BACKUP, MEMBERS, PASSWORD, Members, needs_root, unpacked
from tests.integration.images.test_redis_members import agreed
from tests.integration.images.test_redis_tls import plain

pytestmark = needs_root
PATIENCE = 300  # seconds
QUOTED = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
SCRIPT = ROOT / "roles" / "data" / "files" / "redis_still.sh"
PLAIN = "/usr/bin:/usr/sbin:/bin"  # where redis-cli is itself
FORMER = {"REDISCLI_AUTH": PASSWORD, "REDIS_SECRETS": "/nowhere", "PATH": PLAIN}
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


def still(members: Members, what: str, *indexes: int, refused: str = "") -> None:
    """As role data has it done in the containers of members of an earlier version."""
    for index in indexes:
        environment = {**os.environ, **members.environment(index), **FORMER}
        command = members.command("bash", "-c", SCRIPT.read_text(), "still", *what.split())
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.returncode == (1 if refused else 0), done.stdout + done.stderr
        assert refused in done.stderr


def tell(members: Members, index: int, phase: str) -> None:
    """As role secrets does when it has made a value that was not there."""
    script = (ROOT / "roles" / "secrets" / "files" / "tell_redis.sh").read_text()
    command = members.command("bash", "-c", script, "tell", phase)
    known = {"password": PASSWORD, "members-password": MEMBERS, "backup-password": BACKUP}
    text = "".join(f"{key} {base64.b64encode(value.encode()).decode()}\n" for key, value in known.items()) + "\n"
    environment = {**os.environ, **members.environment(index), **FORMER}
    done = subprocess.run(
        command, env=environment, input=text, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Writer(threading.Thread):
    """Writes numbered keys wherever they are taken, in clear or over TLS, 50 a second at most."""

    def __init__(self, members: Members) -> None:
        super().__init__(daemon=True)
        limits: dict[str, Any] = {"password": PASSWORD, "socket_timeout": 2, "retry": None}
        verified: dict[str, Any] = {
            "username": "application",
            "ssl": True,
            "ssl_ca_certs": str(members.root / "tls-0" / "ca.crt"),
        }
        where = [members.address(index) for index in range(3)]
        self.plain = [redis.Redis(address, **limits) for address in where]
        self.tls = [redis.Redis(address, **limits, **verified) for address in where]
        self.done, self.stop = list[int](), False

    def run(self) -> None:
        doors = itertools.cycle([*self.plain, *self.tls])
        door, number = next(doors), 0
        while not self.stop:
            number += 1
            try:
                door.set(f"kept:{number}", number)
                self.done.append(number)
            except redis.RedisError:
                door = next(doors)
            time.sleep(0.02)


def test_members_of_an_earlier_version_become_members_of_this_one(tmp_path, tmp_path_factory, network) -> None:
    """Which knew each other by name, and no TLS; the master was not the first of them."""
    master = 1
    members = Members(unpacked("vcci-redis", tmp_path_factory.getbasetemp() / "images"), tmp_path, network)
    writer = Writer(members)
    try:
        start_former(members, master)
        eventually(lambda: b"slaves:2" in plain(members, master, "redis", "INFO", "replication"), "followers")
        sentinels = [functools.partial(plain, members, index, "sentinel", "PING") for index in range(3)]
        eventually(lambda: all(ask() == b"+PONG\r\n" for ask in sentinels), "sentinels")
        writer.start()
        for phase in ("accept", "use"):
            for index in range(3):
                tell(members, index, phase)
        still(members, "stop", 0, 1, 2)
        write = functools.partial(plain, members, master, "redis", "SET", "k", "1")
        assert write().startswith(b"-NOREPLICAS")
        still(members, "go 1", 0, 1, 2)  # when something was in the way
        eventually(lambda: write() == b"+OK\r\n", "a write")
        # One whose link is down has less than the master, which does not list it.
        behind = functools.partial(plain, members, 0, "redis")
        assert behind("CONFIG", "SET", "masterauth", "another") == b"+OK\r\n"
        behind("CLIENT", "KILL", "TYPE", "master")
        eventually(lambda: b"slaves:1" in plain(members, master, "redis", "INFO", "replication"), "one that is behind")
        still(members, "stop", 0, 1, 2)
        still(members, "wait 2", 0, master, refused="not every other member follows")
        still(members, "wait 0", 0, master, 2)  # as a run goes on that has replaced one
        assert behind("CONFIG", "SET", "masterauth", PASSWORD) == b"+OK\r\n"
        eventually(lambda: b"slaves:2" in plain(members, master, "redis", "INFO", "replication"), "followers again")
        still(members, "wait 2", 0, 1, 2)
        before = len(writer.done)
        members.kill(0, 1, 2, number=15)
        members.start(0, 1, 2)
        leader = members.index(eventually(lambda: agreed(members), "agreement"))
        eventually(lambda: len(writer.done) > before, "writes go on")
        writer.stop = True
        writer.join()
        values = writer.tls[leader].mget([f"kept:{number}" for number in writer.done])
        assert values == [str(number).encode() for number in writer.done]

        def known(index: int) -> int:
            return members.ask(index, "sentinel", "SENTINEL", "SENTINELS", "mymaster").split("\n").count("runid")

        eventually(lambda: [known(index) for index in range(3)] == [2, 2, 2], "sentinels know each other")
    finally:
        writer.stop = True
        members.kill(0, 1, 2)
