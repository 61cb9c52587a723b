# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant → the objects that make it: the same fifteen for every tenant, so that nothing is left over when its data
changes. Pure.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..kubernetes import quantity
from ..labels import labels
from .cluster import ANNOTATION, CREATED, ID, NAME, TIER
from .egress import Egress
from .quota import limit_range, resource_quota
from .tenant import PREFIX, ROLES, Tenant
from .tiers import Tier

Manifest = dict[str, Any]

COMPONENT = "tenant"
# What the admission policies (roles/tenant/templates/admission.yml.j2) allow there; its tenant cannot write them.
HOSTS, REGISTRIES, CLASSES = (ANNOTATION + key for key in ("hosts", "registries", "storage-classes"))
QUOTA, LIMITS = "tenant-quota", "tenant-limits"
SUSPENSION = "tenant-suspended"  # a quota beside the tenant's own: what is suspended stays so whatever its tier becomes
POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}

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
_INTO_PODS: Manifest = {
    "apiGroups": [""],
    "resources": ["pods/exec", "pods/portforward", "pods/attach"],
    "verbs": ["create", "get"],
}
_ACCOUNTS: Manifest = {"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": _WRITE}
_RULES: dict[str, list[Manifest]] = {
    "viewer": [{**_WORKLOADS, "verbs": _READ}, _VIEW],
    "developer": [{**_WORKLOADS, "verbs": _WRITE}, _VIEW, _INTO_PODS],
    "admin": [{**_WORKLOADS, "verbs": _WRITE}, _VIEW, _INTO_PODS, _ACCOUNTS],
}


@dataclass(frozen=True)
class Settings:
    """What all tenants share."""

    part_of: str
    platform_namespace: str
    platform_api: tuple[tuple[str, int], ...]  # (label app, port of the pod)
    storage_classes: tuple[str, ...]
    registries: tuple[str, ...] = ()
    dns_ports: tuple[int, ...] = (53, 5353)


def tenant_objects(
    tenant: Tenant, tier: Tier, hard: Mapping[str, str], settings: Settings, created: str
) -> Iterator[Manifest]:
    """The tenant's objects; `created` is the live annotation where there is one: set once, never changed."""
    common = labels(COMPONENT, settings.part_of, tenant=tenant.id)

    def named(name: str, ours: dict[str, str] = common) -> Manifest:
        return {"name": name, "namespace": tenant.namespace, "labels": ours}

    yield _namespace(tenant, tier, settings, created, common)
    of_its_tier = {**common, "tier": tenant.tier}
    yield resource_quota(named(QUOTA, of_its_tier), hard)
    yield limit_range(named(LIMITS, of_its_tier), tenant.overrides.limits.over(tier.limits))
    # The account that pods get unasked; made here, so that onboarding does not wait for the controller that makes it.
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named("default")}
    yield {**account, "automountServiceAccountToken": False}
    for name, spec in (*_same_policies(settings), _declared_egress(tenant.egress)):
        yield {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": named(name),
            "spec": spec,
        }
    for role in ROLES:
        yield {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "Role",
            "metadata": named(f"tenant-{role}"),
            "rules": _RULES[role],
        }
        yield {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": named(f"tenant-{role}"),
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": f"tenant-{role}"},
            "subjects": _subjects(tenant, role),
        }


def suspension(tenant_id: str, part_of: str, pods: int) -> Manifest:
    """The quota that lets no more than so many pods run, whatever the tenant's own says."""
    ours = labels(SUSPENSION, part_of, tenant=tenant_id)
    return resource_quota({"name": SUSPENSION, "namespace": PREFIX + tenant_id, "labels": ours}, {"pods": str(pods)})


def _namespace(tenant: Tenant, tier: Tier, settings: Settings, created: str, common: Mapping[str, str]) -> Manifest:
    annotations = {
        ID: tenant.id,
        NAME: tenant.name,
        TIER: tenant.tier,
        CREATED: created,
        HOSTS: ",".join(tenant.hosts),
        REGISTRIES: ",".join(dict.fromkeys((*settings.registries, *tenant.registries))),
        CLASSES: ",".join(_allowed_classes(tenant, tier)),
    }
    ours = {**common, "tenant-tier": tenant.tier, **POD_SECURITY}
    metadata = {"name": tenant.namespace, "labels": ours, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _allowed_classes(tenant: Tenant, tier: Tier) -> list[str]:
    amounts = {**tier.storage_classes, **tenant.storage_classes}
    return [name for name, amount in amounts.items() if quantity.parse(amount)]


def _subjects(tenant: Tenant, role: str) -> list[Manifest]:
    owners = (owner for owner in tenant.owners if owner.role == role)
    return [{"apiGroup": _RBAC, "kind": owner.kind, "name": owner.name} for owner in owners]


# --- network policies ---------------------------------------------------------------------------------------------
@functools.cache
def _same_policies(settings: Settings) -> tuple[tuple[str, Manifest], ...]:
    """Those that are the same in every tenant's namespace."""
    everyone: Manifest = {"podSelector": {}}
    dns_ports: list[Manifest] = []
    for port in settings.dns_ports:
        dns_ports += [{"port": port, "protocol": protocol} for protocol in ("UDP", "TCP")]
    dns = {"to": [_pods("kube-system", {"k8s-app": "kube-dns"})], "ports": dns_ports}
    own = {"ingress": [{"from": [everyone]}], "egress": [{"to": [everyone]}]}
    api = [_to_platform(settings.platform_namespace, app, port) for app, port in settings.platform_api]
    return (
        ("default-deny", {**everyone, "policyTypes": ["Ingress", "Egress"]}),
        ("allow-dns", {**everyone, "policyTypes": ["Egress"], "egress": [dns]}),
        ("allow-own-namespace", {**everyone, "policyTypes": ["Ingress", "Egress"], **own}),
        ("allow-platform-api", {**everyone, "policyTypes": ["Egress"], "egress": api}),
    )


def _declared_egress(declared: tuple[Egress, ...]) -> tuple[str, Manifest]:
    """There without rules too: a policy that allows nothing more, which the next declaration fills."""
    rules = [_to_network(rule) for rule in declared]
    return "allow-declared-egress", {"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}


def _to_network(rule: Egress) -> Manifest:
    block: Manifest = {"cidr": rule.cidr}
    if rule.excepted:
        block["except"] = list(rule.excepted)
    ports = [{"port": port, "protocol": protocol} for protocol, port in rule.ports]
    return {"to": [{"ipBlock": block}], "ports": ports}


def _to_platform(namespace: str, app: str, port: int) -> Manifest:
    return {"to": [_pods(namespace, {"app": app})], "ports": [{"port": port, "protocol": "TCP"}]}


def _pods(namespace: str, matching: Mapping[str, str]) -> Manifest:
    there = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return {"namespaceSelector": there, "podSelector": {"matchLabels": dict(matching)}}
