# Copyright (c) 2026 GreenLang. All rights reserved.
"""One server of vcci-postgresql without Patroni: what its programs do to a primary, called as Patroni calls them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.helpers import PATIENCE, eventually
from tests.integration.images.redis_members import Members


class Server:
    """`secrets` are the keys of Secret postgresql-secrets; `settings` lines of postgresql.conf; `patience`, seconds for
    one program."""

    patience = 180.0

    def __init__(self, image: Path, root: Path, network: int, port: str, *settings: str, **secrets: str) -> None:
        self.members, self.root, self.port = Members(image, root, network), root, port
        self.address = self.members.address(0)
        for folder in ("data", "sockets", "secrets", "backup"):
            (root / folder).mkdir(exist_ok=True)
            os.chown(root / folder, 999, 999)
        for key, value in secrets.items():
            (root / "secrets" / key.replace("_", "-")).write_text(value)
        lines = [
            f"listen_addresses = '{self.address}'",
            f"port = {port}",
            f"unix_socket_directories = '{root}/sockets'",
            "dynamic_shared_memory_type = mmap",  # who may write to /dev/shm differs between machines
        ]
        (root / "postgresql.conf").write_text("\n".join([*lines, *settings, ""]))
        (root / "pg_hba.conf").write_text("local all all peer map=pod\nhost all all all scram-sha-256\n")
        (root / "pg_ident.conf").write_text("pod postgres all\n")

    @property
    def environment(self) -> dict[str, str]:
        secrets = {"POSTGRES_SECRETS": f"{self.root}/secrets", "POSTGRES_SOCKETS": f"{self.root}/sockets"}
        return {"PGPORT": self.port, "POSTGRES_USER": "vcci", "POSTGRES_DB": "vcci", **secrets}

    @contextmanager
    def running(self) -> Iterator[None]:
        """It serves, and its roles are what the Secret says."""
        data, root = f"{self.root}/data/pgdata", self.root
        options = f"--username postgres --locale C.UTF-8 --auth-local peer --auth-host scram-sha-256 --pgdata {data}"
        files = (
            f"-c config_file={root}/postgresql.conf -c hba_file={root}/pg_hba.conf -c ident_file={root}/pg_ident.conf"
        )
        serve = f"test -s {data}/PG_VERSION || initdb {options}; exec postgres -D {data} {files}"
        command = self.members.command("bash", "-c", f'PATH="/usr/lib/postgresql/17/bin:$PATH"; {serve}')
        with (self.root / "log").open("ab") as log:
            process = subprocess.Popen(command, env={**os.environ, **self.environment}, stdout=log, stderr=log)
        try:
            eventually(lambda: self.run("postgresql-roles", "on_start", "primary").returncode == 0, "its roles", 1)
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def run(self, *argv: str, given: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {**os.environ, **self.environment, "POSTGRES_TRIES": "1", **environment}
        settings["PATH"] = f"/usr/lib/postgresql/17/bin:/usr/local/bin:{settings['PATH']}"
        command = self.members.command(*argv)
        return subprocess.run(
            command, env=settings, input=given, capture_output=True, text=True, check=False, timeout=self.patience
        )

    def ask(self, *statements: str) -> None:
        """As the superuser, inside."""
        commands = [part for statement in statements for part in ("--command", statement)]
        login = ["--host", f"{self.root}/sockets", "--username", "postgres", "--dbname", "vcci"]
        done = self.run("psql", *login, "--set", "ON_ERROR_STOP=1", *commands)
        assert done.returncode == 0, done.stderr
