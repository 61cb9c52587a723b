# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects of other sets, told by the name of their set, not by its id alone; and the records of sets, which are objects
as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InputError, VcciError
from . import membership
from .context import Context
from .plan import REFUSED, Item

_RECORDS = "ConfigMap", "Secret"  # what kubectl keeps sets in


class Names:
    """Of other sets, each looked for once."""

    def __init__(self, run: Context) -> None:
        self._run = run
        self._known: dict[str, str] = {}

    def refusal(self, label: str, meta: Mapping[str, Any]) -> str:
        """What is said of an object with that metadata."""
        other = membership.set_of(meta)
        if other not in self._known:
            self._known[other] = self._find(other, str(meta.get("namespace") or ""))
        return membership.refusal(label, other, self._known[other])

    def _find(self, other: str, namespace: str) -> str:
        """Namespace and name of that set's record; empty where we may not know, or it is none of these."""
        places = [None, *dict.fromkeys(place for place in (namespace, self._run.options.namespace) if place)]
        for kind in _RECORDS:
            resource = self._run.client.resource("v1", kind)
            for place in places:
                selector = f"{membership.ID}={other}"
                try:
                    found = list(
                        self._run.client.iter_list(resource, place, label_selector=selector, metadata_only=True)
                    )
                except VcciError:
                    continue
                if found:
                    return f"{found[0]['metadata']['namespace']}/{found[0]['metadata']['name']}"
                if place is None:
                    break  # it is nowhere
        return ""


def name_other_sets(run: Context) -> None:
    """Tell in the errors of refused items whose they are."""
    names = Names(run)
    for item in run.items:
        if item.action == REFUSED:
            item.error = names.refusal(item.label, item.live)


def refuse_own_record(items: Iterable[Item], part_of: str | None) -> None:
    """A set's record is none of its objects: it would be pruned with them, and the set forgotten."""
    maps = [item for item in items if part_of and (item.ref.group, item.ref.kind) == ("", "ConfigMap")]
    for item in maps:
        if membership.set_id(item.ref.name, item.ref.namespace) == part_of:
            raise InputError(
                f"{item.source}: {item.label} is the record of this very set and cannot be one of its objects; "
                "give the set, or the object, another name"
            )


def warn_of_records(run: Context) -> None:
    """An object may be the record of another set: sets may be in sets. Where its manifest does not say so, it is
    probably a name that two things were given."""
    for item in run.items:
        if membership.is_record(item.live) and not membership.is_record(item.desired["metadata"]):
            run.result.warnings.append(
                f"{item.label} is the record of another set: this set's data is written into it, and nothing of the "
                "other set's is; was another name meant?"
            )
