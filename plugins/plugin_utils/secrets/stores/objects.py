# Copyright (c) 2026 GreenLang. All rights reserved.
"""Reads the objects of many Secrets in a cluster, for the stores that write there."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ...applyset.options import CONCURRENCY
from ...errors import ApiError, NotFound
from ...kubernetes.client import Client
from ..wanted import Wanted

FEW = 16  # objects of a namespace that are read one by one; more are listed
Job = TypeVar("Job")
Done = TypeVar("Done")


def concurrently(function: Callable[[Job], Done], jobs: list[Job]) -> list[Done]:
    if len(jobs) < 2:
        return [function(job) for job in jobs]
    with ThreadPoolExecutor(max_workers=min(CONCURRENCY, len(jobs))) as pool:
        return list(pool.map(function, jobs))


def read_all(client: Client, api_version: str, kind: str, wanted: list[Wanted]) -> list[dict[str, Any] | None]:
    """What exists of these Secrets in this kind: read one by one, or listed where they are many and that is allowed."""
    groups: dict[str, list[Wanted]] = {}
    for secret in wanted:
        groups.setdefault(secret.namespace, []).append(secret)
    many = [namespace for namespace, group in groups.items() if len(group) > FEW]
    found: dict[str, dict[str, Any] | None] = {}
    for namespace, objects in zip(
        many, concurrently(lambda namespace: listed(client, api_version, kind, namespace), many), strict=True
    ):
        if objects is not None:
            del groups[namespace]
            found |= {f"{one['metadata']['namespace']}/{one['metadata']['name']}": one for one in objects}
    few = [secret for group in groups.values() for secret in group]
    read = concurrently(lambda one: client.get(api_version, kind, one.name, one.namespace), few)
    found |= zip(map(str, few), read, strict=True)
    return [found.get(str(secret)) for secret in wanted]


def listed(client: Client, api_version: str, kind: str, namespace: str) -> list[dict[str, Any]] | None:
    """All objects of a kind in a namespace; None where they may not be listed."""
    try:
        return client.list(api_version, kind, namespace)
    except NotFound:  # in check mode, before the kind SealedSecret is there
        return []
    except ApiError as exc:
        if exc.status != 403:
            raise
        return None
