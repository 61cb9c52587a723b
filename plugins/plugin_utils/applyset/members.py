# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which objects a set is to have, as its record says it: so that what was deleted since is missed. Pure.

KEP-3659 records kinds and namespaces only, since it asks for what may be pruned. Ours has the names as well, in the
ConfigMap's `data`: of each group-kind the names by namespace, those of the whole cluster under an empty one. kubectl
leaves `data` out when it writes a record, and then nobody knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .manifests import Ref
from .membership import group_kind, parse_group_kind

LEAD = "members."  # of a key; a record may be an object of another set, which writes keys of its own into it
LONGEST = 700_000  # bytes of names that a record holds; an object may have 1 MiB, and it has annotations as well
Names = dict[str, str]  # LEAD and group-kind → JSON of {namespace: [names]}


def encoded(refs: Iterable[Ref]) -> Names:
    """The `data` of a record; empty where it would be too long."""
    found: dict[str, dict[str, list[str]]] = {}
    for ref in sorted(refs):
        found.setdefault(group_kind(ref), {}).setdefault(ref.namespace, []).append(ref.name)
    data = {LEAD + kind: json.dumps(places, sort_keys=True, separators=(",", ":")) for kind, places in found.items()}
    return data if sum(map(len, data.values())) <= LONGEST else {}


def recorded(record: Mapping[str, Any] | None) -> Names:
    """The same as a record has it."""
    data = (record or {}).get("data")
    return {key: text for key, text in data.items() if key.startswith(LEAD)} if isinstance(data, Mapping) else {}


def decoded(record: Mapping[str, Any] | None) -> set[Ref] | None:
    """The objects that a record names; None where it names none, or not in a form that can be read."""
    data = recorded(record)
    found: set[Ref] = set()
    for key, places in data.items():
        group, kind = parse_group_kind(key.removeprefix(LEAD))
        try:
            for namespace, names in json.loads(places).items():
                found.update(Ref(group, kind, namespace, str(name)) for name in names)
        except (AttributeError, TypeError, ValueError):
            return None
    return found if data else None
