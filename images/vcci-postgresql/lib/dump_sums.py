# Copyright (c) 2026 GreenLang. All rights reserved.
# Owner: the data layer (roles/data).
"""Of every table of a database its number of rows and a sum over what they hold, whatever their order.

Of a row it is what the server itself writes of it: a cast, an operator or a function that a table's owner made is never
called, since whoever asks may read everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

SETTINGS = (
    "SET search_path = pg_catalog; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = postgres; SET TimeZone = 'UTC'; "
    "SET extra_float_digits = 1; SET bytea_output = hex; SET lc_monetary = 'C'; SET row_security = off; "
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0"
)
# Tables that hold rows of their own, and that are no part of an extension.
TABLES = """
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), n.nspname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
  ORDER BY 1
"""
ROW = '"a row of this table"'  # a name that no column has
SUM = """
  SELECT pg_catalog.count(*),
    COALESCE(pg_catalog.sum(
      pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog.record_out({row})), 0)::pg_catalog.numeric), 0)
  FROM ONLY {table} AS {row}
"""


def tables(cursor: Any, schemas: Sequence[str] | None = None) -> list[str]:
    """Their names, quoted; of some schemas only, if any are named."""
    cursor.execute(TABLES)
    return [table for table, schema in cursor.fetchall() if schemas is None or schema in schemas]


def lock(cursor: Any, names: list[str]) -> None:
    """Keep them from being dropped or rewritten for as long as the transaction lasts."""
    for first in range(0, len(names), 200):
        cursor.execute(f"LOCK TABLE ONLY {', ONLY '.join(names[first : first + 200])} IN ACCESS SHARE MODE")


def sums(cursor: Any, names: list[str], beat: Callable[[str], None]) -> dict[str, list[Any]]:
    """Table → rows, sum."""
    found: dict[str, list[Any]] = {}
    for name in names:
        cursor.execute(SUM.format(row=ROW, table=name))
        rows, total = cursor.fetchone()
        found[name] = [int(rows), str(total)]
        beat(name)
    return found


def differences(wanted: dict[str, list[Any]], found: dict[str, list[Any]]) -> list[str]:
    """A line for each table that is not as it was."""
    lines = []
    for name in sorted({*wanted, *found}):
        was, now = wanted.get(name), found.get(name)
        if was == now:
            continue
        if now is None:
            lines.append(f"{name} is not there; {was[0]} rows were dumped")
        elif was is None:
            lines.append(f"{name} is there, and was not dumped")
        elif was[0] != now[0]:
            lines.append(f"{name} has {now[0]} rows; {was[0]} were dumped")
        else:
            lines.append(f"{name} has other rows than were dumped")
    return lines
