# Copyright (c) 2026 GreenLang. All rights reserved.
"""What values are composed of: references to other values, and the filters that encode them. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from .wanted import Wanted, Where

REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}")
FILTERS: dict[str, Callable[[str], str]] = {
    "url": lambda text: quote(text, safe=""),
    "dsn": lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}


def parsed(reference: str) -> tuple[str, list[str]]:
    """The path and the filters of what stands between ${ and }."""
    path, *filters = [part.strip() for part in reference.split("|")]
    return path, filters


def place(where: Where, path: str) -> Where | None:
    """What key, secret/key or namespace/secret/key means in the value at `where`; None for what is none of them."""
    parts = path.split("/")
    if len(parts) > 3:
        return None
    namespace, secret, key = (*where[: 3 - len(parts)], *parts)
    return namespace, secret, key


def sources(wanted: list[Wanted]) -> dict[Where, set[Where]]:
    """Of each key, the keys that it is composed of, directly or not."""
    direct: dict[Where, set[Where]] = {}
    for secret in wanted:
        for key, spec in secret.values.items():
            where = secret.where(key)
            direct[where] = _direct(where, spec)
    return {where: _closure(where, direct) for where in direct}


def _direct(where: Where, spec: object) -> set[Where]:
    if not isinstance(spec, Mapping):
        return set()
    paths = [parsed(found)[0] for found in REFERENCE.findall(spec.get("compose", "")) if found]
    if "certificate" in spec:
        paths.append(str(spec["certificate"]["key"]))
    places = [place(where, path) for path in paths]
    return {one for one in places if one is not None}


def _closure(where: Where, direct: Mapping[Where, set[Where]]) -> set[Where]:
    found: set[Where] = set()
    pending = list(direct[where])
    while pending:
        one = pending.pop()
        if one in direct and one not in found:
            found.add(one)
            pending += direct[one]
    return found
