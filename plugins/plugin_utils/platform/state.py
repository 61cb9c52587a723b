# Copyright (c) 2026 GreenLang. All rights reserved.
"""What was read of a platform, and what is found to be wrong of it. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..applyset.manifests import Ref

Object = Mapping[str, Any]
SITE = "site"  # the playbook that brings everything
# The playbook that applies a set, by the first word of the set's name.
_PLAYBOOKS = {
    "local": "cluster",
    "cluster": "cluster",
    "controllers": "controllers",
    "secrets": "secrets",
    "data": "data",
    "apps": "apps",
    "observability": "observability",
    "tenant": "tenant",
    "tenants": "tenant",
}


@dataclass(frozen=True)
class Set:
    """A set as its record says it; `names` is None where the record names no objects, only their `kinds`."""

    name: str
    namespace: str
    id: str
    names: frozenset[Ref] | None = None
    kinds: frozenset[tuple[str, str]] = frozenset()  # group and kind

    @property
    def layer(self) -> str:
        """The name of its playbook."""
        return _PLAYBOOKS.get(self.name.partition("-")[0], SITE)


@dataclass
class Seen:
    """The platform at one moment."""

    now: datetime.datetime
    sets: list[Set] = field(default_factory=list)
    objects: dict[Ref, Object] = field(default_factory=dict)  # whatever carries the label of a set
    strays: dict[Ref, Object] = field(default_factory=dict)  # what a record names, and is there without the label
    unserved: set[tuple[str, str]] = field(default_factory=set)  # group and kind
    nodes: list[Object] = field(default_factory=list)
    claims: list[Object] = field(default_factory=list)  # of the platform's namespaces
    binding: dict[str, str] = field(default_factory=dict)  # StorageClass → volumeBindingMode
    slices: list[Object] = field(default_factory=list)  # EndpointSlices of the platform's namespaces
    jobs: list[Object] = field(default_factory=list)  # likewise
    patroni: list[Object] = field(default_factory=list)  # pods of clusters of Patroni, likewise
    secrets: set[tuple[str, str]] = field(default_factory=set)  # namespace and name, likewise
    leaving: set[str] = field(default_factory=set)  # namespaces of tenants that are being offboarded, or were
    zones: dict[str, datetime.tzinfo] = field(default_factory=dict)


@dataclass
class Fault:
    """One thing that is wrong.

    object  what it is about, as messages name it: an object of the cluster, or a door.
    final   waiting cannot cure it.
    layer   the playbook that brings it.
    reason  lines that say why, as far as the cluster tells.
    """

    object: str
    wrong: str
    layer: str = SITE
    final: bool = False
    ref: Ref | None = None
    reason: list[str] = field(default_factory=list)
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        told = {"object": self.object, "wrong": self.wrong, "layer": self.layer}
        return {**told, "reason": self.reason, "remedy": self.remedy}
