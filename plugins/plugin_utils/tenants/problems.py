# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is wrong with data, all of it, each with the place it is at. Pure."""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import VcciError
from ..kubernetes import quantity as _quantity

SHOWN = 100


class Refused(VcciError):
    """The data, or the data against the cluster's state, is not acceptable."""

    def __init__(self, errors: list[str]) -> None:
        shown = errors[:SHOWN] + ([f"and {len(errors) - SHOWN} more"] if len(errors) > SHOWN else [])
        super().__init__(f"{len(errors)} error{'s' if len(errors) > 1 else ''}, nothing was written:\n" + "\n".join(f"- {line}" for line in shown))
        self.errors = errors


class Problems:
    """Collects what is wrong; its methods read a value and go on with something harmless where there is a problem."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, where: str, what: str) -> None:
        self.found.append(f"{where}: {what}")

    def mapping(self, value: Any, where: str, known: Iterable[str]) -> dict:
        if not isinstance(value, Mapping):
            self.add(where, f"must be a dictionary, not {named(value)}")
            return {}
        known = tuple(known)
        for key in value:
            if key not in known:
                self.add(where, f"unknown key {key!r}; known are {', '.join(known)}")
        return {key: item for key, item in value.items() if key in known}

    def sequence(self, value: Any, where: str) -> list:
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            self.add(where, f"must be a list, not {named(value)}")
            return []
        return list(value)

    def texts(self, value: Any, where: str, pattern: re.Pattern, form: str) -> tuple[str, ...]:
        """A list of texts of a form, each once."""
        good = []
        for index, entry in enumerate(self.sequence(value, where)):
            if isinstance(entry, str) and pattern.match(entry):
                good.append(str(entry))
            else:
                self.add(f"{where}[{index}]", f"must be {form}, not {named(entry)}")
        return tuple(dict.fromkeys(good))

    def quantities(self, value: Any, where: str, resources: re.Pattern | None = None) -> dict[str, str]:
        """Resource → amount, as text; amounts are checked, not changed."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.add(where, f"must be a dictionary of amounts, not {named(value)}")
            return {}
        good = {}
        for key, amount in value.items():
            try:
                if _quantity.parse(amount) < 0:
                    raise ValueError(f"{amount!r} is negative")
            except ValueError as exc:
                self.add(f"{where}.{key}", str(exc))
                continue
            if resources is not None and not resources.match(str(key)):
                self.add(f"{where}.{key}", "is no resource that a ResourceQuota counts")
            else:
                good[str(key)] = str(amount)
        return good


def named(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"
