# Copyright (c) 2026 GreenLang. All rights reserved.
"""The networks that a tenant declares egress to: {cidr, ports}. Pure."""
from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .problems import Problems, named

# Where clouds hand out a node's credentials, and what else no tenant may name.
NEVER = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "127.0.0.0/8", "::1/128", "0.0.0.0/32", "::/128")


@dataclass(frozen=True)
class Egress:
    cidr: str
    excepted: tuple[str, ...]
    ports: tuple[tuple[str, int], ...]


def networks(protected: Iterable[str], problems: Problems) -> list:
    """What no tenant may reach."""
    read = []
    for cidr in (*NEVER, *protected):
        try:
            read.append(ipaddress.ip_network(cidr))
        except ValueError as exc:
            problems.add("protected_cidrs", str(exc))
    return read


def read_egress(value: Any, where: str, protected: list, problems: Problems) -> tuple[Egress, ...]:
    rules = []
    for index, entry in enumerate(problems.sequence(value, where)):
        here = f"{where}[{index}]"
        entry = problems.mapping(entry, here, ("cidr", "ports"))
        try:
            # Numbers would be read as addresses.
            network = ipaddress.ip_network(str(entry.get("cidr")))
        except ValueError:
            problems.add(f"{here}.cidr", f"must be a network such as 203.0.113.0/24, not {named(entry.get('cidr'))}")
            continue
        if getattr(network.network_address, "ipv4_mapped", None) is not None:
            problems.add(f"{here}.cidr", f"{network} is an IPv4 network written as IPv6; write it as IPv4")
            continue
        alike = [other for other in protected if other.version == network.version]
        inside = [other for other in alike if network.subnet_of(other)]
        if inside:
            problems.add(f"{here}.cidr", f"{network} is within {inside[0]}, which no tenant may reach (metadata, nodes, the platform)")
            continue
        excepted = tuple(str(other) for other in alike if other.subnet_of(network))
        rules.append(Egress(str(network), excepted, _read_ports(entry.get("ports"), f"{here}.ports", problems)))
    return tuple(rules)


def _read_ports(value: Any, where: str, problems: Problems) -> tuple[tuple[str, int], ...]:
    ports = []
    for index, entry in enumerate(problems.sequence(value, where)):
        entry = {"port": entry} if isinstance(entry, int) else entry
        entry = problems.mapping(entry, f"{where}[{index}]", ("port", "protocol"))
        port, protocol = entry.get("port"), entry.get("protocol", "TCP")
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536 or protocol not in ("TCP", "UDP", "SCTP"):
            problems.add(f"{where}[{index}]", "must be a port from 1 to 65535, with protocol TCP, UDP or SCTP")
        else:
            ports.append((protocol, port))
    if not ports:
        problems.add(where, "name at least one port: egress to every port of a network is not declared, it is open")
    return tuple(ports)
