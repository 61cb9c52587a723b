# Copyright (c) 2026 GreenLang. All rights reserved.
"""What keeps values outside of the cluster: one file a keeper; external.py is the store that all of them are. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...errors import InputError, VcciError
from ..wanted import Wanted

Members = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """What a keeper has of a Secret: the members of its JSON object, None where it has none, and their version."""

    members: Members | None = None
    version: Any = None


class Keeper(Protocol):
    """`limit` is how many bytes one object may have."""

    limit: int
    title: str

    def name(self, secret: Wanted) -> str:
        """What messages call the object of a Secret."""

    def read(self, secret: Wanted) -> Kept:
        """VcciError where that is not possible: that it may not be read does not mean that it is not there."""

    def former(self, secret: Wanted, kept: Kept) -> Members:
        """The members of the version before that one; none where there is none."""

    def write(self, secret: Wanted, members: Members, kept: Kept) -> Kept:
        """As the version after `kept`; Overtaken where somebody else wrote one since that was read."""


def parsed(text: str | None, name: str) -> Members:
    """A keeper's JSON object. InputError where it is none, or holds what could not be written back as it was."""
    try:
        found = json.loads(text or "")
        json.dumps(found, allow_nan=False)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        what = "holds bytes" if text is None else "is not a JSON object"
        raise InputError(f"{name} {what} and not a JSON object of keys and values: nothing was changed")
    return found


def settings_of(option: str, given: Mapping[str, Any], known: set[str]) -> dict[str, str]:
    """The settings of a keeper: texts, of which `prefix` is needed; those that are empty are left out."""
    wrong = sorted(map(str, set(given) - known))
    if wrong:
        raise InputError(f"{option}: unknown {', '.join(wrong)}; known are {', '.join(sorted(known))}")
    wrong = sorted(key for key, value in given.items() if value is not None and not isinstance(value, str))
    if wrong:
        raise InputError(f"{option}.{wrong[0]}: a text is needed")
    found = {key: str(value) for key, value in given.items() if value}
    if not found.get("prefix", "").strip("/"):
        raise InputError(f"{option}: prefix is needed; known are {', '.join(sorted(known))}")
    return found


def refused(name: str, verb: str, said: str, way: str = "") -> VcciError:
    """What a keeper answered, in its own words, and the way on."""
    return VcciError(f"{name}: {verb} was refused: {said.rstrip('.')}{'; ' + way if way else ''}")
