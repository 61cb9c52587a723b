# Copyright (c) 2026 GreenLang. All rights reserved.
"""How many objects of each kind a tenant may have: of every kind that its Roles may create (access.py), or that a
controller makes for it. Pure.

Endpoints, EndpointSlices and what cert-manager makes of a request follow from what is counted here; Events end by
themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..kubernetes import quantity

# Where neither the tier nor the tenant says a number: enough for any, and a stop for what runs wild.
DEFAULTS = {
    "pods": 400,
    "services": 100,
    "configmaps": 1000,
    "secrets": 1000,
    "persistentvolumeclaims": 100,
    "count/serviceaccounts": 100,
    "count/deployments.apps": 150,
    "count/statefulsets.apps": 50,
    "count/daemonsets.apps": 100,
    "count/jobs.batch": 1000,
    "count/cronjobs.batch": 100,
    "count/horizontalpodautoscalers.autoscaling": 100,
    "count/poddisruptionbudgets.policy": 100,
    "count/ingresses.networking.k8s.io": 50,
}
# So many for each of others. Of pods, those that ended count too. A Deployment keeps 10 revisions by default, and has
# one more while it changes. cert-manager makes a Certificate of each entry of an Ingress, and a request at each try.
DERIVED = {
    "count/pods": (2, ("pods",)),
    "count/replicasets.apps": (12, ("count/deployments.apps",)),
    "count/controllerrevisions.apps": (12, ("count/statefulsets.apps", "count/daemonsets.apps")),
    "count/certificates.cert-manager.io": (2, ("count/ingresses.networking.k8s.io",)),
    "count/certificaterequests.cert-manager.io": (10, ("count/ingresses.networking.k8s.io",)),
}
# What each counts, where only the objects themselves tell how many there are: no quota has counted them yet.
KINDS = {
    "count/pods": ("v1", "Pod"),
    "count/serviceaccounts": ("v1", "ServiceAccount"),
    "count/deployments.apps": ("apps/v1", "Deployment"),
    "count/statefulsets.apps": ("apps/v1", "StatefulSet"),
    "count/daemonsets.apps": ("apps/v1", "DaemonSet"),
    "count/replicasets.apps": ("apps/v1", "ReplicaSet"),
    "count/controllerrevisions.apps": ("apps/v1", "ControllerRevision"),
    "count/jobs.batch": ("batch/v1", "Job"),
    "count/cronjobs.batch": ("batch/v1", "CronJob"),
    "count/horizontalpodautoscalers.autoscaling": ("autoscaling/v2", "HorizontalPodAutoscaler"),
    "count/poddisruptionbudgets.policy": ("policy/v1", "PodDisruptionBudget"),
    "count/ingresses.networking.k8s.io": ("networking.k8s.io/v1", "Ingress"),
    "count/certificates.cert-manager.io": ("cert-manager.io/v1", "Certificate"),
    "count/certificaterequests.cert-manager.io": ("cert-manager.io/v1", "CertificateRequest"),
}
_CORE = ("services", "configmaps", "secrets", "persistentvolumeclaims")  # a quota knows these by two names


def with_counts(hard: Mapping[str, str]) -> dict[str, str]:
    """These limits, and a count of every kind; one that is said already stays as it is."""
    whole = {name: str(number) for name, number in DEFAULTS.items() if not _is_said(name, hard)}
    whole = {**hard, **whole}
    for name, (each, of) in DERIVED.items():
        if name not in whole:
            whole[name] = str(each * sum(_number(whole[other]) for other in of))
    return whole


def _is_said(name: str, hard: Mapping[str, str]) -> bool:
    return name in hard or (name in _CORE and f"count/{name}" in hard)


def _number(amount: str) -> int:
    return int(quantity.parse(amount))
