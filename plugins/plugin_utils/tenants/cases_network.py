# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant's ways to an address, a host or a certificate: what is refused, and what is allowed beside it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .bounds import Bounds
from .cases import NAME, Case, Object, Row, cases, ingress, rule, service

HOST, ANNOTATION, CLASS = "host not allowed", "annotation not allowed", "ingressClassName not allowed"
ISSUER, OLD_CLASS = "cert-manager.io/cluster-issuer", "kubernetes.io/ingress.class"
FORBIDDEN, OTHER = "www.forbidden.example", "vcci-forbidden"
# Orders to controllers, each of which would take a host, a certificate, an address or a configuration.
ORDERS = {
    "nginx.ingress.kubernetes.io/server-alias": FORBIDDEN,
    "nginx.ingress.kubernetes.io/configuration-snippet": "return 200;",
    "traefik.ingress.kubernetes.io/router.middlewares": "other-auth@kubernetescrd",
    "cert-manager.io/common-name": FORBIDDEN,
    "acme.cert-manager.io/http01-edit-in-place": "true",
    "external-dns.alpha.kubernetes.io/hostname": FORBIDDEN,
    "alb.ingress.kubernetes.io/group.name": "platform",
    ISSUER: OTHER,
}
ADDRESSES = {
    "external-dns.alpha.kubernetes.io/hostname": FORBIDDEN,
    "metallb.universe.tf/loadBalancerIPs": "192.0.2.1",
    "lbipam.cilium.io/ips": "192.0.2.1",
    "service.beta.kubernetes.io/aws-load-balancer-eip-allocations": "eipalloc-1",
    "networking.gke.io/load-balancer-type": "Internal",
}
HARMLESS = {
    "note": "without a domain",
    "kubectl.kubernetes.io/last-applied-configuration": "{}",
    "app.kubernetes.io/version": "1",
    "meta.helm.sh/release-name": "web",
}


def network_cases(bounds: Bounds) -> Iterator[Case]:
    own = next((host for host in bounds.hosts if not host.startswith("*.")), None)
    rows = [*_addresses(), *_balancers(bounds), *_ports(bounds), *_annotations(ADDRESSES), *_harmless()]
    yield from cases("a Service", "v1", "services", service(), rows)
    hosts = [*_hosts(), *_wildcards(bounds)]
    yield from cases("an Ingress", "networking.k8s.io/v1", "ingresses", ingress(own or FORBIDDEN), hosts)
    if own is not None:  # what a tenant without a host adds to an Ingress is refused for its host
        more = [*_own(own, bounds), *_annotations(ORDERS), *_harmless(), *_issuers(bounds)]
        yield from cases("an Ingress", "networking.k8s.io/v1", "ingresses", ingress(own), more)


def _spec(**fields: Any) -> Object:
    return {"spec": fields}


# --- Services -----------------------------------------------------------------------------------------------------
def _addresses() -> list[Row]:
    balanced = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}
    return [
        ("as it should be", {}, ""),
        ("without an address", _spec(clusterIP="None"), ""),
        ("externalIPs", _spec(externalIPs=["192.0.2.1"]), "externalIPs not allowed: 192.0.2.1"),
        ("a name elsewhere", _spec(type="ExternalName", externalName="a.example"), "externalName not allowed: a.exam"),
        ("an address of a load balancer", _spec(**balanced, loadBalancerIP="192.0.2.1"), "loadBalancerIP not allowed"),
        (
            "another's load balancers",
            _spec(**balanced, loadBalancerClass="example.com/a"),
            "loadBalancerClass not allo",
        ),
    ]


def _balancers(bounds: Bounds) -> list[Row]:
    balanced = _spec(type="LoadBalancer")
    none = "type not allowed: LoadBalancer; load balancers of this tenant are 0"
    return [("a load balancer", balanced, "" if bounds.load_balancers else none)]


def _ports(bounds: Bounds) -> list[Row]:
    def ports(number: int) -> Object:
        return _spec(ports=[{"name": f"p{port}", "port": port} for port in range(1, number + 1)])

    most = bounds.max_service_ports
    many = f"ports not allowed: {most + 1}; ports of a Service of this tenant are at most {most}"
    given = _spec(type="NodePort", ports=[{"port": 80, "nodePort": 32767}])
    return [
        ("a port of every node", _spec(type="NodePort"), "type not allowed: NodePort"),
        ("a port of every node that it chose", given, "nodePort not allowed: 32767"),
        ("as many ports as may be", ports(most), ""),
        ("a port more", ports(most + 1), many),
    ]


def _annotations(orders: dict[str, str]) -> list[Row]:
    found: list[Row] = []
    for key, value in orders.items():
        found.append((f"annotation {key}", {"metadata": {"annotations": {key: value}}}, f"{ANNOTATION}: {key}"))
    return found


def _harmless() -> list[Row]:
    return [(f"annotation {key}", {"metadata": {"annotations": {key: value}}}, "") for key, value in HARMLESS.items()]


# --- Ingresses ----------------------------------------------------------------------------------------------------
def _hosts() -> list[Row]:
    behind = {"defaultBackend": {"service": {"name": NAME, "port": {"number": 80}}}}
    return [
        ("a forbidden host", _spec(rules=[rule(FORBIDDEN)]), f"{HOST}: {FORBIDDEN}"),
        ("every host", _spec(rules=[rule(None)]), f"{HOST}: .every host."),
        ("every host of a domain", _spec(rules=[rule("*.forbidden.example")]), f"{HOST}: .*forbidden"),
        ("a certificate of a forbidden host", _spec(tls=[{"hosts": [FORBIDDEN], "secretName": "x"}]), HOST),
        ("a default backend", {"spec": {**behind, "rules": None}}, f"{HOST}: spec.defaultBackend"),
    ]


def _wildcards(bounds: Bounds) -> list[Row]:
    found: list[Row] = []
    for host in bounds.hosts:
        if host.startswith("*."):
            domain = host.removeprefix("*.")
            found.append((f"a host within {host}", _spec(rules=[rule(f"a.{domain}")]), ""))
            found.append((f"another that ends like {host}", _spec(rules=[rule(f"not{domain}")]), HOST))
    return found


def _own(host: str, bounds: Bounds) -> list[Row]:
    most = bounds.max_tls_entries
    many = f"tls not allowed: {most + 1}; entries of an Ingress of this tenant are at most {most}"
    stored = {"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "files"}}
    old = {"metadata": {"annotations": {OLD_CLASS: OTHER}}}
    rows: list[Row] = [
        ("its own host", {}, ""),
        ("its own host and certificate", _spec(tls=_entries(host, 1)), ""),
        ("as many certificates as may be", _spec(tls=_entries(host, most)), ""),
        ("a certificate more", _spec(tls=_entries(host, most + 1)), many),
        ("another's controller", _spec(ingressClassName=OTHER), f"{CLASS}: {OTHER}"),
        ("another's controller as it was said before", old, f"{CLASS}: {OTHER}"),
        ("something that is no Service", _spec(rules=[rule(host, stored)]), "backend.resource not allowed: Bucket"),
    ]
    rows += _paths(host)
    for name in bounds.ingress_classes:
        rows.append((f"class {name}", _spec(ingressClassName=name), ""))
        rows.append((f"class {name} as it was said before", {"metadata": {"annotations": {OLD_CLASS: name}}}, ""))
    rows.append(("an annotation below its own host", {"metadata": {"annotations": {f"{host}/note": "a"}}}, ""))
    rows.append(("one below a domain that ends like it", {"metadata": {"annotations": {f"x{host}/a": ""}}}, ANNOTATION))
    return rows


def _paths(host: str) -> Iterator[Row]:
    """Some would end a text in a controller's own configuration, and begin an order."""
    for path in ("/`) || Host(`" + FORBIDDEN, '/" {', "/a b", "/a;b", "/a{2}", "/a'", "/a\\"):
        yield f"path {path}", _spec(rules=[rule(host, path=path)]), "path not allowed: /"
    for path in ("/v1/items(/|$)(.*)", "/a-b_c~d.e!$&*+,=:@%20|^?[x]"):
        yield f"path {path}", _spec(rules=[rule(host, path=path, kind="ImplementationSpecific")]), ""


def _entries(host: str, number: int) -> list[Object]:
    return [{"hosts": [host], "secretName": f"tls-{entry}"} for entry in range(number)]


def _issuers(bounds: Bounds) -> list[Row]:
    return [(f"issuer {name}", {"metadata": {"annotations": {ISSUER: name}}}, "") for name in bounds.issuers]
