# Copyright (c) 2026 GreenLang. All rights reserved.
# Owner: the data layer (roles/data).
"""One tenant's schemas out of a dump into the live database, in one transaction, as the tenant's own role.

What is there is kept as `was:<schema>:<time>` until it is confirmed, or taken back.
"""

from __future__ import annotations

import contextlib
import datetime
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import dump_plan
import dump_sums
import psycopg2
from dump_file import Dump, Refused
from dump_server import RESTORER, Server, connect, name, say
from dump_toc import DATA, POST_DATA, Entry

NAMES = 63  # bytes of an identifier
UNDONE = "undone: "  # what the comment of a schema begins with that was restored and taken back: nobody returns to it
STAMP = "%Y%m%dT%H%M%S.%fZ"  # what is taken back at once is another than what was kept
MINE = """
  SELECT n.nspname FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
  WHERE %(own)s IN (n.nspname, r.rolname) AND n.nspname !~ '^(pg_|was:)'
"""
KEPT = """
  SELECT n.nspname, pg_catalog.obj_description(n.oid, 'pg_namespace')
  FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE r.rolname = %s AND n.nspname ~ '^was:' ORDER BY 1
"""
# What is elsewhere and needs what is in these schemas: views and keys of others, which would keep what was before.
LEANING = """
  SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_depend d
  JOIN pg_class t ON t.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
  JOIN pg_namespace s ON s.oid = t.relnamespace
  LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
  LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
  JOIN pg_class c ON c.oid = COALESCE(w.ev_class, k.conrelid) JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE s.nspname = ANY(%s) AND n.nspname <> ALL(%s) ORDER BY 1
"""


def role_of(tenant: str) -> str:
    return f"tenant_{tenant.replace('-', '_')}"


def chosen(dump: Dump, role: str) -> tuple[list[str], list[Entry]]:
    """The tenant's schemas of a dump, by their name or owner, and what is in them."""
    entries = dump.contents.entries
    schemas = [entry.name for entry in entries if entry.kind == "SCHEMA" and role in (entry.name, entry.owner)]
    schemas = [schema for schema in schemas if not schema.startswith("was:")]
    about = {f"SCHEMA {schema}" for schema in schemas}
    mine = [
        entry
        for entry in entries
        if entry.namespace in schemas
        or (not entry.namespace and entry.name in about)
        or (entry.kind == "SCHEMA" and entry.name in schemas)
    ]
    return schemas, mine


class Tenant:
    """Its role and its part of the live database."""

    def __init__(self, server: Server, live: str, tenant: str) -> None:
        self.server, self.live, self.role = server, live, role_of(tenant)
        if self.role not in server.roles():
            raise Refused(
                f"tenant {tenant} has no role {self.role} in this database. Remedy: make it, then run this again"
            )
        if self.role in server.privileged():
            raise Refused(f"role {self.role} can more than own objects: nothing of a dump is run as it")

    @contextlib.contextmanager
    def session(self) -> Iterator[Any]:
        """As the tenant, in one transaction; what gives it the right to make schemas goes with it."""
        self.server.become(self.role)
        self.server.lend(self.live, {self.role: "CREATE", RESTORER: "CONNECT"})
        try:
            with contextlib.closing(connect(self.live, RESTORER, role=self.role)) as there:
                there.autocommit = False
                with there.cursor() as cursor:
                    cursor.execute("SET check_function_bodies = false; SET row_security = off; SET xmloption = content")
                    yield cursor
                there.commit()
        finally:
            self.server.take_back()

    def ask(self, statement: str, values: Any) -> list[Any]:
        with contextlib.closing(connect(self.live)) as there, there.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def here(self) -> list[str]:
        return sorted(schema for (schema,) in self.ask(MINE, {"own": self.role}))

    def kept(self) -> dict[str, str]:
        """Schemas that were kept → what they were called, behind UNDONE where they were taken back."""
        return {schema: str(said) for schema, said in self.ask(KEPT, (self.role,)) if said}

    def leaning(self, schemas: list[str]) -> list[str]:
        return [found for (found,) in self.ask(LEANING, (schemas, schemas))]


def stamp_now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime(STAMP)


def put_aside(cursor: Any, schema: str, stamp: str, lead: str = "") -> str:
    was = f"was:{schema[: NAMES - len(stamp) - 5]}:{stamp}"
    cursor.execute(f"ALTER SCHEMA {name(schema)} RENAME TO {name(was)}")
    cursor.execute(f"COMMENT ON SCHEMA {name(was)} IS %s", (lead + schema,))
    return was


def restore(server: Server, dump: Dump, live: str, tenant: str) -> dict[str, Any]:
    began, stamp = time.monotonic(), stamp_now()
    mine = Tenant(server, live, tenant)
    schemas, entries = chosen(dump, mine.role)
    there = mine.here()
    faults = refusals(dump, mine, tenant, schemas, there)
    if faults:
        raise Refused(*faults)
    left_out = [entry.told for entry in entries if dump_plan.is_left_out(entry) or is_blob(entry)]
    entries = [
        entry
        for entry in entries
        if not dump_plan.is_left_out(entry) and not dump_plan.is_said(entry) and not is_blob(entry)
    ]
    kept: list[str] = []
    try:
        with mine.session() as cursor:
            kept += [put_aside(cursor, schema, stamp) for schema in there]
            found = fill(cursor, dump, entries, schemas)
    except psycopg2.Error as exc:
        raise Refused(f"nothing of tenant {tenant} was changed: {str(exc).strip().splitlines()[0][:200]}") from exc
    rows = sum(number for number, _sum in found.values())
    answer = {"schemas": schemas, "kept": kept, "left_out": left_out[:20], "tables": len(found), "rows": rows}
    return {**answer, "seconds": round(time.monotonic() - began, 1)}


def is_blob(entry: Entry) -> bool:
    return entry.kind in ("BLOB", "BLOBS", "BLOB METADATA", "BLOB COMMENTS")


def refusals(dump: Dump, mine: Tenant, tenant: str, schemas: list[str], there: list[str]) -> list[str]:
    found = []
    if not schemas:
        found.append(
            f"{dump.name} has no schema of tenant {tenant} ({mine.role}). Remedy: another one (data_restore_from)"
        )
    all_here = {schema for (schema,) in mine.ask("SELECT nspname FROM pg_namespace", None)}
    taken = sorted((set(schemas) & all_here) - set(there))
    if taken:
        found.append(
            f"schemas {', '.join(taken)} are another's by now: they stay. Remedy: rename them, then run this again"
        )
    if mine.kept():
        found.append(
            f"tenant {tenant} has what an earlier restore kept ({', '.join(mine.kept())[:120]}). Remedy: first "
            "data_restore_state: confirmed, or returned"
        )
    leaning = mine.leaning(there)
    if leaning:
        found.append(
            f"{', '.join(leaning)[:160]} of others needs what is in the schemas of tenant {tenant}, and would go on "
            "with what was before. Remedy: drop it, and make it again afterwards"
        )
    return found


def fill(cursor: Any, dump: Dump, entries: list[Entry], schemas: list[str]) -> dict[str, list[Any]]:
    """What has no data, data, what the dump's manifest says of them, and what needs data."""
    first = [
        entry
        for entry in entries
        if entry.section not in (DATA, POST_DATA) and entry.kind not in ("ACL", "DEFAULT ACL")
    ]
    data = [entry for entry in entries if entry.section == DATA]
    last = [entry for entry in entries if entry.section == POST_DATA] + [
        entry for entry in entries if "ACL" in entry.kind
    ]
    last.sort(key=lambda entry: entry.kind not in ("ACL", "DEFAULT ACL"))
    for entry in first:
        cursor.execute(entry.definition)
    for entry in data:
        if entry.copy:
            copied(cursor, dump, entry)
        else:
            cursor.execute(entry.definition)  # of a sequence
    found = dump_sums.sums(counting(cursor), dump_sums.tables(cursor, schemas), lambda _name: None)
    if dump.manifest:
        wanted = {table: said for table, said in dump.manifest["tables"].items() if _schema_of(table) in schemas}
        wrong = dump_sums.differences(wanted, found)
        if wrong:
            raise Refused(f"nothing was changed: {'; '.join(wrong[:5])}")
    cursor.execute("SELECT pg_catalog.set_config('search_path', '', false)")
    for entry in last:
        cursor.execute(entry.definition)
    return found


def counting(cursor: Any) -> Any:
    cursor.execute(dump_sums.SETTINGS)
    return cursor


def _schema_of(table: str) -> str:
    """Of a name as the manifest has it."""
    if table.startswith('"'):
        return table[1:].partition('".')[0].replace('""', '"')
    return table.partition(".")[0]


class Rows:
    """What follows the COPY of a script, as far as the line that ends it: what psycopg reads as a file."""

    def __init__(self, script: Any, statement: str) -> None:
        self.script, self.ended = script, False
        for line in script:
            if line.rstrip(b"\r\n") == statement.strip().encode("utf-8", "surrogateescape"):
                return
        raise Refused("the dump has no data where its table of contents says so: it is damaged")

    def read(self, size: int) -> bytes:
        """Whole lines, of about this size."""
        found: list[bytes] = []
        length = 0
        while not self.ended and length < size:
            line = self.script.readline()
            self.ended = not line or line == b"\\.\n"
            if not self.ended:
                found.append(line)
                length += len(line)
        return b"".join(found)


def copied(cursor: Any, dump: Dump, entry: Entry) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".list") as only:
        only.write(f"{entry.number}; 0 0\n")
        only.flush()
        command = ["pg_restore", "--file", "-", "--no-owner", "--use-list", only.name, dump.path]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as script:
            statement = entry.copy.strip().removesuffix(";")
            cursor.copy_expert(statement, Rows(script.stdout, entry.copy))
            for _line in script.stdout or ():
                pass
        if script.returncode:
            raise Refused(f"nothing was changed: {entry.told} cannot be read from the dump")


# --- afterwards
def confirm(server: Server, live: str, tenant: str) -> dict[str, Any]:
    """What was kept goes, in one transaction."""
    mine = Tenant(server, live, tenant)
    kept = mine.kept()
    leaning = mine.leaning([*kept]) if kept else []
    if leaning:
        raise Refused(
            f"{', '.join(leaning)[:200]} needs what was kept of tenant {tenant}. Remedy: make it anew, then run this "
            "again"
        )
    with mine.session() as cursor:
        for schema in kept:
            cursor.execute(f"DROP SCHEMA {name(schema)} CASCADE")
    return {"dropped": [*kept]}


def take_back(server: Server, live: str, tenant: str) -> dict[str, Any]:
    """What was kept is the tenant's again, and what was restored is kept until confirmed, in one transaction."""
    mine = Tenant(server, live, tenant)
    stamp = stamp_now()
    kept = {schema: called for schema, called in mine.kept().items() if not called.startswith(UNDONE)}
    if not kept:
        raise Refused(f"nothing was kept of tenant {tenant} that is not back already: there is nothing to take back")
    with mine.session() as cursor:
        aside = [put_aside(cursor, schema, stamp, UNDONE) for schema in mine.here()]
        for schema, called in kept.items():
            cursor.execute(f"ALTER SCHEMA {name(schema)} RENAME TO {name(called)}")
            cursor.execute(f"COMMENT ON SCHEMA {name(called)} IS NULL")
    say(f"tenant {tenant} is as it was")
    return {"schemas": sorted(kept.values()), "kept": aside}
