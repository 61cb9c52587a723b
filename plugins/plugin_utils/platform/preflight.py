# Copyright (c) 2026 GreenLang. All rights reserved.
"""Ask the control node and a cluster that somebody else made for what the platform needs; all lacks in one error."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from typing import Any

from ..applyset.workers import Workers
from ..errors import ApiError, ConfigError, ConnectionFailed, VcciError, brief
from ..kubernetes.client import Client
from .lacks import METRICS, Found, Lack, Wanted, of_cluster, of_control_node

CHECKS = ("variables", "programs", "version", "rights", "nodes", "storage_classes", "metrics", "network_policies")
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# What is written to the whole cluster, as group and plural.
WRITTEN = (
    ("", "namespaces"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"),
    ("scheduling.k8s.io", "priorityclasses"),
    ("", "secrets"),
    ("apps", "deployments"),
)


def check(connect: Callable[[], Client], wanted: Wanted, skip: Collection[str]) -> list[str]:
    """The checks that were made; VcciError with everything that is missing. Nothing is written."""
    lacks = of_control_node(wanted, [one["name"] for one in wanted.programs if shutil.which(one["name"]) is None])
    try:
        lacks += of_cluster(wanted, _look(connect()))
    except (ConfigError, ConnectionFailed) as exc:
        lacks.append(Lack("connection", f"cannot be asked: {brief(exc.message, 220)}", "set cluster_kubeconfig"))
    lacks = [lack for lack in lacks if lack.check not in skip]
    if lacks:
        lines = "\n".join(f"  - {lack.line}" for lack in lacks)
        number = f"{len(lacks)} things are" if len(lacks) > 1 else "1 thing is"
        message = f"this cluster is not ready for the platform: {number} missing, and nothing was written:\n{lines}"
        raise VcciError(message, [lack.line for lack in lacks])
    return [name for name in CHECKS if name not in skip]


def _look(client: Client) -> Found:
    """What may not be read is found missing, and the rights say why."""

    def listed(api_version: str, kind: str) -> list[Any]:
        try:
            return client.list(api_version, kind)
        except ApiError as exc:
            if exc.status in (403, 404):
                return []
            raise

    found = Found(version=client.version())
    jobs: list[Callable[[], list[Any]]] = [
        lambda: listed("v1", "Node"),
        lambda: listed("storage.k8s.io/v1", "StorageClass"),
        lambda: listed("apps/v1", "DaemonSet"),
        lambda: listed("apiregistration.k8s.io/v1", "APIService"),
        lambda: _denied(client),
    ]
    found.nodes, found.classes, found.daemon_sets, services, found.denied = Workers(8).map(lambda job: job(), jobs)
    found.metrics = next((one for one in services if one["metadata"]["name"] == METRICS), None)
    return found


def _denied(client: Client) -> list[str]:
    """What may not be done of all that is written."""
    if may(client, verb="*", group="*", resource="*"):
        return []
    asked = [(verb, group, plural) for group, plural in WRITTEN for verb in ("create", "patch", "delete")]
    answers = Workers(8).map(lambda one: may(client, verb=one[0], group=one[1], resource=one[2]), asked)
    denied: dict[str, list[str]] = {}
    for (verb, group, plural), allowed in zip(asked, answers, strict=True):
        if not allowed:
            denied.setdefault(f"{plural}.{group}" if group else plural, []).append(verb)
    return [f"{' or '.join(verbs)} {what}" for what, verbs in denied.items()]


def may(client: Client, **attributes: str) -> bool:
    """Whether who asks may do that: `verb`, `group`, `resource`, and whatever else a review takes."""
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = client.request("POST", REVIEWS, body=body)
    return bool((answer.get("status") or {}).get("allowed"))
