# Copyright (c) 2026 GreenLang. All rights reserved.
"""A client that writes numbered keys all the time, in two streams, and reads beside them; it says at its end which of
those that were acknowledged are not there.

It runs in the image vcci-worker, as any client: REDIS_URL says where and as whom, REDIS_CA_FILE who certifies servers,
and nothing is waited for longer than two seconds. A write of the first stream is acknowledged when WAIT says that
another member has it; of the second when the master says so. `redis_client.py <name> <file> [seconds between keys]`
goes on until the file is there; then it prints one JSON object: acknowledged (of both), lost (of the first, and of the
second what was written longer before the last such than a master that is cut off may go on), unconfirmed (lost of the
second), and the outages of writes (of the first stream) and of reads, those of half a second and more: when each began,
by the machine's monotonic clock, and how many seconds it lasted. What was done is noted beside the file: one that is
killed and started again goes on.
"""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import sys
import threading
import time
from collections.abc import Callable

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

CONNECT, LIMIT = 1, 2  # seconds
LAST = 120  # seconds for the last look
OUTAGE = 0.5  # seconds
CUT = 4.0  # seconds for which a master that is cut off takes writes, at most: min-replicas-max-lag and two
EXPIRE = 7200  # seconds


def connect() -> Redis:
    never = Retry(NoBackoff(), 0)
    return Redis.from_url(
        os.environ["REDIS_URL"],
        ssl_ca_certs=os.environ["REDIS_CA_FILE"],
        socket_timeout=LIMIT,
        socket_connect_timeout=CONNECT,
        retry=never,
        single_connection_client=True,
    )


class Stream:
    """One connection at a time; whatever is wrong with it, the next command has another. `done` is when each number
    was acknowledged."""

    def __init__(self, name: str, what: str, notes: pathlib.Path) -> None:
        self.name, self.what = f"{name}:{what}", what
        self.connection: Redis | None = None
        self.done = dict[int, float]()
        path = notes.with_name(f"{notes.name}.{what}")
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        self.done.update({int(line[0]): float(line[1]) for line in lines if len(line) == 2})
        self.last, self.notes = max((int(line[0]) for line in lines), default=0), path.open("a")

    def key(self, number: int) -> str:
        return f"{self.name}:{number}"

    def note(self, *values: object) -> None:
        self.notes.write(" ".join(map(str, values)) + "\n")
        self.notes.flush()

    def step(self, do: Callable[[Redis, str, int], object]) -> None:
        """The next number; it is done when this is true."""
        self.last += 1
        number = self.last
        self.note(number)
        try:
            self.connection = self.connection or connect()
            if not do(self.connection, self.key(number), number):
                return
        except (RedisError, OSError) as exc:
            sys.stderr.write(f"{time.monotonic():.1f} {self.what}: {exc}\n")
            if self.connection:
                self.connection.close()
            self.connection = None
            time.sleep(0.05)
            return
        self.done[number] = time.monotonic()
        self.note(number, self.done[number])

    def missing(self) -> list[int]:
        """Those that were acknowledged and are not there."""
        end = time.monotonic() + LAST
        while True:
            try:
                return self._missing(connect())
            except (RedisError, OSError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def _missing(self, connection: Redis) -> list[int]:
        found = []
        numbers = sorted(self.done)
        for first in range(0, len(numbers), 500):
            some = numbers[first : first + 500]
            values = connection.mget([self.key(number) for number in some])
            found += [number for number, value in zip(some, values, strict=True) if value != str(number).encode()]
        return found


def confirmed(connection: Redis, key: str, number: int) -> bool:
    return bool(connection.set(key, number, ex=EXPIRE)) and connection.wait(1, 1000) >= 1


def plain(connection: Redis, key: str, number: int) -> bool:
    return bool(connection.set(key, number, ex=EXPIRE))


def read(connection: Redis, _key: str, _number: int) -> bool:
    connection.get("none")
    return True


def outages(moments: list[float]) -> list[tuple[float, float]]:
    return [
        (former, round(later - former, 2)) for former, later in itertools.pairwise(moments) if later - former >= OUTAGE
    ]


def main(name: str, stop: pathlib.Path, pause: float) -> None:
    streams = {what: Stream(name, what, stop) for what in ("confirmed", "plain", "read")}

    def work(what: str, do: Callable[[Redis, str, int], object]) -> None:
        while not stop.exists():
            streams[what].step(do)
            time.sleep(pause)

    tasks = {"confirmed": confirmed, "plain": plain, "read": read}
    threads = [threading.Thread(target=work, args=task) for task in tasks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = streams["confirmed"], streams["plain"]
    weaker = second.missing()
    late = max((second.done[number] for number in weaker), default=0.0) - CUT
    lost = [first.key(number) for number in first.missing()]
    lost += [second.key(number) for number in weaker if second.done[number] < late]
    found = {"acknowledged": len(first.done) + len(second.done), "lost": lost, "unconfirmed": len(weaker)}
    found |= {"writes": outages(sorted(first.done.values())), "reads": outages(sorted(streams["read"].done.values()))}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.02)
