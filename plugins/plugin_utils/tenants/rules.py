# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant's owner against every rule: what no Role gives, and what admission policies refuse, with what they allow
beside it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .attempts import FORBIDDEN, RBAC, Attempt, Target, person
from .cases import path
from .cases_network import network_cases
from .cases_objects import object_cases
from .cases_pods import pod_cases

# What no Role of a tenant lets it make in its own namespace, by API.
WITHIN = {
    "v1": (
        "bindings",
        "endpoints",
        "events",
        "limitranges",
        "resourcequotas",
        "replicationcontrollers",
        "podtemplates",
    ),
    "discovery.k8s.io/v1": ("endpointslices",),
    "coordination.k8s.io/v1": ("leases",),
    "networking.k8s.io/v1": ("networkpolicies",),
    f"{RBAC}/v1": ("roles", "rolebindings"),
    "resource.k8s.io/v1": ("resourceclaims", "resourceclaimtemplates"),
    "cert-manager.io/v1": ("certificates", "issuers"),
}
# And in no namespace.
OUTSIDE = {
    "v1": ("namespaces", "nodes", "persistentvolumes"),
    "scheduling.k8s.io/v1": ("priorityclasses",),
    "node.k8s.io/v1": ("runtimeclasses",),
    "storage.k8s.io/v1": ("storageclasses", "volumeattachments"),
    "networking.k8s.io/v1": ("ingressclasses",),
    "flowcontrol.apiserver.k8s.io/v1": ("flowschemas",),
    "apiextensions.k8s.io/v1": ("customresourcedefinitions",),
    "admissionregistration.k8s.io/v1": ("validatingadmissionpolicybindings", "mutatingwebhookconfigurations"),
    "certificates.k8s.io/v1": ("certificatesigningrequests",),
    f"{RBAC}/v1": ("clusterroles", "clusterrolebindings"),
}
# What would decide for a controller, the scheduler or a node; the names need not be there.
PARTS = (
    ("POST", "v1", "pods/x/binding", "place a pod"),
    ("POST", "v1", "pods/x/eviction", "evict a pod"),
    ("POST", "v1", "serviceaccounts/default/token", "make a token"),
    ("PATCH", "v1", "pods/x/ephemeralcontainers", "add a container to a pod"),
    ("PATCH", "v1", "pods/x/resize", "resize a pod"),
    ("PATCH", "v1", "pods/x/status", "say where a pod is"),
    ("PATCH", "v1", "services/x/status", "say where a load balancer is"),
    ("PATCH", "networking.k8s.io/v1", "ingresses/x/status", "say where an Ingress is"),
    ("PATCH", "apps/v1", "deployments/x/status", "say how a Deployment is"),
    ("PATCH", "v1", "persistentvolumeclaims/x/status", "say how large a claim is"),
)


def rules(here: Target, image: str) -> Iterator[Attempt]:
    """As an owner; nothing where the tenant has none."""
    if here.owner is None:
        return
    tried = [*pod_cases(image, here.bounds), *network_cases(here.bounds), *object_cases(image, here.bounds)]
    user, groups = person(here.owner)
    for attempt in _rights(here.namespace):
        yield replace(attempt, name=f"owner: {attempt.name}", user=user, groups=groups)
    for case in tried:
        where = case.path(here.namespace)
        yield Attempt(here.namespace, case.name, "POST", where, case.body, case.refusal, user, groups)


def _rights(here: str) -> Iterator[Attempt]:
    for api, resources in WITHIN.items():
        for resource in resources:
            yield Attempt(here, f"make {resource}", "POST", path(api, here, resource), {}, FORBIDDEN)
    for api, resources in OUTSIDE.items():
        for resource in resources:
            root = f"/apis/{api}" if "/" in api else f"/api/{api}"
            yield Attempt(here, f"make {resource}", "POST", f"{root}/{resource}", {}, FORBIDDEN)
    for method, api, resource, what in PARTS:
        yield Attempt(here, what, method, path(api, here, resource), {}, FORBIDDEN)
