# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant → the objects that make it: the same fifteen for every tenant, so that nothing is left over when its data changes. Pure."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..kubernetes import quantity as _quantity
from .tenant import ROLES, Tenant
from .tiers import Limits, Tier

MANAGED_BY = "greenlang.vcci"
COMPONENT = "tenant"
ANNOTATION = "tenant.vcci.io/"
CREATED, ID, NAME, TIER = (ANNOTATION + key for key in ("created", "id", "name", "tier"))
# What the admission policies (roles/tenant/templates/admission.yml.j2) allow in the namespace; its tenant cannot write them.
HOSTS, REGISTRIES, CLASSES = (ANNOTATION + key for key in ("hosts", "registries", "storage-classes"))
QUOTA, LIMITS = "tenant-quota", "tenant-limits"
POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}

_RBAC = "rbac.authorization.k8s.io"
_READ, _WRITE = ["get", "list", "watch"], ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
# One rule for many groups: what a group does not have is nobody's, and a thousand tenants have three thousand of these Roles.
_WORKLOADS: dict = {
    "apiGroups": ["", "apps", "batch", "autoscaling", "policy", "networking.k8s.io"],
    "resources": ["pods", "services", "configmaps", "persistentvolumeclaims", "deployments", "deployments/scale", "statefulsets", "statefulsets/scale",
                  "replicasets", "daemonsets", "jobs", "cronjobs", "horizontalpodautoscalers", "poddisruptionbudgets", "ingresses"]}
# Quota, limits, policies and access are the platform's: a tenant's own people see them and change none of them.
_VIEW: dict = {
    "apiGroups": ["", "networking.k8s.io", "discovery.k8s.io", _RBAC],
    "resources": ["pods/log", "pods/status", "events", "serviceaccounts", "resourcequotas", "limitranges", "endpoints", "networkpolicies", "endpointslices",
                  "roles", "rolebindings"], "verbs": _READ}
_RULES: dict[str, list[dict]] = {
    "viewer": [{**_WORKLOADS, "verbs": _READ}, _VIEW],
    "developer": [{**_WORKLOADS, "verbs": _WRITE}, _VIEW,
                  {"apiGroups": [""], "resources": ["pods/exec", "pods/portforward", "pods/attach"], "verbs": ["create", "get"]}],
}
_RULES["admin"] = [*_RULES["developer"], {"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": _WRITE}]


@dataclass(frozen=True)
class Settings:
    """What all tenants share."""

    part_of: str
    platform_namespace: str
    platform_api: tuple[tuple[str, int], ...]  # (label app, port of the pod)
    storage_classes: tuple[str, ...]
    registries: tuple[str, ...] = ()
    dns_ports: tuple[int, ...] = (53, 5353)


def labels(tenant: Tenant, settings: Settings) -> dict[str, str]:
    return {"app.kubernetes.io/part-of": settings.part_of, "app.kubernetes.io/managed-by": MANAGED_BY,
            "app.kubernetes.io/component": COMPONENT, "tenant": tenant.id}


def tenant_objects(tenant: Tenant, tier: Tier, hard: Mapping[str, str], settings: Settings, created: str) -> Iterator[dict]:
    """The tenant's objects; `created` is the live annotation where there is one: set once, never changed."""
    common = labels(tenant, settings)

    def make(api_version: str, kind: str, name: str, extra: Mapping[str, str] | None = None, **content) -> dict:
        return {"apiVersion": api_version, "kind": kind,
                "metadata": {"name": name, "namespace": tenant.namespace, "labels": {**common, **extra} if extra else common}, **content}

    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": tenant.namespace,
        "labels": {**common, "tenant-tier": tenant.tier, **POD_SECURITY},
        "annotations": {ID: tenant.id, NAME: tenant.name, TIER: tenant.tier, CREATED: created,
                        HOSTS: ",".join(tenant.hosts), REGISTRIES: ",".join(dict.fromkeys((*settings.registries, *tenant.registries))),
                        CLASSES: ",".join(allowed_classes(tenant, tier))}}}
    yield make("v1", "ResourceQuota", QUOTA, {"tier": tenant.tier}, spec={"hard": dict(hard)})
    yield make("v1", "LimitRange", LIMITS, {"tier": tenant.tier}, spec={"limits": _limits(tenant.limits.over(tier.limits))})
    # The account that pods get unasked; made here, so that onboarding does not wait for the controller that makes it otherwise.
    yield make("v1", "ServiceAccount", "default", automountServiceAccountToken=False)
    for name, spec in _policies(tenant, settings):
        yield make("networking.k8s.io/v1", "NetworkPolicy", name, spec=spec)
    for role in ROLES:
        yield make(f"{_RBAC}/v1", "Role", f"tenant-{role}", rules=_RULES[role])
        yield make(f"{_RBAC}/v1", "RoleBinding", f"tenant-{role}",
                   roleRef={"apiGroup": _RBAC, "kind": "Role", "name": f"tenant-{role}"},
                   subjects=[{"apiGroup": _RBAC, "kind": owner.kind, "name": owner.name} for owner in tenant.owners if owner.role == role])


def allowed_classes(tenant: Tenant, tier: Tier) -> list[str]:
    return [name for name, amount in {**tier.storage_classes, **tenant.storage_classes}.items() if _quantity.parse(amount)]


def _limits(limits: Limits) -> list[dict]:
    found: list[dict] = []
    if limits.container:
        found.append({"type": "Container", **limits.container})
    if limits.max_volume is not None:
        found.append({"type": "PersistentVolumeClaim", "max": {"storage": limits.max_volume}})
    return found


def _policies(tenant: Tenant, settings: Settings) -> Iterator[tuple[str, dict]]:
    def namespace(name: str) -> dict:
        return {"matchLabels": {"kubernetes.io/metadata.name": name}}

    everyone: dict = {"podSelector": {}}
    yield "default-deny", {**everyone, "policyTypes": ["Ingress", "Egress"]}
    yield "allow-dns", {**everyone, "policyTypes": ["Egress"], "egress": [{
        "to": [{"namespaceSelector": namespace("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"port": port, "protocol": protocol} for port in settings.dns_ports for protocol in ("UDP", "TCP")]}]}
    yield "allow-own-namespace", {**everyone, "policyTypes": ["Ingress", "Egress"],
                                  "ingress": [{"from": [{"podSelector": {}}]}], "egress": [{"to": [{"podSelector": {}}]}]}
    yield "allow-platform-api", {**everyone, "policyTypes": ["Egress"], "egress": [
        {"to": [{"namespaceSelector": namespace(settings.platform_namespace), "podSelector": {"matchLabels": {"app": app}}}],
         "ports": [{"port": port, "protocol": "TCP"}]} for app, port in settings.platform_api]}
    # There without rules too: a policy that allows nothing more, which the next declaration fills.
    yield "allow-declared-egress", {**everyone, "policyTypes": ["Egress"], "egress": [
        {"to": [{"ipBlock": {"cidr": rule.cidr, **({"except": list(rule.excepted)} if rule.excepted else {})}}],
         "ports": [{"port": port, "protocol": protocol} for protocol, port in rule.ports]} for rule in tenant.egress]}
