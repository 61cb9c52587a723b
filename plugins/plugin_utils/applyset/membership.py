# Copyright (c) 2026 GreenLang. All rights reserved.
"""ApplySet membership as KEP-3659 specifies it: labels, annotations, the record. Pure.

The record is a ConfigMap, as `kubectl apply --prune --applyset=configmap/<name>` makes it. kubectl refuses records
whose tooling annotation names another tool, so ours names kubectl as the tool and us as its version: both may work on
the set.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from .manifests import Ref

PART_OF = "applyset.kubernetes.io/part-of"
ID = "applyset.kubernetes.io/id"
TOOLING = "applyset.kubernetes.io/tooling"
GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
Object = Mapping[str, Any]
OUR_TOOLING = "kubectl/greenlang.vcci-1.0.0"
# The manager that kubectl writes records with; sharing it keeps the two from conflicting over the annotations.
RECORD_MANAGER = "kubectl-applyset"


def set_id(name: str, namespace: str) -> str:
    digest = hashlib.sha256(f"{name}.{namespace}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def group_kind(ref: Ref) -> str:
    return f"{ref.kind}.{ref.group}" if ref.group else ref.kind


def parse_group_kind(text: str) -> tuple[str, str]:
    kind, _dot, group = text.partition(".")
    return group, kind


def check_record(record: Object, name: str, namespace: str) -> None:
    """That an existing ConfigMap may serve as this set's record."""
    meta = record["metadata"]
    found = (meta.get("labels") or {}).get(ID)
    if found is None:
        raise InputError(f"ConfigMap {namespace}/{name} exists and is no set's record; give the set another name")
    if found != set_id(name, namespace):
        raise InputError(
            f"ConfigMap {namespace}/{name} is the record of another set ({ID}={found}); "
            "it was copied or renamed: delete it"
        )
    tooling = (meta.get("annotations") or {}).get(TOOLING, "")
    if tooling.rpartition("/")[0] not in ("", "kubectl"):
        raise InputError(
            f"the set {namespace}/{name} belongs to the tool {tooling!r}; "
            f"{TOOLING} must be changed by hand to hand it over"
        )


def recorded(record: Object | None) -> tuple[set[str], set[str]]:
    """Group-kinds and additional namespaces that a record lists."""
    annotations = ((record or {}).get("metadata") or {}).get("annotations") or {}
    kinds = {k for k in annotations.get(GROUP_KINDS, "").split(",") if k}
    return kinds, {n for n in annotations.get(NAMESPACES, "").split(",") if n}


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


def same_record(record: Object | None, kinds: set[str], namespaces: set[str], namespace: str) -> bool:
    return record is not None and recorded(record) == (kinds, namespaces - {namespace})
