# Copyright (c) 2026 GreenLang. All rights reserved.
"""What several sets of objects did together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ..applyset.result import Result
from ..errors import VcciError
from .problems import SHOWN


@dataclass
class Sum:
    """What several sets did, as counts: there may be tens of thousands of objects."""

    counts: dict[str, int] = field(default_factory=lambda: {"created": 0, "configured": 0, "unchanged": 0})
    written: list[str] = field(default_factory=list)
    diff: list[Any] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    timing: dict[str, float] = field(default_factory=dict)
    requests: int = 0
    begun: float = field(default_factory=time.monotonic)

    def add(self, done: Result) -> None:
        for outcome in self.counts:
            self.counts[outcome] += len(getattr(done, outcome))
        self.written += [*done.created, *done.configured]
        self.diff += done.diff
        self.warnings += done.warnings
        self.requests += done.requests
        for step, seconds in done.timing.items():
            self.timing[step] = round(self.timing.get(step, 0) + seconds, 3)

    def copy(self) -> Sum:
        return replace(self, counts=dict(self.counts), written=[*self.written], diff=[*self.diff])

    def begin_again(self, before: Sum, check: bool) -> None:
        """After a set that failed, for the same without what failed: what was written stays counted, once."""
        new = 0 if check else len(self.written) - len(before.written)
        kept = dict(before.counts) if check else self.counts
        self.counts = {**kept, "unchanged": max(0, before.counts["unchanged"] - new)}
        if check:
            self.written, self.diff = before.written, before.diff

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """What ends the block with an error had done something as well: the error tells of that, and of all before."""
        try:
            yield
        except VcciError as exc:
            if exc.result is not None:
                self.add(exc.result)
            exc.result = self
            raise

    def answer(self, diff: bool) -> dict[str, Any]:
        """What a task that failed answers, beside its error."""
        return self.to_dict("", diff)

    def to_dict(self, what: str, diff: bool) -> dict[str, Any]:
        outcomes = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items() if number)
        return {
            "changed": bool(self.written),
            "counts": self.counts,
            "written": sorted(self.written)[:SHOWN],
            "requests": self.requests,
            "duration": round(time.monotonic() - self.begun, 3),
            "timing": self.timing,
            "msg": f"{what}: {outcomes}",
            **({"diff": self.diff} if diff else {}),
            **({"warnings": list(dict.fromkeys(self.warnings))} if self.warnings else {}),
        }
