# Copyright (c) 2026 GreenLang. All rights reserved.
"""The pod that reads one volume of a tenant that is stopped, as the user who wrote it. Pure.

Pod Security restricted lets no pod read what its user may not: the reader runs as the user, and in the groups, of the workload that has the volume.
It mounts it read-only and sets no fsGroup, for which the kubelet would change the group of every file.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

USER = 10001  # of the image, where no workload says another
COMMAND = ["tar", "--create", "--gzip", "--file", "-", "--directory", "/data", "--exclude", "./lost+found", "."]


def reader(name: str, namespace: str, image: str, claim: str, labels: Mapping[str, str], workloads: Iterable[Mapping], user: int | None = None) -> dict:
    """A pod that waits, with the volume at /data; `user` overrides what the workloads say."""
    context, tolerations = _like(claim, workloads)
    if user is not None:
        context["runAsUser"] = user
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {"app": name, **labels}}, "spec": {
        "automountServiceAccountToken": False, "enableServiceLinks": False, "terminationGracePeriodSeconds": 1, "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **context}, "tolerations": tolerations,
        "containers": [{
            "name": "reader", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "infinity"],
            # It writes nothing: what it reads is streamed. Said of every resource, since a tenant's defaults are for a tenant's pods.
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi", "ephemeral-storage": "0"},
                          "limits": {"cpu": "500m", "memory": "128Mi", "ephemeral-storage": "64Mi"}},
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "volume", "mountPath": "/data", "readOnly": True}]}],
        "volumes": [{"name": "volume", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}]}}


def unreadable(claims: Iterable[Mapping]) -> list[str]:
    """Claims that hold no files."""
    return sorted(claim["metadata"]["name"] for claim in claims if (claim.get("spec") or {}).get("volumeMode") == "Block")


def bound(claims: Iterable[Mapping]) -> list[str]:
    """Claims that have a volume; the others hold nothing, and reading one would only have it made."""
    return sorted(claim["metadata"]["name"] for claim in claims if (claim.get("spec") or {}).get("volumeName"))


def _like(claim: str, workloads: Iterable[Mapping]) -> tuple[dict, list]:
    """Security context and tolerations of a pod that sees the volume as the first workload that mounts it does."""
    for workload in sorted(workloads, key=lambda one: (one["kind"], one["metadata"]["name"])):
        spec = _template(workload)
        for volume in _volumes_of(claim, workload, spec):
            context = spec.get("securityContext") or {}
            own = next((c.get("securityContext") or {} for c in spec.get("containers") or []
                        if any(mount["name"] == volume for mount in c.get("volumeMounts") or [])), {})
            found = {key: own.get(key, context.get(key)) for key in ("runAsUser", "runAsGroup")}
            groups = sorted({*(context.get("supplementalGroups") or []), *([context["fsGroup"]] if "fsGroup" in context else [])})
            return {"runAsUser": found["runAsUser"] or USER, **({"runAsGroup": found["runAsGroup"]} if found["runAsGroup"] is not None else {}),
                    **({"supplementalGroups": groups} if groups else {})}, spec.get("tolerations") or []
    return {"runAsUser": USER, "runAsGroup": USER}, []


def _template(workload: Mapping) -> Mapping:
    spec = workload.get("spec") or {}
    spec = (spec.get("jobTemplate") or {}).get("spec") or {} if workload["kind"] == "CronJob" else spec
    return (spec.get("template") or {}).get("spec") or {}


def _volumes_of(claim: str, workload: Mapping, spec: Mapping) -> Iterator[str]:
    """The names by which a workload's pods mount a claim: one they name, or one that was made for a pod of a StatefulSet."""
    for volume in spec.get("volumes") or []:
        if (volume.get("persistentVolumeClaim") or {}).get("claimName") == claim:
            yield volume["name"]
    for template in (workload.get("spec") or {}).get("volumeClaimTemplates") or []:
        begin, _dash, number = claim.rpartition("-")
        if number.isdigit() and begin == f"{template['metadata']['name']}-{workload['metadata']['name']}":
            yield template["metadata"]["name"]
