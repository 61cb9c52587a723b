# Copyright (c) 2026 GreenLang. All rights reserved.
"""What tenants publish when their isolation is proved, and who must reach it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import quantity

DOCUMENTATION = r"""
name: tenant_published
short_description: What each tenant may publish, and from where what is published must and must not be reached
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - From outside, the load balancer of a published pod and its tenant's first host must be open; the load balancer of a
    pod that is not published, its path of the host, and a host that is nobody's must be closed. A load balancer or an
    Ingress that was made and got no address is tried without one, so that it is found closed and not left out.
  - From the pods of other tenants and of the platform all of it must be closed, by every address; the tenant's own pods
    reach both, or nothing was proved.
positional: _input, platform
options:
  _input:
    description: Namespaces and ResourceQuotas of tenants; Services, Ingresses and Pods that were made to prove it.
    type: list
    elements: dict
    required: true
  platform:
    description: The platform's namespace.
    type: str
    required: true
  served:
    description: Whether an ingress controller serves hosts.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Show what may be published
  ansible.builtin.debug:
    msg: "{{ objects | greenlang.vcci.tenant_published('vcci-platform') }}"
"""

RETURN = r"""
_value:
  description:
    - C(tenants), for each C(namespace), its C(host), empty for none, the C(ingress_class) that serves it, empty for the
      platform's, and how many load C(balancers) it has left.
    - C(outside), what the machine that asks tries, each with C(name), C(host), C(port), C(address), C(path), C(expect).
    - C(inside), namespace to the targets of its pod, as plugin tenant_probe_objects takes them.
  type: dict
"""

PORT = 8080
HTTP = 80
BALANCERS = "services.loadbalancers"
HOSTS = "tenant.vcci.io/hosts"
CLASSES = "tenant.vcci.io/ingress-classes"
PUBLISHED = "vcci-probe-published"
HIDDEN = "vcci-probe-hidden"

Object = Mapping[str, Any]


def tenant_published(objects: Sequence[Object], platform: str, served: bool = True) -> dict[str, Any]:
    """See the filter's documentation."""
    found = {(one["kind"], _namespace(one), one["metadata"]["name"]): one for one in objects}
    tenants = [_tenant(one, found, served) for one in objects if one["kind"] == "Namespace"]
    names = [tenant["namespace"] for tenant in tenants]
    outside: list[dict[str, Any]] = []
    for namespace in names:
        outside += _from_outside(namespace, found)
    inside: dict[str, list[dict[str, Any]]] = {here: [] for here in (*names, platform)}
    for here, there in itertools.product(inside, names):
        inside[here] += _from_inside(there, found, own=here == there)
    return {"tenants": tenants, "outside": outside, "inside": inside}


def _namespace(one: Object) -> str:
    return str(one["metadata"].get("namespace", ""))


def _tenant(namespace: Object, found: Mapping[tuple[str, str, str], Object], served: bool) -> dict[str, Any]:
    name, allowed = namespace["metadata"]["name"], namespace["metadata"].get("annotations") or {}
    host, ingress_class = (allowed.get(key, "").split(",")[0] for key in (HOSTS, CLASSES))
    quota = found.get(("ResourceQuota", name, "tenant-quota"), {})
    limit = (quota.get("spec") or {}).get("hard", {}).get(BALANCERS, 0)
    used = (quota.get("status") or {}).get("used", {}).get(BALANCERS, 0)
    # One name of those that a wildcard stands for.
    return {
        "namespace": name,
        "host": host.replace("*", "vcci-verify") if served else "",
        "ingress_class": ingress_class,
        "balancers": max(int(quantity.parse(limit) - quantity.parse(used)), 0),
    }


def _from_outside(namespace: str, found: Mapping[tuple[str, str, str], Object]) -> Iterator[dict[str, Any]]:
    for name, what, expect in ((PUBLISHED, "load-balancer", "open"), (HIDDEN, "load-balancer-of-hidden", "closed")):
        service = found.get(("Service", namespace, name), {})
        unknown = [""] if (service.get("spec") or {}).get("type") == "LoadBalancer" else []
        for address in _balanced(service) or unknown:
            yield _request(f"{namespace}/{what}", address, PORT, address, expect)
    ingress = found.get(("Ingress", namespace, "vcci-probe"))
    if ingress:
        address, host = (_balanced(ingress) or [""])[0], ingress["spec"]["rules"][0]["host"]
        yield _request(f"{namespace}/host", address, HTTP, host, "open")
        yield _request(f"{namespace}/host-of-hidden", address, HTTP, host, "closed", "hidden")
        yield _request(f"{namespace}/host-of-nobody", address, HTTP, "nobody.invalid", "closed")


def _from_inside(namespace: str, found: Mapping[tuple[str, str, str], Object], own: bool) -> Iterator[dict[str, Any]]:
    for name in (PUBLISHED, HIDDEN):
        service, pod = found.get(("Service", namespace, name)), found.get(("Pod", namespace, name))
        what = f"{namespace}/{name.removeprefix('vcci-probe-')}"
        if service:
            expect = "open" if own else "closed"
            yield _target(f"{what}-service", service["spec"]["clusterIP"], PORT, expect)
        if own:
            continue
        if pod and (pod.get("status") or {}).get("podIP"):
            yield _target(f"{what}-pod", pod["status"]["podIP"], PORT, "closed")
        for address in _balanced(service):
            yield _target(f"{what}-load-balancer", address, PORT, "closed")


def _balanced(one: Object | None) -> list[str]:
    """The first address that a Service or an Ingress has outside."""
    given = (((one or {}).get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [entry.get("ip") or entry["hostname"] for entry in given[:1]]


def _request(name: str, address: str, port: int, host: str, expect: str, path: str = "") -> dict[str, Any]:
    return {**_target(name, host, port, expect), "address": f"{address}:{port}", "path": path}


def _target(name: str, host: str, port: int, expect: str) -> dict[str, Any]:
    return {"name": name, "host": host, "port": port, "expect": expect}


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for."""
        return {"tenant_published": tenant_published}
