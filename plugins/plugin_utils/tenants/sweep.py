# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every object of every kind that an API server keeps, and what of them a tenant that went has left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import NotFound, VcciError
from ..kubernetes.client import Client
from ..kubernetes.kinds import Resource
from ..waiting import until
from .leftovers import GOES, STAYS, described, fate, why_left
from .life import Life

DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
CONCURRENCY = 8
SHOWN = 20

Object = dict[str, Any]


# --- everything that is there -------------------------------------------------------------------------------------
def kinds(client: Client, timeout: float = 0, say: Callable[[str], None] | None = None) -> list[Resource]:
    """Every kind that can be listed and deleted, in the version that the server prefers.

    VcciError when some are not known: an API that a server of its own answers for may be away for a moment, for which
    it has so many seconds.
    """
    silent: list[str] = []

    def known() -> list[Resource]:
        silent.clear()
        found: dict[tuple[str, str], Resource] = {}
        for path in ("/api", "/apis"):
            for group in client.request("GET", path, accept=DISCOVERY).get("items") or []:
                name = group["metadata"].get("name") or ""
                for version in group.get("versions") or []:
                    silent.extend([f"{name}/{version['version']}"] if version.get("freshness") == "Stale" else [])
                    for resource in _served(name, version):
                        found.setdefault((name, resource.plural), resource)
        return [] if silent else sorted(found.values())

    def late(_waited: int) -> VcciError:
        see = f"see kubectl get apiservice, and delete that of {silent[0]} if nothing is to answer for it any more"
        what = f"the API {', '.join(silent)} does not answer, so that nothing can be said of its objects"
        return VcciError(f"{what}; {see}")

    return until(known, timeout, say, awaited=lambda: f"the API {', '.join(silent)} to answer", late=late)


def _served(group: str, version: Mapping[str, Any]) -> list[Resource]:
    number = version["version"]
    api_version = f"{group}/{number}" if group else number
    entries = [entry for entry in version.get("resources") or [] if {"list", "delete"} <= set(entry["verbs"])]
    return [
        Resource(api_version, entry["responseKind"]["kind"], entry["resource"], entry["scope"] == "Namespaced")
        for entry in entries
    ]


def in_namespace(client: Client, resources: list[Resource], namespace: str) -> Iterator[Object]:
    """What is in a namespace, a page at a time: a tenant may have filled it."""
    for resource in resources:
        if resource.namespaced:
            yield from _listed(client, resource, namespace)


def everywhere(client: Client, resources: list[Resource]) -> Iterator[Object]:
    """What is in the cluster, a page at a time."""
    for resource in resources:
        yield from _listed(client, resource)


def _listed(client: Client, resource: Resource, namespace: str | None = None) -> Iterator[Object]:
    try:
        for item in client.iter_list(resource, namespace):
            yield {"apiVersion": resource.api_version, "kind": resource.kind, **item}
    except NotFound:  # its definition went meanwhile
        return


# --- what is left -------------------------------------------------------------------------------------------------
def sweep(life: Life, resources: list[Resource], own_record: tuple[str, str]) -> tuple[int, int]:
    """Everywhere, until nothing is left of the tenant; how many kinds and objects were looked at."""
    life.say(f"looking through {len(resources)} kinds for what is left")
    left: list[str] = []

    def clean() -> tuple[int, int] | None:
        seen, found = _left(life, resources, own_record)
        left[:] = [text for _obj, _fate, text in found]
        stays = sorted(text for _obj, how, text in found if how == STAYS)
        if stays:
            what = "; ".join(stays[:SHOWN])
            raise VcciError(f"tenant {life.id}: somebody must decide about what is left, then run this again: {what}")
        for obj, how, _text in found:
            meta = obj["metadata"]
            if how == GOES and not meta.get("deletionTimestamp"):
                life.delete(obj["apiVersion"], obj["kind"], meta["name"], meta.get("namespace"))
        return None if found else (len(resources), seen)

    def late(waited: int) -> VcciError:
        what = f"{len(left)} objects do not go in {waited} s; remedy what holds them, and run this again"
        return VcciError(f"tenant {life.id}: {what}: {'; '.join(left[:SHOWN])}")

    return until(
        clean,
        life.wait_timeout,
        life.say,
        awaited=lambda: f"{len(left)} objects to go: {'; '.join(left[:3])}",
        late=late,
        pause=0.5,
        longest=10,
    )


def _left(
    life: Life, resources: list[Resource], own_record: tuple[str, str]
) -> tuple[int, list[tuple[Object, str, str]]]:
    """How many objects there are; each that was left over, what becomes of it, and how messages name it."""
    seen = 0
    found: list[tuple[Object, str, str]] = []
    for obj in everywhere(life.client, resources):
        seen += 1
        why = why_left(obj, life.id, life.namespace, own_record)
        if why is not None:
            found.append((obj, fate(obj, why, life.namespace), described(obj, why)))
    return seen, found
