# Copyright (c) 2026 GreenLang. All rights reserved.
"""The pod that reads one volume of a tenant that is stopped, as the user who wrote it. Pure.

Pod Security restricted lets no pod read what its user may not: the reader runs as the user, and in the groups, of the
workload that has the volume. It mounts it read-only and sets no fsGroup, for which the kubelet would change the group
of every file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import fit

USER = 10001  # of the image, where no workload says another: a volume whose workload is gone has to be read as somebody
DATA = "/data"
# Sparse: a hole of exabytes in a file is not read.
COMMAND = ["tar", "--create", "--gzip", "--sparse", "--file", "-", "--directory", DATA]
COMMAND += ["--exclude", "./lost+found", "."]
# It writes nothing: what it reads is streamed. Every resource is said: a tenant's defaults are for a tenant's pods.
RESOURCES = {
    "requests": {"cpu": "10m", "memory": "32Mi", "ephemeral-storage": "0"},
    "limits": {"cpu": "500m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
}

Object = Mapping[str, Any]


def reader(
    name: str,
    namespace: str,
    image: str,
    claim: str,
    labels: Mapping[str, str],
    workloads: Iterable[Object],
    user: int | None = None,
) -> dict[str, Any]:
    """A pod that waits, with the volume at /data; `user` overrides what the workloads say."""
    context, tolerations = _like(claim, workloads)
    if user is not None:
        context["runAsUser"] = user
    container = {
        "name": "reader",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "infinity"],
        "resources": RESOURCES,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "volume", "mountPath": DATA, "readOnly": True}],
    }
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **context},
        "tolerations": tolerations,
        "containers": [container],
        "volumes": [{"name": "volume", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}],
    }
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name, **labels}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def fitting(bounds: Iterable[Object]) -> fit.Resources:
    """RESOURCES, within what these LimitRanges and ResourceQuotas let a container have."""
    return fit.fitting(RESOURCES, bounds)


def unreadable(claims: Iterable[Object]) -> list[str]:
    """Claims that hold no files."""
    return sorted(c["metadata"]["name"] for c in _kept(claims) if (c.get("spec") or {}).get("volumeMode") == "Block")


def bound(claims: Iterable[Object]) -> list[str]:
    """Claims that have a volume; the others hold nothing, and reading one would only have it made."""
    return sorted(c["metadata"]["name"] for c in _kept(claims) if (c.get("spec") or {}).get("volumeName"))


def _kept(claims: Iterable[Object]) -> Iterator[Object]:
    """Without those that somebody deleted, whatever holds them: that they go was decided."""
    return (claim for claim in claims if not claim["metadata"].get("deletionTimestamp"))


def _like(claim: str, workloads: Iterable[Object]) -> tuple[dict[str, Any], list[Any]]:
    """Security context and tolerations of a pod that sees the volume as the first workload that mounts it does."""
    for workload in sorted(workloads, key=lambda one: (one["kind"], one["metadata"]["name"])):
        spec = _template(workload)
        volume = next(_volumes_of(claim, workload, spec), None)
        if volume is not None:
            return _context(spec, volume), list(spec.get("tolerations") or [])
    return {"runAsUser": USER, "runAsGroup": USER}, []


def _context(spec: Object, volume: str) -> dict[str, Any]:
    """User and groups of the container that mounts a volume."""
    of_pod = spec.get("securityContext") or {}
    mounting = (c for c in spec.get("containers") or [] if _mounts(c, volume))
    own = next((c.get("securityContext") or {} for c in mounting), {})
    user, group = (own.get(key, of_pod.get(key)) for key in ("runAsUser", "runAsGroup"))
    groups = {*(of_pod.get("supplementalGroups") or []), *([of_pod["fsGroup"]] if "fsGroup" in of_pod else [])}
    context: dict[str, Any] = {"runAsUser": user or USER}
    if group is not None:
        context["runAsGroup"] = group
    if groups:
        context["supplementalGroups"] = sorted(groups)
    return context


def _mounts(container: Object, volume: str) -> bool:
    return any(mount["name"] == volume for mount in container.get("volumeMounts") or [])


def _template(workload: Object) -> Object:
    spec: Object = workload.get("spec") or {}
    if workload["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template: Object = (spec.get("template") or {}).get("spec") or {}
    return template


def _volumes_of(claim: str, workload: Object, spec: Object) -> Iterator[str]:
    """The names by which a workload's pods mount a claim: one they name, or one made for a pod of a StatefulSet."""
    for volume in spec.get("volumes") or []:
        if (volume.get("persistentVolumeClaim") or {}).get("claimName") == claim:
            yield volume["name"]
    for template in (workload.get("spec") or {}).get("volumeClaimTemplates") or []:
        begin, _dash, number = claim.rpartition("-")
        if number.isdigit() and begin == f"{template['metadata']['name']}-{workload['metadata']['name']}":
            yield template["metadata"]["name"]
