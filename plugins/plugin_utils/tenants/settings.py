# Copyright (c) 2026 GreenLang. All rights reserved.
"""What all tenants share. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from .problems import Problems, named


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
    inside: tuple[str, ...] = ()  # networks of nodes and pods: who comes from there is not outside
    ingress_namespace: str = ""  # of the ingress controller's pods; empty: there is none


def parse_inside(networks: Iterable[str]) -> tuple[str, ...]:
    """The option inside_cidrs, checked; InputError with all that is wrong."""
    problems, good = Problems(), []
    for index, text in enumerate(networks):
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            problems.add(f"inside_cidrs[{index}]", f"must be a network such as 10.0.0.0/8, not {named(text)}")
            continue
        if network.prefixlen:
            good.append(str(network))
        else:
            problems.add(f"inside_cidrs[{index}]", f"{network} is everything: nobody would be outside")
    problems.refuse()
    return tuple(dict.fromkeys(good))
