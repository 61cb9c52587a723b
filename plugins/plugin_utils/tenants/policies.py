# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a tenant's pods may reach, and who may reach them: its NetworkPolicies. Pure."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ..kubernetes import quantity
from .cluster import ANNOTATION
from .egress import Egress
from .settings import Settings
from .tenant import Tenant

Manifest = dict[str, Any]

PUBLISHED = {ANNOTATION + "published": "true"}  # the label by which a tenant opens a pod of its own to the outside
BALANCERS, INGRESSES = "services.loadbalancers", "count/ingresses.networking.k8s.io"
EVERYWHERE = ("0.0.0.0/0", "::/0")


def policies(tenant: Tenant, hard: Mapping[str, str], settings: Settings) -> Iterator[tuple[str, Manifest]]:
    """Name and spec of each; `hard` are the limits of the tenant's quota."""
    yield from _same_policies(settings)
    yield _declared_egress(tenant.egress)
    yield _published(_some(hard.get(BALANCERS, "0")), _some(hard.get(INGRESSES, "1")), settings)


@functools.cache
def _same_policies(settings: Settings) -> tuple[tuple[str, Manifest], ...]:
    """Those that are the same in every tenant's namespace."""
    everyone: Manifest = {"podSelector": {}}
    dns_ports: list[Manifest] = []
    for port in settings.dns_ports:
        dns_ports += [{"port": port, "protocol": protocol} for protocol in ("UDP", "TCP")]
    dns = {"to": [_pods("kube-system", {"k8s-app": "kube-dns"})], "ports": dns_ports}
    own = {"ingress": [{"from": [everyone]}], "egress": [{"to": [everyone]}]}
    api = [_to_platform(settings.platform_namespace, app, port) for app, port in settings.platform_api]
    return (
        ("default-deny", {**everyone, "policyTypes": ["Ingress", "Egress"]}),
        ("allow-dns", {**everyone, "policyTypes": ["Egress"], "egress": [dns]}),
        ("allow-own-namespace", {**everyone, "policyTypes": ["Ingress", "Egress"], **own}),
        ("allow-platform-api", {**everyone, "policyTypes": ["Egress"], "egress": api}),
    )


def _declared_egress(declared: tuple[Egress, ...]) -> tuple[str, Manifest]:
    """There without rules too: a policy that allows nothing more, which the next declaration fills."""
    rules = [_to_network(rule) for rule in declared]
    return "allow-declared-egress", {"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}


def _some(limit: str) -> bool:
    return quantity.parse(limit) > 0


@functools.cache
def _published(balanced: bool, served: bool, settings: Settings) -> tuple[str, Manifest]:
    """Who reaches a published pod: the outside where there are load balancers, the ingress controller where there are
    Ingresses; never a pod of the cluster otherwise. There without rules too, as what is declared.
    """
    sources: list[Manifest] = []
    if balanced:
        sources += [_outside(network, settings.inside) for network in EVERYWHERE]
    if served and settings.ingress_namespace:
        sources.append(_pods(settings.ingress_namespace, {}))
    rules = [{"from": sources}] if sources else []
    return "allow-published", {
        "podSelector": {"matchLabels": PUBLISHED},
        "policyTypes": ["Ingress"],
        "ingress": rules,
    }


def _outside(everywhere: str, inside: tuple[str, ...]) -> Manifest:
    """All of one version of IP, without the networks of nodes and pods: some CNIs take these for any others."""
    version = ipaddress.ip_network(everywhere).version
    excepted = [network for network in inside if ipaddress.ip_network(network).version == version]
    return {"ipBlock": {"cidr": everywhere, **({"except": excepted} if excepted else {})}}


def _to_network(rule: Egress) -> Manifest:
    block: Manifest = {"cidr": rule.cidr}
    if rule.excepted:
        block["except"] = list(rule.excepted)
    ports = [{"port": port, "protocol": protocol} for protocol, port in rule.ports]
    return {"to": [{"ipBlock": block}], "ports": ports}


def _to_platform(namespace: str, app: str, port: int) -> Manifest:
    return {"to": [_pods(namespace, {"app": app})], "ports": [{"port": port, "protocol": "TCP"}]}


def _pods(namespace: str, matching: Mapping[str, str]) -> Manifest:
    there = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return {"namespaceSelector": there, "podSelector": {"matchLabels": dict(matching)}}
