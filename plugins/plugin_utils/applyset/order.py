# Copyright (c) 2026 GreenLang. All rights reserved.
"""In which order kinds are applied and pruned. Pure.

Within a phase everything is sent at once. A phase begins when the one before is done, so that nothing is refused for
want of something in the same set, and no pod starts before the quota, the policy and the configuration that it is meant
to live under.
"""

from __future__ import annotations

from ..kubernetes.kinds import BUILT_IN_KINDS

FOUNDATION, SURROUNDINGS, REST, GUARDS = range(4)
PHASE_NAMES = (
    "namespaces and definitions",
    "configuration, policy and access",
    "workloads",
    "admission and aggregation",
)

_PHASES = {
    FOUNDATION: "Namespace CustomResourceDefinition PriorityClass StorageClass RuntimeClass IngressClass CSIDriver",
    SURROUNDINGS: "ServiceAccount ClusterRole ClusterRoleBinding Role RoleBinding ResourceQuota LimitRange "
    "NetworkPolicy ConfigMap Secret PersistentVolume PersistentVolumeClaim Service PodDisruptionBudget",
    # What intercepts the requests of everybody else comes last: it would intercept ours while its server is not yet up.
    GUARDS: "MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy "
    "ValidatingAdmissionPolicyBinding APIService",
}
_PHASE_OF = {kind: phase for phase, kinds in _PHASES.items() for kind in kinds.split()}


def phase_of(kind: str, group: str = "") -> int:
    known = _PHASE_OF.get(kind)
    if known is not None and kind in BUILT_IN_KINDS:
        return known if not group or "." not in group or group.endswith(".k8s.io") else REST
    return REST
