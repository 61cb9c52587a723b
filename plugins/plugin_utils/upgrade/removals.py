# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which versions of Kubernetes' own APIs are served no more, from which minor on. Pure: a table.

Sources: `APILifecycleDeprecated`, `…Removed` and `…Replacement` of every type in k8s.io/api v0.37.2,
k8s.io/apiextensions-apiserver and k8s.io/kube-aggregator (zz_generated.prerelease-lifecycle.go;
tests/unit/upgrade/test_removals.py compares); for types that are not even in there any more, the first rows,
kubernetes.io/docs/reference/using-api/deprecation-guide. Minors of the future are upstream's plan.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Removal:
    """`kind` of `api_version` is deprecated and removed from these minors on; `instead` is its successor, or empty."""

    api_version: str
    kind: str
    deprecated: int
    removed: int
    instead: str


# apiVersion, deprecated, removed, the successor's apiVersion (a version alone is of the same group), kinds
GONE = (
    ("autoscaling/v2beta1", 22, 25, "v2", "HorizontalPodAutoscaler"),
    ("autoscaling/v2beta2", 23, 26, "v2", "HorizontalPodAutoscaler"),
    ("batch/v2alpha1", 8, 21, "v1", "CronJob"),
    ("extensions/v1beta1", 11, 16, "", "PodSecurityPolicy"),
    ("flowcontrol.apiserver.k8s.io/v1alpha1", 20, 21, "v1", "FlowSchema PriorityLevelConfiguration"),
    ("policy/v1beta1", 21, 25, "", "PodSecurityPolicy"),
)
KNOWN = (
    ("apps/v1beta1", 8, 16, "v1", "ControllerRevision Deployment DeploymentRollback StatefulSet"),
    ("apps/v1beta1", 8, 16, "autoscaling/v1", "Scale"),
    ("apps/v1beta2", 9, 16, "v1", "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet"),
    ("apps/v1beta2", 9, 16, "autoscaling/v1", "Scale"),
    ("extensions/v1beta1", 2, 16, "", "Scale"),
    ("extensions/v1beta1", 8, 16, "", "DeploymentRollback"),
    ("extensions/v1beta1", 8, 16, "apps/v1", "DaemonSet Deployment ReplicaSet"),
    ("extensions/v1beta1", 9, 16, "networking.k8s.io/v1", "NetworkPolicy"),
    ("admission.k8s.io/v1beta1", 19, 22, "v1", "AdmissionReview"),
    ("admissionregistration.k8s.io/v1beta1", 16, 22, "v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1beta1", 16, 22, "v1", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io/v1beta1", 16, 22, "v1", "CustomResourceDefinition"),
    ("apiextensions.k8s.io/v1beta1", 19, 22, "v1", "ConversionReview"),
    ("apiregistration.k8s.io/v1beta1", 19, 22, "v1", "APIService"),
    ("authentication.k8s.io/v1beta1", 19, 22, "v1", "TokenReview"),
    ("authorization.k8s.io/v1beta1", 19, 22, "v1", "LocalSubjectAccessReview SelfSubjectAccessReview"),
    ("authorization.k8s.io/v1beta1", 19, 22, "v1", "SelfSubjectRulesReview SubjectAccessReview"),
    ("certificates.k8s.io/v1beta1", 19, 22, "v1", "CertificateSigningRequest"),
    ("coordination.k8s.io/v1beta1", 19, 22, "v1", "Lease"),
    ("extensions/v1beta1", 14, 22, "networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1beta1", 19, 22, "v1", "Ingress IngressClass"),
    ("rbac.authorization.k8s.io/v1beta1", 17, 22, "v1", "ClusterRole ClusterRoleBinding Role RoleBinding"),
    ("scheduling.k8s.io/v1beta1", 14, 22, "v1", "PriorityClass"),
    ("storage.k8s.io/v1beta1", 17, 22, "v1", "CSINode"),
    ("storage.k8s.io/v1beta1", 19, 22, "v1", "CSIDriver StorageClass VolumeAttachment"),
    ("storage.k8s.io/v1alpha1", 21, 24, "v1", "VolumeAttachment"),
    ("storage.k8s.io/v1alpha1", 21, 24, "v1beta1", "CSIStorageCapacity"),
    ("batch/v1beta1", 21, 25, "v1", "CronJob"),
    ("discovery.k8s.io/v1beta1", 21, 25, "v1", "EndpointSlice"),
    ("events.k8s.io/v1beta1", 22, 25, "", "Event"),
    ("node.k8s.io/v1beta1", 22, 25, "", "RuntimeClass"),
    ("policy/v1beta1", 21, 25, "v1", "PodDisruptionBudget"),
    ("policy/v1beta1", 22, 25, "", "Eviction"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", 23, 26, "v1beta3", "FlowSchema PriorityLevelConfiguration"),
    ("storage.k8s.io/v1beta1", 24, 27, "v1", "CSIStorageCapacity"),
    ("flowcontrol.apiserver.k8s.io/v1beta2", 26, 29, "v1beta3", "FlowSchema PriorityLevelConfiguration"),
    ("admissionregistration.k8s.io/v1alpha1", 29, 32, "", "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"),
    ("authentication.k8s.io/v1alpha1", 29, 32, "", "SelfSubjectReview"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", 29, 32, "v1", "FlowSchema PriorityLevelConfiguration"),
    ("authentication.k8s.io/v1beta1", 30, 33, "", "SelfSubjectReview"),
    ("admissionregistration.k8s.io/v1beta1", 31, 34, "", "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"),
    ("apidiscovery.k8s.io/v2beta1", 32, 35, "", "APIGroupDiscovery"),
    ("storage.k8s.io/v1alpha1", 32, 35, "v1", "VolumeAttributesClass"),
    ("certificates.k8s.io/v1alpha1", 34, 37, "", "ClusterTrustBundle"),
    ("networking.k8s.io/v1beta1", 34, 37, "", "IPAddress ServiceCIDR"),
    ("storage.k8s.io/v1beta1", 34, 37, "v1", "VolumeAttributesClass"),
    ("admissionregistration.k8s.io/v1alpha1", 35, 38, "", "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"),
    ("coordination.k8s.io/v1alpha2", 35, 38, "", "LeaseCandidate"),
    ("resource.k8s.io/v1beta1", 35, 38, "", "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice"),
    ("coordination.k8s.io/v1beta1", 36, 39, "", "LeaseCandidate"),
    ("resource.k8s.io/v1alpha3", 36, 39, "", "DeviceTaintRule"),
    ("resource.k8s.io/v1beta2", 36, 39, "", "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice"),
    ("admissionregistration.k8s.io/v1beta1", 37, 40, "v1", "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"),
    ("certificates.k8s.io/v1beta1", 37, 40, "v1", "ClusterTrustBundle PodCertificateRequest"),
    ("storagemigration.k8s.io/v1beta1", 37, 40, "v1", "StorageVersionMigration"),
    ("resource.k8s.io/v1alpha3", 39, 42, "", "ResourcePoolStatusRequest"),
    ("resource.k8s.io/v1beta2", 39, 42, "", "DeviceTaintRule"),
    ("lifecycle.k8s.io/v1alpha1", 40, 43, "", "Eviction EvictionRequest"),
    ("scheduling.k8s.io/v1beta1", 40, 43, "", "PodGroup Workload"),
)


def _rows() -> list[Removal]:
    found = []
    for api_version, deprecated, removed, instead, kinds in (*GONE, *KNOWN):
        group = api_version.rpartition("/")[0]
        whole = f"{group}/{instead}" if instead and "/" not in instead else instead
        found += [Removal(api_version, kind, deprecated, removed, whole) for kind in kinds.split()]
    return found


REMOVALS = {(row.api_version, row.kind): row for row in _rows()}
