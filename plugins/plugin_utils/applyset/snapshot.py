# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the server has of a set: a few LISTs, whatever the number of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import ApiError, NotFound
from ..kubernetes.client import METADATA_ONLY, Client
from ..kubernetes.kinds import Resource
from .items import Item
from .membership import PART_OF
from .objects import Ref

FEW_NAMESPACES = 8
FEW_OBJECTS = 6


def ref_from(resource: Resource, meta: dict) -> Ref:
    group = resource.api_version.split("/", 1)[0] if "/" in resource.api_version else ""
    return Ref(group, resource.kind, meta.get("namespace") or "", meta["name"])


def read(client: Client, items: Iterable[Item], part_of: str | None, run: Callable, fresh: bool, full: Callable[[str], bool]) -> dict:
    """Ref → object (metadata only, unless full(kind)) for every item that exists, and for the set's other members of their kinds.

    `run(function, jobs)` runs jobs concurrently. `fresh`: the set has no record yet, so its label selects nothing.
    """
    groups: dict = {}
    for item in items:
        if not item.planned_kind:
            groups.setdefault(item.resource, []).append(item)
    found: dict = {}
    selected = part_of if part_of and not fresh else None
    if selected:
        jobs = [
            (resource, where, f"{PART_OF}={selected}", None) for resource, group in groups.items() for where in _places(resource, group)
        ]
        for part in run(lambda job: _list(client, job, full), jobs):
            found.update(part)
    missing = {resource: [i for i in group if i.ref not in found] for resource, group in groups.items()}
    singles = [i for group in missing.values() if len(group) <= FEW_OBJECTS for i in group]
    lists = [
        (resource, where, None, {i.ref for i in group})
        for resource, group in missing.items()
        if len(group) > FEW_OBJECTS
        for where in _places(resource, group)
    ]
    for part in run(lambda job: _get(client, job, full) if isinstance(job, Item) else _list(client, job, full), [*lists, *singles]):
        found.update(part)
    return found


def members(client: Client, resources: Iterable[Resource], part_of: str, run: Callable) -> dict:
    """Ref → (metadata, resource) of every member of the set among these kinds, wherever it is."""
    jobs = [(resource, None, f"{PART_OF}={part_of}", None) for resource in resources]
    found = {}
    for job, part in zip(jobs, run(lambda job: _list(client, job, lambda _kind: False), jobs), strict=False):
        for ref, obj in part.items():
            found[ref] = (obj, job[0])
    return found


def _places(resource: Resource, members: list) -> list:
    if not resource.namespaced:
        return [None]
    namespaces = sorted({i.ref.namespace for i in members})
    return namespaces if len(namespaces) <= FEW_NAMESPACES else [None]


def _list(client: Client, job: tuple, full: Callable[[str], bool]) -> dict:
    resource, namespace, selector, wanted = job
    try:
        listed = client.iter_list(resource, namespace, label_selector=selector, metadata_only=not full(resource.kind))
        found = {}
        for obj in listed:
            ref = ref_from(resource, obj["metadata"])
            if wanted is None or ref in wanted:
                if "kind" not in obj:  # members of a list leave it out, and masking a Secret depends on it
                    obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
                found[ref] = obj
        return found
    except NotFound:
        return {}
    except ApiError as exc:
        if exc.status == 403:
            exc.message = f"listing {resource.plural} {'in ' + namespace if namespace else 'of all namespaces'} is forbidden: {exc}"
            exc.args = (exc.message,)
        raise


def _get(client: Client, item: Item, full: Callable[[str], bool]) -> dict:
    try:
        return {item.ref: client.request("GET", item.path, accept="application/json" if full(item.ref.kind) else METADATA_ONLY)}
    except NotFound:
        return {}
