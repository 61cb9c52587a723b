# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the verbs of one run share: the client, the options, the set's record, and the result that they write into."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ConnectionFailed, VcciError
from ..kubernetes.client import Client
from . import outcome
from .doomed import Doomed
from .manifests import Ref
from .membership import set_id
from .options import ApplyOptions, Planned
from .plan import Item
from .record import Record
from .result import Result
from .workers import Workers


class Context:
    def __init__(self, client: Client, options: ApplyOptions) -> None:
        self.client, self.options = client, options
        client.begin()
        self.result = Result()
        self.part_of = set_id(options.name, options.namespace) if options.name else options.member_of
        self.record = (
            Record(client, options.name, options.namespace, self.say, options.lock_timeout) if options.name else None
        )
        self.planned = options.planned or Planned()
        self.workers = Workers(options.concurrency)
        self.items: list[Item] = []  # what is to be there
        self.doomed: list[Doomed] = []  # what is to go
        self.going: list[Doomed] = []  # what was found being deleted, and is not wanted
        self.kept: list[str] = []  # what would go, had its kind not to be named, or were it not in use
        self.unseen: dict[str, str] = {}  # kinds, or objects, that cannot be read, and what is said of each
        self.gone: set[Ref] = set()  # what was deleted
        self.owned: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}  # what has owners: dependents.py
        self.owned_lock = threading.Lock()
        self.faults: list[dict[str, str]] = []  # what failed beside items: object, source and message of each
        self.stopped: VcciError | None = None  # why nothing more is asked of the server
        self._deleting = "pruned"  # the list of the result that what was deleted is in
        self._saying = threading.Lock()
        self._noticed = client.notices.count
        self._begun, self._requests_before = time.monotonic(), client.requests

    def say(self, line: str) -> None:
        """One line at a time, from whatever thread."""
        if self.options.say is not None:
            with self._saying:
                self.options.say(line)

    @contextlib.contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the seconds of a block to those of a step."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.result.timing[step] = self.result.timing.get(step, 0.0) + time.monotonic() - begun

    # --- going on, and ending ----------------------------------------------------------------------------------------
    def may_go_on(self) -> bool:
        """Whether another write may be made: nobody has taken the set over, and the server is there."""
        if self.stopped is None and self.record is not None:
            try:
                self.record.check_held()
            except VcciError as exc:
                self.stop(exc)
        return self.stopped is None

    def stop(self, why: VcciError) -> None:
        """Nothing more is to be written, for a reason that is told once, and not of each object that is left."""
        self.stopped = self.stopped or why

    def is_over(self, exc: VcciError) -> bool:
        """Whether an error that a request ended with ends the run: the server is gone, or answers nothing of use."""
        if not isinstance(exc, ConnectionFailed) and exc is not self.client.given_up:
            return False
        self.stop(exc)
        return True

    def fail(self, what: str, message: str) -> None:
        """Something beside the items failed; the run goes on, and ends with an error."""
        self.faults.append({"object": what, "source": "", "message": message})

    @contextlib.contextmanager
    def ending(self, deleting: str) -> Iterator[None]:
        """However the block ends, the result says what was done of it, and an error that ends it carries the result.
        What is deleted goes into the list of that name."""
        self._deleting = deleting
        try:
            yield
        except BaseException as exc:
            self._conclude()
            exc.result = self.finish()  # type: ignore[attr-defined]  # an interrupt has no such attribute of its own
            raise
        self._conclude()
        self.finish()

    def finish(self) -> Result:
        """The result, with what it cost so far."""
        self.result.warnings = list(dict.fromkeys([*self.result.warnings, *self.client.notices.lines(self._noticed)]))
        self.result.requests = self.client.requests - self._requests_before
        self.result.duration = time.monotonic() - self._begun
        return self.result

    def _conclude(self) -> None:
        options, result = self.options, self.result
        outcome.conclude(result, self.items, options.field_manager, options.diff)
        result.skipped += self.kept
        result.failed += [*(fault["message"] for fault in self.faults), *self.unseen.values()]
        # A set of which something fails is not pruned, so check mode foresees no deletion then.
        foreseen = options.check and not (outcome.failures(self.items) or self.faults)
        deleted = [entry for entry in self.doomed if foreseen or entry.ref in self.gone]
        outcome.list_deleted(result, deleted, getattr(result, self._deleting), options.diff)
