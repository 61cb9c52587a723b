# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of a set on the server: what it contains, and who is at work on it.

One ConfigMap is both, so that taking the set and writing down what may come into it is one request, guarded by
resourceVersion: two runs can never both have it. A holder renews its claim; one that stopped (killed, powered off) is
noticed because the claim no longer moves, and on the same machine at once because its process is gone.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from ..errors import Conflict, InputError, NotFound, SetLocked, VcciError
from ..kubernetes.client import APPLY_PATCH, MERGE_PATCH, Client
from ..waiting import until
from . import holder as holders
from . import membership

LOCK = "applyset.greenlang.io/held-by"
RENEW_EVERY = 8.0
STALE_AFTER = 25.0
POLL_EVERY = 0.5


class Record:
    """`lock_timeout` in seconds; `say` is told whom this run waits for."""

    def __init__(
        self, client: Client, name: str, namespace: str, say: Callable[[str], None], lock_timeout: float
    ) -> None:
        self.client, self.name, self.namespace = client, name, namespace
        self.say, self.lock_timeout = say, lock_timeout
        self.path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        self.current: dict[str, Any] | None = None
        self.held = False
        self.lost = False
        self._me = holders.identity()
        self._mutex = threading.Lock()
        self._beat: threading.Thread | None = None
        self._stop = threading.Event()
        self._contents: tuple[set[str], set[str]] = (set(), set())

    # --- reading -----------------------------------------------------------------------------------------------------
    def read(self) -> None:
        try:
            found = self.client.request("GET", self.path)
        except NotFound:
            self.current = None
            return
        membership.check_record(found, self.name, self.namespace)
        self.current = found

    @property
    def exists(self) -> bool:
        return self.current is not None

    def contents(self) -> tuple[set[str], set[str]]:
        return membership.recorded(self.current)

    def matches(self, kinds: set[str], namespaces: set[str]) -> bool:
        return membership.same_record(self.current, kinds, namespaces, self.namespace)

    # --- holding -----------------------------------------------------------------------------------------------------
    def acquire(self, kinds: set[str], namespaces: set[str]) -> bool:
        """Take the set and record that it may contain these from now on. False when somebody else was at work since
        read(): then what was planned is out of date, and the record has been read anew."""
        other = self._holder()
        if other is not None and not holders.is_gone(other):
            self._wait_until_free(other)
            return False
        try:
            if self.current is None:
                self._create()
            old_kinds, old_namespaces = self.contents()
            self._put(kinds | old_kinds, namespaces | old_namespaces, hold=True)
        except Conflict:
            self.read()
            other = self._holder()
            if other is not None:
                self._wait_until_free(other)
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

    def _create(self) -> None:
        label = {membership.ID: membership.set_id(self.name, self.namespace)}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self.name, "labels": label}}
        self.current = self.client.request(
            "POST", self.path.rpartition("/")[0], body=body, query={"fieldManager": membership.RECORD_MANAGER}
        )

    def release(self, kinds: set[str] | None = None, namespaces: set[str] | None = None) -> None:
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
        with contextlib.suppress(NotFound):
            self.client.request("DELETE", self.path)
        self.current = None

    def check_held(self) -> None:
        if self.lost:
            raise VcciError(
                f"another run has taken over the set {self.name}, because this one did not report for "
                f"{int(STALE_AFTER)} s; stopped"
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

    def _put(self, kinds: set[str], namespaces: set[str], hold: bool) -> None:
        meta = (self.current or {}).get("metadata") or {}
        tooling = (meta.get("annotations") or {}).get(membership.TOOLING, "")
        body = membership.record_object(self.name, self.namespace, kinds, namespaces, tooling)
        if meta.get("resourceVersion"):
            body["metadata"]["resourceVersion"] = meta["resourceVersion"]
        if hold:
            body["metadata"]["annotations"][LOCK] = json.dumps({**self._me, "beat": time.time_ns()}, sort_keys=True)
        self.current = self.client.request(
            "PATCH",
            self.path,
            body=body,
            content_type=APPLY_PATCH,
            query={"fieldManager": membership.RECORD_MANAGER, "force": "true"},
        )
        self._contents = (set(kinds), set(namespaces))

    def _holder(self) -> dict[str, Any] | None:
        annotations = ((self.current or {}).get("metadata") or {}).get("annotations") or {}
        text = annotations.get(LOCK)
        if not text:
            return None
        try:
            return dict(json.loads(text))
        except (ValueError, TypeError):
            return {"host": "unknown", "pid": 0, "id": text}

    def _wait_until_free(self, holder: dict[str, Any]) -> None:
        """Until the holder gives the set back, is gone, or no longer moves. Judged by our own clock alone."""
        who = holders.name(holder)
        beat, moved = holder.get("beat"), time.monotonic()

        def free() -> bool:
            nonlocal who, beat, moved
            self.read()
            now = self._holder()
            if now is None or holders.is_gone(now) or now.get("id") == self._me["id"]:
                return True
            who = holders.name(now)
            if now.get("beat") != beat:
                beat, moved = now.get("beat"), time.monotonic()
            if time.monotonic() - moved <= STALE_AFTER:
                return False
            self.say(f"{who} held this set and has not reported for {int(STALE_AFTER)} s; taking over")
            self._clear()
            return True

        def late(waited: int) -> SetLocked:
            return SetLocked(
                f"set {self.name} is being applied by {who}; it did not end within {waited} s. Wait for it, or if it "
                f"is known to be dead remove the annotation {LOCK} from ConfigMap {self.namespace}/{self.name}"
            )

        self.say(f"waiting for another run of this set ({who})")
        until(
            free,
            self.lock_timeout,
            self.say,
            awaited=lambda: f"another run of this set ({who})",
            late=late,
            pause=POLL_EVERY,
            longest=POLL_EVERY,
        )

    def _clear(self) -> None:
        # Not by apply: that removes the claim only if the same manager wrote it; it may be there by hand.
        body = {
            "metadata": {
                "annotations": {LOCK: None},
                "resourceVersion": (self.current or {})["metadata"]["resourceVersion"],
            }
        }
        try:
            self.current = self.client.request("PATCH", self.path, body=body, content_type=MERGE_PATCH)
        except Conflict:
            self.read()
