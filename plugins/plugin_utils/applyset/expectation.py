# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a user wants awaited of an object: a condition, or a field's value. Pure.

It takes the place of the rules by which an object counts as ready otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import InputError
from ..kubernetes import kstatus
from ..kubernetes.kinds import is_built_in
from .manifests import Ref

_STEP = re.compile(r"""\.?(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\[(?P<quote>["'])(?P<key>.*?)(?P=quote)\]""")
_UNSET = object()


class Expectation(NamedTuple):
    """Of the objects of a kind ("Backup.velero.io"), or of one of them.

    condition, status, reason   the condition of that type has that status, and that reason if one is given.
    field, values, failed       the field at that path has one of the values; of `failed`, it never will. Without
                                values: anything but nothing.
    """

    kind: str
    name: str | None = None
    namespace: str | None = None
    condition: str | None = None
    status: str = "True"
    reason: str | None = None
    field: str | None = None
    values: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    def is_about(self, ref: Ref) -> bool:
        kinds = (f"{ref.kind}.{ref.group}", ref.kind) if is_built_in(ref.group) else (f"{ref.kind}.{ref.group}",)
        return self.kind in kinds and self.name in (None, ref.name) and self.namespace in (None, ref.namespace)

    def status_of(self, obj: Mapping[str, Any]) -> tuple[str, str]:
        """State and, unless it is ready, what is missing; as of kstatus.status."""
        early = kstatus.not_settled(obj)
        if early:
            return early
        return self._by_condition(obj) if self.condition else self._by_field(obj)

    def _by_condition(self, obj: Mapping[str, Any]) -> tuple[str, str]:
        found = kstatus.conditions(obj.get("status") or {}).get(str(self.condition))
        if found is None:
            return kstatus.IN_PROGRESS, f"no condition {self.condition} yet"
        if found.get("status") == self.status and self.reason in (None, found.get("reason")):
            return kstatus.READY, ""
        return kstatus.IN_PROGRESS, f"{self.condition} is {found.get('status')}: {kstatus.why(found)}"

    def _by_field(self, obj: Mapping[str, Any]) -> tuple[str, str]:
        value = value_at(obj, str(self.field))
        if value is _UNSET or value in (None, "", [], {}):
            return kstatus.IN_PROGRESS, f"no {self.field} yet"
        text = as_text(value)
        if text in self.failed:
            return kstatus.FAILED, f"{self.field} is {text}"
        if not self.values or text in self.values:
            return kstatus.READY, ""
        return kstatus.IN_PROGRESS, f"{self.field} is {text[:80]}"


def parse(given: Iterable[Mapping[str, Any]]) -> tuple[Expectation, ...]:
    """The option `wait_for` of a task: a value may be one or a list."""
    return tuple(_parsed(entry, f"wait_for, entry {number}") for number, entry in enumerate(given, 1))


def _parsed(entry: Mapping[str, Any], where: str) -> Expectation:
    condition, field = entry.get("condition"), entry.get("field")
    if bool(condition) == bool(field):
        raise InputError(f"{where}: give either a condition or a field")
    wrong = [name for name in ("status", "reason") if field and entry.get(name) is not None]
    wrong += [name for name in ("value", "failed") if condition and entry.get(name) is not None]
    if wrong:
        other = "a condition" if field else "a field"
        raise InputError(f"{where}: {', '.join(wrong)} goes with {other} only")
    if field and not _steps(field):
        raise InputError(f"{where}: {field!r} is no path; write status.phase, status.nodes[0].ready or spec['a.b']")
    return Expectation(
        kind=entry["kind"],
        name=entry.get("name"),
        namespace=entry.get("namespace"),
        condition=condition,
        status=as_text(entry["status"]).capitalize() if entry.get("status") is not None else "True",
        reason=entry.get("reason"),
        field=field,
        values=_texts(entry.get("value")),
        failed=_texts(entry.get("failed")),
    )


def check(expectations: Iterable[Expectation], wait: bool, refs: Iterable[Ref]) -> None:
    """An error for one that would be ignored in silence: nothing is awaited, or there is no such object."""
    wanted = list(expectations)
    known = list(refs) if wanted else []
    for one in wanted:
        what = f"{one.kind} {one.namespace + '/' if one.namespace else ''}{one.name or ''}".strip()
        if not wait:
            raise InputError(f"wait_for ({what}) needs wait: true")
        if not any(one.is_about(ref) for ref in known):
            raise InputError(f"wait_for: no {what} is among the objects; kinds that are not built in need their group")


def as_text(value: object) -> str:
    """True is "true", as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(as_text(one) for one in value) if isinstance(value, (list, tuple)) else (as_text(value),)


def value_at(obj: object, path: str) -> object:
    """What is there, a mark of this file where nothing is."""
    for step in _steps(path):
        if isinstance(step, int):
            if not isinstance(obj, list) or step >= len(obj):
                return _UNSET
            obj = obj[step]
        elif isinstance(obj, Mapping) and step in obj:
            obj = obj[step]
        else:
            return _UNSET
    return obj


def _steps(path: str) -> list[str | int]:
    """Empty where it is no path."""
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            return []
        steps.append(int(match["index"]) if match["index"] else match["name"] or match["key"])
        at = match.end()
    return steps
