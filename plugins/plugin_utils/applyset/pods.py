# Copyright (c) 2026 GreenLang. All rights reserved.
"""The pods of workloads that are awaited: those of the new revision speak for it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ApiError
from ..kubernetes.client import Client
from ..kubernetes.rules import conditions, why
from .manifests import Ref
from .plan import Item
from .trouble import CRASH, CREATE, ROOM, Trouble, doing, is_ready, of_pod

Object = Mapping[str, Any]
WORKLOADS = {
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("batch", "Job"),
    ("", "ReplicationController"),
    ("", "Pod"),
}
REVISION = "deployment.kubernetes.io/revision"
HASH, CONTROLLER_HASH = "pod-template-hash", "controller-revision-hash"
GENERATION, DAEMON_GENERATION = "pod-template-generation", "deprecated.daemonset.template.generation"
EVERY = 2.0  # seconds between two looks at the pods of a workload
ROUND = 10  # seconds in which times are told, so that a line does not change each second
_ADDS_NODES = ("TriggeredScaleUp", "Nominated")  # events of autoscalers about a pod


class Sight(NamedTuple):
    """What was seen of a workload: all its pods, those of the new revision, what they are at, and their trouble."""

    pods: list[Object]
    new: list[Object]
    line: str
    trouble: Trouble | None


class Watch:
    """Looks at pods, not too often. Who may not read pods is told nothing of them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._seen: dict[Ref, tuple[float, Sight | None]] = {}

    def look(self, item: Item, obj: Object) -> Sight | None:
        """None where it cannot be read."""
        at, sight = self._seen.get(item.ref, (0.0, None))
        if not at or time.monotonic() - at >= EVERY:
            try:
                sight = self._look(item, obj)
            except ApiError:
                sight = None
            self._seen[item.ref] = (time.monotonic(), sight)
        return sight

    def looked_at(self, ref: Ref) -> float:
        """When that was, by a clock of no beginning; 0 for never."""
        return self._seen.get(ref, (0.0, None))[0]

    def forget(self, ref: Ref) -> None:
        """Something was done to its pods: the next look is a new one."""
        self._seen.pop(ref, None)

    def _look(self, item: Item, obj: Object) -> Sight:
        pods, new = pods_of(self._client, item.ref, obj)
        trouble, line = None, ""
        for pod in (pod for pod in new if not is_ready(pod)):
            name, found = pod["metadata"]["name"], of_pod(pod)
            said = events(self._client, item.ref.namespace, name, "Pod") if found is None or found.kind == ROOM else []
            text = f"pod {name} {found.text}" if found else f"pod {name}: {_at_work(said) or doing(pod)}"
            # How often a Job may crash is its own to say, and so is when it has failed.
            coming = any(event.get("reason") in _ADDS_NODES for event in said)
            if found and not coming and not (found.kind == CRASH and item.ref.kind == "Job"):
                trouble, line = found._replace(text=text), text
                break
            line = line or text
        if trouble is None:
            trouble = _refused(self._client, item.ref, obj, [*pods, *new])
            line = trouble.text if trouble else line
        return Sight(pods, new, line, trouble)


def pods_of(client: Client, ref: Ref, obj: Object) -> tuple[list[Object], list[Object]]:
    """All pods of an object, and those of its new revision."""
    if (ref.group, ref.kind) == ("", "Pod"):
        return [obj], [obj]
    labels = selector_of(obj)
    if not labels:
        return [], []
    listed: list[Object] = [*client.list("v1", "Pod", ref.namespace, labels)]
    if (ref.group, ref.kind) not in WORKLOADS:
        return listed, listed
    owner = obj["metadata"]["uid"]
    if ref.kind == "Deployment":
        sets = [one for one in client.list("apps/v1", "ReplicaSet", ref.namespace, labels) if owner_of(one) == owner]
        uids = {one["metadata"]["uid"] for one in sets}
        pods = [pod for pod in listed if owner_of(pod) in uids]
        newest = next((one for one in sets if _annotation(one, REVISION) == _annotation(obj, REVISION)), None)
        key, value = HASH, _label(newest, HASH) if newest else None
    else:
        pods = [pod for pod in listed if owner_of(pod) == owner]
        key, value = CONTROLLER_HASH, (obj.get("status") or {}).get("updateRevision")
        if ref.kind == "DaemonSet":
            key, value = GENERATION, _annotation(obj, DAEMON_GENERATION)
    return pods, [pod for pod in pods if value is None or _label(pod, key) == value]


def _annotation(obj: Object, key: str) -> str | None:
    return (obj["metadata"].get("annotations") or {}).get(key)


def _label(obj: Object, key: str) -> str | None:
    return (obj["metadata"].get("labels") or {}).get(key)


def owner_of(obj: Object) -> str | None:
    """The uid of what controls an object."""
    owners = obj["metadata"].get("ownerReferences") or []
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def selector_of(obj: Object | None) -> str:
    """The labels of its pods, as a selector; empty for what has none."""
    selector = ((obj or {}).get("spec") or {}).get("selector")
    if not isinstance(selector, Mapping):
        return ""
    if not {"matchLabels", "matchExpressions"} & set(selector):
        plain = all(isinstance(value, str) for value in selector.values())
        return ",".join(f"{name}={value}" for name, value in selector.items()) if plain else ""
    terms = [f"{name}={value}" for name, value in (selector.get("matchLabels") or {}).items()]
    return ",".join([*terms, *(_term(one) for one in selector.get("matchExpressions") or [])])


def _term(one: Object) -> str:
    key, values = str(one.get("key")), ",".join(one.get("values") or [])
    forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "DoesNotExist": f"!{key}"}
    return forms.get(str(one.get("operator")), key)


def events(client: Client, namespace: str, name: str, kind: str) -> list[dict[str, Any]]:
    """What was told of an object, the latest last."""
    about = f"involvedObject.name={name},involvedObject.kind={kind}"
    found = client.list("v1", "Event", namespace, field_selector=about)
    return sorted(found, key=_moment)


def _moment(event: Object) -> str:
    series = event.get("series") or {}
    return event.get("lastTimestamp") or series.get("lastObservedTime") or event.get("eventTime") or ""


def _at_work(said: list[dict[str, Any]]) -> str:
    """From the events of a pod: which image it is pulling and for how long, or what a volume lacks."""
    last = said[-1] if said else {}
    message = " ".join(str(last.get("message") or "").split())[:200]
    if last.get("reason") == "Pulling":
        return f"{message[:1].lower()}{message[1:]}, {_age(_moment(last))} s".replace('"', "")
    return f"{last['reason']}: {message}" if last.get("type") == "Warning" else ""


def _age(moment: str) -> int:
    try:
        since = datetime.datetime.fromisoformat(moment)
    except ValueError:
        return 0
    seconds = (datetime.datetime.now(datetime.UTC) - since).total_seconds()
    return max(0, int(seconds)) // ROUND * ROUND


def _refused(client: Client, ref: Ref, obj: Object, pods: list[Object]) -> Trouble | None:
    """Why its controller cannot create pods: a quota, a policy, an account that is missing."""
    failure = conditions(obj.get("status") or {}).get("ReplicaFailure", {})
    if failure.get("status") == "True":
        return Trouble(CREATE, f"pods cannot be created ({why(failure)})")
    if ref.kind in ("Deployment", "ReplicaSet", "Pod") or any(not is_ready(pod) for pod in pods):
        return None
    said = [event for event in events(client, ref.namespace, ref.name, ref.kind) if event.get("type") == "Warning"]
    if said and said[-1].get("reason") == "FailedCreate" and _age(_moment(said[-1])) < 60:
        return Trouble(CREATE, f"pods cannot be created (FailedCreate: {said[-1].get('message')})")
    return None
