# Copyright (c) 2026 GreenLang. All rights reserved.
"""What goes with what: the objects of a set in its namespaces, of its definitions, and their dependents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..kubernetes.kinds import group_of
from .doomed import Doomed
from .manifests import Ref
from .plan import CREATE, REFUSED, Item


class Needs:
    """What these items need: their namespaces, what defines or serves their kinds, and what owns them.

    home  the namespace of the set's record, empty where that may go as well.
    """

    def __init__(self, items: Iterable[Item], home: str) -> None:
        self._home = home
        self._by_ref: dict[tuple[str, str], str] = {}  # kind and name, and what needs it for what
        self._by_uid: dict[str, str] = {}
        for item in items:
            if item.ref.namespace:
                self._by_ref.setdefault(("Namespace", item.ref.namespace), f"{item.label} is in it")
            definition = ("CustomResourceDefinition", definition_of(item))
            self._by_ref.setdefault(definition, f"it defines {item.label}")
            api_version = item.desired["apiVersion"]
            service = f"{api_version.partition('/')[2]}.{group_of(api_version)}"
            self._by_ref.setdefault(("APIService", service), f"it serves {item.label}")
            for uid in _owners(item):
                self._by_uid.setdefault(uid, f"it owns {item.label}, which would be deleted with it")

    def why(self, entry: Doomed) -> str:
        """What is needed of this object; empty if nothing."""
        if entry.ref == Ref("", "Namespace", "", self._home):
            return "the set's record is in it"
        owned = self._by_uid.get(str(entry.meta.get("uid")), "")
        cluster_wide = "" if entry.ref.namespace else self._by_ref.get((entry.ref.kind, entry.ref.name), "")
        return cluster_wide or owned


def would_go_with(ref: Ref, entry: Doomed) -> bool:
    """Whether deleting a namespace, or a definition, takes that object along."""
    if entry.ref.group == "" and entry.ref.kind == "Namespace":
        return ref.namespace == entry.ref.name
    return (entry.ref.kind, entry.ref.name.partition(".")[2]) == ("CustomResourceDefinition", ref.group)


def owner_references(meta: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of an object, or of a manifest, in which anything may stand."""
    found = meta.get("ownerReferences")
    return [owner for owner in found if isinstance(owner, dict)] if isinstance(found, list) else []


def _owners(item: Item) -> set[str]:
    found = [*owner_references(item.live), *owner_references(item.desired["metadata"])]
    return {str(owner["uid"]) for owner in found if owner.get("uid")}


def expect_to_vanish(items: Iterable[Item]) -> None:
    """What is in a namespace, or of a kind, that is being deleted and is wanted again, goes with it: it is to be
    created, whatever it is now."""
    going = {(item.ref.kind, item.ref.name) for item in items if item.live.get("deletionTimestamp")}
    if not going:
        return
    for item in items:
        homes = ("Namespace", item.ref.namespace), ("CustomResourceDefinition", definition_of(item))
        if item.action != REFUSED and not item.error and not going.isdisjoint(homes):
            item.saw(None)
            item.action, item.vanishes = CREATE, True


def definition_of(item: Item) -> str:
    """The name of the definition that an item's kind would have."""
    return f"{item.resource.plural}.{item.ref.group}"
