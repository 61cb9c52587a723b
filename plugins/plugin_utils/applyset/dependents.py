# Copyright (c) 2026 GreenLang. All rights reserved.
"""What an object that is to be recreated owns. The garbage collector deletes what names a deleted object as its owner,
unless the deletion orphans it: nothing is lost by recreation.

Workloads go with what their own controller made for them, which is made anew; if anything else names one as its owner,
it is not recreated. All others leave alone what they own, as a StatefulSet does, whose new one adopts its pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import ApiError, VcciError
from ..kubernetes.kinds import BUILT_IN
from .containers import owner_references
from .context import Context
from .manifests import Ref
from .membership import is_record
from .plan import Item

Object = Mapping[str, Any]
NAMES = 4  # shown of what is owned
# Kinds that are deleted with what they own, and which kinds their own controllers make.
_REMADE = {
    ("apps", "Deployment"): "ReplicaSet",
    ("apps", "ReplicaSet"): "Pod",
    ("apps", "DaemonSet"): "Pod ControllerRevision",
    ("", "ReplicationController"): "Pod",
    ("batch", "Job"): "Pod",
    ("batch", "CronJob"): "Job",
    ("", "Service"): "Endpoints EndpointSlice",
    ("", "Pod"): "PersistentVolumeClaim ResourceClaim",
}
# Kinds that controllers make in numbers, and that hold nothing.
_UNASKED = {"Pod", "Event", "Endpoints", "EndpointSlice", "Lease", "ControllerRevision", "PodTemplate"}


def policy(item: Item) -> str:
    """How an object is deleted to be created again. To orphan something the garbage collector has to update its owner,
    which an admission policy that lets no update through does not let through either."""
    remade = (item.ref.group, item.ref.kind) in _REMADE
    return "Background" if remade or item.sealed_off else "Orphan"


def check(run: Context, item: Item, old: Object) -> None:
    """VcciError when something would be lost if the object was deleted and created again."""
    meta = old["metadata"]
    if is_record(meta):
        raise VcciError("is the record of a set, which would be forgotten if it was deleted to be created again")
    uid = str(meta["uid"])
    given = [other.label for other in run.items if _names(other.desired["metadata"], uid)]
    if given and policy(item) == "Orphan":
        raise VcciError(
            f"would be deleted to be created again, but is named by its uid as the owner of {_shown(given)}, which "
            "would be deleted for want of it: remove that from metadata.ownerReferences"
        )
    if policy(item) == "Orphan":
        return
    own = _REMADE.get((item.ref.group, item.ref.kind), "").split()
    owned = [*given, *(other.label for other in run.items if _owns(uid, other.live, other.ref.kind, own))]
    owned += [label for label, kind, other in _others(run, item.ref.namespace) if _owns(uid, other, kind, own)]
    if owned:
        raise VcciError(
            f"would be deleted to be created again, but owns {_shown(owned)}, which would be deleted with it: remove "
            "it from their metadata.ownerReferences, or recreate it by hand"
        )


def _names(meta: Object, uid: str) -> bool:
    return any(reference.get("uid") == uid for reference in owner_references(meta))


def _owns(uid: str, meta: Object, kind: str, own: list[str]) -> bool:
    """Whether an object is owned by that of this uid, and was not made by its controller."""
    for reference in owner_references(meta):
        if reference.get("uid") == uid and not (reference.get("controller") and kind in own):
            return True
    return False


def _others(run: Context, namespace: str) -> Iterator[tuple[str, str, Object]]:
    """What is in a namespace and has an owner, as far as it may be listed: label, kind and metadata. Asked once."""
    with run.owned_lock:
        if namespace not in run.owned:
            run.owned[namespace] = list(_listed(run, namespace))
    yield from run.owned[namespace]


def _listed(run: Context, namespace: str) -> Iterator[tuple[str, str, Object]]:
    for resource in BUILT_IN.values():
        if not resource.namespaced or resource.kind in _UNASKED:
            continue
        try:
            found = list(run.client.iter_list(resource, namespace, metadata_only=True))
        except ApiError as exc:
            if exc.status not in (403, 404):
                raise
            continue
        for obj in found:
            meta = obj["metadata"]
            if meta.get("ownerReferences"):
                yield Ref(resource.group, resource.kind, namespace, meta["name"]).label, resource.kind, meta


def _shown(labels: Iterable[str]) -> str:
    names = sorted(set(labels))
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more
