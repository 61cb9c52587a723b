# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every object of every kind that an API server keeps."""
from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from ..errors import NotFound, VcciError
from ..kubernetes.client import Client
from ..kubernetes.kinds import Resource

DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
CONCURRENCY = 8


def kinds(client: Client) -> list[Resource]:
    """Every kind that can be listed and deleted, in the version that the server prefers; an error when some are not known at the moment."""
    found: dict[tuple[str, str], Resource] = {}
    for path in ("/api", "/apis"):
        for group in client.request("GET", path, accept=DISCOVERY).get("items") or []:
            name = group["metadata"].get("name") or ""
            for version in group.get("versions") or []:
                api_version = f"{name}/{version['version']}" if name else version["version"]
                if version.get("freshness") == "Stale":
                    raise VcciError(f"the API {api_version} does not answer, so that nothing can be said of its objects; "
                                    f"see kubectl get apiservice {version['version']}.{name}")
                for entry in version.get("resources") or []:
                    if {"list", "delete"} <= set(entry["verbs"]):
                        found.setdefault((name, entry["resource"]), Resource(
                            api_version, entry["responseKind"]["kind"], entry["resource"], entry["scope"] == "Namespaced"))
    return sorted(found.values())


def in_namespace(client: Client, resources: list[Resource], namespace: str) -> list[dict]:
    """What is in a namespace."""
    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        parts = pool.map(lambda resource: list(_listed(client, resource, namespace)), [resource for resource in resources if resource.namespaced])
        return [item for part in parts for item in part]


def everywhere(client: Client, resources: list[Resource]) -> Iterator[dict]:
    """What is in the cluster, a page at a time."""
    for resource in resources:
        yield from _listed(client, resource)


def _listed(client: Client, resource: Resource, namespace: str | None = None) -> Iterator[dict]:
    try:
        for item in client.iter_list(resource, namespace):
            yield {"apiVersion": resource.api_version, "kind": resource.kind, **item}
    except NotFound:  # its definition went meanwhile
        return
