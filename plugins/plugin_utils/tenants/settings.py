# Copyright (c) 2026 GreenLang. All rights reserved.
"""What all tenants share. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What all tenants share."""

    part_of: str
    platform_namespace: str
    platform_api: tuple[tuple[str, int], ...]  # (label app, port of the pod)
    storage_classes: tuple[str, ...]
    registries: tuple[str, ...] = ()
    dns_ports: tuple[int, ...] = (53, 5353)
    ingress_classes: tuple[str, ...] | None = None  # of a tier that names none; None: nobody said
    issuers: tuple[str, ...] = ()  # of a tier that names none
    priority_level: str = ""  # of tenants' requests; empty: nobody made one
