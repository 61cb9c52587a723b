# Copyright (c) 2026 GreenLang. All rights reserved.
"""How a set is to be applied or deleted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from ..kubernetes import names
from ..kubernetes.kinds import Resource
from .expectation import Expectation
from .manifests import Ref

FIELD_MANAGER = "greenlang.vcci"
CONCURRENCY = 16


@dataclass
class Planned:
    """What earlier steps of the same check-mode run would have brought; what a set would bring is added to it."""

    namespaces: set[str] = field(default_factory=set)
    kinds: dict[tuple[str, str], Resource] = field(default_factory=dict)  # by apiVersion and kind


@dataclass(frozen=True)
class ApplyOptions:
    """The options of apply_set and delete_set; those that only one of them knows say so.

    name             of the set, recorded in a ConfigMap of that name in `namespace`; None writes without membership.
    member_of        (apply) without a name: the id of the set whose members the objects are, and stay.
    objects_namespace  of the objects that live in one and do not say in which; they may then name no other.
    check            predict, by server-side dry runs; nothing is written.
    prune            (apply) delete members of the set that are not among the objects; at most prune_limit of them
                     (-1: any number), and those of labels.PROTECTED kinds only when prune_named has them
                     ("Namespace/x", "PersistentVolumeClaim/ns/x").
    wait             until the objects are ready, or gone; wait_timeout in seconds.
    wait_grace       seconds for which pods may fail to start before the wait ends.
    wait_for         what is awaited of single objects, instead of the rules of kstatus.
    force_conflicts  (apply) take fields that another manager owns; take, or delete, objects of other sets.
    recreate         (apply) kinds that may be deleted and created again when an immutable field changes: "Job", or with
                     its group "Certificate.cert-manager.io". Never those that hold data.
    bound            (apply) objects as they were read before it was decided what they are to be, None for those that
                     were not there: they are only written while they are so, their status apart; else Overtaken.
    diff             read what is needed to show differences, and keep them in the result.
    concurrency      requests at a time.
    lock_timeout     seconds to wait for another run of the same set.
    say              is told, line by line, what is being done.
    """

    name: str | None = None
    namespace: str = "default"
    member_of: str | None = None
    objects_namespace: str | None = None
    check: bool = False
    prune: bool = False
    prune_limit: int = 20
    prune_named: tuple[str, ...] = ()
    wait: bool = False
    wait_timeout: float = 300
    wait_grace: float = 60
    wait_for: tuple[Expectation, ...] = ()
    force_conflicts: bool = False
    recreate: tuple[str, ...] = ()
    field_manager: str = FIELD_MANAGER
    bound: Mapping[Ref, Mapping[str, Any] | None] = field(default_factory=dict)
    diff: bool = True
    concurrency: int = CONCURRENCY
    planned: Planned | None = None
    lock_timeout: float = 120
    say: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        """InputError names the option that no run can have."""
        if self.name is not None:
            names.check_dns_subdomain("name", self.name)
            names.check_dns_label("namespace", self.namespace)
        if self.objects_namespace is not None:
            names.check_dns_label("objects_namespace", self.objects_namespace)
        least = {"prune_limit": -1, "wait_timeout": 0, "wait_grace": 0, "concurrency": 1, "lock_timeout": 0}
        for option, number in least.items():
            if getattr(self, option) < number:
                raise InputError(f"{option}: {getattr(self, option)} is less than {number}")
