# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the verbs of one run share: the client, the options, the set's record, and the result that they write into."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from ..kubernetes.client import Client
from .manifests import Ref
from .membership import set_id
from .options import ApplyOptions, Planned
from .record import Record
from .result import Result
from .workers import Workers


class Context:
    def __init__(self, client: Client, options: ApplyOptions) -> None:
        self.client, self.options = client, options
        client.begin()
        self.result = Result()
        self.part_of = set_id(options.name, options.namespace) if options.name else None
        self.record = (
            Record(client, options.name, options.namespace, self.say, options.lock_timeout) if options.name else None
        )
        self.planned = options.planned or Planned()
        self.workers = Workers(options.concurrency)
        self.gone: set[Ref] = set()  # what was deleted
        self.undeleted: list[dict[str, str]] = []  # what could not be: object, source and message
        self._saying = threading.Lock()
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
        yield
        self.result.timing[step] = self.result.timing.get(step, 0.0) + time.monotonic() - begun

    def finish(self) -> Result:
        """The result, with what it cost so far."""
        self.result.warnings = list(dict.fromkeys([*self.result.warnings, *self.client.warnings]))
        self.result.requests = self.client.requests - self._requests_before
        self.result.duration = time.monotonic() - self._begun
        return self.result
