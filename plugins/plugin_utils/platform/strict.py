# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a platform that is at work needs beyond readiness: an object may be as its specification says, and serve nobody.
One function a kind. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from ..applyset.options import FIELD_MANAGER
from ..applyset.owned import our_entry
from ..applyset.replicas import HELD
from ..kubernetes import cron
from ..kubernetes.rules import FAILED, IN_PROGRESS, READY, State, conditions, why
from ..labels import MANAGED_BY, US
from . import patroni
from .state import Object, Seen

SLOW = datetime.timedelta(minutes=5)  # that an autoscaler may be without figures: those of new pods come late
LATE = datetime.timedelta(hours=1)  # that a run of a CronJob may take, where nothing else is said
FINE: State = (READY, "")


def is_ours(obj: Object) -> bool:
    """Whether this collection made it, and not somebody else who keeps sets as well."""
    return bool((obj["metadata"].get("labels") or {}).get(MANAGED_BY) == US)


def waits_for_consumer(seen: Seen, obj: Object) -> bool:
    """Whether it is a claim that is bound when the first pod asks for it, and none has."""
    if obj.get("kind") != "PersistentVolumeClaim":
        return False
    chosen = "volume.kubernetes.io/selected-node" in (obj["metadata"].get("annotations") or {})
    name = _spec(obj).get("storageClassName") or ""
    return not chosen and seen.binding.get(name) == "WaitForFirstConsumer"


def _deployment(seen: Seen, obj: Object) -> State:
    if _spec(obj).get("paused") and not _said_by_us(obj, "f:paused"):
        return FAILED, "its roll-out is paused by hand"
    return _at_zero(obj)


def _stateful_set(seen: Seen, obj: Object) -> State:
    wanted, ready = _spec(obj).get("replicas", 1), _status(obj).get("readyReplicas") or 0
    if ready < wanted:
        return IN_PROGRESS, f"{ready}/{wanted} pods ready"
    at_zero = _at_zero(obj)
    return at_zero if at_zero != FINE else patroni.state(seen, obj)


def _at_zero(obj: Object) -> State:
    if _spec(obj).get("replicas", 1) != 0:
        return FINE
    held = (obj["metadata"].get("annotations") or {}).get(HELD)
    if held:
        return FAILED, f"is held at 0 replicas by {held}"
    return FINE if _said_by_us(obj, "f:replicas") else (FAILED, "is scaled to 0 replicas by hand")


def _daemon_set(seen: Seen, obj: Object) -> State:
    pod = (_spec(obj).get("template") or {}).get("spec") or {}
    if _status(obj).get("desiredNumberScheduled") or pod.get("nodeSelector") or pod.get("affinity"):
        return FINE
    return FAILED, "runs on no node"


def _cron_job(seen: Seen, obj: Object) -> State:
    spec, status = _spec(obj), _status(obj)
    if spec.get("suspend"):
        return FINE if _said_by_us(obj, "f:suspend") else (FAILED, "is suspended by hand")
    last = _last_run(seen, obj)
    if last is not None and "Failed" in last:
        return FAILED, f"its last run failed ({why(last['Failed'])})"
    zone = seen.zones.get(spec.get("timeZone") or "", datetime.UTC)
    seconds = ((spec.get("jobTemplate") or {}).get("spec") or {}).get("activeDeadlineSeconds")
    allowed = datetime.timedelta(seconds=seconds) if seconds else LATE
    due = cron.last_due(str(spec.get("schedule") or ""), (seen.now - allowed).astimezone(zone), 2)
    since = moment(status.get("lastSuccessfulTime")) or moment(obj["metadata"].get("creationTimestamp"))
    if len(due) < 2 or since is None or since >= due[1]:
        return FINE
    last_success = status.get("lastSuccessfulTime")
    told = f"last succeeded {last_success}" if last_success else "has never succeeded"
    return FAILED, f"{told}, though it was due {due[1]:%Y-%m-%d %H:%M} and {due[0]:%Y-%m-%d %H:%M} ({spec['schedule']})"


def last_job(seen: Seen, obj: Object) -> Object | None:
    """The Job of a CronJob that ended last."""
    uid, ended = obj["metadata"].get("uid"), []
    for job in seen.jobs:
        owners = job["metadata"].get("ownerReferences") or []
        done = {name: one for name, one in conditions(_status(job)).items() if one.get("status") == "True"}
        if any(owner.get("uid") == uid for owner in owners) and {"Complete", "Failed"} & set(done):
            at = max(str(one.get("lastTransitionTime") or "") for one in done.values())
            ended.append((at, job["metadata"]["name"], job))
    return max(ended, key=lambda one: one[:2])[2] if ended else None


def _last_run(seen: Seen, obj: Object) -> Mapping[str, Object] | None:
    job = last_job(seen, obj)
    found = conditions(_status(job)) if job is not None else {}
    return {name: one for name, one in found.items() if one.get("status") == "True"} if job is not None else None


def _autoscaler(seen: Seen, obj: Object) -> State:
    for name in ("AbleToScale", "ScalingActive"):
        one = conditions(_status(obj)).get(name, {})
        since = moment(one.get("lastTransitionTime"))
        at_rest = one.get("reason") == "ScalingDisabled"  # its workload is at 0, which that says itself
        if one.get("status") == "False" and not at_rest and since is not None and seen.now - since > SLOW:
            return FAILED, f"cannot scale ({why(one)})"
    return FINE


def _service(seen: Seen, obj: Object) -> State:
    """Somebody answers behind it."""
    meta, spec = obj["metadata"], _spec(obj)
    if not spec.get("selector") or spec.get("type") == "ExternalName":
        return FINE
    home = meta.get("namespace")
    for one in seen.slices:
        of = (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
        if one["metadata"].get("namespace") == home and of == meta["name"] and any(map(_answers, _endpoints(one))):
            return FINE
    return IN_PROGRESS, "no pod behind it is ready"


def _endpoints(one: Object) -> list[Object]:
    return one.get("endpoints") or []


def _answers(endpoint: Object) -> bool:
    """Not told is as good as true. What publishes pods that are not ready says of these that they are, but not that
    they serve."""
    told = endpoint.get("conditions") or {}
    return told.get("ready") is not False and told.get("serving") is not False


def _sealed_secret(seen: Seen, obj: Object) -> State:
    return _has_secret(seen, obj, obj["metadata"]["name"])


def _certificate(seen: Seen, obj: Object) -> State:
    ends = moment(_status(obj).get("notAfter"))
    if ends is not None and ends <= seen.now:
        return FAILED, f"ended {ends:%Y-%m-%d %H:%M}"
    return _has_secret(seen, obj, _spec(obj).get("secretName") or "")


def _has_secret(seen: Seen, obj: Object, name: str) -> State:
    if (obj["metadata"].get("namespace") or "", name) in seen.secrets:
        return FINE
    return FAILED, f"its Secret {name} is not there"


def _quota(seen: Seen, obj: Object) -> State:
    if (_spec(obj).get("hard") or {}) == (_status(obj).get("hard") or {}):
        return FINE
    return IN_PROGRESS, "its limits are not counted yet"


def _node(seen: Seen, obj: Object) -> State:
    one = conditions(_status(obj)).get("Ready")
    if one is None or one.get("status") != "True":
        return IN_PROGRESS, f"is not ready ({why(one) if one else 'no kubelet has reported'})"
    return FINE


def moment(text: object) -> datetime.datetime | None:
    """A time as Kubernetes writes it."""
    try:
        found = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _spec(obj: Object) -> Mapping[str, Any]:
    return obj.get("spec") or {}


def _status(obj: Object) -> Mapping[str, Any]:
    return obj.get("status") or {}


def _said_by_us(obj: Object, field: str) -> bool:
    """Whether a field of the specification is what our manifest says."""
    return field in ((our_entry(obj["metadata"], FIELD_MANAGER) or {}).get("f:spec") or {})


RULES: dict[tuple[str, str], Callable[[Seen, Object], State]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "CronJob"): _cron_job,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("", "Service"): _service,
    ("", "ResourceQuota"): _quota,
    ("", "Node"): _node,
    ("bitnami.com", "SealedSecret"): _sealed_secret,
    ("cert-manager.io", "Certificate"): _certificate,
}
