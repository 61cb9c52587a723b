# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is wrong with data, all of it, each with the place it is at. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InputError
from ..kubernetes import quantity

SHOWN = 100


def refusal(errors: list[str], effect: str = "nothing was written") -> InputError:
    """The error for data, or for data against the cluster's state, that is not acceptable."""
    count = len(errors)
    more = [f"and {count - SHOWN} more"] if count > SHOWN else []
    lines = [f"{count} error{'s' if count > 1 else ''}, {effect}:"]
    lines += [f"- {line}" for line in (*errors[:SHOWN], *more)]
    return InputError("\n".join(lines), errors)


class Problems:
    """Collects what is wrong; its methods read a value and go on with something harmless where there is a problem."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, where: str, what: str) -> None:
        self.found.append(f"{where}: {what}")

    def refuse(self) -> None:
        """InputError when anything was found."""
        if self.found:
            raise refusal(self.found)

    def mapping(self, value: Any, where: str, known: Iterable[str]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            self.add(where, f"must be a dictionary, not {named(value)}")
            return {}
        known = tuple(known)
        for key in value:
            if key not in known:
                self.add(where, f"unknown key {key!r}; known are {', '.join(known)}")
        return {key: item for key, item in value.items() if key in known}

    def sequence(self, value: Any, where: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            self.add(where, f"must be a list, not {named(value)}")
            return []
        return list(value)

    def texts(self, value: Any, where: str, pattern: re.Pattern[str], form: str) -> tuple[str, ...]:
        """A list of texts of a form, each once."""
        good: list[str] = []
        for index, entry in enumerate(self.sequence(value, where)):
            if isinstance(entry, str) and pattern.match(entry):
                good.append(str(entry))
            else:
                self.add(f"{where}[{index}]", f"must be {form}, not {named(entry)}")
        return tuple(dict.fromkeys(good))

    def quantities(self, value: Any, where: str, resources: re.Pattern[str] | None = None) -> dict[str, str]:
        """Resource → amount, as text; amounts are checked, not changed."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.add(where, f"must be a dictionary of amounts, not {named(value)}")
            return {}
        good: dict[str, str] = {}
        for key, amount in value.items():
            wrong = _wrong_amount(amount)
            if wrong:
                self.add(f"{where}.{key}", wrong)
            elif resources is not None and not resources.match(str(key)):
                self.add(f"{where}.{key}", "is no resource that a ResourceQuota counts")
            else:
                good[str(key)] = str(amount)
        return good


def named(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"


def _wrong_amount(amount: Any) -> str:
    try:
        return f"{amount!r} is negative" if quantity.parse(amount) < 0 else ""
    except ValueError as exc:
        return str(exc)
