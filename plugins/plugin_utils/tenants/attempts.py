# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is tried against the API server to prove that tenants are isolated. Pure.

It is tried as a tenant's ServiceAccount, as its owner, and as ourselves.

Everything is tried in dry runs. A refusal counts only for the reason that is expected, and something is allowed beside
each: or nothing is proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..kubernetes import quantity
from .bounds import Bounds
from .cases import NAME, Object, claim, config_map, container, ingress, merged, pod, service
from .objects import QUOTA

FORBIDDEN = "is forbidden: User|cannot "  # of RBAC
LABEL, HOST, SECURITY = "tenant label not allowed", "host not allowed", "violates PodSecurity"
RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Attempt:
    source: str
    name: str
    method: str
    path: str
    body: Any = None
    refusal: str = ""  # what the refusal must say; empty: it must be allowed
    user: str = ""
    groups: tuple[str, ...] = ()

    def verdict(self, refused: str | None) -> tuple[str, bool]:
        """What came of it, and whether that is right; `refused` is the server's message."""
        if refused is None:
            return "allowed", not self.refusal
        if self.refusal and re.search(self.refusal, refused):
            return "refused", True
        return "refused for another reason" if self.refusal else "refused", False


@dataclass(frozen=True)
class Target:
    """A tenant's namespace: the owner of its Role admin, its quota, the most that a container may have, what its
    annotations allow, and its LimitRanges."""

    namespace: str
    owner: Object | None = None
    hard: Mapping[str, str] = field(default_factory=dict)
    maximum: Mapping[str, str] = field(default_factory=dict)
    bounds: Bounds = field(default_factory=Bounds)
    ranges: tuple[Object, ...] = ()


def attempts(here: Target, there: str | None, image: str) -> Iterator[Attempt]:
    """From one tenant; `there` is another tenant's namespace, None where there is none to try."""
    account = ("system:serviceaccounts", f"system:serviceaccounts:{here.namespace}", "system:authenticated")
    elsewhere = [] if there is None else _elsewhere(here.namespace, there)
    for attempt in (*elsewhere, *_as_account(here.namespace)):
        user = f"system:serviceaccount:{here.namespace}:default"
        yield replace(attempt, name=f"service account: {attempt.name}", user=user, groups=account)
    if here.owner is not None:
        user, groups = person(here.owner)
        writing = [attempt for attempt in elsewhere if attempt.method == "POST"]
        for attempt in (*writing, *_as_owner(here.namespace, here.owner)):
            yield replace(attempt, name=f"owner: {attempt.name}", user=user, groups=groups)
    for attempt in (*_pods(here, image), *_other_objects(here.namespace)):
        yield replace(attempt, name=f"admission: {attempt.name}")


def person(owner: Object) -> tuple[str, tuple[str, ...]]:
    """User and groups of somebody who is the owner, or one of them."""
    name, of_group = owner["name"], owner["kind"] == "Group"
    return ("vcci-verify", (name, "system:authenticated")) if of_group else (name, ("system:authenticated",))


def _elsewhere(here: str, there: str) -> list[Attempt]:
    """What is another tenant's."""
    other = f"/api/v1/namespaces/{there}"
    return [
        Attempt(here, "read pods of another tenant", "GET", f"{other}/pods", None, FORBIDDEN),
        Attempt(here, "read secrets of another tenant", "GET", f"{other}/secrets", None, FORBIDDEN),
        Attempt(here, "write to another tenant", "POST", f"{other}/configmaps", config_map(), FORBIDDEN),
    ]


def _as_account(here: str) -> list[Attempt]:
    """What is not a pod's."""
    own = f"/api/v1/namespaces/{here}"
    return [
        Attempt(here, "read own secrets", "GET", f"{own}/secrets", None, FORBIDDEN),
        Attempt(here, "list tenants", "GET", "/api/v1/namespaces", None, FORBIDDEN),
    ]


def _as_owner(here: str, owner: Object) -> list[Attempt]:
    """Getting out of its own bounds."""
    own, configs = f"/api/v1/namespaces/{here}", f"/api/v1/namespaces/{here}/configmaps"
    policy = f"/apis/networking.k8s.io/v1/namespaces/{here}/networkpolicies/default-deny"
    bindings = f"/apis/{RBAC}/v1/namespaces/{here}/rolebindings"
    relabelled = {"metadata": {"labels": {"tenant": "other"}}}
    more = {
        "metadata": {"name": NAME},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [dict(owner)],
    }
    quota, quota_path = {"spec": {"hard": {"pods": "100000"}}}, f"{own}/resourcequotas/{QUOTA}"
    token, account_path = {"automountServiceAccountToken": True}, f"{own}/serviceaccounts/default"
    return [
        Attempt(here, "write to own namespace", "POST", configs, config_map()),
        Attempt(here, "raise own quota", "PATCH", quota_path, quota, FORBIDDEN),
        Attempt(here, "relabel own namespace", "PATCH", own, relabelled, FORBIDDEN),
        Attempt(here, "remove the default deny", "DELETE", policy, None, FORBIDDEN),
        Attempt(here, "grant itself more", "POST", bindings, more, FORBIDDEN),
        Attempt(here, "give its service account a token again", "PATCH", account_path, token, LABEL),
        Attempt(
            here,
            "pass for another tenant",
            "POST",
            configs,
            merged(config_map(), {"metadata": {"labels": {"tenant": "vcci-other"}}}),
            LABEL,
        ),
    ]


def _pods(here: Target, image: str) -> list[Attempt]:
    """Pods that admission must refuse whoever asks, and one that it must not."""
    own = f"/api/v1/namespaces/{here.namespace}/pods"
    restricted, forbidden = pod(image), pod("registry.forbidden.example/app:v1")
    privileged = merged(restricted, {"spec": {"containers": [container(image, securityContext={"privileged": True})]}})
    on_host = merged(restricted, {"spec": {"hostNetwork": True}})
    return [
        Attempt(here.namespace, "a restricted pod", "POST", own, restricted),
        Attempt(here.namespace, "a privileged pod", "POST", own, privileged, SECURITY),
        Attempt(here.namespace, "a pod on the network of its node", "POST", own, on_host, SECURITY),
        Attempt(here.namespace, "pods over quota", "POST", own, _large(image, here), "exceeded quota"),
        Attempt(here.namespace, "a forbidden image", "POST", own, forbidden, "registry not allowed"),
    ]


def _other_objects(here: str) -> list[Attempt]:
    own, ingresses = f"/api/v1/namespaces/{here}", f"/apis/networking.k8s.io/v1/namespaces/{here}/ingresses"
    addressed = merged(service(), {"spec": {"externalIPs": ["192.0.2.1"]}})
    other = {"metadata": {"labels": {"tenant": "vcci-other"}}}
    created = {"metadata": {"annotations": {"tenant.vcci.io/created": "2000-01-01T00:00:00Z"}}}
    claims, services = f"{own}/persistentvolumeclaims", f"{own}/services"
    foreign = "storage class not allowed"
    return [
        Attempt(here, "a forbidden host", "POST", ingresses, ingress("www.forbidden.example"), HOST),
        Attempt(here, "every host", "POST", ingresses, ingress(None), HOST),
        Attempt(here, "a forbidden storage class", "POST", claims, claim("forbidden"), foreign),
        Attempt(here, "an address of somebody else", "POST", services, addressed, "externalIPs not allowed"),
        Attempt(here, "the label of another tenant", "PATCH", own, other, LABEL),
        Attempt(here, "another day of creation", "PATCH", own, created, LABEL),
    ]


def _large(image: str, target: Target) -> dict[str, Any]:
    """A pod that no single container's limit forbids, and the quota does."""
    hard = quantity.parse(target.hard.get("requests.memory", target.hard.get("limits.memory", "1Ti")))
    largest = quantity.parse(target.maximum["memory"]) if "memory" in target.maximum else hard + 1
    amounts = {"cpu": "1m", "memory": quantity.show(largest, True)}
    resources = {"requests": amounts, "limits": amounts}
    numbers = range(int(hard // largest) + 1)
    several = [{**container(image, resources=resources), "name": f"c{number}"} for number in numbers]
    return merged(pod(image), {"spec": {"containers": several}})
