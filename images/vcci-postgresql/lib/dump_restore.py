# Copyright (c) 2026 GreenLang. All rights reserved.
# Owner: the data layer (roles/data).
"""A dump becomes a database beside the live one: owner by owner, then counted and compared with its manifest."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

import dump_plan
import dump_sums
from dump_file import Dump, Refused
from dump_server import PORT, RESTORER, SOCKETS, Server, connect, name, say
from dump_toc import Entry

SHOWN = 20  # problems that are told; more are counted
SCHEMA_OF = re.compile(r"WITH SCHEMA (\"(?:[^\"]|\"\")+\"|[a-z_][a-z0-9_$]*)")


@dataclass
class Restored:
    """What came of it."""

    problems: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    roles_made: list[str] = field(default_factory=list)
    tables: dict[str, list[Any]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def answer(self) -> dict[str, Any]:
        return {
            "problems": shown(self.problems),
            "left_out": shown(self.left_out),
            "roles_made": shown(self.roles_made),
            "differences": shown(self.differences),
            "tables": len(self.tables),
            "rows": sum(rows for rows, _sum in self.tables.values()),
        }


def shown(lines: list[str]) -> list[str]:
    return lines if len(lines) <= SHOWN else [*lines[:SHOWN], f"and {len(lines) - SHOWN} more"]


class Restore:
    """Of one dump into one new database, whose owner gets what was a superuser's."""

    def __init__(self, server: Server, dump: Dump, into: str, owner: str, jobs: int) -> None:
        self.server, self.dump, self.into, self.owner, self.jobs = server, dump, into, owner, jobs
        self.done = Restored()
        self.privileged = server.privileged()
        self.made = connect(into)

    def owner_of(self, entry: Entry) -> str:
        return self.owner if not entry.owner or entry.owner in self.privileged else entry.owner

    def run(self) -> Restored:
        entries = self.dump.contents.entries
        self.done.left_out = [entry.told for entry in entries if dump_plan.is_left_out(entry)]
        with contextlib.closing(self.made):
            self._make_roles(entries)
            made = self._make_schemas(entries)
            self._make_extensions(entries)
            groups = dump_plan.groups([entry for entry in entries if entry not in made], self.owner_of)
            say(f"{len(entries)} objects of {len({group.owner for group in groups})} owners")
            first = [group for group in groups if dump_plan.is_schema(group.entries[0])]
            for group in first:  # who may use schemas, and make something there
                self._restore(group)
            with self._let_in(groups):
                for group in groups[len(first) :]:
                    self._restore(group)
            for owner in sorted({group.owner for group in groups}):
                self._analyze(owner)
            self._compare()
        return self.done

    # --- what goes before
    def _make_roles(self, entries: list[Entry]) -> None:
        """Who owned something, or was granted something, and is gone: a role that may not log in."""
        wanted = {self.owner_of(entry) for entry in entries} | set(self.dump.manifest.get("roles") or ())
        for role in sorted(wanted - self.server.roles() - self.privileged):
            if role.startswith("pg_"):
                continue
            self.server.run(f"CREATE ROLE {name(role)} NOLOGIN")
            self.done.roles_made.append(role)

    def _make_schemas(self, entries: list[Entry]) -> set[Entry]:
        """Of the superuser's own words, so that nobody needs the right to make some."""
        schemas = {entry for entry in entries if entry.kind == "SCHEMA" and entry.name != "public"}
        with self.made.cursor() as cursor:
            for entry in schemas:
                cursor.execute(f"CREATE SCHEMA {name(entry.name)} AUTHORIZATION {name(self.owner_of(entry))}")
        return schemas

    def _make_extensions(self, entries: list[Entry]) -> None:
        """While there is nothing in the database that their scripts could take for the server's own."""
        with self.made.cursor() as cursor:
            for entry in entries:
                if entry.kind == "EXTENSION":
                    found = SCHEMA_OF.search(entry.definition)
                    schema = found[1] if found else "public"
                    cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name(entry.name)} WITH SCHEMA {schema}")

    @contextlib.contextmanager
    def _let_in(self, groups: list[dump_plan.Group]) -> Any:
        """Who owns something in another's schema may make it there, for as long as this lasts."""
        pairs = {(group.owner, entry.namespace) for group in groups for entry in group.entries if entry.namespace}
        let = """SELECT has_schema_privilege(%s, oid, 'CREATE'), has_schema_privilege(%s, oid, 'USAGE')
          FROM pg_namespace WHERE nspname = %s"""
        given: list[tuple[str, str, str]] = []
        with self.made.cursor() as cursor:
            for owner, schema in sorted(pairs):
                cursor.execute(let, (owner, owner, schema))
                for right, has in zip(("CREATE", "USAGE"), cursor.fetchone() or (True, True), strict=True):
                    if not has:
                        cursor.execute(f"GRANT {right} ON SCHEMA {name(schema)} TO {name(owner)}")
                        given.append((right, schema, owner))
        yield
        with self.made.cursor() as cursor:
            for right, schema, owner in given:
                cursor.execute(f"REVOKE {right} ON SCHEMA {name(schema)} FROM {name(owner)}")

    # --- what is in the dump
    def _restore(self, group: dump_plan.Group) -> None:
        first = group.entries[0]
        say(f"{len(group.entries)} as {group.owner}, from {first.told[:80]}")
        self.server.become(group.owner)
        with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
            chosen.write("".join(f"{entry.number}; 0 0\n" for entry in group.entries))
            chosen.flush()
            command = [
                "pg_restore",
                "--no-password",
                "--host",
                SOCKETS,
                "--port",
                PORT,
                "--username",
                RESTORER,
                "--role",
                group.owner,
            ]
            command += ["--dbname", self.into, "--no-owner", "--no-tablespaces", "--use-list", chosen.name]
            if group.parallel and len(group.entries) > 1 and self.jobs > 1:
                command += ["--jobs", str(self.jobs)]
            # What is made is on other members when the end is acknowledged; until then it may be lost with this one.
            environment = {
                **os.environ,
                "PGOPTIONS": "-c synchronous_commit=local -c client_min_messages=error",
                "PGAPPNAME": "vcci-restore",
            }
            done = subprocess.run(
                [*command, self.dump.path], env=environment, capture_output=True, text=True, check=False
            )
        if done.returncode:
            self.done.problems += complaints(done.stderr) or [f"pg_restore ended with {done.returncode}"]
            self.server.value("SELECT 1")  # raises when the server has ended this run

    def _analyze(self, owner: str) -> None:
        """So that the first queries are planned by what is there; what owners compute in it is run as they."""
        self.server.become(owner)
        there = connect(self.into, RESTORER, role=owner, client_min_messages="error")
        with contextlib.closing(there), there.cursor() as cursor:
            cursor.execute("ANALYZE")

    # --- what came of it
    def _compare(self) -> None:
        say("counting")
        with contextlib.closing(connect(self.into)) as there, there.cursor() as cursor:
            cursor.execute(dump_sums.SETTINGS)
            self.done.tables = dump_sums.sums(cursor, dump_sums.tables(cursor), lambda _name: None)
        if self.dump.manifest:
            self.done.differences = dump_sums.differences(self.dump.manifest["tables"], self.done.tables)


def complaints(text: str) -> list[str]:
    """What pg_restore said of single objects, a line each, without the statements: they may hold anything."""
    found, about = [], ""
    for line in text.splitlines():
        if "from TOC entry" in line:
            about = line.partition("from TOC entry ")[2].partition("; ")[2].split(" ", 2)[-1]
        elif "error: " in line:
            found.append(f"{about}: {line.partition('error: ')[2]}"[:200].removeprefix(": "))
    return [line for line in found if "errors ignored" not in line]


def restore(server: Server, dump: Dump, live: str, into: str, jobs: int, *, incomplete: bool = False) -> dict[str, Any]:
    """The dump in a database of this name; what a killed run left of it goes first."""
    began = time.monotonic()
    like = server.database(live)
    if not like:
        raise Refused(
            f"database {live} is not there: its owner and its locale would be unknown. Remedy: playbooks/data.yml"
        )
    said = {"state": "making", "of": live, "from": dump.name, "limit": like["limit"], "at": time.time()}
    server.drop(into)
    server.create(into, like, said)
    done = Restore(server, dump, into, str(like["owner"]), jobs).run()
    server.reset()
    server.settle(into, live)
    if not done.differences and (incomplete or not done.problems):
        server.mark(into, {**said, "state": "whole"})
    return {**done.answer(), "database": into, "seconds": round(time.monotonic() - began, 1)}
