# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who consumes a Secret: what pod templates refer to, and whether running pods are older than the values. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from . import notes
from .notes import CHANGED

RESTARTED = "kubectl.kubernetes.io/restartedAt"
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
RESTARTABLE = ("Deployment", "StatefulSet", "DaemonSet")
KINDS = (*(("apps/v1", kind) for kind in RESTARTABLE), ("batch/v1", "CronJob"))

Object = dict[str, Any]
Consumed = dict[str, "set[str] | None"]  # Secret to its keys, None for all of them


def pod_template(workload: Object) -> Object:
    """Of a CronJob it is one level deeper."""
    spec: Object = workload.get("spec") or {}
    inner: Object = (spec.get("jobTemplate") or {}).get("spec", spec)
    return inner.get("template") or {}


def consumed(workload: Object) -> Consumed:
    """What the pods of a workload take from Secrets."""
    found: Consumed = {}
    spec = pod_template(workload).get("spec") or {}
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        _of_container(container, found)
    for volume in spec.get("volumes") or []:
        _of_volume(volume, found)
    for pull in spec.get("imagePullSecrets") or []:
        _add(found, pull.get("name"), None)
    return found


def _of_container(container: Object, found: Consumed) -> None:
    for source in container.get("envFrom") or []:
        _add(found, (source.get("secretRef") or {}).get("name"), None)
    for variable in container.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("secretKeyRef") or {}
        _add(found, reference.get("name"), [reference.get("key", "")])


def _of_volume(volume: Object, found: Consumed) -> None:
    secret = volume.get("secret") or {}
    sources = [{"name": secret.get("secretName"), "items": secret.get("items")}]
    sources += [source.get("secret") or {} for source in (volume.get("projected") or {}).get("sources") or []]
    for source in sources:
        chosen = source.get("items")
        _add(found, source.get("name"), None if chosen is None else [item["key"] for item in chosen])


def _add(found: Consumed, name: str | None, keys: Iterable[str] | None) -> None:
    if name:
        before = found.get(name, set())
        found[name] = None if keys is None or before is None else before | set(keys)


def name_of(workload: Object) -> str:
    return f"{workload['kind']}/{workload['metadata']['name']}"


def consumers(workloads: list[Object], secret: str, keys: set[str] | None = None) -> list[Object]:
    """Of the workloads of one namespace, those that take any of these keys (any key, without them) from the Secret."""
    found = []
    for workload in workloads:
        uses = consumed(workload)
        taken = uses.get(secret, set())
        if secret in uses and (taken is None or keys is None or taken & keys):
            found.append(workload)
    return found


def pods_of(workload: Object, pods: list[Object]) -> list[Object]:
    """Those that its selector matches and that are not being deleted."""
    wanted = (((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}).items()
    there = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    return [pod for pod in there if wanted and wanted <= (pod["metadata"].get("labels") or {}).items()]


def changed_at(obj: Object | None) -> dict[str, str]:
    """When each key's value last changed, as a run of ours wrote it down on the object, by its own clock."""
    return notes.texts(_metadata(obj).get("annotations") or {}, CHANGED)


def noted(obj: Object | None, keys: Iterable[str], renewed: set[str], now: datetime.datetime) -> dict[str, str]:
    """When each value last changed, as far as `obj` knows it; now, for those that are new."""
    times = {**changed_at(obj), **dict.fromkeys(renewed, now.strftime(MOMENT))}
    return {key: times[key] for key in sorted(keys) if key in times}


# --- who runs with an older value: by the clock of the API server alone ----------------------------------------------
def since(sealed: Object | None, secret: Object | None, keys: set[str]) -> dict[str, str]:
    """Since when a Secret holds the values of these keys, at the latest: pods of that second may have older ones.

    What was noted stays. Else it is when the field was written last, or, of values that are as they were when the
    object was made, just before that: there was no value then that a pod could have kept.
    """
    known = notes.texts(_metadata(sealed or secret).get("annotations") or {}, notes.HELD)
    there = keys & set((secret or {}).get("data") or {})
    found = {key: known.get(key) or (_written(sealed, secret, key) if key in there else "") for key in sorted(keys)}
    return {key: when for key, when in found.items() if when}


def _written(sealed: Object | None, secret: Object | None, key: str) -> str:
    made, when = str(_metadata(sealed or secret).get("creationTimestamp") or ""), _last_write(_metadata(secret), key)
    as_made = _metadata(sealed).get("generation") == 1 if sealed else when == made
    return _just_before(made) if made and as_made else when


def _last_write(metadata: Object, key: str) -> str:
    """The time of whoever wrote the key, or, where nobody is known, of whoever wrote anything."""
    entries = [one for one in metadata.get("managedFields") or [] if one.get("time")]
    own = [one for one in entries if f"f:{key}" in ((one.get("fieldsV1") or {}).get("f:data") or {})]
    return max((str(one["time"]) for one in own or entries), default="")


def _just_before(moment: str) -> str:
    try:
        return (datetime.datetime.fromisoformat(moment) - datetime.timedelta(seconds=1)).strftime(MOMENT)
    except ValueError:
        return ""


def _metadata(obj: Object | None) -> Object:
    return (obj or {}).get("metadata") or {}


def stale(workload: Object, pods: list[Object], secret: str, times: dict[str, str]) -> bool:
    """Whether a pod of it may have started before a value that it takes last changed."""
    taken = consumed(workload).get(secret, set())
    newest = max((when for key, when in times.items() if taken is None or key in taken), default="")
    return any(pod["metadata"].get("creationTimestamp", "~") <= newest for pod in pods_of(workload, pods))
