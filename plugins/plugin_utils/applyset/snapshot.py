# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the server has of a set: a few LISTs, whatever the number of objects.

Whoever may read a few namespaces only gets the same answers: a LIST of the whole cluster that is forbidden is made for
each namespace in question, and objects whose LIST is forbidden, or fails, are asked for one by one. What cannot be read
because nobody answers for its kind (an APIService, a webhook that converts it) is told, and hinders nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import ApiError, NotFound
from ..kubernetes.client import JSON, METADATA_ONLY, Client
from ..kubernetes.kinds import Resource
from ..kubernetes.retry import is_unreadable
from .manifests import Ref
from .membership import PART_OF
from .plan import Item
from .secrecy import is_of_secrets, is_whole
from .workers import Workers

FEW_NAMESPACES = 8
FEW_OBJECTS = 6
Found = dict[Ref, dict[str, Any]]
Members = dict[Ref, tuple[dict[str, Any], Resource]]
Lost = dict[Ref, ApiError]  # what could not be read, and why


class Listing(NamedTuple):
    """One LIST of those objects of a kind that are in these namespaces: of one of them, or of the whole cluster."""

    resource: Resource
    namespaces: tuple[str, ...]  # empty for all
    selector: str | None = None
    wanted: frozenset[Ref] | None = None
    full: bool = False

    @property
    def namespace(self) -> str | None:
        return self.namespaces[0] if len(self.namespaces) == 1 else None

    def has(self, ref: Ref) -> bool:
        if self.wanted is not None:
            return ref in self.wanted
        return not self.namespaces or ref.namespace in self.namespaces


class _Get(NamedTuple):
    """One GET, by the resource that serves the object now: an item's own may be planned only."""

    resource: Resource
    ref: Ref
    full: bool


def ref_from(resource: Resource, meta: Mapping[str, Any]) -> Ref:
    return Ref(resource.group, resource.kind, meta.get("namespace") or "", meta["name"])


def read(
    client: Client,
    items: Iterable[Item],
    part_of: str | None,
    workers: Workers,
    *,
    full: bool = False,
    values: bool = False,
) -> tuple[Found, Lost]:
    """Every item that exists, and the other members of the set `part_of` of their kinds; of metadata only, unless
    `full`, or it is a Secret and its `values` are to be compared, or one of its kind has an autoscaler. Without
    `part_of` nothing is looked for by its label."""
    items = list(items)
    groups, scaled = _by_resource(client, items), {item.resource for item in items if item.minimum}

    def whole(resource: Resource) -> bool:
        return full or (values and is_of_secrets(resource)) or resource in scaled

    found: Found = {}
    if part_of:
        listings: list[Listing] = []
        for resource, group in groups.items():
            places = {item.ref.namespace for item in group}
            listings += _listings(resource, places, f"{PART_OF}={part_of}", full=whole(resource))
        found, _refused = _list_all(client, listings, workers)
    gets: list[_Get] = []
    listings = []
    for resource, group in groups.items():
        missing = [item.ref for item in group if item.ref not in found]
        if len(missing) <= FEW_OBJECTS:
            gets += [_Get(resource, ref, whole(resource)) for ref in missing]
        else:
            # Others' Secrets are beside ours, some of a megabyte: ours alone are asked for with their values.
            listings += _listings(resource, {ref.namespace for ref in missing}, None, frozenset(missing), full)
    listed, refused = _list_all(client, listings, workers)
    found.update(listed)
    for listing, _refusal in refused:
        places = set(listing.namespaces)
        unlisted = [ref for ref in listing.wanted or () if not places or ref.namespace in places]
        gets += [_Get(listing.resource, ref, whole(listing.resource)) for ref in unlisted]
    for resource in filter(whole, groups):
        gets += [_Get(resource, ref, True) for ref in _partial(groups[resource], found)]
    lost: Lost = {}
    for get, part in zip(gets, workers.map(lambda get: _get(client, get), gets), strict=True):
        if isinstance(part, ApiError):
            found.pop(get.ref, None)
            lost[get.ref] = part
        else:
            found.update(part)
    return found, lost


def _partial(items: Iterable[Item], found: Found) -> list[Ref]:
    """Those of which only the metadata were found."""
    return [item.ref for item in items if item.ref in found and not is_whole(found[item.ref])]


def members(
    client: Client, resources: Iterable[Resource], places: Collection[str] | None, part_of: str, workers: Workers
) -> tuple[Members, dict[Resource, ApiError]]:
    """Metadata and resource of every object of these kinds that carries the set's label, in those namespaces or, when
    they are not known (None), in all; and the kinds that cannot be read. ApiError when one may not be."""
    listings: list[Listing] = []
    for resource in resources:
        listings += _listings(resource, places or (), f"{PART_OF}={part_of}")
    found, refused = _list_all(client, listings, workers)
    for _listing, refusal in refused:
        if refusal.status == 403:
            raise refusal
    by_kind = {(listing.resource.group, listing.resource.kind): listing.resource for listing in listings}
    lost = {listing.resource: refusal for listing, refusal in refused}
    return {ref: (obj, by_kind[ref.group, ref.kind]) for ref, obj in found.items()}, lost


def _by_resource(client: Client, items: Iterable[Item]) -> dict[Resource, list[Item]]:
    """The items by the resource that they can be read by. Those of a kind that a definition is yet to bring may be
    there in another version."""
    groups: dict[Resource, list[Item]] = {}
    served: dict[tuple[str, str], Resource | None] = {}
    for item in items:
        resource: Resource | None = item.resource
        if item.planned_kind:
            kind = item.ref.group, item.ref.kind
            if kind not in served:
                served[kind] = _served(client, *kind)
            resource = served[kind]
        if resource is not None:
            groups.setdefault(resource, []).append(item)
    return groups


def _served(client: Client, group: str, kind: str) -> Resource | None:
    try:
        return client.preferred(group, kind)
    except NotFound:
        return None


def _listings(
    resource: Resource,
    namespaces: Collection[str],
    selector: str | None,
    wanted: frozenset[Ref] | None = None,
    full: bool = False,
) -> list[Listing]:
    """One a namespace, or one of the whole cluster where that is cheaper."""
    if not resource.namespaced:
        return [Listing(resource, (), selector, wanted, full)]
    places = tuple(sorted(namespaces))
    if not places or len(places) > FEW_NAMESPACES:
        return [Listing(resource, places, selector, wanted, full)]
    return [Listing(resource, (place,), selector, wanted, full) for place in places]


def _list_all(
    client: Client, listings: list[Listing], workers: Workers
) -> tuple[Found, list[tuple[Listing, ApiError]]]:
    """What they find, and those that are forbidden or fail."""
    found: Found = {}
    refused: list[tuple[Listing, ApiError]] = []
    again: list[Listing] = []
    for listing, answer in zip(listings, workers.map(lambda job: _list(client, job), listings), strict=True):
        if isinstance(answer, dict):
            found.update(answer)
        elif len(listing.namespaces) > 1:
            again += [listing._replace(namespaces=(place,)) for place in listing.namespaces]
        else:
            refused.append((listing, answer))
    if again:
        more, still = _list_all(client, again, workers)
        found.update(more)
        refused += still
    return found, refused


def _list(client: Client, listing: Listing) -> Found | ApiError:
    """What it finds, or that it is forbidden or fails."""
    resource, namespace = listing.resource, listing.namespace
    found: Found = {}
    try:
        for obj in client.iter_list(
            resource, namespace, label_selector=listing.selector, metadata_only=not listing.full
        ):
            ref = ref_from(resource, obj["metadata"])
            if listing.has(ref):
                if "kind" not in obj:  # members of a list leave it out, and masking a Secret depends on it
                    obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
                found[ref] = obj
    except NotFound:
        return {}
    except ApiError as exc:
        if _is_of_kind(client, exc):
            return exc
        if exc.status != 403:
            raise
        where = f"in {namespace}" if namespace else "of all namespaces" if resource.namespaced else "of the cluster"
        return ApiError(403, exc.reason, f"listing {resource.plural} {where} is forbidden: {exc}", exc.details)
    return found


def _get(client: Client, job: _Get) -> Found | ApiError:
    path = job.resource.path(job.ref.namespace, job.ref.name)
    try:
        return {job.ref: client.request("GET", path, accept=JSON if job.full else METADATA_ONLY)}
    except NotFound:
        return {}
    except ApiError as exc:
        if not _is_of_kind(client, exc):
            raise
        return exc


def _is_of_kind(client: Client, exc: ApiError) -> bool:
    """Whether only what was asked for cannot be read, and the server goes on: whoever answers for the kind is away, or
    the webhook that converts its objects."""
    return (exc.status >= 500 or is_unreadable(exc)) and exc is not client.given_up
