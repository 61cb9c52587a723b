# Copyright (c) 2026 GreenLang. All rights reserved.
"""What servers are told of new passwords, run in their real images on loopback.

The new one works before the old one ends.
"""

from __future__ import annotations

import base64
import functools
import os
import subprocess

from tests.helpers import PATIENCE, ROOT, eventually
from tests.integration.images import redis_members
from tests.integration.images.postgresql_server import Server
from tests.integration.images.redis_members import Members, needs_root, unpacked

pytestmark = needs_root
NEW, NEWER = 'n"e\\w w+/=%', 'n"e\\w m+/=%'
SCRIPTS = ROOT / "roles" / "secrets" / "files"


def given(**values: str) -> str:
    return "".join(f"{key} {base64.b64encode(value.encode()).decode()}\n" for key, value in values.items()) + "\n"


def tell(members: Members, index: int, script: str, *phase: str, environment: dict[str, str], text: str) -> None:
    command = members.command("bash", "-c", (SCRIPTS / script).read_text(), "tell", *phase)
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert NEW not in done.stdout + done.stderr


def test_redis_takes_the_new_password_beside_the_old_one(tmp_path, tmp_path_factory, monkeypatch, network) -> None:
    members = Members(unpacked("vcci-redis", tmp_path_factory.getbasetemp() / "images"), tmp_path, network)
    old, old_members = redis_members.PASSWORD, redis_members.MEMBERS

    def agreed() -> bool:
        names = {members.master(index) for index in range(3)}
        roles = [members.ask(index, "redis", "ROLE").split("\n")[0] for index in range(3)]
        links = [
            members.ask(index, "redis", "INFO", "replication").count("master_link_status:up") for index in range(3)
        ]
        return len(names) == 1 and names != {""} and roles.count("master") == 1 and sum(links) == 2

    def use(password: str, among: str) -> None:
        monkeypatch.setattr(redis_members, "PASSWORD", password)
        monkeypatch.setattr(redis_members, "MEMBERS", among)
        monkeypatch.setattr(redis_members, "BACKUP", f"{among} to copy")

    try:
        members.start(0, 1, 2)
        eventually(agreed, "first agreement")
        eventually(lambda: members.ask(1, "proxy", "SET", "a", "1") == "OK", "a write through a proxy")
        for phase in ("accept", "use"):
            for index in range(3):
                tell(
                    members,
                    index,
                    "tell_redis.sh",
                    phase,
                    environment={**members.environment(index), "REDISCLI_AUTH": old_members},
                    text=given(**{"password": NEW, "members-password": NEWER, "backup-password": f"{NEWER} to copy"}),
                )
        for passwords in ((old, old_members), (NEW, NEWER)):
            use(*passwords)
            asked = [(index, part) for index in range(3) for part in ("redis", "sentinel")]
            for user in ("application", "members"):
                assert [members.ask(*one, "PING", user=user) for one in asked] == ["PONG"] * 6
            assert members.ask(1, "proxy", "GET", "a") == "1"
        # Restarted one after the other, as a StatefulSet does, each knows the new one only; nothing is lost on the way.
        (members.root / "secrets" / "password").write_text(NEW)
        (members.root / "secrets" / "members-password").write_text(NEWER)
        assert members.ask(0, "redis", "CONFIG", "SET", "replica-priority", "0") == "OK"  # a restarted one leads
        for index in (2, 1, 0):
            members.kill(index, number=15)
            members.start(index)
            eventually(agreed, f"agreement after the restart of {index}")
            for proxy in range(3):  # also of those that began with the old one
                found = functools.partial(members.ask, proxy, "proxy", "GET", "a")
                eventually(lambda found=found: found() == "1", f"the value through the proxy of {proxy}")
            if index == 2 and members.master(2) == members.address(0):
                eventually(
                    lambda: members.ask(1, "sentinel", "SENTINEL", "FAILOVER", "mymaster") == "OK", "another master"
                )
                eventually(lambda: agreed() and members.master(2) != members.address(0), "agreement")
        use(old, old_members)
        for user in ("application", "members"):
            assert all("PONG" not in members.ask(index, "redis", "PING", user=user) for index in range(3))
    finally:
        members.kill(0, 1, 2)


def test_postgresql_takes_the_new_password_while_it_runs(tmp_path, tmp_path_factory, network) -> None:
    dsn = "postgresql://vcci_monitor:{}@localhost:5432/vcci"
    image = unpacked("vcci-postgresql", tmp_path_factory.getbasetemp() / "images")
    secrets = {"password": "old", "replication_password": "old", "exporter_dsn": dsn.format("old")}
    server = Server(image, tmp_path, network, "15432", "log_statement = all", **secrets)
    passfile = tmp_path / "sockets" / "passfile"

    def login(user: str, password: str, database: str = "vcci") -> bool:
        where = ["--host", server.address, "--username", user, "--dbname", database]
        return server.run("psql", *where, "-tAc", "SELECT 1", PGPASSWORD=password).returncode == 0

    with server.running():
        assert login("vcci", "old")
        passfile.write_text("*:*:*:vcci:old\n")
        os.chown(passfile, 999, 999)
        values = {
            "exporter-dsn": dsn.format("n%25w"),
            "password": NEW,
            "username": "vcci",
            "replication-password": "r:",
        }
        script = (SCRIPTS / "tell_postgresql.sh").read_text()
        where = {"POSTGRES_ADDRESS": server.address, "PGPASSFILE": str(passfile)}
        done = server.run("bash", "-c", script, "tell", given=given(**values), **where)
        assert done.returncode == 0, done.stdout + done.stderr
        assert NEW not in done.stdout + done.stderr
        logins = [
            ("vcci", NEW, True),
            ("vcci", "old", False),
            ("vcci_monitor", "n%w", True),
            ("vcci_monitor", "old", False),
            ("vcci_replication", "r:", True),
            ("vcci_replication", "old", False),
        ]
        assert [login(user, password) for user, password, _works in logins] == [
            works for _user, _password, works in logins
        ]
        typed = ["--host", server.address, "--username", "vcci", "--dbname", "vcci"]
        assert server.run("psql", *typed, "--no-password", "-c", "SELECT 1", PGPASSFILE=str(passfile)).returncode == 0
        log = (tmp_path / "log").read_text(errors="replace")
        assert NEW not in log
        assert "n%w" not in log
