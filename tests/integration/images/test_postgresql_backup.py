# Copyright (c) 2026 GreenLang. All rights reserved.
"""The nightly backup of the image vcci-postgresql, run as its CronJob does: the whole database, whoever owns a part."""

from __future__ import annotations

import os
import subprocess

from tests.helpers import eventually
from tests.integration.images.redis_members import Members, needs_root, unpacked

pytestmark = needs_root


def test_the_backup_has_schemas_of_other_roles(tmp_path, tmp_path_factory, network):
    """Also in a database that was made before the owner might read them: the grant is made at every start."""
    server = Members(unpacked("vcci-postgresql", tmp_path_factory.mktemp("image")), tmp_path, network)
    for folder in ("data", "sockets", "config", "backup"):
        (tmp_path / folder).mkdir()
        os.chown(tmp_path / folder, 999, 999)
    address, port = server.address(0), "15433"
    (tmp_path / "config" / "postgresql.conf").write_text(f"listen_addresses = '{address}'\nport = {port}\n")
    (tmp_path / "config" / "pg_hba.conf").write_text("local all all peer map=pod\nhost all all all scram-sha-256\n")
    (tmp_path / "config" / "pg_ident.conf").write_text("pod postgres all\n")
    (tmp_path / "password").write_text("secret")
    common = {**os.environ, "PGPORT": port}
    serving = {
        **common,
        "PGDATA": f"{tmp_path}/data/pgdata",
        "POSTGRES_DB": "vcci",
        "POSTGRES_USER": "vcci",
        "POSTGRES_PASSWORD_FILE": f"{tmp_path}/password",
        "POSTGRES_CONFIG": f"{tmp_path}/config",
        "POSTGRES_SOCKETS": f"{tmp_path}/sockets",
    }
    owner = {
        **common,
        "PGHOST": address,
        "PGUSER": "vcci",
        "PGPASSWORD": "secret",
        "PGDATABASE": "vcci",
        "BACKUP_DIR": f"{tmp_path}/backup",
    }

    def run(environment: dict, *command: str) -> subprocess.CompletedProcess:
        whole = server.command(*command)
        return subprocess.run(whole, env=environment, capture_output=True, text=True, check=False, timeout=180)

    def ask(*statements: str) -> None:
        commands = [part for statement in statements for part in ("--command", statement)]
        login = ["--host", f"{tmp_path}/sockets", "--username", "postgres", "--dbname", "vcci"]
        done = run(common, "psql", *login, "--set", "ON_ERROR_STOP=1", *commands)
        assert done.returncode == 0, done.stderr

    def start() -> subprocess.Popen:
        command = server.command("/usr/local/bin/entrypoint", "postgres")
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(command, env=serving, stdout=log, stderr=log, start_new_session=True)
        eventually(lambda: run(owner, "psql", "-tAc", "SELECT 1").returncode == 0, 120, "the first login")
        return process

    process = start()
    try:
        ask(
            "create role tenant_x",
            "create schema tenant_x authorization tenant_x",
            "create table tenant_x.entries as select 'kept-value' as entry",
            "create sequence tenant_x.numbers",
            "alter table tenant_x.entries owner to tenant_x",
            "revoke pg_read_all_data from vcci",
        )
        refused = run(owner, "/usr/local/bin/entrypoint", "backup")
        assert refused.returncode != 0
        assert "permission denied" in refused.stderr
        process.terminate()
        process.wait(60)
        process = start()
        done = run(owner, "/usr/local/bin/entrypoint", "backup")
        assert done.returncode == 0, done.stdout + done.stderr
        (dump,) = (tmp_path / "backup").glob("vcci-backup-*.dump")
        assert "kept-value" in run(common, "pg_restore", "--file", "-", str(dump)).stdout
    finally:
        process.terminate()
        process.wait(60)
