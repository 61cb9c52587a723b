# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects of other sets: told by the name of their set, not by its id alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import VcciError
from . import membership
from .context import Context
from .plan import REFUSED

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
