# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of a set on the server: what it contains, and who is at work on it.

One ConfigMap is both, so that taking the set and writing down what may come into it is one request, guarded by resourceVersion:
two runs can never both have it. A holder renews its claim; one that stopped (killed, powered off) is noticed because the claim no
longer moves, and on the same machine at once because its process is gone.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable

from ..errors import Conflict, InputError, NotFound, SetLocked, VcciError
from ..kubernetes.client import APPLY_PATCH, MERGE_PATCH, Client
from . import membership as _membership

LOCK = "applyset.greenlang.io/held-by"
RENEW_EVERY = 8.0
STALE_AFTER = 25.0
POLL_EVERY = 0.5


class Record:
    def __init__(self, client: Client, name: str, namespace: str, progress: Callable[[str], None], lock_timeout: float) -> None:
        self.client, self.name, self.namespace = client, name, namespace
        self.progress, self.lock_timeout = progress, lock_timeout
        self.path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        self.current: dict | None = None
        self.held = False
        self.lost = False
        self._me = _identity()
        self._mutex = threading.Lock()
        self._beat: threading.Thread | None = None
        self._stop = threading.Event()
        self._contents: tuple = (set(), set())

    # --- reading -----------------------------------------------------------------------------------------------------
    def read(self) -> dict | None:
        try:
            found = self.client.request("GET", self.path)
        except NotFound:
            found = None
        if found is not None:
            _membership.check_record(found, self.name, self.namespace)
        self.current = found
        return found

    @property
    def exists(self) -> bool:
        return self.current is not None

    def contents(self) -> tuple[set, set]:
        return _membership.recorded(self.current)

    def matches(self, kinds: set, namespaces: set) -> bool:
        return _membership.same_record(self.current, kinds, namespaces, self.namespace)

    # --- holding -----------------------------------------------------------------------------------------------------
    def acquire(self, kinds: set, namespaces: set) -> bool:
        """Take the set and record that it may contain these from now on. False when somebody else was at work since read():
        then what was planned is out of date, and the record has been read anew."""
        other = self._holder()
        if other is not None and not _is_gone(other):
            self._wait_until_free()
            return False
        try:
            if self.current is None:
                label = {_membership.ID: _membership.set_id(self.name, self.namespace)}
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self.name, "labels": label}}
                self.current = self.client.request(
                    "POST", self.path.rpartition("/")[0], body=body, query={"fieldManager": _membership.RECORD_MANAGER}
                )
            old_kinds, old_namespaces = self.contents()
            self._put(kinds | old_kinds, namespaces | old_namespaces, hold=True)
        except Conflict:
            self.read()
            if self._holder() is not None:
                self._wait_until_free()
            return False
        except NotFound as exc:
            raise InputError(
                f"namespace {self.namespace}, which is to hold the record of set {self.name}, does not exist; "
                "create it first, put it into the set, or set `namespace` to one that exists"
            ) from exc
        self.held = True
        self._stop.clear()
        self._beat = threading.Thread(target=self._renew, name=f"applyset-{self.name}", daemon=True)
        self._beat.start()
        return True

    def release(self, kinds: set | None = None, namespaces: set | None = None) -> None:
        """Give the set back, recording what it contains now (nothing given: leave what is recorded)."""
        if not self.held:
            return
        self._stop.set()
        self.held = False
        with self._mutex:
            if self.lost:
                return
            if kinds is None or namespaces is None:
                kinds, namespaces = self._contents
            try:
                self._put(kinds, namespaces, hold=False)
            except Conflict:
                self.read()  # kubectl has written it in between: what it knows of the set counts as well
                if (self._holder() or self._me).get("id") == self._me["id"]:
                    more_kinds, more_namespaces = self.contents()
                    self._put(kinds | more_kinds, namespaces | more_namespaces, hold=False)
            except NotFound:
                self.current = None  # its namespace went with the set

    def delete(self) -> None:
        self._stop.set()
        self.held = False
        try:
            self.client.request("DELETE", self.path)
        except NotFound:
            pass
        self.current = None

    def check_held(self) -> None:
        if self.lost:
            raise VcciError(
                f"another run has taken over the set {self.name}, because this one did not report for {int(STALE_AFTER)} s; stopped"
            )

    def _renew(self) -> None:
        while not self._stop.wait(RENEW_EVERY):
            with self._mutex:
                if not self.held:
                    return
                try:
                    kinds, namespaces = self._contents
                    self._put(kinds, namespaces, hold=True)
                except Conflict:
                    self._renew_anew()
                except VcciError:
                    continue  # the server is away: the writes themselves will say so

    def _renew_anew(self) -> None:
        try:
            self.read()
            holder = self._holder()
            if holder is not None and holder.get("id") != self._me["id"]:
                self.lost = True
                return
            kinds, namespaces = self.contents()
            self._put(self._contents[0] | kinds, self._contents[1] | namespaces, hold=True)
        except VcciError:
            return

    def _put(self, kinds: set, namespaces: set, hold: bool) -> None:
        meta = (self.current or {}).get("metadata") or {}
        tooling = (meta.get("annotations") or {}).get(_membership.TOOLING, "")
        body = _membership.record_object(self.name, self.namespace, kinds, namespaces, tooling)
        if meta.get("resourceVersion"):
            body["metadata"]["resourceVersion"] = meta["resourceVersion"]
        if hold:
            body["metadata"]["annotations"][LOCK] = json.dumps({**self._me, "beat": time.time_ns()}, sort_keys=True)
        self.current = self.client.request(
            "PATCH", self.path, body=body, content_type=APPLY_PATCH, query={"fieldManager": _membership.RECORD_MANAGER, "force": "true"}
        )
        self._contents = (set(kinds), set(namespaces))

    def _holder(self) -> dict | None:
        annotations = ((self.current or {}).get("metadata") or {}).get("annotations") or {}
        text = annotations.get(LOCK)
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError:
            return {"host": "unknown", "pid": 0, "id": text}

    def _wait_until_free(self) -> None:
        """Until the holder gives the set back, is gone, or no longer moves. Judged by our own clock alone."""
        started = moved = time.monotonic()
        beat, said = None, 0.0
        while True:
            holder = self._holder()
            now = time.monotonic()
            if holder is None or _is_gone(holder) or holder.get("id") == self._me["id"]:
                return
            if holder.get("beat") != beat:
                beat, moved = holder.get("beat"), now
            who = f"process {holder.get('pid')} on {holder.get('host')}"
            if now - moved > STALE_AFTER:
                self.progress(f"{who} held this set and has not reported for {int(STALE_AFTER)} s; taking over")
                self._clear()
                return
            if now - started > self.lock_timeout:
                raise SetLocked(
                    f"set {self.name} is being applied by {who}; it did not end within {int(self.lock_timeout)} s. Wait for it, or "
                    f"if it is known to be dead remove the annotation {LOCK} from ConfigMap {self.namespace}/{self.name}"
                )
            if now - said > 5:
                said = now
                self.progress(f"waiting for another run of this set ({who})")
            time.sleep(POLL_EVERY)
            self.read()

    def _clear(self) -> None:
        # Not by apply: that removes the claim only if the same manager wrote it, and a claim may have been put there by hand.
        body = {"metadata": {"annotations": {LOCK: None}, "resourceVersion": (self.current or {})["metadata"]["resourceVersion"]}}
        try:
            self.current = self.client.request("PATCH", self.path, body=body, content_type=MERGE_PATCH)
        except Conflict:
            self.read()


def _identity() -> dict:
    """Who we are, precisely enough to tell on this machine whether we still live."""
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "pid": pid,
        "machine": _text("/proc/sys/kernel/random/boot_id") + "/" + _link("/proc/self/ns/pid"),
        "start": _start_of(pid),
        "id": os.urandom(8).hex(),
    }


def _is_gone(holder: dict) -> bool:
    me = _identity()
    if not me["start"] or holder.get("machine") != me["machine"] or not isinstance(holder.get("pid"), int):
        return False
    return _start_of(holder["pid"]) != holder.get("start")


def _start_of(pid: int) -> str:
    stat = _text(f"/proc/{pid}/stat")
    fields = stat.rpartition(")")[2].split()
    # A process that was killed and not yet collected by its parent has a start time, but holds nothing any more.
    return "" if len(fields) < 20 or fields[0] in ("Z", "X") else fields[19]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
