# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether one object that is awaited has come to its end: what the user expects of it, or the rules of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ApiError
from ..kubernetes import kstatus
from ..kubernetes.client import Client
from ..kubernetes.kinds import is_built_in
from . import pods
from .context import Context
from .expectation import Expectation
from .plan import Item

STATUS_GRACE = 3.0  # seconds for which a custom resource that we have just written may stay without any status
# Events with which the controller of a Job tells that it failed.
_JOB_FAILURES = (
    "BackoffLimitExceeded",
    "DeadlineExceeded",
    "FailedIndexes",
    "MaxFailedIndexesExceeded",
    "PodFailurePolicy",
)


def expected(run: Context, item: Item) -> list[Expectation]:
    return [one for one in run.options.wait_for if one.is_about(item.ref)]


def state(
    run: Context, item: Item, obj: Mapping[str, Any] | None, known: Mapping[str, Any] | None, waited: float
) -> tuple[str, str]:
    """What an object is like; `known` is what it was like before."""
    if obj is None:
        return _gone(run.client, item, known)
    wanted = expected(run, item)
    if wanted:
        states = [one.status_of(obj) for one in wanted]
        return next((one for one in states if one[0] != kstatus.READY), (kstatus.READY, ""))
    now, why = kstatus.status(obj)
    if now == kstatus.TERMINATING:
        return now, "is being deleted by someone else"
    if now == kstatus.READY and not obj.get("status") and waited < STATUS_GRACE and _has_controller(item):
        return kstatus.IN_PROGRESS, "no status yet"
    if now == kstatus.READY and kstatus.is_silent(obj):
        run.result.assumed_ready.append(item.label)
    claim = (item.ref.group, item.ref.kind) == ("", "PersistentVolumeClaim")
    if now == kstatus.IN_PROGRESS and claim and _waits_for_consumer(run.client, obj):
        return kstatus.READY, ""
    return now, why


def _gone(client: Client, item: Item, known: Mapping[str, Any] | None) -> tuple[str, str]:
    """A Job that is deleted some time after its end is done; whatever else is not there was deleted by others."""
    spec = item.desired.get("spec") or {}
    if (item.ref.group, item.ref.kind) != ("batch", "Job") or spec.get("ttlSecondsAfterFinished") is None:
        return kstatus.FAILED, "was deleted by someone else"
    if known and kstatus.status(known)[0] == kstatus.FAILED:
        return kstatus.status(known)
    said = pods.events(client, item.ref.namespace, item.ref.name, "Job")
    failure = next((event for event in reversed(said) if event.get("reason") in _JOB_FAILURES), None)
    if failure:
        return kstatus.FAILED, f"{failure.get('reason')}: {failure.get('message')}"
    return kstatus.READY, ""


def _has_controller(item: Item) -> bool:
    """Whether it is a custom resource that its controller may not have seen as it is now."""
    return not is_built_in(item.ref.group) and item.outcome in ("created", "configured", "recreated")


def _waits_for_consumer(client: Client, claim: Mapping[str, Any]) -> bool:
    if "volume.kubernetes.io/selected-node" in (claim["metadata"].get("annotations") or {}):
        return False
    name = (claim.get("spec") or {}).get("storageClassName")
    try:
        storage_class = client.get("storage.k8s.io/v1", "StorageClass", name) if name else None
    except ApiError as exc:
        if exc.status != 403:
            raise
        return _is_told_to_wait(client, claim["metadata"])
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


def _is_told_to_wait(client: Client, meta: Mapping[str, Any]) -> bool:
    """Whether an event says so: for whoever may read a namespace and no StorageClass."""
    about = f"involvedObject.uid={meta['uid']},reason=WaitForFirstConsumer"
    try:
        return bool(client.list("v1", "Event", meta["namespace"], field_selector=about))
    except ApiError:
        return False
