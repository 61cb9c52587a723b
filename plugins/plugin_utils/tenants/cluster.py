# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a cluster has, as far as quotas and tenants go. Pure. read.py asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

ANNOTATION = "tenant.vcci.io/"
CREATED, ID, NAME, TIER = (ANNOTATION + key for key in ("created", "id", "name", "tier"))


@dataclass
class Namespace:
    """A namespace that is there.

    annotations  those of tenants (tenant.vcci.io/...).
    going        it is being deleted.
    hard         limits of the ResourceQuota that we made in it; None where there is none yet.
    used         what the API server has counted.
    suspended    nothing may run in it.
    """

    annotations: dict[str, str] = field(default_factory=dict)
    going: bool = False
    hard: dict[str, str] | None = None
    used: dict[str, str] = field(default_factory=dict)
    suspended: bool = False

    @property
    def tenant(self) -> str:
        """Id of the tenant whose it is, empty for one that is no tenant's."""
        return self.annotations.get(ID, "")


@dataclass
class Cluster:
    """Namespaces by name; id of a tenant → phase of its offboarding; what the nodes offer; PriorityClass → value, where
    they were asked for."""

    namespaces: dict[str, Namespace] = field(default_factory=dict)
    offboarding: dict[str, str] = field(default_factory=dict)
    capacity: dict[str, Fraction] = field(default_factory=dict)
    priorities: dict[str, int] = field(default_factory=dict)
