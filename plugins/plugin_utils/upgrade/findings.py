# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a look at a cluster before its upgrade finds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

# What a finding is about; those that somebody may accept by name, and those that nobody can.
ACCEPTABLE = ("apis", "budgets", "capacity", "volumes", "backups", "charts", "workloads", "lifetimes")
CHECKS = ("skew", "nodes", "pods", *ACCEPTABLE)


@dataclass(frozen=True)
class Finding:
    """`blocks` the upgrade, or is only told; `what` has the remedy."""

    check: str
    blocks: bool
    what: str


def blocking(findings: Iterable[Finding], accepted: Iterable[str]) -> list[Finding]:
    """Those for which the upgrade must not begin."""
    allowed = set(accepted) & set(ACCEPTABLE)
    return [finding for finding in findings if finding.blocks and finding.check not in allowed]


def named(obj: Object) -> str:
    """Kind, namespace and name, for a message."""
    meta = obj["metadata"]
    where = f"{meta['namespace']}/" if meta.get("namespace") else ""
    return f"{obj.get('kind', 'object')} {where}{meta.get('name', '')}"
