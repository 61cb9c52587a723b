# Copyright (c) 2026 GreenLang. All rights reserved.
"""Read a platform: the records of its sets, what carries their labels, and what tells whether that is at work.

One LIST a kind for all sets together, whatever their number, side by side; of kinds that are there or not, and nothing
else, metadata only.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable, Iterable
from typing import Any

from ..applyset import members, membership
from ..applyset.manifests import Ref
from ..applyset.snapshot import ref_from
from ..applyset.workers import Workers
from ..errors import NotFound
from ..kubernetes import kstatus
from ..kubernetes.client import METADATA_ONLY, Client
from ..kubernetes.kinds import Resource
from ..labels import COMPONENT, TENANT
from . import patroni, strict
from .state import Object, Seen, Set

US = "greenlang.vcci"  # in the tooling annotation of our records
OFFBOARDING = "tenant-offboarding"  # component of the records of offboardings
TENANTS = "vcci-tenant-"  # what namespaces of tenants begin with
STRAYS = 200  # objects that are missing which are looked for without their label


def survey(client: Client, workers: Workers) -> Seen:
    """What is there at this moment."""
    seen = Seen(datetime.datetime.now(datetime.UTC))
    tenants = {one["metadata"]["name"] for one in client.list("v1", "Namespace", label_selector=TENANT)}
    seen.sets = _sets(client, tenants)
    seen.leaving = _leaving(client, seen.sets)
    _read_members(client, workers, seen)
    _read_strays(client, workers, seen)
    homes = sorted({ref.namespace for ref in seen.objects if ref.namespace} - tenants - seen.leaving)
    _read_beside(client, workers, seen, homes)
    return seen


def _sets(client: Client, tenants: set[str]) -> list[Set]:
    """Those of this collection; a tenant may write what it likes into its own namespace."""
    found = []
    for one in client.list("v1", "ConfigMap", label_selector=membership.ID):
        meta = one["metadata"]
        name, namespace, annotations = meta["name"], meta["namespace"], meta.get("annotations") or {}
        ours = US in str(annotations.get(membership.TOOLING))
        if not ours or namespace in tenants or meta["labels"][membership.ID] != membership.set_id(name, namespace):
            continue
        names, kinds = members.decoded(one), membership.recorded(one)[0]
        listed = frozenset(map(membership.parse_group_kind, kinds))
        found.append(
            Set(name, namespace, meta["labels"][membership.ID], None if names is None else frozenset(names), listed)
        )
    return sorted(found, key=lambda one: (_LAYERS.index(one.layer), one.namespace, one.name))


_LAYERS = ("cluster", "controllers", "secrets", "data", "apps", "observability", "tenant", "site")


def _leaving(client: Client, sets: list[Set]) -> set[str]:
    """Namespaces of tenants whose offboarding is recorded."""
    homes = sorted({one.namespace for one in sets})
    records: list[Object] = []
    for home in homes:
        records += client.list("v1", "ConfigMap", home, label_selector=f"{COMPONENT}={OFFBOARDING}")
    labels = [record["metadata"].get("labels") or {} for record in records]
    return {f"{TENANTS}{found[TENANT]}" for found in labels if found.get(TENANT)}


def _read_members(client: Client, workers: Workers, seen: Seen) -> None:
    kinds = {kind for one in seen.sets for kind in one.kinds}
    for one in seen.sets:
        kinds |= {(ref.group, ref.kind) for ref in one.names or ()}
    listings = workers.map(lambda kind: _list_kind(client, *kind), sorted(kinds))
    for kind, found in zip(sorted(kinds), listings, strict=True):
        if found is None:
            seen.unserved.add(kind)
        else:
            seen.objects.update(found)


def _list_kind(client: Client, group: str, kind: str) -> dict[Ref, Object] | None:
    """Every object of that kind that is of any set; None where the server does not serve it."""
    try:
        resource = client.preferred(group, kind)
        return {
            ref_from(resource, obj["metadata"]): obj
            for obj in _listed(client, resource, None, membership.PART_OF, not _is_judged(resource))
        }
    except NotFound:
        return None


def _listed(
    client: Client, resource: Resource, namespace: str | None, selector: str | None, names_only: bool
) -> Iterable[dict[str, Any]]:
    for obj in client.iter_list(resource, namespace, label_selector=selector, metadata_only=names_only):
        yield {**obj, "apiVersion": resource.api_version, "kind": resource.kind}


def _is_judged(resource: Resource) -> bool:
    """Whether more is asked of objects of this kind than to be there."""
    example = {"apiVersion": resource.api_version, "kind": resource.kind, "spec": {"type": "LoadBalancer"}}
    return (resource.group, resource.kind) in strict.RULES or kstatus.matters(example)


def _read_strays(client: Client, workers: Workers, seen: Seen) -> None:
    """Of what a record names and no LIST had: whether it is there without its label."""
    named = {ref for one in seen.sets for ref in one.names or ()}
    missing = sorted(ref for ref in named - set(seen.objects) if (ref.group, ref.kind) not in seen.unserved)

    def look(ref: Ref) -> dict[str, Any] | None:
        try:
            path = client.preferred(ref.group, ref.kind).path(ref.namespace, ref.name)
            return client.request("GET", path, accept=METADATA_ONLY)
        except NotFound:
            return None

    few = missing[:STRAYS]
    found = zip(few, workers.map(look, few), strict=True)
    seen.strays = {ref: obj for ref, obj in found if obj is not None}


def _read_beside(client: Client, workers: Workers, seen: Seen, homes: list[str]) -> None:
    """What is no member, and tells of members."""

    def of_homes(api_version: str, kind: str, names_only: bool = False, selector: str | None = None) -> list[Object]:
        resource = client.resource(api_version, kind)
        found: list[Object] = []
        for home in homes:
            found += _listed(client, resource, home, selector, names_only)
        return found

    jobs: list[Callable[[], list[Object]]] = [
        lambda: list(client.list("v1", "Node")),
        lambda: of_homes("v1", "PersistentVolumeClaim"),
        lambda: list(client.list("storage.k8s.io/v1", "StorageClass")),
        lambda: of_homes("discovery.k8s.io/v1", "EndpointSlice"),
        lambda: of_homes("batch/v1", "Job"),
        lambda: of_homes("v1", "Secret", names_only=True),
        lambda: of_homes("v1", "Pod", selector=patroni.CLUSTER),
    ]
    nodes, claims, classes, slices, runs, secrets, pods = workers.map(lambda job: job(), jobs)
    seen.nodes, seen.claims, seen.slices, seen.jobs, seen.patroni = nodes, claims, slices, runs, pods
    seen.binding = {one["metadata"]["name"]: str(one.get("volumeBindingMode") or "") for one in classes}
    seen.secrets = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in secrets}
    asked = {str((obj.get("spec") or {}).get("timeZone") or "") for obj in seen.objects.values()}
    for name in asked - {""}:
        try:
            seen.zones[name] = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            continue  # in UTC it is some hours off, and days are what counts
