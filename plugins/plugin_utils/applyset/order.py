# Copyright (c) 2026 GreenLang. All rights reserved.
"""In which order kinds are applied and pruned. Pure.

Within a phase everything is sent at once. A phase begins when the one before is done, so that nothing is refused for
want of something in the same set, and no pod starts before the quota, the policy and the configuration that it is meant
to live under. So a kind stands behind every kind that the server looks up when it is written (a role, for its binding),
and behind every kind without which a controller deletes it (an account, for its token) or does something else (a
volume, for a claim that would otherwise be given a new one).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ..kubernetes.kinds import is_built_in
from .manifests import Ref

FOUNDATION, IDENTITIES, SURROUNDINGS, REST, GUARDS, BINDINGS = range(6)
PHASE_NAMES = (
    "namespaces, definitions and classes",
    "accounts, roles and policy",
    "configuration and access",
    "workloads",
    "admission and aggregation",
    "bindings of admission",
)

_RBAC = "rbac.authorization.k8s.io"

# What intercepts the requests of everybody else comes last: it would intercept ours while its server is not yet up.
# Until its policy is there, a binding may be written only by who has every right.
_PHASES = {
    FOUNDATION: {
        "": "Namespace",
        "apiextensions.k8s.io": "CustomResourceDefinition",
        "scheduling.k8s.io": "PriorityClass",
        "storage.k8s.io": "StorageClass VolumeAttributesClass CSIDriver",
        "node.k8s.io": "RuntimeClass",
        "networking.k8s.io": "IngressClass ServiceCIDR",
        "resource.k8s.io": "DeviceClass",
        "flowcontrol.apiserver.k8s.io": "PriorityLevelConfiguration",
    },
    IDENTITIES: {
        "": "ServiceAccount ResourceQuota LimitRange PersistentVolume",
        _RBAC: "ClusterRole Role",
        "networking.k8s.io": "NetworkPolicy",
        "flowcontrol.apiserver.k8s.io": "FlowSchema",
    },
    SURROUNDINGS: {
        "": "ConfigMap Secret PersistentVolumeClaim Service",
        _RBAC: "ClusterRoleBinding RoleBinding",
        "policy": "PodDisruptionBudget",
        "resource.k8s.io": "ResourceClaim ResourceClaimTemplate",
    },
    GUARDS: {
        "admissionregistration.k8s.io": "MutatingWebhookConfiguration ValidatingWebhookConfiguration "
        "MutatingAdmissionPolicy ValidatingAdmissionPolicy",
        "apiregistration.k8s.io": "APIService",
    },
    BINDINGS: {"admissionregistration.k8s.io": "MutatingAdmissionPolicyBinding ValidatingAdmissionPolicyBinding"},
}


def _table() -> dict[tuple[str, str], int]:
    table = {}
    for phase, groups in _PHASES.items():
        for group, kinds in groups.items():
            table.update({(group, kind): phase for kind in kinds.split()})
    return table


_PHASE_OF = _table()


def phase_of(kind: str, group: str) -> int:
    """Classes of others (GatewayClass, EC2NodeClass) are looked up by their controllers: before what names them."""
    known = _PHASE_OF.get((group, kind))
    if known is not None:
        return known
    return SURROUNDINGS if kind.endswith("Class") and not is_built_in(group) else REST


# Admission looks these up in caches, which may not have seen yet what was written a moment ago.
_LOOKED_UP = (
    (re.compile(r'\bclusterroles\.rbac\.authorization\.k8s\.io "([^"]+)" not found'), _RBAC, "ClusterRole"),
    (re.compile(r'\broles\.rbac\.authorization\.k8s\.io "([^"]+)" not found'), _RBAC, "Role"),
    (re.compile(r"error looking up service account ([^/\s]+)/([^:\s]+):"), "", "ServiceAccount"),
    (re.compile(r"no PriorityClass with name (\S+) was found"), "scheduling.k8s.io", "PriorityClass"),
    (re.compile(r'RuntimeClass "?([^"\s]+)"? not found'), "node.k8s.io", "RuntimeClass"),
)


def is_on_its_way(error: str, of: Ref, brought: Collection[Ref]) -> bool:
    """Whether an object was refused for want of what is about to be there: what the set itself brought, or the account
    that a controller makes for each new namespace."""
    for pattern, group, kind in _LOOKED_UP:
        match = pattern.search(error)
        if match and kind == "ServiceAccount":
            return match[2] == "default" or Ref(group, kind, of.namespace, match[2]) in brought
        if match:
            return Ref(group, kind, of.namespace if kind == "Role" else "", match[1]) in brought
    return False
