# Copyright (c) 2026 GreenLang. All rights reserved.
"""The arguments of a task, as Ansible's validator gets them. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


class Given(dict[str, Any]):
    """The validator works on a deep copy, down to the origin that Ansible notes for each text: of a thousand tenants
    that takes as long as all that is decided about them. What it changes is the options, and what is in those that
    have options of their own; no more is copied."""

    def __init__(self, given: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        super().__init__(given)
        self._spec = spec

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {name: copy.deepcopy(value, memo) if self._is_changed(name) else value for name, value in self.items()}

    def _is_changed(self, name: str) -> bool:
        return "options" in self._spec.get(name, {})
