# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a tenant's own people may do in its namespace: Roles, and bindings to its owners. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .tenant import ROLES, Tenant

Manifest = dict[str, Any]

_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = [*_READ, "create", "update", "patch", "delete", "deletecollection"]
_PARTS = ["pods", "services", "configmaps", "persistentvolumeclaims"]
_SETS = ["deployments", "deployments/scale", "statefulsets", "statefulsets/scale", "replicasets", "daemonsets"]
_RUNS = ["jobs", "cronjobs", "horizontalpodautoscalers", "poddisruptionbudgets", "ingresses"]
# One rule for many groups: what a group does not have is nobody's, and a thousand tenants have 3,000 of these Roles.
_WORKLOADS: Manifest = {
    "apiGroups": ["", "apps", "batch", "autoscaling", "policy", "networking.k8s.io"],
    "resources": [*_PARTS, *_SETS, *_RUNS],
}
_SEEN = ["pods/log", "pods/status", "events", "serviceaccounts"]
_BOUNDS = ["resourcequotas", "limitranges", "endpoints", "networkpolicies", "endpointslices", "roles", "rolebindings"]
# Quota, limits, policies and access are the platform's: a tenant's own people see them and change none of them.
_VIEW: Manifest = {
    "apiGroups": ["", "networking.k8s.io", "discovery.k8s.io", _RBAC],
    "resources": [*_SEEN, *_BOUNDS],
    "verbs": _READ,
}
# In a Role, `namespaces` is the Role's own: where a tenant sees its hosts, registries, classes and bounds.
_OWN_NAMESPACE: Manifest = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}
_METRICS: Manifest = {"apiGroups": ["metrics.k8s.io"], "resources": ["pods"], "verbs": ["get", "list"]}
_SEES = [_VIEW, _OWN_NAMESPACE, _METRICS]
_INTO_PODS: Manifest = {
    "apiGroups": [""],
    "resources": ["pods/exec", "pods/portforward", "pods/attach"],
    "verbs": ["create", "get"],
}
_ACCOUNTS: Manifest = {"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": _WRITE}
_RULES: dict[str, list[Manifest]] = {
    "viewer": [{**_WORKLOADS, "verbs": _READ}, *_SEES],
    "developer": [{**_WORKLOADS, "verbs": _WRITE}, *_SEES, _INTO_PODS],
    "admin": [{**_WORKLOADS, "verbs": _WRITE}, *_SEES, _INTO_PODS, _ACCOUNTS],
}


def access(tenant: Tenant) -> Iterator[tuple[str, Manifest]]:
    """Name, and what a Role and its RoleBinding of this name have beside their metadata."""
    for role in ROLES:
        name = f"tenant-{role}"
        yield name, {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "rules": _RULES[role]}
        reference = {"apiGroup": _RBAC, "kind": "Role", "name": name}
        binding = {"apiVersion": f"{_RBAC}/v1", "kind": "RoleBinding", "roleRef": reference}
        yield name, {**binding, "subjects": _subjects(tenant, role)}


def _subjects(tenant: Tenant, role: str) -> list[Manifest]:
    owners = (owner for owner in tenant.owners if owner.role == role)
    return [{"apiGroup": _RBAC, "kind": owner.kind, "name": owner.name} for owner in owners]
