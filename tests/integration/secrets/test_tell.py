# Copyright (c) 2026 GreenLang. All rights reserved.
"""What servers are told of new passwords, run in their real images on loopback.

The new one works before the old one ends.
"""

from __future__ import annotations

import base64
import os
import subprocess

from tests.helpers import ROOT, eventually
from tests.integration.images import redis_members
from tests.integration.images.redis_members import Members, needs_root, unpacked

pytestmark = needs_root
NEW = 'n"e\\w w+/=%'
SCRIPTS = ROOT / "roles" / "secrets" / "files"


def given(**values: str) -> str:
    return "".join(f"{key} {base64.b64encode(value.encode()).decode()}\n" for key, value in values.items()) + "\n"


def tell(members: Members, index: int, script: str, *phase: str, environment: dict[str, str], text: str) -> None:
    command = members.command("bash", "-c", (SCRIPTS / script).read_text(), "tell", *phase)
    done = subprocess.run(
        command, env={**os.environ, **environment}, input=text, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert NEW not in done.stdout + done.stderr


def test_redis_takes_the_new_password_beside_the_old_one(tmp_path, tmp_path_factory, monkeypatch, network) -> None:
    members = Members(unpacked("vcci-redis", tmp_path_factory.mktemp("image")), tmp_path, network)
    old = redis_members.PASSWORD

    def agreed() -> bool:
        names = {members.master(index) for index in range(3)}
        roles = [members.ask(index, "redis", "ROLE").split("\n")[0] for index in range(3)]
        links = [
            members.ask(index, "redis", "INFO", "replication").count("master_link_status:up") for index in range(3)
        ]
        return len(names) == 1 and names != {""} and roles.count("master") == 1 and sum(links) == 2

    def use(password: str) -> None:
        monkeypatch.setattr(redis_members, "PASSWORD", password)

    try:
        members.start(0, 1, 2)
        eventually(agreed, 60, "first agreement")
        eventually(lambda: members.ask(1, "proxy", "SET", "a", "1") == "OK", 60, "a write through a proxy")
        for phase in ("accept", "use"):
            for index in range(3):
                tell(
                    members,
                    index,
                    "tell_redis.sh",
                    phase,
                    environment={**members.environment(index), "REDISCLI_AUTH": old},
                    text=given(password=NEW),
                )
        for password in (old, NEW):
            use(password)
            assert [members.ask(index, part, "PING") for index in range(3) for part in ("redis", "sentinel")] == [
                "PONG"
            ] * 6
            assert members.ask(1, "proxy", "GET", "a") == "1"
        # Restarted one after the other, as a StatefulSet does, each knows the new one only; nothing is lost on the way.
        (members.root / "password").write_text(NEW)
        for index in (2, 1, 0):
            members.kill(index, number=15)
            members.start(index)
            eventually(agreed, 60, f"agreement after the restart of {index}")
        eventually(lambda: members.ask(0, "proxy", "GET", "a") == "1", 60, "the value through a proxy")
        use(old)
        assert all("PONG" not in members.ask(index, "redis", "PING") for index in range(3))
    finally:
        members.kill(0, 1, 2)


def test_postgresql_takes_the_new_password_while_it_runs(tmp_path, tmp_path_factory, network) -> None:
    server = Members(unpacked("vcci-postgresql", tmp_path_factory.mktemp("image")), tmp_path, network)
    for folder in ("data", "sockets", "config"):
        (tmp_path / folder).mkdir()
        os.chown(tmp_path / folder, 999, 999)
    address, port = server.address(0), "15432"
    (tmp_path / "config" / "postgresql.conf").write_text(
        f"listen_addresses = '{address}'\nport = {port}\nlog_statement = all\n"
    )
    (tmp_path / "config" / "pg_hba.conf").write_text("local all all peer map=pod\nhost all all all scram-sha-256\n")
    (tmp_path / "config" / "pg_ident.conf").write_text("pod postgres all\n")
    (tmp_path / "password").write_text("old")
    dsn = "postgresql://vcci_monitor:{}@localhost:5432/vcci"
    (tmp_path / "dsn").write_text(dsn.format("old"))
    environment = {
        "PGDATA": f"{tmp_path}/data/pgdata",
        "POSTGRES_DB": "vcci",
        "POSTGRES_USER": "vcci",
        "POSTGRES_PASSWORD_FILE": f"{tmp_path}/password",
        "POSTGRES_MONITOR_DSN_FILE": f"{tmp_path}/dsn",
        "POSTGRES_CONFIG": f"{tmp_path}/config",
        "POSTGRES_SOCKETS": f"{tmp_path}/sockets",
        "PGPORT": port,
        "POSTGRES_ADDRESS": address,
    }

    def login(user: str, password: str) -> bool:
        command = server.command("psql", "--host", address, "--username", user, "--dbname", "vcci", "-tAc", "SELECT 1")
        return (
            subprocess.run(
                command, env={**os.environ, "PGPORT": port, "PGPASSWORD": password}, capture_output=True, check=False
            ).returncode
            == 0
        )

    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            server.command("/usr/local/bin/entrypoint", "postgres"),
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        eventually(lambda: login("vcci", "old"), 120, "the first login")
        text = given(**{"exporter-dsn": dsn.format("n%25w"), "password": NEW, "username": "vcci"})
        tell(server, 0, "tell_postgresql.sh", environment=environment, text=text)
        logins = [
            ("vcci", NEW, True),
            ("vcci", "old", False),
            ("vcci_monitor", "n%w", True),
            ("vcci_monitor", "old", False),
        ]
        assert [login(user, password) for user, password, _works in logins] == [
            works for _user, _password, works in logins
        ]
        assert NEW not in (tmp_path / "log").read_text(errors="replace")
        assert "n%w" not in (tmp_path / "log").read_text(errors="replace")
    finally:
        process.terminate()
        process.wait(60)
