# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of a set on the server: what it contains, and who is at work on it.

One ConfigMap is both, so that taking the set and writing down what may come into it is one request, guarded by
resourceVersion: two runs can never both have it. A holder renews its claim; one that stopped (killed, powered off) is
noticed because the claim no longer moves, and on the same machine at once because its process is gone.

The answer to any write may be lost, and the write is then refused when it is repeated, because it was done. So after
every conflict the record is read, and what it says decides: a claim with our own id is ours.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ApiError, Conflict, InputError, NotFound, SetLocked, VcciError
from ..kubernetes.client import APPLY_PATCH, JSON, MERGE_PATCH, Client
from ..waiting import Deadline
from . import holder as holders
from . import members, membership, turn
from .holder import LOCK
from .membership import RECORD_MANAGER

RENEW_EVERY = 8.0
STALE_AFTER = 25.0  # seconds without a movement of its claim after which a holder counts as gone
TRIES = 5  # of giving the set back, while others write the record
FEW_TURNS = 3  # plans that somebody else made void, before the time of waiting is looked at


class Record:
    """`lock_timeout` in seconds; `say` is told whom this run waits for."""

    def __init__(
        self, client: Client, name: str, namespace: str, say: Callable[[str], None], lock_timeout: float
    ) -> None:
        self.client, self.name, self.namespace = client, name, namespace
        self.say, self.lock_timeout = say, lock_timeout
        self.path = client.resource("v1", "ConfigMap").path(namespace, name)
        self.current: dict[str, Any] | None = None
        self.held = self.lost = False
        self._me = holders.identity()
        self._mutex = threading.Lock()
        self._beat: threading.Thread | None = None
        self._stop = threading.Event()
        self._contents: tuple[set[str], set[str]] = (set(), set())
        self.names: members.Names | None = None  # of its objects, to be recorded when it is given back
        self._moved = 0.0  # when our claim last moved, by our own clock
        self._patience: Deadline | None = None
        self._turns = 0

    # --- reading -----------------------------------------------------------------------------------------------------
    def read(self) -> None:
        try:
            found = self._ask("GET")
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

    def places(self) -> set[str] | None:
        """The namespaces in which the set's objects are; None where the record does not say."""
        if self.current is None:
            return set()
        return {self.namespace, *self.contents()[1]} if membership.tells_namespaces(self.current) else None

    def matches(self, kinds: set[str], namespaces: set[str]) -> bool:
        same_names = self.names is None or self.names == members.recorded(self.current)
        return same_names and membership.same_record(self.current, kinds, namespaces, self.namespace)

    # --- holding -----------------------------------------------------------------------------------------------------
    def acquire(self, kinds: set[str], namespaces: set[str]) -> bool:
        """Take the set and record that it may contain these from now on. False when somebody else was at work since
        read(): then what was planned is out of date, and the record has been read anew. SetLocked at the latest when
        `lock_timeout` is over."""
        self._patience = self._patience or Deadline(self.lock_timeout)
        other = self.other()
        if other is not None and not holders.is_gone(other):
            return self._after(other)
        holders.claim(self._me)
        try:
            taken = self._take(kinds, namespaces)
        except NotFound as exc:
            holders.give_up(self._me)
            raise InputError(
                f"namespace {self.namespace}, which is to hold the record of set {self.name}, does not exist; "
                "create it first, put it into the set, or set `namespace` to one that exists"
            ) from exc
        except BaseException:
            holders.give_up(self._me)
            raise
        if not taken:
            holders.give_up(self._me)
            return self._after(self.other())
        self.held = True
        self._stop.clear()
        self._beat = threading.Thread(target=self._renew, name=f"applyset-{self.name}", daemon=True)
        self._beat.start()
        return True

    def _take(self, kinds: set[str], namespaces: set[str]) -> bool:
        try:
            if self.current is None:
                # Not by apply: two runs could both create it so.
                body, query = membership.new_record(self.name, self.namespace), {"fieldManager": RECORD_MANAGER}
                self.current = self._ask("POST", self.path.rpartition("/")[0], body=body, query=query)
            old_kinds, old_namespaces = self.contents()
            self._put(kinds | old_kinds, namespaces | old_namespaces, hold=True)
        except Conflict:
            self.read()
            self._contents = self.contents()
            return self._is_ours()  # the answer was lost: the claim is there, and nobody was at work in between
        return True

    def _after(self, other: Mapping[str, Any] | None) -> bool:
        """What was planned is void. Wait for that holder, if there is one; never for longer than all waiting may be."""
        self._turns += 1
        if self._patience is not None and self._patience.passed and self._turns > FEW_TURNS:
            raise SetLocked(
                f"others were at work on set {self.name} whenever it was this run's turn, for "
                f"{int(self.lock_timeout)} s; apply again when they have ended"
            )
        if other is not None:
            turn.until_free(self, other, self._patience.left if self._patience else self.lock_timeout, STALE_AFTER)
        return False

    def release(self, kinds: set[str] | None = None, namespaces: set[str] | None = None) -> None:
        """Give the set back, recording what it contains now (nothing given: leave what is recorded)."""
        if self._let_go():
            if kinds is None or namespaces is None:
                kinds, namespaces = self._contents
            with self._mutex:
                self._give_back(kinds, namespaces)

    def _let_go(self) -> bool:
        """End our claim on this side; whether the record still has it."""
        if not self.held:
            return False
        self._stop.set()
        self.held = False
        with self._mutex:  # a renewal that is under way ends before
            holders.give_up(self._me)
            return not self.lost

    def _give_back(self, kinds: set[str], namespaces: set[str]) -> None:
        for _try in range(TRIES):
            try:
                self._put(kinds, namespaces, hold=False)
                return
            except NotFound:
                self.current = None  # its namespace went with the set
                return
            except Conflict:
                self.read()
                if self.current is None or self.other() is not None:
                    return
                if not self._is_ours():
                    if self.matches(kinds, namespaces):
                        return  # the answer was lost
                    # kubectl has written it in between: what it knows of the set counts as well.
                    more_kinds, more_namespaces = self.contents()
                    kinds, namespaces = kinds | more_kinds, namespaces | more_namespaces
        raise VcciError(f"the record of set {self.name} was changed {TRIES} times while it was to be given back")

    def delete(self) -> None:
        """Delete the record, unless others have written it since it was taken."""
        if not self._let_go():
            return
        with self._mutex:
            try:
                self._delete()
            except VcciError:
                with contextlib.suppress(VcciError):
                    self._give_back(*self._contents)
                raise

    def _delete(self) -> None:
        for _try in range(TRIES):
            meta = (self.current or {}).get("metadata") or {}
            same = {name: meta[name] for name in ("uid", "resourceVersion") if name in meta}
            try:
                self._ask("DELETE", body={"preconditions": same})
                self.current = None
                return
            except NotFound:
                self.current = None
                return
            except Conflict:
                self.read()
                if self.current is None:
                    return
                if not self._is_ours():
                    self.say("somebody else has written the record of this set meanwhile: it is kept")
                    return

    # --- the claim ---------------------------------------------------------------------------------------------------
    def check_held(self) -> None:
        """An error when another run may have taken the set over: this one did not report for too long."""
        if self.held and not self.lost and time.monotonic() - self._moved > STALE_AFTER:
            with self._mutex:
                if time.monotonic() - self._moved > STALE_AFTER:
                    self._renew_anew()
        if self.lost:
            raise VcciError(
                f"another run has taken over the set {self.name}, because this one did not report for "
                f"{int(STALE_AFTER)} s; stopped"
            )

    def _renew(self) -> None:
        while not self._stop.wait(RENEW_EVERY):
            with self._mutex:
                if not self.held or self.lost:
                    return
                # While the server is away the writes themselves will say so.
                with contextlib.suppress(VcciError):
                    try:
                        self._put(*self._contents, hold=True)
                    except Conflict:
                        self._renew_anew()

    def _renew_anew(self) -> None:
        """Somebody has written the record. A claim of another's ends ours; a claim that is only gone was dropped by
        kubectl or by hand, unless it did not move for so long that a run may have come and gone."""
        self.read()
        late = time.monotonic() - self._moved > STALE_AFTER
        if self.other() is not None or (late and not self._is_ours()):
            self.lost = True
            return
        kinds, namespaces = self.contents()
        self._put(self._contents[0] | kinds, self._contents[1] | namespaces, hold=True)

    def _holder(self) -> dict[str, Any] | None:
        annotations = ((self.current or {}).get("metadata") or {}).get("annotations") or {}
        return holders.parse(annotations.get(LOCK))

    def _is_ours(self) -> bool:
        return bool((self._holder() or {}).get("id") == self._me["id"])

    def other(self) -> dict[str, Any] | None:
        """Who holds the set, if it is not this run."""
        return None if self._is_ours() else self._holder()

    # --- requests ----------------------------------------------------------------------------------------------------
    def _put(self, kinds: set[str], namespaces: set[str], hold: bool) -> None:
        meta = (self.current or {}).get("metadata") or {}
        tooling = (meta.get("annotations") or {}).get(membership.TOOLING, "")
        if tooling == membership.UNFINISHED:
            tooling = ""
        body = membership.record_object(self.name, self.namespace, kinds, namespaces, tooling)
        if meta.get("resourceVersion"):
            body["metadata"]["resourceVersion"] = meta["resourceVersion"]
        names = members.recorded(self.current) if hold or self.names is None else self.names
        if names:
            body["data"] = names
        if hold:
            body["metadata"]["annotations"][LOCK] = json.dumps({**self._me, "beat": time.time_ns()}, sort_keys=True)
        begun = time.monotonic()
        query = {"fieldManager": RECORD_MANAGER, "force": "true"}
        self.current = self._ask("PATCH", body=body, content_type=APPLY_PATCH, query=query)
        self._contents, self._moved = (set(kinds), set(namespaces)), begun

    def clear(self) -> None:
        """Take the claim of another away, unless the record is written in between."""
        # Not by apply: that removes the claim only if the same manager wrote it; it may be there by hand.
        same = (self.current or {})["metadata"]["resourceVersion"]
        body = {"metadata": {"annotations": {LOCK: None}, "resourceVersion": same}}
        try:
            self.current = self._ask("PATCH", body=body, content_type=MERGE_PATCH)
        except (Conflict, NotFound):
            self.read()

    def _ask(
        self,
        method: str,
        path: str | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """One request about the record; an error says that it was about that."""
        try:
            return self.client.request(method, path or self.path, body=body, content_type=content_type, query=query)
        except (Conflict, NotFound):
            raise
        except ApiError as exc:
            what = f"the record of set {self.name}, ConfigMap {self.namespace}/{self.name}: {exc}"
            raise ApiError(exc.status, exc.reason, what, exc.details) from exc
