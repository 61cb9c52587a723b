# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant that floods the API server: `python -m bench.flood KUBECONFIG USER NAMESPACE RATE`, until its
standard input is closed.

It asks for whole LISTs again and again, as a controller does that lists instead of watching, at most RATE of them a
second and THREADS at once. It yields the processors to whoever wants them, because it would be another machine's. On
its standard output it says `begun`, and at its end `<answered> <refused> <megabytes>` of what it got.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import sys
import threading
import time

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import kubeconfig
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

THREADS = 150
# All that is stored, from whatever the server has in memory, and with a selector that it must match one by one.
LISTS: tuple[dict[str, str], ...] = ({}, {"resourceVersion": "0"}, {"labelSelector": "app!=none"})


def acting(path: str, user: str, *groups: str) -> Client:
    """A client of the cluster for which an administrator speaks as this user."""
    connection = kubeconfig.load({"kubeconfig": path})
    return Client(dataclasses.replace(connection, impersonate_user=user, impersonate_groups=list(groups)))


class Flood:
    """Lists of one namespace, by many threads, at a common rate."""

    def __init__(self, client: Client, namespace: str, rate: float) -> None:
        self.client, self.path, self.rate = client, f"/api/v1/namespaces/{namespace}/configmaps", rate
        self.answered = self.refused = self.bytes = 0
        self._turns, self._begun, self._lock = itertools.count(), time.monotonic(), threading.Lock()

    def run(self) -> None:
        """Never ends."""
        while True:
            turn = next(self._turns)
            time.sleep(max(0.0, self._begun + turn / self.rate - time.monotonic()))
            try:
                size = self.client.raw("GET", self.path, query=LISTS[turn % len(LISTS)], retry=False, read=len)[1]
            except VcciError:
                size = 0
            with self._lock:
                self.answered, self.refused = self.answered + bool(size), self.refused + (not size)
                self.bytes += size


def main() -> None:
    path, user, namespace, rate = sys.argv[1:]
    os.nice(5)
    flood = Flood(acting(path, user), namespace, float(rate))
    for _thread in range(THREADS):
        threading.Thread(target=flood.run, daemon=True).start()
    print("begun", flush=True)
    sys.stdin.read()
    print(flood.answered, flood.refused, round(flood.bytes / 1e6), flush=True)
    os._exit(0)  # without waiting for answers


if __name__ == "__main__":
    main()
