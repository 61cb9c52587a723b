# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the pods of tenants try to reach when their isolation is proved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: tenant_probe_targets
short_description: For each tenant's namespace, what its probe tries and what must come of it
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - The tenant's own pod and Service, which must be open, or nothing was proved; each other tenant's, which must be
    closed; the common targets; every port of the cluster's Services, and every pod behind them, which must be closed
    but for what is in O(open).
  - Connections are tried by address, so that nothing depends on names. Names, and the names of addresses, are asked of
    the cluster's DNS beside that.
positional: _input, common
options:
  _input:
    description: Namespace to the addresses of its listening pod and of that pod's Service.
    type: dict
    required: true
  common:
    description: Targets that every tenant tries, each with C(name), C(host), C(port) and C(expect), open or closed.
    type: list
    elements: dict
    default: []
  services:
    description: Services of the cluster that are no tenant's.
    type: list
    elements: dict
    default: []
  slices:
    description: Their EndpointSlices; a Service without a pod that is ready is left out, since it proves nothing.
    type: list
    elements: dict
    default: []
  open:
    description: What of them tenants may call, C(<namespace>/<service>:<port>).
    type: list
    elements: str
    default: []
  nodes:
    description: Nodes of the cluster, whose kubelets must be closed; the first ten are tried.
    type: list
    elements: dict
    default: []
  names:
    description: What DNS must answer for the names of others, hidden where it must know none; any where the cluster's
      DNS tells everybody everything, and the rows only show what it tells.
    type: str
    choices: [hidden, any]
    default: any
"""

EXAMPLES = r"""
- name: Show the targets
  ansible.builtin.debug:
    msg: "{{ addresses | greenlang.vcci.tenant_probe_targets }}"
  vars:
    addresses: {vcci-tenant-a: [10.0.0.1, 10.1.0.1], vcci-tenant-b: [10.0.0.2, 10.1.0.2]}
"""

RETURN = r"""
_value:
  description: Namespace to its targets. Port V(dns) is no port; the host is looked up.
  type: dict
"""

SERVER = "vcci-probe-server"
PORT = 8080
DNS = "dns"  # instead of a port
KUBELET = 10250
NODES = 10  # that are tried

Object = Mapping[str, Any]
Target = dict[str, Any]


def tenant_probe_targets(
    addresses: Mapping[str, Sequence[str]],
    common: Sequence[Object] = (),
    services: Sequence[Object] = (),
    slices: Sequence[Object] = (),
    open: Sequence[str] = (),  # noqa: A002  the option's name
    nodes: Sequence[Object] = (),
    names: str = "any",
) -> dict[str, list[Target]]:
    """Targets by namespace; see the filter's documentation."""
    cluster = [*_of_services(services, slices, set(open)), *_of_nodes(nodes)]
    cluster += _names_of_services(services, set(open), names)
    targets: dict[str, list[Target]] = {}
    for here, (pod, service) in addresses.items():
        # Other tenants' first: they are tried in the first moment of a pod's life.
        targets[here] = []
        for there, (other_pod, other_service) in addresses.items():
            if there != here:
                targets[here] += _of_another(there, other_pod, other_service, names)
        targets[here] += [*_own(here, pod, service), *map(dict, common), *cluster]
    return targets


def _own(namespace: str, pod: str, service: str) -> Iterator[Target]:
    yield _target("own-service", SERVER, "open")
    yield _target("own-service-address", service, "open")
    yield _target("own-pod", pod, "open")
    yield _target("name:own-service", f"{SERVER}.{namespace}.svc", "answered", DNS)


def _of_another(namespace: str, pod: str, service: str, names: str) -> Iterator[Target]:
    yield _target(f"{namespace}/pod", pod, "closed")
    yield _target(f"{namespace}/service", service, "closed")
    yield _target(f"name:{namespace}/service", f"{SERVER}.{namespace}.svc", names, DNS)
    yield _target(f"name:{namespace}/pod", f"{pod.replace('.', '-')}.{namespace}.pod", names, DNS)
    yield _target(f"name-of:{namespace}/service", service, names, DNS)
    yield _target(f"name-of:{namespace}/pod", pod, names, DNS)


# --- the cluster's -------------------------------------------------------------------------------------------------
def _of_services(services: Sequence[Object], slices: Sequence[Object], allowed: set[str]) -> Iterator[Target]:
    """Services with their pods, in the order of their names; each address and port once."""
    seen: set[tuple[str, int]] = set()
    for service in sorted(services, key=_label):
        ready = _ready(service, slices)
        for port in (service.get("spec") or {}).get("ports") or []:
            pods = ready.get(port.get("name") or "", [])
            if port.get("protocol", "TCP") != "TCP" or not pods:
                continue
            what = f"{_label(service)}:{port['port']}"
            expect = "open" if what in allowed else "closed"
            hosts = [(what, host, port["port"]) for host in _hosts(service, expect)]
            hosts += [(f"{what}/pod-{number}", *pod) for number, pod in enumerate(pods)]
            for name, host, number in hosts:
                if (host, number) not in seen:
                    seen.add((host, number))
                    yield _target(name, host, expect, number)


def _of_nodes(nodes: Sequence[Object]) -> Iterator[Target]:
    for node in nodes[:NODES]:
        known = [one["address"] for one in node["status"].get("addresses") or [] if one["type"] == "InternalIP"]
        for address in known[:1]:
            yield _target(f"node/{node['metadata']['name']}:kubelet", address, "closed", KUBELET)


def _names_of_services(services: Sequence[Object], allowed: set[str], names: str) -> Iterator[Target]:
    """Of the API that tenants may call they may know the name."""
    known = {what.rpartition(":")[0] for what in allowed} | {"default/kubernetes"}
    for service in sorted(services, key=_label):
        meta, label = service["metadata"], _label(service)
        expect = names if label not in known else "any"
        yield _target(f"name:{label}", f"{meta['name']}.{meta['namespace']}.svc", expect, DNS)
        address = (service.get("spec") or {}).get("clusterIP")
        if address not in (None, "", "None") and label not in known:
            yield _target(f"name-of:{label}", address, names, DNS)


def _hosts(service: Object, expect: str) -> list[str]:
    """Its address in the cluster, and those from outside, which need not lead to where tenants may go."""
    address = (service.get("spec") or {}).get("clusterIP")
    outside = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    inside = [address] if address not in (None, "", "None") else []
    return inside + ([one["ip"] for one in outside if one.get("ip")] if expect == "closed" else [])


def _ready(service: Object, slices: Sequence[Object]) -> dict[str, list[tuple[str, int]]]:
    """Name of a port to the address and port of each pod that is ready."""
    meta, found = service["metadata"], dict[str, list[tuple[str, int]]]()
    for part in slices:
        of = (part["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
        if of != meta["name"] or part["metadata"]["namespace"] != meta["namespace"]:
            continue
        ready = [end for end in part.get("endpoints") or [] if (end.get("conditions") or {}).get("ready") is not False]
        for port in part.get("ports") or []:
            known = found.setdefault(port.get("name") or "", [])
            known += [(end["addresses"][0], port["port"]) for end in ready if port.get("port")]
    return found


def _label(service: Object) -> str:
    return f"{service['metadata']['namespace']}/{service['metadata']['name']}"


def _target(name: str, host: str, expect: str, port: int | str = PORT) -> Target:
    return {"name": name, "host": host, "port": port, "expect": expect}


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for."""
        return {"tenant_probe_targets": tenant_probe_targets}
