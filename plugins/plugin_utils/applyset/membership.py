# Copyright (c) 2026 GreenLang. All rights reserved.
"""ApplySet membership as KEP-3659 specifies it: labels, annotations, the record. Pure.

The record is a ConfigMap, as `kubectl apply --prune --applyset=configmap/<name>` makes it. kubectl refuses records
whose tooling annotation names another tool, so ours names kubectl as the tool and us as its version: both may work on
the set.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from ..kubernetes.kinds import Resource
from .manifests import Ref

PART_OF = "applyset.kubernetes.io/part-of"
ID = "applyset.kubernetes.io/id"
TOOLING = "applyset.kubernetes.io/tooling"
GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
GROUP_RESOURCES = "applyset.kubernetes.io/contains-group-resources"  # what kubectl 1.27 wrote in its place
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
Object = Mapping[str, Any]
OUR_TOOLING = "kubectl/greenlang.vcci-1.0.0"
UNFINISHED = "kubectl/greenlang.vcci"  # of a record that is made and not yet written
# The manager that kubectl writes records with; sharing it keeps the two from conflicting over the annotations.
RECORD_MANAGER = "kubectl-applyset"
# Who kubectl is when it applies on the client's side: the server records that as an update.
CLIENT_SIDE = "kubectl-client-side-apply"
# Who copies labels to what it makes, and does not always say whose that is: a Service's to its Endpoints.
CONTROLLERS = "kube-controller-manager"
_GROUP_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[a-z0-9]([a-z0-9.-]*[a-z0-9])?)?")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def set_id(name: str, namespace: str) -> str:
    digest = hashlib.sha256(f"{name}.{namespace}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def group_kind(ref: Ref | Resource) -> str:
    return f"{ref.kind}.{ref.group}" if ref.group else ref.kind


def parse_group_kind(text: str) -> tuple[str, str]:
    kind, _dot, group = text.partition(".")
    return group, kind


# --- members ---------------------------------------------------------------------------------------------------------
def set_of(meta: Object) -> str:
    """The id of the set that an object's label names; empty without one."""
    return str((meta.get("labels") or {}).get(PART_OF) or "")


def why_no_member(meta: Object) -> str:
    """Why an object that carries a set's label is none of its members; empty when it is one.

    Controllers copy labels to what they make (a Service's to its Endpoints and EndpointSlices), so the label alone says
    nothing: it counts when an apply wrote it, and when nothing else controls the object.
    """
    for owner in meta.get("ownerReferences") or []:
        if owner.get("controller"):
            return f"{owner.get('kind')} {owner.get('name')} controls it"
    if not any(_applied_label(entry) for entry in _writers(meta)):
        return "no apply wrote its label, " + (
            "somebody copied it, or a restore wiped managedFields; apply it again, or remove the label"
            if is_doubtful(meta)
            else "a controller copied it"
        )
    return ""


def is_doubtful(meta: Object) -> bool:
    """Whether an object that is no member may have been one: nothing controls it, and its label may have been written
    by an apply of which nothing is known any more, since a tool that restored it wiped `managedFields`."""
    controlled = any(owner.get("controller") for owner in meta.get("ownerReferences") or [])
    return not controlled and not any(entry.get("manager") == CONTROLLERS for entry in _writers(meta))


def _writers(meta: Object) -> list[Object]:
    """The entries of `managedFields` of those who wrote the label."""
    found = []
    for entry in meta.get("managedFields") or []:
        labels = ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:labels") or {}
        if "f:" + PART_OF in labels:
            found.append(entry)
    return found


def _applied_label(entry: Object) -> bool:
    return entry.get("operation") == "Apply" or entry.get("manager") == CLIENT_SIDE


def is_record(meta: Object) -> bool:
    """Whether an object is the record of a set."""
    return ID in (meta.get("labels") or {})


def refusal(label: str, other: str, known: str = "") -> str:
    """What is said of an object of another set, of that id; `known` is where that set's record is."""
    whose = f", {known}" if known else ""
    find = "" if known else f"; `kubectl get configmaps,secrets -A -l {ID}={other}` finds it"
    return (
        f"{label} belongs to another set{whose} ({PART_OF}={other}){find}. Remove it there first, "
        "or set force_conflicts to take it over"
    )


# --- the record ------------------------------------------------------------------------------------------------------
def check_record(record: Object, name: str, namespace: str) -> None:
    """That an existing ConfigMap is this set's record, and says all that a record must: nothing is guessed, since what
    a record does not say would be forgotten for ever."""
    meta = record["metadata"]
    where = f"ConfigMap {namespace}/{name}"
    found = (meta.get("labels") or {}).get(ID)
    if found is None:
        raise InputError(f"{where} exists and is no set's record; give the set another name")
    if found != set_id(name, namespace):
        raise InputError(f"{where} is the record of another set ({ID}={found}); it was copied or renamed: delete it")
    annotations = meta.get("annotations") or {}
    tool, _slash, version = annotations.get(TOOLING, "").rpartition("/")
    if not (tool and version):
        raise InputError(
            f"{where}, the record of set {name}: its annotation {TOOLING} is {annotations.get(TOOLING)!r}, not "
            f"<tool>/<version>; if the set is ours or kubectl's, set it to {OUR_TOOLING!r}"
        )
    if tool != "kubectl":
        raise InputError(
            f"the set {namespace}/{name} belongs to the tool {annotations[TOOLING]!r}; "
            f"{TOOLING} must be changed by hand to hand it over"
        )
    _check_list(annotations, GROUP_KINDS, _GROUP_KIND, where)
    if NAMESPACES in annotations:
        _check_list(annotations, NAMESPACES, _NAMESPACE, where)


def _check_list(annotations: Object, key: str, form: re.Pattern[str], where: str) -> None:
    if key not in annotations:
        older = f" ({GROUP_RESOURCES} is kubectl 1.27's; a later kubectl replaces it)"
        raise InputError(
            f"{where}: its annotation {key} is missing{older if GROUP_RESOURCES in annotations else ''}, so nobody can "
            "tell which kinds the set has. Set it to those that it may have, as in 'ConfigMap,Deployment.apps'"
        )
    wrong = [part for part in annotations[key].split(",") if not form.fullmatch(part)] if annotations[key] else []
    if wrong:
        raise InputError(f"{where}: its annotation {key} cannot be read: {wrong[0][:80]!r} in it; correct it by hand")


def recorded(record: Object | None) -> tuple[set[str], set[str]]:
    """Group-kinds and additional namespaces that a record lists."""
    annotations = ((record or {}).get("metadata") or {}).get("annotations") or {}
    kinds = {k for k in annotations.get(GROUP_KINDS, "").split(",") if k}
    return kinds, {n for n in annotations.get(NAMESPACES, "").split(",") if n}


def tells_namespaces(record: Object) -> bool:
    """Whether a record says in which other namespaces its set is. It need not, and then that is not known."""
    return NAMESPACES in (record["metadata"].get("annotations") or {})


def record_object(
    name: str, namespace: str, kinds: set[str], namespaces: set[str], tooling: str = ""
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {ID: set_id(name, namespace)},
            "annotations": {
                TOOLING: tooling or OUR_TOOLING,
                GROUP_KINDS: ",".join(sorted(kinds)),
                NAMESPACES: ",".join(sorted(namespaces - {namespace})),
            },
        },
    }


def new_record(name: str, namespace: str) -> dict[str, Any]:
    """The record of a set that has nothing yet.

    Whole, so that a run that ends right after it leaves a record that can be read. Its values differ from those of
    record_object(), so that applying that takes over every annotation and kubectl never meets a second owner."""
    body = record_object(name, namespace, set(), set(), UNFINISHED)
    del body["metadata"]["annotations"][NAMESPACES]
    return body


def same_record(record: Object | None, kinds: set[str], namespaces: set[str], namespace: str) -> bool:
    return record is not None and recorded(record) == (kinds, namespaces - {namespace})
