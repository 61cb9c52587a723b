# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the server has of a set: a few LISTs, whatever the number of objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import ApiError, NotFound
from ..kubernetes.client import JSON, METADATA_ONLY, Client
from ..kubernetes.kinds import Resource
from .manifests import Ref
from .membership import PART_OF
from .plan import Item
from .workers import Workers

FEW_NAMESPACES = 8
FEW_OBJECTS = 6
Found = dict[Ref, dict[str, Any]]


class Listing(NamedTuple):
    """One LIST: of a namespace or of all, of a label or of all, and which of the objects it is about."""

    resource: Resource
    namespace: str | None
    selector: str | None = None
    wanted: frozenset[Ref] | None = None


def ref_from(resource: Resource, meta: Mapping[str, Any]) -> Ref:
    return Ref(resource.group, resource.kind, meta.get("namespace") or "", meta["name"])


def read(client: Client, items: Iterable[Item], part_of: str | None, workers: Workers, full: bool = False) -> Found:
    """Every item that exists, and the other members of the set `part_of` of their kinds; of metadata only, unless
    `full`. Without `part_of` nothing is looked for by its label."""
    groups: dict[Resource, list[Item]] = {}
    for item in items:
        if not item.planned_kind:
            groups.setdefault(item.resource, []).append(item)
    found: Found = {}
    listings: list[Listing] = []
    if part_of:
        for resource, group in groups.items():
            listings += _listings(resource, group, selector=f"{PART_OF}={part_of}")
        for part in workers.map(lambda listing: _list(client, listing, full), listings):
            found.update(part)
    jobs: list[Listing | Item] = []
    for resource, group in groups.items():
        missing = [item for item in group if item.ref not in found]
        if len(missing) <= FEW_OBJECTS:
            jobs += missing
        else:
            jobs += _listings(resource, missing, wanted=frozenset(item.ref for item in missing))

    def ask(job: Listing | Item) -> Found:
        return _get(client, job, full) if isinstance(job, Item) else _list(client, job, full)

    for part in workers.map(ask, jobs):
        found.update(part)
    return found


def members(
    client: Client, resources: Iterable[Resource], part_of: str, workers: Workers
) -> dict[Ref, tuple[dict[str, Any], Resource]]:
    """Metadata and resource of every member of the set among these kinds, wherever it is."""
    listings = [Listing(resource, None, f"{PART_OF}={part_of}") for resource in resources]
    found = {}
    for listing, part in zip(listings, workers.map(lambda job: _list(client, job, False), listings), strict=True):
        for ref, obj in part.items():
            found[ref] = (obj, listing.resource)
    return found


def _listings(
    resource: Resource, items: list[Item], selector: str | None = None, wanted: frozenset[Ref] | None = None
) -> list[Listing]:
    """One a namespace, or one of the whole cluster where that is cheaper."""
    namespaces: list[str | None] = [*sorted({item.ref.namespace for item in items})]
    if not resource.namespaced or len(namespaces) > FEW_NAMESPACES:
        namespaces = [None]
    return [Listing(resource, namespace, selector, wanted) for namespace in namespaces]


def _list(client: Client, listing: Listing, full: bool) -> Found:
    resource, namespace, selector, wanted = listing
    found: Found = {}
    try:
        for obj in client.iter_list(resource, namespace, label_selector=selector, metadata_only=not full):
            ref = ref_from(resource, obj["metadata"])
            if wanted is None or ref in wanted:
                if "kind" not in obj:  # members of a list leave it out, and masking a Secret depends on it
                    obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
                found[ref] = obj
    except NotFound:
        return {}
    except ApiError as exc:
        if exc.status != 403:
            raise
        where = f"in {namespace}" if namespace else "of all namespaces"
        message = f"listing {resource.plural} {where} is forbidden: {exc}"
        raise ApiError(exc.status, exc.reason, message, exc.details) from exc
    return found


def _get(client: Client, item: Item, full: bool) -> Found:
    try:
        return {item.ref: client.request("GET", item.path, accept=JSON if full else METADATA_ONLY)}
    except NotFound:
        return {}
