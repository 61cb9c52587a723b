# Copyright (c) 2026 GreenLang. All rights reserved.
"""What becomes of volumes that are there when they are asked for otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import quantity

DOCUMENTATION = r"""
name: volume_claims
short_description: Volumes that are there, and what they are asked for - what cannot be, and what is to grow
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - A volume never becomes smaller, keeps its class, and grows where its class lets it
    (U(https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims)). A
    StatefulSet's template cannot be changed, and what it says is of no effect on claims that are there.
positional: _input, wanted
options:
  _input:
    description: The PersistentVolumeClaims, StorageClasses and StatefulSets that there are.
    type: list
    elements: dict
    required: true
  wanted:
    description:
      - What is asked for, each with C(claim), the claim's name, or of a StatefulSet's that of its template and of the
        set (C(data-redis)); C(statefulset), its name, if they are a set's; C(variable), whose C(_size) and C(_class)
        people set; C(size); C(class).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse what cannot be
  greenlang.vcci.procedure:
    state: checked
    checks: "{{ (there | greenlang.vcci.volume_claims(wanted)).checks }}"
  vars:
    wanted: [{claim: data-redis, statefulset: redis, variable: data_redis_storage, size: 20Gi, class: fast-ssd}]
"""

RETURN = r"""
_value:
  description:
    - C(checks), of which each failed, as M(greenlang.vcci.procedure) takes them.
    - C(growing), claims of StatefulSets that are to be told their new size (C(name), C(size)).
    - C(resized), StatefulSets whose template has another size and is to be made again.
  type: dict
"""

Object = Mapping[str, Any]


def volume_claims(objects: Sequence[Object], wanted: Sequence[Object]) -> dict[str, list[Any]]:
    """Checks, what grows, and sets to be made again; see the filter's documentation."""
    kinds: dict[str, dict[str, Object]] = {"PersistentVolumeClaim": {}, "StorageClass": {}, "StatefulSet": {}}
    for one in objects:
        kinds[one["kind"]][one["metadata"]["name"]] = one
    claims, classes, sets = kinds.values()
    checks: list[dict[str, Any]] = []
    growing: list[dict[str, str]] = []
    for want in wanted:
        there = {name: claim for name, claim in claims.items() if _is_of(name, want)}
        checks += [{"that": False, "message": message} for message in _problems(there, classes, want)]
        if want.get("statefulset"):
            growing += [{"name": name, "size": str(want["size"])} for name in there if _size(there[name]) < _of(want)]
    resized = [
        want["statefulset"]
        for want in wanted
        for template in ((sets.get(want.get("statefulset", "")) or {}).get("spec") or {}).get(
            "volumeClaimTemplates", []
        )
        if want["claim"] == f"{template['metadata']['name']}-{want['statefulset']}" and _size(template) != _of(want)
    ]
    return {"checks": checks, "growing": growing, "resized": sorted(set(resized))}


def _is_of(name: str, want: Object) -> bool:
    number = "-[0-9]+" if want.get("statefulset") else ""
    return bool(re.fullmatch(re.escape(want["claim"]) + number, name))


def _size(claim: Object) -> Any:
    return quantity.parse(claim["spec"]["resources"]["requests"]["storage"])


def _of(want: Object) -> Any:
    return quantity.parse(want["size"])


def _problems(there: Mapping[str, Object], classes: Mapping[str, Object], want: Object) -> Iterator[str]:
    variable, size, name = want["variable"], want["size"], want["class"]
    larger = [claim for claim in there if _size(there[claim]) > _of(want)]
    if larger:
        yield (
            f"{variable}_size is {size}, and {', '.join(larger)} asked for more: a volume never becomes smaller. "
            "Remedy: at least what they have (kubectl get pvc -A)."
        )
    others = sorted({claim["spec"].get("storageClassName") or "" for claim in there.values()} - {name})
    if others:
        yield (
            f"{variable}_class is {name}, and {', '.join(there)} are of {', '.join(others)}: a volume keeps its class. "
            "Remedy: that class."
        )
    smaller = [claim for claim in there if _size(there[claim]) < _of(want)]
    if smaller and not others and not (classes.get(name) or {}).get("allowVolumeExpansion"):
        yield (
            f"{variable}_size is {size}, and {', '.join(smaller)} asked for less: StorageClass {name} lets no volume "
            f"grow. Remedy: allowVolumeExpansion: true there, where its driver can; else the size that they have."
        )
    if not there and classes and name not in classes:
        known = ", ".join(sorted(classes))
        yield f"{variable}_class is {name}, and there is no such StorageClass. Remedy: one of {known}."


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for."""
        return {"volume_claims": volume_claims}
