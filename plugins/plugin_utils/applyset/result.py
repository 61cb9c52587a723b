# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a run of a set did: names, counts, cost. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_TOLD = ("created", "configured", "recreated", "replaced", "pruned", "deleted", "unchanged", "skipped", "failed")


@dataclass
class Result:
    created: list[str] = field(default_factory=list)
    configured: list[str] = field(default_factory=list)
    recreated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)  # pods of an older revision that did not start
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    assumed_ready: list[str] = field(default_factory=list)  # nothing spoke for these
    warnings: list[str] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)
    requests: int = 0
    duration: float = 0.0
    timing: dict[str, float] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.created or self.configured or self.recreated or self.replaced or self.pruned or self.deleted)

    def to_dict(self) -> dict[str, Any]:
        return {
            "changed": self.changed,
            "created": sorted(self.created),
            "configured": sorted(self.configured),
            "recreated": sorted(self.recreated),
            "replaced": sorted(self.replaced),
            "unchanged": sorted(self.unchanged),
            "pruned": sorted(self.pruned),
            "deleted": sorted(self.deleted),
            "assumed_ready": sorted(self.assumed_ready),
            "skipped_objects": sorted(self.skipped),  # a result with a true `skipped` is a skipped task to Ansible
            "requests": self.requests,
            "duration": round(self.duration, 3),
            "timing": {k: round(v, 3) for k, v in self.timing.items()},
        }

    def answer(self, show_diff: bool) -> dict[str, Any]:
        """What a task answers: with the differences, if they are asked for, and each warning once."""
        answer = self.to_dict()
        if show_diff:
            answer["diff"] = self.diff
        if self.warnings:
            answer["warnings"] = list(dict.fromkeys(self.warnings))
        return answer

    def summary(self) -> str:
        named = [(name, len(getattr(self, name))) for name in _TOLD]
        parts = [f"{number} {name}" for name, number in named if number]
        return ", ".join(parts) or "nothing to do"
