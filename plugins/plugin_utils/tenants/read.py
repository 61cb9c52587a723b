# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is said about tenants: by a directory of files, and by the cluster."""
from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..applyset import manifests
from ..errors import InputError
from ..kubernetes import quantity as _quantity
from ..kubernetes.client import Client
from . import objects as _tenant_objects
from . import quota as _tenant_quota
from .offboarding_record import COMPONENT as OFFBOARDING
from .plan import Live
from .problems import Problems

SUSPENSION = "tenant-suspended"  # a quota of no pods beside the tenant's own: what is suspended stays so whatever its tier becomes
SELECTOR = f"app.kubernetes.io/managed-by={_tenant_objects.MANAGED_BY},app.kubernetes.io/component in ({_tenant_objects.COMPONENT}, {SUSPENSION})"


def read_directory(path: str, problems: Problems) -> list[tuple[str, Any]]:
    """One tenant a file, named <id>.yml, with the file as its place."""
    found = []
    if not os.path.isabs(path):
        problems.add("directory", f"must be an absolute path such as '{{{{ inventory_dir }}}}/../../tenants', not {path!r}")
        return []
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith((".yml", ".yaml")) and not name.startswith("."))
    except OSError as exc:
        problems.add(f"directory {path}", exc.strerror or str(exc))
        return []
    for name in names:
        where = os.path.join(path, name)
        try:
            with open(where, encoding="utf-8") as handle:
                values = [value for value, _source in manifests.parse(handle.read(), where)]
        except (OSError, UnicodeDecodeError) as exc:
            problems.add(where, f"cannot be read: {exc}")
            continue
        except InputError as exc:
            problems.found.append(exc.message)
            continue
        if len(values) != 1:
            problems.add(where, f"must hold one tenant, not {len(values)}")
            continue
        stem = os.path.splitext(name)[0]
        if isinstance(values[0], Mapping) and values[0].get("id") != stem:
            problems.add(where, f"holds the tenant {values[0].get('id')!r}; the file of a tenant is called <id>.yml")
        found.append((where, values[0]))
    return found


def read_live(client: Client, record_namespace: str, *, capacity: Mapping | None = None, nodes: bool = True) -> Live:
    """Every namespace, each tenant's quota and use, who is suspended, who is being or was offboarded, and what the nodes offer."""
    live = Live()
    # All namespaces, since one that is not ours may have the name of a tenant's; of each only what is asked for later.
    for item in client.iter_list(client.resource("v1", "Namespace"), metadata_only=True):
        live.namespaces[item["metadata"]["name"]] = {"metadata": {
            key: item["metadata"][key] for key in ("labels", "annotations", "deletionTimestamp") if key in item["metadata"]}}
    for quota in client.iter_list(client.resource("v1", "ResourceQuota"), label_selector=SELECTOR):
        where, status = quota["metadata"]["namespace"], quota.get("status") or {}
        if quota["metadata"]["name"] == SUSPENSION:
            live.suspended.add(where)
            continue
        live.hard[where], live.used[where] = quota["spec"].get("hard") or {}, status.get("used") or {}
    for record in client.list("v1", "ConfigMap", record_namespace, label_selector=f"app.kubernetes.io/component={OFFBOARDING}"):
        live.offboarding[record["metadata"]["labels"]["tenant"]] = record["data"]["phase"]
    if capacity is not None:
        live.capacity = {resource: _quantity.parse(amount) for resource, amount in capacity.items()}
    elif nodes:
        live.capacity = _tenant_quota.allocatable(client.list("v1", "Node"))
    return live
