# Copyright (c) 2026 GreenLang. All rights reserved.
"""A client that writes numbered rows all the time and reads beside it; it says at its end which acknowledged rows are
not there.

It runs in the image vcci-postgresql, as any client: libpq's environment says where and as whom, READ_HOST where to
read, and nothing is waited for longer than two seconds. What ended in an error may or may not be there; what a warning
says of is no acknowledgement either. `postgresql_client.py <table> <file> [seconds between rows]` goes on until the
file is there; then it prints one JSON object: acknowledged, lost, doubtful (neither), and the outages of writes and of
reads, those of half a second and more: when each began, by the machine's monotonic clock, and how many seconds it
lasted. What was done is noted beside the file: one that is killed and started again goes on.
"""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import sys
import threading
import time

import psycopg2

LIMIT = 2  # seconds
LAST = 120  # seconds for the last look
OUTAGE = 0.5  # seconds


def connect(host: str | None = None) -> psycopg2.extensions.connection:
    made = psycopg2.connect(
        **({"host": host} if host else {}),
        connect_timeout=LIMIT,
        options=f"-c statement_timeout={LIMIT}s",
        tcp_user_timeout=LIMIT * 1000,
        keepalives_idle=1,
        keepalives_interval=1,
        keepalives_count=2,
    )
    made.autocommit = True
    return made


class Client:
    """One connection at a time; whatever is wrong with it, the next statement has another. `asked` are the numbers,
    `done` is when each ended well, by number."""

    def __init__(self, what: str, notes: pathlib.Path, host: str | None = None) -> None:
        self.what, self.host = what, host
        self.connection: psycopg2.extensions.connection | None = None
        self.asked, self.done = set[int](), dict[int, float]()
        path = notes.with_name(f"{notes.name}.{what}")
        for line in path.read_text().splitlines() if path.exists() else ():
            number, _space, moment = line.partition(" ")
            self.asked.add(int(number))
            if moment:
                self.done[int(number)] = float(moment)
        self.last, self.notes = max(self.asked, default=0), path.open("a")

    def next(self) -> int:
        """A number that was not asked with before, noted before it is."""
        self.last += 1
        self.note(self.last)
        self.asked.add(self.last)
        return self.last

    def note(self, number: int, moment: float | None = None) -> None:
        self.notes.write(f"{number}\n" if moment is None else f"{number} {moment}\n")
        self.notes.flush()

    def ask(self, statement: str, number: int, *values: object) -> None:
        """Have it done; it counts when nothing was left in doubt."""
        try:
            self.connection = self.connection or connect(self.host)
            self.connection.notices.clear()
            with self.connection.cursor() as cursor:
                cursor.execute(statement, values)
            if self.connection.notices:
                return
        except psycopg2.Error as exc:
            sys.stderr.write(f"{time.monotonic():.1f} {self.what}: {str(exc).strip()}\n")
            if self.connection:
                self.connection.close()
            self.connection = None
            time.sleep(0.05)
            return
        self.done[number] = time.monotonic()
        self.note(number, self.done[number])


def patiently(statement: str) -> list[tuple]:
    """The rows that a statement gives, as soon as the database is there."""
    end = time.monotonic() + LAST
    while True:
        try:
            connection = connect()
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def outages(moments: list[float]) -> list[tuple[float, float]]:
    return [
        (former, round(later - former, 2)) for former, later in itertools.pairwise(moments) if later - former >= OUTAGE
    ]


def main(table: str, stop: pathlib.Path, pause: float) -> None:
    writer, reader = Client("write", stop), Client("read", stop, os.environ.get("READ_HOST"))
    if not writer.asked:
        patiently(f"DROP TABLE IF EXISTS {table}")
        patiently(f"CREATE TABLE {table} (number bigint PRIMARY KEY)")

    def read() -> None:
        while not stop.exists():
            reader.ask(f"SELECT max(number) FROM {table}", reader.next())
            time.sleep(pause)

    reading = threading.Thread(target=read)
    reading.start()
    while not stop.exists():
        number = writer.next()
        writer.ask(f"INSERT INTO {table} (number) VALUES (%s)", number, number)
        time.sleep(pause)
    reading.join()
    there = {row[0] for row in patiently(f"SELECT number FROM {table}")}
    acknowledged = set(writer.done)
    found = {"acknowledged": len(acknowledged), "lost": sorted(acknowledged - there)}
    found |= {"doubtful": len(writer.asked - acknowledged)}
    found |= {what: outages(sorted(one.done.values())) for what, one in (("writes", writer), ("reads", reader))}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.02)
