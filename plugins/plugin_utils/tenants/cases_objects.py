# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a tenant stores, marks and puts in the way: what is refused, and what is allowed beside it. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from .bounds import Bounds
from .cases import Case, Object, Row, budget, cases, claim, config_map, pod, service, workload

OTHER = "vcci-forbidden"
LABEL, MARK, FINALIZER = "label not allowed", "annotation not allowed", "finalizer not allowed"
CLASS, DATA = "storage class not allowed", "data not allowed"
BETA = "volume.beta.kubernetes.io/storage-class"


def object_cases(image: str, bounds: Bounds) -> Iterator[Case]:
    yield from cases("a claim", "v1", "persistentvolumeclaims", claim(_class(bounds)), _claims(bounds))
    yield from cases("a ConfigMap", "v1", "configmaps", config_map(), [*_sizes(bounds), *_marks(), *_finalizers()])
    yield from cases("a Secret", "v1", "secrets", config_map(), _secrets(bounds))
    yield from cases("a budget", "policy/v1", "poddisruptionbudgets", budget(), _budgets())
    kinds = (
        ("a pod", "v1", "pods", pod(image)),
        ("a Service", "v1", "services", service()),
        ("a ServiceAccount", "v1", "serviceaccounts", config_map()),
        ("a Deployment", "apps/v1", "deployments", workload(image)),
    )
    for kind in kinds:
        yield from cases(*kind, _on_every_kind())


def _class(bounds: Bounds) -> str:
    return next(iter(bounds.storage_classes), OTHER)


def _claims(bounds: Bounds) -> list[Row]:
    def annotated(key: str, value: str) -> Object:
        return {"metadata": {"annotations": {key: value}}}

    rows: list[Row] = [("another class", {"spec": {"storageClassName": OTHER}}, f"{CLASS}: {OTHER}")]
    rows.append(("no class", {"spec": {"storageClassName": ""}}, f"{CLASS}: .none."))
    if not bounds.storage_classes:
        return rows
    node, marked = "volume.kubernetes.io/selected-node", "annotation not allowed: "
    attributes = "volumeAttributesClassName not allowed: vcci-forbidden"
    return [
        *rows,
        ("its own class", {}, ""),
        ("its own class, and another as it was said before", annotated(BETA, OTHER), f"{CLASS}: {OTHER}"),
        ("its own class as it was said before", annotated(BETA, _class(bounds)), ""),
        ("a volume that is there", {"spec": {"volumeName": "somebodys"}}, "volumeName not allowed: somebodys"),
        ("volumes with a label", {"spec": {"selector": {"matchLabels": {"a": "b"}}}}, "selector not allowed"),
        ("a node", annotated(node, "node-1"), f"{marked}{node}"),
        ("bound already", annotated("pv.kubernetes.io/bind-completed", "yes"), f"{marked}pv.kubernetes.io"),
        ("attributes of a class", {"spec": {"volumeAttributesClassName": OTHER}}, attributes),
    ]


def _sizes(bounds: Bounds) -> list[Row]:
    most = bounds.max_object_bytes
    wide = "ä" * (most // 2 + 1)  # more bytes than characters
    over = f"{DATA}: {most + 1}; bytes of an object of this tenant are at most {most}"
    both = {"data": {"a": "x" * (most - 100)}, "binaryData": {"b": _encoded(101)}}
    return [
        ("as it should be", {}, ""),
        ("as many bytes as may be", {"data": {"a": "x" * (most - 10), "b": "x" * 10}}, ""),
        ("a byte more", {"data": {"a": "x" * (most - 10), "b": "x" * 11}}, over),
        ("more bytes than characters", {"data": {"a": wide}}, DATA),
        ("as many bytes that are no text", {"binaryData": {"a": _encoded(most)}}, ""),
        ("a byte more that is no text", {"binaryData": {"a": _encoded(most + 1)}}, over),
        ("a byte more of both", both, over),
    ]


def _secrets(bounds: Bounds) -> list[Row]:
    most, account = bounds.max_object_bytes, {"kubernetes.io/service-account.name": "default"}
    token = {"type": "kubernetes.io/service-account-token", "metadata": {"annotations": account}}
    return [
        ("as it should be", {"stringData": {"a": "b"}}, ""),
        ("as many bytes as may be", {"stringData": {"a": "x" * most}}, ""),
        ("a byte more", {"stringData": {"a": "x" * (most + 1)}}, DATA),
        ("a byte more, encoded", {"data": {"a": _encoded(most + 1)}}, DATA),
        ("an endless token", token, "type not allowed: kubernetes.io/service-account-token"),
        ("a type of its own", {"type": "example.com/own"}, ""),
    ]


def _encoded(size: int) -> str:
    return base64.b64encode(b"\xff" * size).decode()


def _budgets() -> list[Row]:
    rows: list[Row] = []
    for field, refused, allowed in (
        ("maxUnavailable", (0, "0%", "00%"), (1, "1%", "50%")),
        ("minAvailable", ("100%", "101%"), (0, 1, "50%", "99%")),
    ):
        rows += [(f"{field} {value}", {"spec": {field: value}}, f"{field} not allowed: {value}") for value in refused]
        rows += [(f"{field} {value}", {"spec": {field: value}}, "") for value in allowed]
    # The API server itself refuses more than all.
    return [(name, change, refusal and f"{refusal}|must not be greater than 100%") for name, change, refusal in rows]


# --- what the platform knows its own by ---------------------------------------------------------------------------
def _labelled(key: str, value: str) -> Object:
    return {"metadata": {"labels": {key: value}}}


def _marks() -> list[Row]:
    us, mine = "app.kubernetes.io/managed-by", _labelled("tenant.vcci.io/published", "true")
    annotated: dict[str, Any] = {"metadata": {"annotations": {"tenant.vcci.io/before-suspension": "3"}}}
    return [
        ("of the platform", _labelled(us, "greenlang.vcci"), f"{LABEL}: {us}"),
        ("of a set", _labelled("applyset.kubernetes.io/part-of", "applyset-x-v1"), f"{LABEL}: applyset"),
        ("a label of the platform", _labelled("tenant.vcci.io/other", "x"), f"{LABEL}: tenant.vcci.io/other"),
        ("an annotation of the platform", annotated, f"{MARK}: tenant.vcci.io/before-suspension"),
        ("of another tenant", _labelled("tenant", OTHER), "tenant label not allowed"),
        ("of Helm", _labelled(us, "Helm"), ""),
        ("published", mine, ""),
        ("a component", _labelled("app.kubernetes.io/component", "tenant"), ""),
    ]


def _finalizers() -> list[Row]:
    forbidden = ("example.com/stay", "service.kubernetes.io/load-balancer-cleanup", "kubernetes.example.com/x")
    known = ("kubernetes.io/pvc-protection", "batch.kubernetes.io/job-tracking", "foregroundDeletion", "orphan")
    refused = [(f"finalizer {name}", _finalized(name), f"{FINALIZER}: {name}") for name in forbidden]
    return [*refused, *((f"finalizer {name}", _finalized(name), "") for name in known)]


def _finalized(name: str) -> Object:
    return {"metadata": {"finalizers": [name]}}


def _on_every_kind() -> list[Row]:
    of_us, about, tenant, published = (_marks()[number] for number in (0, 3, 4, 6))
    return [of_us, about, tenant, published, _finalizers()[0]]
