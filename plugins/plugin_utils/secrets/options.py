# Copyright (c) 2026 GreenLang. All rights reserved.
"""How Secrets are to be sealed, or kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..applyset.manifests import Ref
from ..applyset.options import ApplyOptions, Planned


@dataclass(frozen=True)
class Options:
    """The options of a run; those of the plugin are described there.

    name, record_namespace   the set that the objects belong to.
    aws, vault               settings of AWS Secrets Manager, or Vault, which then holds the values; nothing is sealed.
    cluster                  False: no cluster is asked; manifests go to `directory`, or ciphertexts to the result.
    wait_timeout             seconds for everything that is awaited.
    check                    predict; nothing is written.
    say                      is told, line by line, what is being done.
    """

    name: str = "secrets"
    record_namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    aws: Mapping[str, Any] | None = None
    vault: Mapping[str, Any] | None = None
    certificate: str | None = None
    certificate_fingerprint: str | None = None
    cluster: bool = True
    directory: str | None = None
    fingerprint_key: str | None = None
    merge: bool = False
    controller_namespace: str = "kube-system"
    controller_name: str = "sealed-secrets-controller"
    allow_scope_change: bool = False
    force_conflicts: bool = False
    prune: bool = False
    rotate: tuple[str, ...] = ()
    restart: bool = False
    wait: bool = True
    wait_timeout: float = 120
    check: bool = False
    diff: bool = False
    planned: Planned | None = None
    say: Callable[[str], None] = lambda _line: None

    def of_set(self, prune: bool, bound: Mapping[Ref, Mapping[str, Any] | None] | None = None) -> ApplyOptions:
        """How the set of objects is to be applied. A part of the set must not prune the rest.

        bound  objects as they were read: what somebody else changed since is not written.
        """
        return ApplyOptions(
            name=self.name,
            namespace=self.record_namespace,
            check=self.check,
            prune=prune and self.prune,
            force_conflicts=self.force_conflicts,
            diff=False,
            bound=bound or {},
            planned=self.planned,
            say=self.say,
        )
