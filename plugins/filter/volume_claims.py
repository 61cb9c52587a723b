# Copyright (c) 2026 GreenLang. All rights reserved.
"""What becomes of volumes that are there when they are asked for otherwise."""

from __future__ import annotations

import itertools
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
    description:
      - The PersistentVolumeClaims, StorageClasses and StatefulSets that there are, and the PersistentVolumes that are
        C(near).
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
    - C(near), PersistentVolumes of StatefulSets' claims that were made for pods of one node, to be looked at.
    - C(together), StatefulSets of which two volumes are on one node and nowhere else, so that their pods are, too.
  type: dict
"""

Object = Mapping[str, Any]
KINDS = ("PersistentVolumeClaim", "StorageClass", "StatefulSet", "PersistentVolume")
NODE = "volume.kubernetes.io/selected-node"
HOST = "kubernetes.io/hostname"


def volume_claims(objects: Sequence[Object], wanted: Sequence[Object]) -> dict[str, list[Any]]:
    """Checks, what grows, and sets to be made again; see the filter's documentation."""
    kinds: dict[str, dict[str, Object]] = {kind: {} for kind in KINDS}
    for one in objects:
        kinds[one["kind"]][one["metadata"]["name"]] = one
    claims, classes, sets, volumes = kinds.values()
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
    near = {want["statefulset"]: _near(claims, want) for want in wanted if want.get("statefulset")}
    together = sorted(name for name, there in near.items() if _share(volumes, there))
    found = {"checks": checks, "growing": growing, "resized": sorted(set(resized)), "together": together}
    return {**found, "near": sorted(itertools.chain.from_iterable(near.values()))}


def _near(claims: Mapping[str, Object], want: Object) -> list[str]:
    """Volumes of a set's claims that were made for one node, as whoever placed their pods has noted at them."""
    by_node: dict[str, list[str]] = {}
    for name, claim in claims.items():
        node = (claim["metadata"].get("annotations") or {}).get(NODE)
        if _is_of(name, want) and node and claim["spec"].get("volumeName"):
            by_node.setdefault(node, []).append(claim["spec"]["volumeName"])
    several = (there for there in by_node.values() if len(there) > 1)
    return list(itertools.chain.from_iterable(several))


def _share(volumes: Mapping[str, Object], names: Sequence[str]) -> bool:
    """Whether two of these are on one node and nowhere else."""
    hosts = [host for name in names if (host := _host(volumes.get(name, {})))]
    return len(set(hosts)) < len(hosts)


def _host(volume: Object) -> str:
    """The one node that a volume can be used on; empty where there are others."""
    terms = (
        (((volume.get("spec") or {}).get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms")
    ) or []
    rules = itertools.chain.from_iterable(term.get("matchExpressions") or () for term in terms)
    hosts = [rule.get("values") for rule in rules if (rule.get("key"), rule.get("operator")) == (HOST, "In")]
    return str(hosts[0][0]) if len(terms) == len(hosts) == 1 and len(hosts[0] or ()) == 1 else ""


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
