# Copyright (c) 2026 GreenLang. All rights reserved.
"""The dump of 1 GiB of rows becomes a database again: owner by owner, counted, compared, against pg_restore alone."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import figures, ratio
from tests.integration.images.postgresql_server import Server
from tests.integration.images.redis_members import unpacked

GIB, JOBS = 1 << 30, "2"
# Rows of 1 KiB that compress as text does, in four tables with the indexes that such tables have.
TABLE = (
    "create table public.t{0} (id bigint, tenant text, body text); alter table public.t{0} owner to vcci;"
    "insert into public.t{0} select i, 'tenant ' || i % 100, repeat(md5(i::text), 30) from generate_series(1, {1}) i;"
    "alter table public.t{0} add primary key (id); create index on public.t{0} (tenant, id)"
)
TABLES, ROW = 4, 1024


@figures("restore", "restore-1gib")
def restore() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="bench-restore-", dir="/var/tmp"))
    try:
        folder.chmod(0o755)
        image, root = unpacked("vcci-postgresql", folder), folder / "server"
        root.mkdir()
        settings = ("max_wal_size = 4GB", "shared_buffers = 256MB", "maintenance_work_mem = 128MB")
        server = Server(image, root, 251, "15439", *settings, password="p", backup_password="b")
        server.patience = 3600
        with server.running():
            yield measured(server, root)
    finally:
        shutil.rmtree(folder)


def measured(server: Server, root: Path) -> str:
    environment = {"BACKUP_DIR": f"{root}/backup", "BACKUP_PLATFORM": "bench", "PGDATA": f"{root}/data/pgdata"}
    server.ask(*(TABLE.format(number, GIB // ROW // TABLES) for number in range(TABLES)))
    login = {"PGHOST": server.address, "PGUSER": "vcci_backup", "PGPASSWORD": "b", "PGDATABASE": "vcci"}
    backup = server.run("/usr/local/bin/entrypoint", "backup", **environment, **login)
    name = json.loads(backup.stdout)["name"]
    super_user = ["--host", f"{root}/sockets", "--username", "postgres"]
    server.ask("create database bare", "checkpoint")
    bare = took(server, "pg_restore", *super_user, "--dbname", "bare", "--jobs", JOBS, f"{root}/backup/{name}")
    server.ask("drop database bare", "checkpoint")
    command = ["postgresql-restore", "restore", name, "--into", "vcci_restored", "--platform", "bench", "--jobs", JOBS]
    ours = took(server, *command, **environment)
    size = (root / "backup" / name).stat().st_size >> 20
    return ratio("restore-1gib", ours, bare, 2.0, f"a dump of {size} MiB; pg_restore -j {JOBS} alone {bare:.1f} s")


def took(server: Server, *command: str, **environment: str) -> float:
    os.sync()
    began = time.monotonic()
    done = server.run(*command, **environment)
    if done.returncode or '"faults": ["' in done.stdout:
        raise SystemExit(f"{command[0]} failed: {done.stdout}{done.stderr}")
    return time.monotonic() - began
