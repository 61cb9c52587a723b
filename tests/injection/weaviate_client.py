# Copyright (c) 2026 GreenLang. All rights reserved.
"""A client that stores numbered objects in Weaviate all the time and reads beside it, at a quorum; it says at its end
which acknowledged ones are not there, and when each member had all of them.

It runs in the image vcci-backend-api, with the client that the application has (vcci/weaviate.py) and its key.
`weaviate_client.py <name> <file>` goes on until the file is there; then it prints one JSON object: acknowledged, lost,
doubtful, the outages of writes and of reads, and `everywhere`: the moment at which every member had every acknowledged
object, by the machine's monotonic clock. Objects are of one collection for all trials, which the application may not
remove, and have ids of their own in each.
"""

from __future__ import annotations

import functools
import http.client
import itertools
import json
import os
import pathlib
import socket
import ssl
import sys
import threading
import time
import urllib.parse
import uuid
from typing import Any

from vcci.weaviate import Weaviate, WeaviateError

COLLECTION = "Fault"
SPACE = uuid.uuid4()  # of the ids of this run
QUORUM = "consistency_level=QUORUM"
PAUSE = 0.15  # seconds between two objects: each is looked for four times at the end
LIMIT = 2.0  # seconds that a request may take with all its attempts
LAST = 120  # seconds for the last looks
LAST_LIMIT = 10  # seconds for one of them
OUTAGE = 0.5  # seconds
MEMBERS = 3


def members() -> Weaviate:
    return Weaviate(os.environ["WEAVIATE_URL"], os.environ["WEAVIATE_API_KEY"], os.environ["WEAVIATE_CA_FILE"])


class Looks:
    """The last looks, thousands of them: on a connection that is kept as long as it answers."""

    def __init__(self) -> None:
        self._members, self._kept = members(), dict[str, http.client.HTTPSConnection]()

    def status(self, path: str) -> int:
        """0 where nobody answers."""
        try:
            if not self._kept:
                self._members.ask("GET", "/v1/meta")  # whoever answers is the first
                self._kept["first"] = self._connection(self._members.addresses[0])
            kept = self._kept["first"]
            kept.request("GET", path, headers={"Authorization": f"Bearer {os.environ['WEAVIATE_API_KEY']}"})
            answer = kept.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException, WeaviateError):
            self._kept.clear()
            return 0
        if answer.status >= 500:
            self._kept.clear()
        return answer.status

    @staticmethod
    def _connection(address: str) -> http.client.HTTPSConnection:
        url = urllib.parse.urlsplit(os.environ["WEAVIATE_URL"])
        plain = socket.create_connection((address, url.port), LIMIT)
        plain.settimeout(LAST_LIMIT)
        made = http.client.HTTPSConnection(url.hostname or "", url.port)
        context = ssl.create_default_context(cafile=os.environ["WEAVIATE_CA_FILE"])
        made.sock = context.wrap_socket(plain, server_hostname=url.hostname)
        return made


looks = functools.cache(Looks)


def number_of(index: int) -> str:
    return str(uuid.uuid5(SPACE, str(index)))


class Client:
    """`done` is when each request ended well; one that took longer than LIMIT is none that did."""

    def __init__(self, what: str) -> None:
        self.what, self.done, self._members = what, list[float](), members()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The content, or None."""
        begun = time.monotonic()
        try:
            status, content = self._members.ask(method, path, body, rounds=1)
        except WeaviateError as exc:
            status, content = 0, str(exc)
        now = time.monotonic()
        if status != 200 or now - begun > LIMIT or _errors(content):
            sys.stderr.write(f"{now:.1f} {self.what}: {status} after {now - begun:.1f} s: {str(content)[:200]}\n")
            return None
        self.done.append(now)
        return content


def _errors(content: Any) -> bool:
    return isinstance(content, list) and any((one.get("result") or {}).get("errors") for one in content)


def make() -> None:
    schema = {
        "class": COLLECTION,
        "vectorizer": "none",
        "replicationConfig": {"asyncEnabled": True},
        "properties": [{"name": "number", "dataType": ["int"]}],
    }
    end = time.monotonic() + LAST
    while True:
        try:
            status, content = members().ask("POST", "/v1/schema", schema)
            if status == 200 or "already exists" in str(content):
                return
        except WeaviateError as exc:
            status, content = 0, str(exc)
        if time.monotonic() > end:
            raise RuntimeError(f"{status} {content}")
        time.sleep(0.5)


def there(index: int, where: str, end: float = 0.0) -> bool:
    """Whether an object is, at a quorum or in one member; asked again until `end` where nobody says."""
    while not (status := looks().status(f"/v1/objects/{COLLECTION}/{number_of(index)}?{where}")):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return status == 200


def outages(moments: list[float]) -> list[tuple[float, float]]:
    return [
        (former, round(later - former, 2)) for former, later in itertools.pairwise(moments) if later - former >= OUTAGE
    ]


def everywhere(acknowledged: set[int]) -> float | None:
    """When the last member had the last of them: as of the look that found it."""
    end = time.monotonic() + LAST
    missing = {(index, f"node_name=weaviate-{member}") for index in acknowledged for member in range(MEMBERS)}
    while missing and time.monotonic() < end:
        missing = {(index, where) for index, where in missing if not there(index, where)}
    return None if missing else time.monotonic()


def main(stop: pathlib.Path) -> None:
    make()
    writer, reader = Client("write"), Client("read")
    acknowledged, doubtful, newest = set[int](), 0, [0]

    def read() -> None:
        while not stop.exists():
            if newest[0]:
                reader.ask("GET", f"/v1/objects/{COLLECTION}/{number_of(newest[0])}?{QUORUM}")
            time.sleep(PAUSE)

    reading = threading.Thread(target=read)
    reading.start()
    for index in itertools.takewhile(lambda _index: not stop.exists(), itertools.count(1)):
        one = {"class": COLLECTION, "id": number_of(index), "properties": {"number": index}, "vector": [1.0, index]}
        if writer.ask("POST", f"/v1/batch/objects?{QUORUM}", {"objects": [one]}):
            acknowledged.add(index)
            newest[0] = index
        else:
            doubtful += 1
        time.sleep(PAUSE)
    reading.join()
    end = time.monotonic() + LAST
    lost = [index for index in sorted(acknowledged) if not there(index, QUORUM, end)]
    found = {"acknowledged": len(acknowledged), "lost": lost, "doubtful": doubtful}
    found |= {"writes": outages(writer.done), "reads": outages(reader.done)}
    found |= {"everywhere": everywhere(acknowledged - set(lost))}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[2]))
