# Copyright (c) 2026 GreenLang. All rights reserved.
# Owner: the data layer (roles/data).
"""The server that dumps are restored on, asked as its superuser over the socket: statements of these files alone, none
of a dump. What is in dumps is run by the login vcci_restore, which is nobody over the network and, at any time, may be
one owner.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg2
from dump_file import Refused

SOCKETS = os.environ.get("POSTGRES_SOCKETS") or "/var/run/postgresql"
PORT = os.environ.get("PGPORT") or "5432"
RESTORER = "vcci_restore"
LOCK = 0x76636369  # "vcci", of which whoever restores has the only one
MARK = "vcci-restore "  # begins what a database is said to be
WAS, UNDONE = "was", "undone"  # states of what was live: until a restore, until that was taken back
OTHERS = ("public", "pg_database_owner")
# Roles that can more than own: nothing of a dump is run as one of these.
PRIVILEGED = r"""
  SELECT r.rolname FROM pg_roles r WHERE r.rolsuper OR r.rolbypassrls OR r.rolreplication OR r.rolname ~ '^pg_'
    OR EXISTS (SELECT FROM pg_roles p WHERE p.rolname ~ '^pg_' AND p.rolname <> 'pg_database_owner'
      AND pg_has_role(r.oid, p.oid, 'MEMBER'))
"""
DATABASE = """
  SELECT pg_get_userbyid(datdba) AS owner, pg_encoding_to_char(encoding) AS encoding, datlocprovider AS provider,
    datcollate AS "collate", datctype AS ctype, datlocale AS locale, datconnlimit AS "limit",
    shobj_description(oid, 'pg_database') AS said, pg_database_size(oid) AS size
  FROM pg_database WHERE datname = %s
"""
SETTINGS = """
  INSERT INTO pg_db_role_setting SELECT n.oid, s.setrole, s.setconfig FROM pg_db_role_setting s
    JOIN pg_database o ON o.oid = s.setdatabase AND o.datname = %(old)s, pg_database n
  WHERE n.datname = %(new)s
    AND NOT EXISTS (SELECT FROM pg_db_role_setting h WHERE h.setdatabase = n.oid AND h.setrole = s.setrole)
"""
GRANTS = """
  SELECT format('GRANT %%s ON DATABASE %%I TO %%s', a.privilege_type, %(new)s::text,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
    || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
  FROM pg_database d, aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) a
  WHERE d.datname = %(old)s AND a.grantee <> d.datdba
"""


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} restore: {text}\n")
    sys.stderr.flush()


def name(text: str) -> str:
    """As an identifier of SQL."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"'


def escaped(value: str) -> str:
    """As a word of libpq's options."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def connect(database: str, user: str = "postgres", **options: str) -> Any:
    """`options` are settings of the session. Names mean the server's own."""
    settings = {"search_path": "pg_catalog", "application_name": "vcci-restore", "statement_timeout": "0", **options}
    given = " ".join(f"-c {key}={escaped(value)}" for key, value in settings.items())
    made = psycopg2.connect(host=SOCKETS, port=PORT, user=user, dbname=database, options=given, connect_timeout=10)
    made.autocommit = True
    return made


class Server:
    """One session of the superuser, in the database postgres."""

    def __init__(self) -> None:
        try:
            self.connection = connect("postgres")
        except psycopg2.Error as exc:
            raise Refused(
                f"the server does not answer: {str(exc).strip()}. Remedy: run this again when it does"
            ) from exc
        if self.value("SELECT pg_is_in_recovery()"):
            raise Refused("this member is not the primary: nothing can be restored here. Remedy: run this again")

    def run(self, statement: str, values: Any = None) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, values: Any = None) -> Any:
        found = self.run(statement, values)
        return found[0][0] if found else None

    @contextlib.contextmanager
    def alone(self, *, wait: float = 20) -> Iterator[None]:
        """What an earlier run left at work ends: whoever calls has the lock of the procedure, so that run is dead."""
        ends = time.monotonic() + wait
        while not self.value("SELECT pg_try_advisory_lock(%s)", (LOCK,)):
            if time.monotonic() > ends:
                raise Refused("another restore is at work and does not end. Remedy: run this again")
            others = """SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a
              WHERE a.pid <> pg_backend_pid() AND (a.usename = %s OR a.pid IN
                (SELECT l.pid FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = %s))"""
            self.run(others, (RESTORER, LOCK))
            time.sleep(0.2)
        self.reset()
        try:
            yield
        finally:
            with contextlib.suppress(psycopg2.Error):
                self.reset()
                self.run("SELECT pg_advisory_unlock(%s)", (LOCK,))

    # --- who restores
    def reset(self) -> None:
        """The login as it is when nobody restores: of no owner, without what whoever ran as it may have set or been
        lent."""
        if not self.value("SELECT count(*) FROM pg_roles WHERE rolname = %s", (RESTORER,)):
            self.run(f"CREATE ROLE {RESTORER}")
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (RESTORER,))
        self.run(
            f"ALTER ROLE {RESTORER} WITH LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS "
            "PASSWORD NULL"
        )
        self.run(f"ALTER ROLE {RESTORER} RESET ALL")
        member = """SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
          JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = %s"""
        for (owner,) in self.run(member, (RESTORER,)):
            self.run(f"REVOKE {name(owner)} FROM {RESTORER}")
        self.take_back()

    def lend(self, database: str, rights: Mapping[str, str]) -> None:
        """Give roles a right that they lack until the next reset, whoever does that: it is noted at the login first."""
        has = "SELECT has_database_privilege(%s, %s, %s)"
        lent = [
            (role, right, database) for role, right in rights.items() if not self.value(has, (role, database, right))
        ]
        self.run(f"COMMENT ON ROLE {RESTORER} IS %s", (MARK + json.dumps({"lent": lent}),))
        for role, right, _database in lent:
            self.run(f"GRANT {right} ON DATABASE {name(database)} TO {name(role)}")

    def take_back(self) -> None:
        said = self.value("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = %s", (RESTORER,))
        for role, right, database in unmarked(said).get("lent", ()):
            if role in self.roles() and self.database(database):
                self.run(f"REVOKE {right} ON DATABASE {name(database)} FROM {name(role)}")
        self.run(f"COMMENT ON ROLE {RESTORER} IS NULL")

    def become(self, owner: str) -> None:
        """From now on the login may be this owner, and nobody else."""
        if owner in self.privileged():
            raise Refused(f"role {owner} can more than own objects: nothing of a dump is run as it")
        self.reset()
        self.run(f"GRANT {name(owner)} TO {RESTORER} WITH INHERIT FALSE, SET TRUE")

    def privileged(self) -> set[str]:
        return {found for (found,) in self.run(PRIVILEGED)}

    def roles(self) -> set[str]:
        return {found for (found,) in self.run("SELECT rolname FROM pg_roles")}

    # --- databases
    def database(self, which: str) -> dict[str, Any]:
        """{} when it is not there."""
        with self.connection.cursor() as cursor:
            cursor.execute(DATABASE, (which,))
            row, columns = cursor.fetchone(), [column[0] for column in cursor.description]
        return dict(zip(columns, row, strict=True)) if row else {}

    def marked(self) -> dict[str, dict[str, Any]]:
        """Databases that restores made or kept: name → what is said of it."""
        rows = self.run("SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database")
        return {which: said for which, text in rows if (said := unmarked(text))}

    def mark(self, which: str, said: Mapping[str, Any]) -> None:
        self.run(f"COMMENT ON DATABASE {name(which)} IS %s", (MARK + json.dumps(said),))

    def create(self, which: str, like: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        """An empty one, which nobody but its owner and the restorer may enter."""
        providers = {"c": "libc", "i": "icu", "b": "builtin"}
        provider = providers[like["provider"]]
        words = [f"CREATE DATABASE {name(which)} TEMPLATE template0 OWNER {name(like['owner'])} ENCODING %(encoding)s"]
        words.append(f"LOCALE_PROVIDER {provider} LC_COLLATE %(collate)s LC_CTYPE %(ctype)s")
        if provider != "libc":
            words.append(f"{provider}_LOCALE %(locale)s")
        self.run(" ".join(words), dict(like))
        self.mark(which, said)
        self.run(f"REVOKE ALL ON DATABASE {name(which)} FROM PUBLIC")
        self.run(f"GRANT CONNECT ON DATABASE {name(which)} TO {RESTORER}")

    def settle(self, new: str, old: str) -> None:
        """Grants and settings of a database, which no dump has, are those of another."""
        self.run(f"REVOKE ALL ON DATABASE {name(new)} FROM {RESTORER}")
        for (grant,) in self.run(GRANTS, {"new": new, "old": old}):
            self.run(grant)
        self.run(SETTINGS, {"new": new, "old": old})

    def drop(self, which: str) -> None:
        """One that a restore made or kept, and no other."""
        if self.database(which) and which not in self.marked():
            raise Refused(f"database {which} was not made by a restore: it stays. Remedy: name another")
        self.run(f"DROP DATABASE IF EXISTS {name(which)} WITH (FORCE)")

    def exchange(self, live: str, new: str, was: str, *, tries: int = 10) -> None:
        """In one transaction `live` becomes `was` and `new` becomes `live`. Sessions in either end. What a return put
        aside is nothing to return to."""
        kept, made = self.database(live), self.marked()[new]
        state = UNDONE if made["state"] == WAS else WAS
        limit = made.get("limit", -1)
        for left in reversed(range(tries)):
            ended = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
              WHERE datname IN (%s, %s) AND pid <> pg_backend_pid()"""
            self.run(ended, (live, new))
            try:
                self.run("BEGIN")
                self.run(f"ALTER DATABASE {name(live)} RENAME TO {name(was)}")
                self.run(f"ALTER DATABASE {name(new)} RENAME TO {name(live)}")
                self.run(f"ALTER DATABASE {name(was)} CONNECTION LIMIT 0")
                self.run(f"ALTER DATABASE {name(live)} CONNECTION LIMIT {int(limit)}")
                self.mark(was, {"state": state, "of": live, "limit": kept["limit"], "at": time.time()})
                self.run(f"COMMENT ON DATABASE {name(live)} IS NULL")
                self.run("COMMIT")
                return
            except psycopg2.errors.ObjectInUse as exc:
                self.run("ROLLBACK")
                if not left:
                    raise Refused(
                        f"clients enter {live} again and again: {str(exc).strip()}. Remedy: stop them"
                    ) from exc
            except psycopg2.Error:
                with contextlib.suppress(psycopg2.Error):
                    self.run("ROLLBACK")
                raise

    # --- what it can take
    def extensions(self, live: str) -> list[str]:
        """Those that a restore may make: that the live database has, and that its owner may make."""
        trusted = {
            found for (found,) in self.run("SELECT DISTINCT name FROM pg_available_extension_versions WHERE trusted")
        }
        if self.database(live):
            with contextlib.closing(connect(live)) as there, there.cursor() as cursor:
                cursor.execute("SELECT extname FROM pg_extension")
                trusted |= {found for (found,) in cursor.fetchall()}
        return sorted(trusted)

    def major(self) -> int:
        return int(self.connection.server_version) // 10000


def unmarked(text: str | None) -> dict[str, Any]:
    """What `mark` wrote; {} for any other text."""
    if not (text or "").startswith(MARK):
        return {}
    with contextlib.suppress(ValueError):
        found = json.loads(str(text).removeprefix(MARK))
        return found if isinstance(found, dict) else {}
    return {}
