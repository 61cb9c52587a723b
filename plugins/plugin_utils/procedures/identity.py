# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which environment a cluster is for: it says so itself, and nothing is done to one of another."""

from __future__ import annotations

from ..applyset.options import ApplyOptions
from ..applyset.run import apply_set
from ..errors import VcciError, brief
from ..kubernetes.client import Client

NAME, NAMESPACE = "vcci-cluster-identity", "kube-system"


def compare(client: Client, environment: str) -> dict[str, str] | None:
    """What the cluster says of itself; None if nothing. VcciError if it is another environment's."""
    found = client.get("v1", "ConfigMap", NAME, NAMESPACE)
    if found is None:
        return None
    identity: dict[str, str] = found.get("data") or {}
    is_for, named = brief(identity.get("environment"), 30), brief(environment, 30)
    if identity.get("environment") != environment:
        raise VcciError(
            f"environment_name: {client.server} is the cluster of environment {is_for!r}, not of {named!r}; "
            f"nothing was changed. Remedy: use the inventory of {is_for!r}, or the kubeconfig of {named!r}; "
            f"to rehearse an environment on another cluster, set cluster_rehearsal and create that cluster for it."
        )
    return identity


def require(client: Client, environment: str) -> dict[str, str]:
    """The same of a cluster that must say something."""
    identity = compare(client, environment)
    if identity is None:
        raise VcciError(
            f"{client.server} was not prepared by this collection: it has no ConfigMap {NAMESPACE}/{NAME}. "
            f"Remedy: run the layer cluster first (site.yml, or playbooks/cluster.yml)."
        )
    return identity


def claim(client: Client, environment: str, *, check: bool) -> bool:
    """Have a cluster that says nothing say it; whether that changed anything."""
    wanted = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "data": {"environment": environment, "provider": "existing"},
    }
    return apply_set(client, [wanted], ApplyOptions(name="cluster-identity", namespace=NAMESPACE, check=check)).changed
