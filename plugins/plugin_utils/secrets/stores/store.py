# Copyright (c) 2026 GreenLang. All rights reserved.
"""What every store of Secrets does: load what is there, save what was decided, settle until it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from ..certificate import SealingCertificate
from ..decide import Evidence
from ..state import SecretState
from ..wanted import Wanted

NO_MARK: Mapping[str, str] = MappingProxyType({})


@dataclass
class Saved:
    """What was written: `said` ends the message of the result, `more` is added to the result."""

    changed: bool
    said: str
    warnings: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


class Store(Protocol):
    """A cluster, a directory, or a keeper outside (external.py)."""

    @property
    def evidence(self) -> Evidence:
        """How it shows that something is as it should be."""

    @property
    def certificate(self) -> SealingCertificate | None:
        """None where nothing is sealed."""

    def load(self, wanted: list[Wanted]) -> list[SecretState]:
        """What is there of these Secrets; InputError where it must not be replaced."""

    def accept(self, states: list[SecretState]) -> None:
        """InputError unless the store can hold what was decided; nothing was written yet."""

    def save(self, states: list[SecretState], mark: Mapping[str, str] = NO_MARK) -> Saved:
        """Write these Secrets, with these annotations besides: one of those that were loaded, or all.

        In check mode, predict it. Overtaken where somebody else has changed what was read: all is read again then.
        """

    def was_written(self, secret: Wanted) -> bool:
        """Whether this run wrote it; asked after save() ended with Overtaken."""

    def settle(self, states: list[SecretState]) -> None:
        """Wait until consumers have what was saved; in check mode, for what they would have without it."""
