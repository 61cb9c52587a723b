# Copyright (c) 2026 GreenLang. All rights reserved.
"""The networks that a tenant declares egress to: {cidr, ports}. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from .problems import Problems, named

# Where clouds hand out a node's credentials, and what else no tenant may name.
NEVER = (
    "169.254.0.0/16",
    "fe80::/10",
    "fd00:ec2::254/128",
    "100.100.100.200/32",
    "127.0.0.0/8",
    "::1/128",
    "0.0.0.0/32",
    "::/128",
)
PROTOCOLS = ("TCP", "UDP", "SCTP")
Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Egress:
    cidr: str
    excepted: tuple[str, ...]
    ports: tuple[tuple[str, int], ...]


def networks(protected: Iterable[str], problems: Problems) -> list[Network]:
    """What no tenant may reach."""
    found: list[Network] = []
    for cidr in (*NEVER, *protected):
        try:
            found.append(ipaddress.ip_network(cidr))
        except ValueError as exc:
            problems.add("protected_cidrs", str(exc))
    return found


def parse_egress(value: Any, where: str, protected: Sequence[Network], problems: Problems) -> tuple[Egress, ...]:
    rules: list[Egress] = []
    for index, entry in enumerate(problems.sequence(value, where)):
        here = f"{where}[{index}]"
        given = problems.mapping(entry, here, ("cidr", "ports"))
        network = _parse_network(given.get("cidr"), f"{here}.cidr", problems)
        if network is None:
            continue
        inside = next((other for other in protected if _within(network, other)), None)
        if inside is not None:
            problems.add(
                f"{here}.cidr",
                f"{network} is within {inside}, which no tenant may reach (metadata, nodes, the platform)",
            )
            continue
        excepted = tuple(str(other) for other in protected if _within(other, network))
        rules.append(Egress(str(network), excepted, _parse_ports(given.get("ports"), f"{here}.ports", problems)))
    return tuple(rules)


def _parse_network(value: Any, where: str, problems: Problems) -> Network | None:
    try:
        network = ipaddress.ip_network(str(value))  # numbers would be read as addresses
    except ValueError:
        problems.add(where, f"must be a network such as 203.0.113.0/24, not {named(value)}")
        return None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        problems.add(where, f"{network} is an IPv4 network written as IPv6; write it as IPv4")
        return None
    return network


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # of one version both


def _parse_ports(value: Any, where: str, problems: Problems) -> tuple[tuple[str, int], ...]:
    ports: list[tuple[str, int]] = []
    for index, entry in enumerate(problems.sequence(value, where)):
        whole = {"port": entry} if isinstance(entry, int) else entry
        given = problems.mapping(whole, f"{where}[{index}]", ("port", "protocol"))
        port, protocol = given.get("port"), given.get("protocol", "TCP")
        if isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536 and protocol in PROTOCOLS:
            ports.append((protocol, port))
        else:
            problems.add(f"{where}[{index}]", "must be a port from 1 to 65535, with protocol TCP, UDP or SCTP")
    if not ports:
        problems.add(where, "name at least one port: egress to every port of a network is not declared, it is open")
    return tuple(ports)
