# Copyright (c) 2026 GreenLang. All rights reserved.
"""A client that writes numbered rows all the time and reads beside it; it says at its end which acknowledged rows are
not there.

It runs in the image vcci-postgresql, as any client: libpq's environment says where and as whom, READ_HOST where to
read, and nothing is waited for longer than two seconds. What ended in an error may or may not be there; what a warning
says of is no acknowledgement either. `writer.py <table> <file> [seconds between rows]` goes on until the file is there;
then it prints one JSON object: acknowledged, lost, doubtful (neither), and the outages of writes and of reads, those of
half a second and more: when each began, by the machine's monotonic clock, and how many seconds it lasted.
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
    """One connection at a time; whatever is wrong with it, the next statement has another. `done` is when each ended
    well."""

    def __init__(self, what: str, host: str | None = None) -> None:
        self.what, self.host, self.done = what, host, list[float]()
        self.connection: psycopg2.extensions.connection | None = None

    def ask(self, statement: str, *values: object) -> bool:
        """Whether it was done, and nothing was left in doubt."""
        try:
            self.connection = self.connection or connect(self.host)
            self.connection.notices.clear()
            with self.connection.cursor() as cursor:
                cursor.execute(statement, values)
            if self.connection.notices:
                return False
        except psycopg2.Error as exc:
            sys.stderr.write(f"{time.monotonic():.1f} {self.what}: {str(exc).strip()}\n")
            if self.connection:
                self.connection.close()
            self.connection = None
            time.sleep(0.05)
            return False
        self.done.append(time.monotonic())
        return True


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
    patiently(f"DROP TABLE IF EXISTS {table}")
    patiently(f"CREATE TABLE {table} (number bigint PRIMARY KEY)")
    writer, reader = Client("write"), Client("read", os.environ.get("READ_HOST"))

    def read() -> None:
        while not stop.exists():
            reader.ask(f"SELECT max(number) FROM {table}")
            time.sleep(pause)

    reading = threading.Thread(target=read)
    reading.start()
    acknowledged, doubtful = set(), 0
    for number in itertools.takewhile(lambda _number: not stop.exists(), itertools.count(1)):
        if writer.ask(f"INSERT INTO {table} (number) VALUES (%s)", number):
            acknowledged.add(number)
        else:
            doubtful += 1
        time.sleep(pause)
    reading.join()
    there = {row[0] for row in patiently(f"SELECT number FROM {table}")}
    found = {"acknowledged": len(acknowledged), "lost": sorted(acknowledged - there), "doubtful": doubtful}
    found |= {"writes": outages(writer.done), "reads": outages(reader.done)}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.02)
