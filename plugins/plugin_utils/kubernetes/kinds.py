# Copyright (c) 2026 GreenLang. All rights reserved.
"""Kinds that every supported API server serves: their path and whether they live in a namespace. Pure.

Knowing these saves a discovery request in almost every run. Whatever is not here is asked of the server: discovery.py.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import InputError, brief


class Resource(NamedTuple):
    api_version: str
    kind: str
    plural: str
    namespaced: bool
    reports: bool = True  # its status is a subresource, which only controllers write; else it is a field as any other

    @property
    def group(self) -> str:
        return group_of(self.api_version)

    @property
    def base(self) -> str:
        return ("/api/" if "/" not in self.api_version else "/apis/") + self.api_version

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """InputError for what would lead elsewhere, and is the name of nothing."""
        for part in (namespace, name):
            if part and ("/" in part or "%" in part or part in (".", "..")):
                raise InputError(f"{self.kind} {brief(name or '')}: {brief(part)!r} can be no name: no /, no %")
        middle = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.base}{middle}/{self.plural}" + (f"/{name}" if name else "")


_NAMESPACED = {
    "v1": "ConfigMap Secret Service ServiceAccount PersistentVolumeClaim Pod ResourceQuota LimitRange Endpoints Event "
    "ReplicationController PodTemplate",
    "apps/v1": "Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision",
    "batch/v1": "Job CronJob",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "policy/v1": "PodDisruptionBudget",
    "networking.k8s.io/v1": "NetworkPolicy Ingress",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
    "coordination.k8s.io/v1": "Lease",
    "discovery.k8s.io/v1": "EndpointSlice",
}
_CLUSTER = {
    "v1": "Namespace Node PersistentVolume",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
    "storage.k8s.io/v1": "StorageClass CSIDriver CSINode VolumeAttachment",
    "scheduling.k8s.io/v1": "PriorityClass",
    "node.k8s.io/v1": "RuntimeClass",
    "networking.k8s.io/v1": "IngressClass",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1": "APIService",
    "admissionregistration.k8s.io/v1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration "
    "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
}


def plural_of(kind: str) -> str:
    lower = kind.lower()
    if lower == "endpoints":
        return lower
    if lower.endswith("s"):
        return lower + "es"
    if lower.endswith("y") and lower[-2] not in "aeiou":
        return lower[:-1] + "ies"
    return lower + "s"


def _table() -> dict[tuple[str, str], Resource]:
    table = {}
    for groups, namespaced in ((_NAMESPACED, True), (_CLUSTER, False)):
        for api_version, kinds in groups.items():
            for kind in kinds.split():
                table[(api_version, kind)] = Resource(api_version, kind, plural_of(kind), namespaced)
    return table


BUILT_IN = _table()
BUILT_IN_KINDS = frozenset(kind for _api_version, kind in BUILT_IN)


def group_of(api_version: str) -> str:
    return api_version.split("/", 1)[0] if "/" in api_version else ""


# Groups of the API server itself that have a dot. Others end alike: gateway.networking.k8s.io is of definitions.
_SERVERS = (
    "admissionregistration apiextensions apiregistration authentication authorization rbac.authorization certificates "
    "coordination discovery events flowcontrol.apiserver internal.apiserver networking node resource scheduling "
    "storage storagemigration"
)
_SERVERS_GROUPS = frozenset(f"{name}.k8s.io" for name in _SERVERS.split())


def is_built_in(group: str) -> bool:
    """Whether the API server itself serves this group, so that no CustomResourceDefinition can bring it."""
    return "." not in group or group in _SERVERS_GROUPS


def is_core_group(api_version: str) -> bool:
    return is_built_in(group_of(api_version))
