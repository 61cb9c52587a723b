# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a tenant's pods may reach, and who may reach them: its NetworkPolicies. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from .egress import Egress
from .settings import Settings
from .tenant import Tenant

Manifest = dict[str, Any]


def policies(tenant: Tenant, settings: Settings) -> Iterator[tuple[str, Manifest]]:
    """Name and spec of each."""
    yield from _same_policies(settings)
    yield _declared_egress(tenant.egress)


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
