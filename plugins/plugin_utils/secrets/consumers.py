# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who consumes a Secret: what pod templates refer to, and whether running pods are older than the values. No I/O here."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable

CHANGED = "vcci.greenlang.io/changed"  # on a SealedSecret: key to the time when its value last changed
RESTARTED = "kubectl.kubernetes.io/restartedAt"
RESTARTABLE = ("Deployment", "StatefulSet", "DaemonSet")
KINDS = (*(("apps/v1", kind) for kind in RESTARTABLE), ("batch/v1", "CronJob"))

Consumed = dict[str, "set[str] | None"]  # Secret to its keys, None for all of them


def pod_template(workload: dict) -> dict:
    spec = workload.get("spec") or {}
    return (spec.get("jobTemplate") or {}).get("spec", spec).get("template") or {}


def consumed(workload: dict) -> Consumed:
    """What the pods of a workload take from Secrets."""
    found: Consumed = {}

    def add(name: str | None, keys: Iterable[str] | None) -> None:
        if name:
            before = found.get(name, set())
            found[name] = None if keys is None or before is None else before | set(keys)

    spec = pod_template(workload).get("spec") or {}
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        for source in container.get("envFrom") or []:
            add((source.get("secretRef") or {}).get("name"), None)
        for variable in container.get("env") or []:
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef") or {}
            add(reference.get("name"), [reference.get("key", "")])
    for volume in spec.get("volumes") or []:
        secret = volume.get("secret") or {}
        sources = [{"name": secret.get("secretName"), "items": secret.get("items")}]
        sources += [source.get("secret") or {} for source in (volume.get("projected") or {}).get("sources") or []]
        for source in sources:
            items = source.get("items")
            add(source.get("name"), None if items is None else [item["key"] for item in items])
    for pull in spec.get("imagePullSecrets") or []:
        add(pull.get("name"), None)
    return found


def name_of(workload: dict) -> str:
    return f"{workload['kind']}/{workload['metadata']['name']}"


def consumers(workloads: list[dict], secret: str, keys: set[str] | None = None) -> list[dict]:
    """Of the workloads of one namespace, those that take any of these keys (any key, without them) from the Secret."""
    found = []
    for workload in workloads:
        uses = consumed(workload)
        taken = uses.get(secret, set())
        if secret in uses and (taken is None or keys is None or taken & keys):
            found.append(workload)
    return found


def pods_of(workload: dict, pods: list[dict]) -> list[dict]:
    wanted = (((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}).items()
    return [pod for pod in pods if wanted and wanted <= (pod["metadata"].get("labels") or {}).items() and not pod["metadata"].get("deletionTimestamp")]


def changed_at(sealed: dict | None) -> dict[str, str]:
    """When each key's value last changed, as a run of ours wrote it down."""
    text = (((sealed or {}).get("metadata") or {}).get("annotations") or {}).get(CHANGED)
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


def noted(sealed: dict | None, keys: Iterable[str], renewed: set[str]) -> dict[str, str]:
    """When each value last changed, as far as it is known; now, for those that are new."""
    now, before = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}", changed_at(sealed)
    return {key: now if key in renewed else before[key] for key in sorted(keys) if key in renewed or key in before}


def note(times: dict[str, str]) -> dict[str, str]:
    return {CHANGED: json.dumps(times)} if times else {}


def stale(workload: dict, pods: list[dict], secret: str, times: dict[str, str]) -> bool:
    """Whether a pod of it started before a value that it takes last changed."""
    taken = consumed(workload).get(secret, set())
    newest = max((when for key, when in times.items() if taken is None or key in taken), default="")
    return any(pod["metadata"].get("creationTimestamp", newest) < newest for pod in pods_of(workload, pods))
