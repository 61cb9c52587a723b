# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is tried against the API server to prove that tenants are isolated: as a tenant's ServiceAccount, as its owner, and as ourselves. Pure.

Everything is tried in dry runs. A refusal counts only for the reason that is expected, and something is allowed beside each: or nothing is proved.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kubernetes import quantity as _quantity

NAME = "vcci-attempt"
FORBIDDEN = "is forbidden: User|cannot "  # of RBAC


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
    """A tenant's namespace: the owner of its Role admin, its quota and the most that a container may have."""

    namespace: str
    owner: Mapping | None = None
    hard: Mapping[str, str] = field(default_factory=dict)
    maximum: Mapping[str, str] = field(default_factory=dict)


def attempts(here: Target, there: str, image: str) -> Iterator[Attempt]:
    """From one tenant; `there` is another tenant's namespace."""
    own, other = f"/api/v1/namespaces/{here.namespace}", f"/api/v1/namespaces/{there}"
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{here.namespace}"

    def of(user: str, groups: tuple[str, ...], title: str):
        def make(name: str, method: str, path: str, body: Any = None, refusal: str = FORBIDDEN) -> Attempt:
            return Attempt(here.namespace, f"{title}: {name}", method, path, body, refusal, user, groups)
        return make

    account = of(f"system:serviceaccount:{here.namespace}:default",
                 ("system:serviceaccounts", f"system:serviceaccounts:{here.namespace}", "system:authenticated"), "service account")
    yield account("read pods of another tenant", "GET", f"{other}/pods")
    yield account("read secrets of another tenant", "GET", f"{other}/secrets")
    yield account("write to another tenant", "POST", f"{other}/configmaps", _config_map())
    yield account("read own secrets", "GET", f"{own}/secrets")
    yield account("list tenants", "GET", "/api/v1/namespaces")
    if here.owner is not None:
        group = here.owner["kind"] == "Group"
        owner = of("vcci-verify" if group else here.owner["name"],
                   (here.owner["name"], "system:authenticated") if group else ("system:authenticated",), "owner")
        yield owner("write to own namespace", "POST", f"{own}/configmaps", _config_map(), "")
        yield owner("write to another tenant", "POST", f"{other}/configmaps", _config_map())
        yield owner("raise own quota", "PATCH", f"{own}/resourcequotas/tenant-quota", {"spec": {"hard": {"pods": "100000"}}})
        yield owner("relabel own namespace", "PATCH", own, {"metadata": {"labels": {"tenant": "other"}}})
        yield owner("remove the default deny", "DELETE", f"/apis/networking.k8s.io/v1/namespaces/{here.namespace}/networkpolicies/default-deny")
        yield owner("grant itself more", "POST", f"{roles}/rolebindings", {
            "metadata": {"name": NAME}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [dict(here.owner)]})
        yield owner("give its service account a token again", "PATCH", f"{own}/serviceaccounts/default", {"automountServiceAccountToken": True},
                    "tenant label not allowed")
        yield owner("pass for another tenant", "POST", f"{own}/configmaps", _config_map({"tenant": "vcci-other"}), "tenant label not allowed")
    mine = of("", (), "admission")
    yield mine("a restricted pod", "POST", f"{own}/pods", _pod(image), "")
    yield mine("a privileged pod", "POST", f"{own}/pods", _pod(image, privileged=True), "violates PodSecurity")
    yield mine("a pod on the network of its node", "POST", f"{own}/pods", {**_pod(image), "spec": {**_pod(image)["spec"], "hostNetwork": True}},
               "violates PodSecurity")
    yield mine("pods over quota", "POST", f"{own}/pods", _large(image, here), "exceeded quota")
    yield mine("a forbidden image", "POST", f"{own}/pods", _pod("registry.forbidden.example/app:v1"), "registry not allowed")
    ingresses = f"/apis/networking.k8s.io/v1/namespaces/{here.namespace}/ingresses"
    yield mine("a forbidden host", "POST", ingresses, _ingress({"host": "www.forbidden.example"}), "host not allowed")
    yield mine("every host", "POST", ingresses, _ingress({}), "host not allowed")
    yield mine("a forbidden storage class", "POST", f"{own}/persistentvolumeclaims", {
        "metadata": {"name": NAME}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "forbidden", "resources": {"requests": {"storage": "1Mi"}}}},
        "storage class not allowed")
    yield mine("an address of somebody else", "POST", f"{own}/services", {
        "metadata": {"name": NAME}, "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.1"]}}, "externalIPs not allowed")
    yield mine("the label of another tenant", "PATCH", own, {"metadata": {"labels": {"tenant": "vcci-other"}}}, "tenant label not allowed")
    yield mine("another day of creation", "PATCH", own, {"metadata": {"annotations": {"tenant.vcci.io/created": "2000-01-01T00:00:00Z"}}},
               "tenant label not allowed")


def _config_map(labels: Mapping | None = None) -> dict:
    return {"metadata": {"name": NAME, "labels": dict(labels or {})}}


def _ingress(rule: Mapping) -> dict:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": NAME, "port": {"number": 80}}}}
    return {"metadata": {"name": NAME}, "spec": {"rules": [{**rule, "http": {"paths": [path]}}]}}


def _pod(image: str, privileged: bool = False, amounts: Mapping | None = None, containers: int = 1) -> dict:
    resources = dict(amounts or {"cpu": "1m", "memory": "8Mi"})
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {"metadata": {"name": NAME}, "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": f"c{number}", "image": image, "resources": {"requests": resources, "limits": resources},
                        "securityContext": {"privileged": True} if privileged else security} for number in range(containers)]}}


def _large(image: str, target: Target) -> dict:
    """A pod that no single container's limit forbids, and the quota does."""
    hard = _quantity.parse(target.hard.get("requests.memory", target.hard.get("limits.memory", "1Ti")))
    largest = _quantity.parse(target.maximum["memory"]) if "memory" in target.maximum else hard + 1
    amounts = {"cpu": "1m", "memory": _quantity.show(largest, True)}
    return _pod(image, amounts=amounts, containers=int(hard // largest) + 1)
