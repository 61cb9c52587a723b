# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects that are applied to measure how long that takes: tenants as people have them, and Secrets."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any

Objects = list[dict[str, Any]]


def tenant(name: str) -> Objects:
    """Ten objects, as a tenant has them."""
    meta = {"namespace": name, "labels": {"bench": "applyset"}}
    limits = {"type": "Container", "default": {"cpu": "100m", "memory": "128Mi"}}
    rbac = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"bench": "applyset"}}},
        *(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"settings-{i}", **meta},
                "data": {"tier": "gold", "number": str(i)},
            }
            for i in range(3)
        ),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", **meta}},
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "quota", **meta},
            "spec": {"hard": {"pods": "20", "requests.cpu": "4"}},
        },
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "limits", **meta},
            "spec": {"limits": [limits]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "default-deny", **meta},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": {"name": "reader", **meta},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "reader", **meta},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": name}],
        },
    ]


def tenants(names: list[str]) -> Objects:
    return list(itertools.chain.from_iterable(map(tenant, names)))


def secrets(names: list[str]) -> Objects:
    """Ten for each name, all in the namespace of the first, each with three values."""
    place = names[0]
    data = {key: base64.b64encode(f"value of {key}".encode()).decode() for key in ("user", "password", "address")}
    made: Objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}]
    for name, number in itertools.product(names, range(10)):
        metadata = {"name": f"{name}-{number}", "namespace": place}
        made.append({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    return made


SAMPLES: dict[str, Callable[[list[str]], Objects]] = {"tenants": tenants, "secrets": secrets}
