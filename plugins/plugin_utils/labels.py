# Copyright (c) 2026 GreenLang. All rights reserved.
"""The labels by which this collection knows its objects, and the kinds that it never deletes unasked. Pure.

The names app.kubernetes.io/* are Kubernetes' recommended labels; `tenant` is the reference document's.
"""

from __future__ import annotations

import re

from .errors import InputError, brief

_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
PART_OF = "app.kubernetes.io/part-of"
MANAGED_BY = "app.kubernetes.io/managed-by"
COMPONENT = "app.kubernetes.io/component"
TENANT = "tenant"
US = "greenlang.vcci"  # the value of MANAGED_BY on everything that we make
OURS = f"{MANAGED_BY}={US}"  # as a selector

# Kinds, and their groups, whose deletion takes data or other objects with it: only when that very object is named.
PROTECTED = {
    "Namespace": "",
    "PersistentVolumeClaim": "",
    "PersistentVolume": "",
    "CustomResourceDefinition": "apiextensions.k8s.io",
}


def is_protected(group: str, kind: str) -> bool:
    return PROTECTED.get(kind) == group


def labels(component: str, part_of: str | None = None, **more: str) -> dict[str, str]:
    """The labels of an object that we make. `part_of` is left out where nobody said it, and refused where
    it cannot be one."""
    if part_of and not _VALUE.fullmatch(part_of):
        raise InputError(
            f"part_of: {brief(part_of)!r} can be no label: at most 63 letters, digits, and - _ . between them"
        )
    whole = {PART_OF: part_of} if part_of else {}
    return {**whole, MANAGED_BY: US, COMPONENT: component, **more}
