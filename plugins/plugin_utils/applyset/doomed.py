# Copyright (c) 2026 GreenLang. All rights reserved.
"""An object that is to be deleted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..kubernetes.kinds import Resource
from . import order
from .manifests import Ref


class Doomed(NamedTuple):
    """As it was listed."""

    ref: Ref
    resource: Resource
    meta: Mapping[str, Any]
    named: bool = False  # it was given one by one: it goes as long as it is no other set's

    @property
    def path(self) -> str:
        return self.resource.path(self.ref.namespace, self.ref.name)

    @property
    def phase(self) -> int:
        return order.phase_of(self.ref.kind, self.ref.group)

    @property
    def is_going(self) -> bool:
        """Whether it is being deleted already."""
        return bool(self.meta.get("deletionTimestamp"))
