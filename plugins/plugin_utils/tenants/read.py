# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is said about tenants and quotas: by a directory of files, and by the cluster."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..applyset import manifests
from ..errors import InputError, NotFound
from ..kubernetes import quantity
from ..kubernetes.client import Client
from ..labels import COMPONENT, OURS
from . import namespaces as _namespaces
from . import objects, record
from .cluster import ANNOTATION, Cluster, Namespace
from .counts import KINDS
from .problems import Problems
from .quota import allocatable

OF_TENANTS = f"{OURS},{COMPONENT} in ({objects.COMPONENT}, {objects.SUSPENSION})"


# --- files --------------------------------------------------------------------------------------------------------
def read_directory(directory: str, problems: Problems) -> list[tuple[str, Any]]:
    """One tenant a file, named <id>.yml, with the file as its place."""
    folder = Path(directory)
    if not folder.is_absolute():
        example = "'{{ inventory_dir }}/../../tenants'"
        problems.add("directory", f"must be an absolute path such as {example}, not {directory!r}")
        return []
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in (".yml", ".yaml") and path.name[0] != ".")
    except OSError as exc:
        problems.add(f"directory {directory}", exc.strerror or str(exc))
        return []
    found: list[tuple[str, Any]] = []
    for path in files:
        found += _read_tenant(path, problems)
    return found


def _read_tenant(path: Path, problems: Problems) -> list[tuple[str, Any]]:
    where = str(path)
    try:
        values = [value for value, _source in manifests.parse(path.read_text(encoding="utf-8"), where)]
    except (OSError, UnicodeDecodeError) as exc:
        problems.add(where, f"cannot be read: {exc}")
        return []
    except InputError as exc:
        problems.found.append(exc.message)
        return []
    if len(values) != 1:
        problems.add(where, f"must hold one tenant, not {len(values)}")
        return []
    value = values[0]
    if isinstance(value, Mapping) and value.get("id") != path.stem:
        problems.add(where, f"holds the tenant {value.get('id')!r}; the file of a tenant is called <id>.yml")
    return [(where, value)]


# --- the cluster --------------------------------------------------------------------------------------------------
def read_tenants(
    client: Client, record_namespace: str, *, capacity: Mapping[str, Any] | None = None, nodes: bool = True
) -> Cluster:
    """Every namespace, each tenant's quota and use, who is suspended or being offboarded, and what the nodes offer."""
    cluster = Cluster(_read_namespaces(client), capacity=_read_capacity(client, capacity, nodes))
    for quota in client.iter_list(client.resource("v1", "ResourceQuota"), label_selector=OF_TENANTS):
        live = cluster.namespaces.get(quota["metadata"]["namespace"])
        if live is None:
            continue  # it came between the two lists
        if quota["metadata"]["name"] == objects.SUSPENSION:
            live.suspended = True
        if quota["metadata"]["name"] != objects.QUOTA:
            continue  # it is no limit of the tenant's tier
        live.hard, live.used = quota["spec"].get("hard") or {}, (quota.get("status") or {}).get("used") or {}
    records = client.list("v1", "ConfigMap", record_namespace, label_selector=f"{COMPONENT}={record.COMPONENT}")
    for config_map in records:
        cluster.offboarding[config_map["metadata"]["labels"]["tenant"]] = config_map["data"]["phase"]
    return cluster


def read_priorities(client: Client) -> dict[str, int]:
    """PriorityClass → value."""
    classes = client.list("scheduling.k8s.io/v1", "PriorityClass")
    return {item["metadata"]["name"]: item["value"] for item in classes}


def count_objects(client: Client, cluster: Cluster, uncounted: Mapping[str, Sequence[str]]) -> None:
    """What the API server has not counted yet, added to what is used: limit → namespaces."""
    for limit, namespaces in uncounted.items():
        try:
            resource = client.resource(*KINDS[limit])
        except NotFound:
            continue
        found = Counter(item["metadata"]["namespace"] for item in client.iter_list(resource, metadata_only=True))
        for namespace in namespaces:
            cluster.namespaces[namespace].used[limit] = str(found[namespace])


def read_quotas(client: Client, *, capacity: Mapping[str, Any] | None = None, nodes: bool = True) -> Cluster:
    """Every namespace, the limits that its tier gave it, what all its quotas have counted, and what the nodes offer."""
    cluster = Cluster(_read_namespaces(client), capacity=_read_capacity(client, capacity, nodes))
    for quota in client.iter_list(client.resource("v1", "ResourceQuota")):
        live = cluster.namespaces.get(quota["metadata"]["namespace"])
        spec = quota["spec"]
        if live is None or spec.get("scopes") or spec.get("scopeSelector"):
            continue  # one with a scope counts a part of what is there
        live.used.update((quota.get("status") or {}).get("used") or {})
        if quota["metadata"]["name"] == _namespaces.QUOTA:
            live.hard = spec.get("hard") or {}
    return cluster


def _read_namespaces(client: Client) -> dict[str, Namespace]:
    """All of them, since one that is not ours may have the name of a tenant's; of each only what is asked for later."""
    found: dict[str, Namespace] = {}
    for item in client.iter_list(client.resource("v1", "Namespace"), metadata_only=True):
        metadata = item["metadata"]
        said = metadata.get("annotations") or {}
        ours = {sys.intern(key): sys.intern(value) for key, value in said.items() if key.startswith(ANNOTATION)}
        found[metadata["name"]] = Namespace(ours, going=bool(metadata.get("deletionTimestamp")))
    return found


def _read_capacity(client: Client, given: Mapping[str, Any] | None, nodes: bool) -> dict[str, Fraction]:
    """What the nodes of the moment offer, and over it what is given."""
    said = {resource: quantity.parse(amount) for resource, amount in (given or {}).items()}
    return {**(allocatable(client.list("v1", "Node")) if nodes else {}), **said}
