# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant → the objects that make it: the same seventeen for every tenant, so that nothing is left over when its data
changes. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..kubernetes import quantity
from ..labels import labels
from .access import access
from .cluster import ANNOTATION, CREATED, ID, NAME, TIER
from .policies import policies
from .quota import limit_range, resource_quota
from .settings import Settings
from .tenant import PREFIX, Tenant
from .tiers import Tier

Manifest = dict[str, Any]

COMPONENT = "tenant"
# What the admission policies (roles/tenant/templates/admission.yml.j2) allow there; its tenant cannot write them.
HOSTS, REGISTRIES, CLASSES = (ANNOTATION + key for key in ("hosts", "registries", "storage-classes"))
EGRESS = ANNOTATION + "egress"  # networks; without any its pods find no name outside (binaries/kubernetes/coredns)
QUOTA, LIMITS = "tenant-quota", "tenant-limits"
# A quota of the pods that name other namespaces in their affinity: none, or one such pod keeps everybody's off a node.
# It is no limit of the tier, and no report counts it.
CROSS_NAMESPACE = "tenant-cross-namespace"
SUSPENSION = "tenant-suspended"  # a quota beside the tenant's own: what is suspended stays so whatever its tier becomes
POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


class Bounds(NamedTuple):
    """What a tenant may have: the limits of its quota, and the annotations that say the fields of its contract."""

    hard: dict[str, str]
    written: dict[str, str]


def tenant_objects(tenant: Tenant, tier: Tier, bounds: Bounds, settings: Settings, created: str) -> Iterator[Manifest]:
    """The tenant's objects; `created` is the live annotation where there is one: set once, never changed."""
    common = labels(COMPONENT, settings.part_of, tenant=tenant.id)

    def named(name: str, ours: dict[str, str] = common) -> Manifest:
        return {"name": name, "namespace": tenant.namespace, "labels": ours}

    yield _namespace(tenant, tier, bounds, settings, created, common)
    of_its_tier = {**common, "tier": tenant.tier}
    yield resource_quota(named(QUOTA, of_its_tier), bounds.hard)
    yield resource_quota(named(CROSS_NAMESPACE), {"pods": "0"}, "CrossNamespacePodAffinity")
    yield limit_range(named(LIMITS, of_its_tier), tenant.overrides.limits.over(tier.limits))
    # The account that pods get unasked; made here, so that onboarding does not wait for the controller that makes it.
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named("default")}
    yield {**account, "automountServiceAccountToken": False}
    for name, spec in policies(tenant, bounds.hard, settings):
        yield {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": named(name),
            "spec": spec,
        }
    for name, granted in access(tenant):
        yield {**granted, "metadata": named(name)}


def suspension(tenant_id: str, part_of: str, pods: int) -> Manifest:
    """The quota that lets no more than so many pods run, whatever the tenant's own says."""
    ours = labels(SUSPENSION, part_of, tenant=tenant_id)
    return resource_quota({"name": SUSPENSION, "namespace": PREFIX + tenant_id, "labels": ours}, {"pods": str(pods)})


def _namespace(
    tenant: Tenant, tier: Tier, bounds: Bounds, settings: Settings, created: str, common: Mapping[str, str]
) -> Manifest:
    annotations = {
        **bounds.written,
        ID: tenant.id,
        NAME: tenant.name,
        TIER: tenant.tier,
        CREATED: created,
        HOSTS: ",".join(tenant.hosts),
        REGISTRIES: ",".join(dict.fromkeys((*settings.registries, *tenant.registries))),
        CLASSES: ",".join(_allowed_classes(tenant, tier)),
        EGRESS: ",".join(dict.fromkeys(rule.cidr for rule in tenant.egress)),
    }
    ours = {**common, "tenant-tier": tenant.tier, **POD_SECURITY}
    metadata = {"name": tenant.namespace, "labels": ours, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _allowed_classes(tenant: Tenant, tier: Tier) -> list[str]:
    amounts = {**tier.storage_classes, **tenant.storage_classes}
    return [name for name, amount in amounts.items() if quantity.parse(amount)]
