# Copyright (c) 2026 GreenLang. All rights reserved.
"""The server beside it, through its socket, as the superuser that whoever is in the pod may be."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import psycopg2

from . import settings

Error = psycopg2.Error
OPTIONS = "-c search_path=pg_catalog -c statement_timeout=30s -c synchronous_commit=local"


@contextlib.contextmanager
def connected(database: str = "postgres", user: str = "postgres", host: str = "") -> Iterator[Any]:
    """A cursor, each statement of which is a transaction."""
    where = host or str(settings.SOCKETS)
    made = psycopg2.connect(
        host=where, dbname=database, user=user, connect_timeout=5, options=OPTIONS, target_session_attrs="any"
    )
    made.autocommit = True
    try:
        with made.cursor() as cursor:
            yield cursor
    finally:
        made.close()


def value(cursor: Any, statement: str, *values: object) -> Any:
    """The first column of the first row; None without a row."""
    cursor.execute(statement, values)
    row = cursor.fetchone()
    return row[0] if row else None


def is_primary(cursor: Any) -> bool:
    return not value(cursor, "SELECT pg_is_in_recovery()")


def identifier(cursor: Any) -> str:
    return str(value(cursor, "SELECT system_identifier FROM pg_control_system()"))


def version(cursor: Any) -> int:
    """The major one."""
    return int(value(cursor, "SELECT current_setting('server_version_num')")) // 10000


def streams(cursor: Any) -> bool:
    """Whether a replica gets what its primary writes."""
    return bool(value(cursor, "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"))


def answered(cursor: Any) -> bool:
    """Whether the primary that a replica is to follow takes connections. No password is sent, and nothing is verified:
    the settings of this container ask for a name, and a replica knows its primary by address."""
    named = psycopg2.extensions.parse_dsn(str(value(cursor, "SELECT current_setting('primary_conninfo')")))
    if "host" not in named:
        return False
    where = psycopg2.extensions.make_dsn(host=named["host"], port=named.get("port", "5432"), sslmode="prefer")
    return subprocess.run(["pg_isready", "--quiet", "--timeout=3", "--dbname", where], check=False).returncode == 0


def failing(cursor: Any) -> bool:
    """Whether the last file of WAL that was to be archived was not."""
    asked = "SELECT last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver"
    return bool(value(cursor, asked))


def archived(cursor: Any) -> float:
    """When a file was archived last; 0 if none was."""
    return float(value(cursor, "SELECT extract(epoch FROM last_archived_time) FROM pg_stat_archiver") or 0)


def line(cursor: Any) -> str:
    """The timeline that a primary writes on."""
    return str(value(cursor, "SELECT pg_walfile_name(pg_current_wal_lsn())"))[:8]


# -- requests, as postgresql-roles.sql made their table


def may_be_asked(cursor: Any) -> bool:
    return value(cursor, "SELECT to_regclass('vcci_archive.requests')") is not None


def take(cursor: Any, member: str) -> tuple[int, str] | None:
    """The oldest request that nobody has taken; what a member took that is primary no more has failed."""
    lost = "the member that took it ended, or is not the primary any more"
    cursor.execute(
        "UPDATE vcci_archive.requests SET state = 'failed', said = %s, changed = now() WHERE state = 'taken'",
        [lost],
    )
    cursor.execute(
        "UPDATE vcci_archive.requests SET state = 'failed', said = 'nobody took it in time', changed = now() "
        "WHERE state = 'asked' AND asked < now() - interval '1 hour'"
    )
    cursor.execute("DELETE FROM vcci_archive.requests WHERE asked < now() - interval '90 days'")
    cursor.execute(
        "UPDATE vcci_archive.requests SET state = 'taken', member = %s, changed = now() WHERE id = "
        "(SELECT min(id) FROM vcci_archive.requests WHERE state = 'asked') RETURNING id, what",
        [member],
    )
    row = cursor.fetchone()
    return (int(row[0]), str(row[1])) if row else None


def answer(cursor: Any, number: int, state: str, said: str) -> None:
    cursor.execute(
        "UPDATE vcci_archive.requests SET state = %s, said = %s, changed = now() WHERE id = %s", [state, said, number]
    )


def last_failed(cursor: Any) -> bool:
    """Whether the last backup that was asked for was not made."""
    asked = "SELECT state = 'failed' FROM vcci_archive.requests WHERE state <> 'asked' ORDER BY id DESC LIMIT 1"
    return bool(value(cursor, asked))


def mark(limit: float = 120) -> str:
    """Have everything up to now in the archive, and something that was committed after it: any time before can be
    reached then. The moment."""
    with connected() as cursor:
        moment = str(value(cursor, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"))
        value(cursor, "SELECT pg_current_xact_id()")
        segment = str(value(cursor, "SELECT pg_walfile_name(pg_switch_wal())"))
        end = time.monotonic() + limit
        while str(value(cursor, "SELECT last_archived_wal FROM pg_stat_archiver") or "") < segment:
            if time.monotonic() > end:
                why = f"the archive does not take {segment}, which has what was written last"
                raise settings.Refusal(f"{why}. Remedy: kubectl logs <the primary> -c archive")
            time.sleep(0.2)
    return moment
