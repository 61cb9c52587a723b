# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a tenant's namespace allows, as its annotations say it and admission policies read it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .cluster import ANNOTATION


@dataclass(frozen=True)
class Bounds:
    """A namespace of a version before says some of it only; the rest are the policies' own defaults."""

    hosts: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    storage_classes: tuple[str, ...] = ()
    priority_classes: tuple[str, ...] = ()
    volume_attributes_classes: tuple[str, ...] = ()
    runtime_classes: tuple[str, ...] = ()
    extended_resources: tuple[str, ...] = ()
    ingress_classes: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    load_balancers: int = 0
    max_service_ports: int = 32
    max_tls_entries: int = 20
    max_grace_seconds: int = 300
    max_object_bytes: int = 262144


def bounds(annotations: Mapping[str, str]) -> Bounds:
    found: dict[str, tuple[str, ...] | int] = {}
    for name, default in vars(Bounds()).items():
        text = annotations.get(ANNOTATION + name.replace("_", "-"))
        if text is not None:
            found[name] = int(text) if isinstance(default, int) else tuple(filter(None, text.split(",")))
    return Bounds(**found)  # type: ignore[arg-type]  # each is of its default's type
