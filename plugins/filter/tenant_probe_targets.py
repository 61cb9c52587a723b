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
  - The common targets, the tenant's own Service (which must be open, or nothing was proved) and each other tenant's
    pod and Service, by address and by the names that DNS has for them.
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
  description: Namespace to its targets.
  type: dict
"""

SERVER = "vcci-probe-server"
PORT = 8080


def tenant_probe_targets(
    addresses: Mapping[str, Sequence[str]], common: Sequence[Mapping[str, Any]] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Targets by namespace; see the filter's documentation."""
    targets: dict[str, list[dict[str, Any]]] = {}
    for here in addresses:
        targets[here] = [*map(dict, common), _target("own-service", SERVER, "open")]
        for there, (pod, service) in addresses.items():
            if there != here:
                targets[here] += _of_another(there, pod, service)
    return targets


def _of_another(namespace: str, pod: str, service: str) -> Iterator[dict[str, Any]]:
    hosts = {
        "service-name": f"{SERVER}.{namespace}.svc",
        "service": service,
        "pod-name": f"{pod.replace('.', '-')}.{namespace}.pod",
        "pod": pod,
    }
    for name, host in hosts.items():
        yield _target(f"{namespace}/{name}", host, "closed")


def _target(name: str, host: str, expect: str) -> dict[str, Any]:
    return {"name": name, "host": host, "port": PORT, "expect": expect}


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for."""
        return {"tenant_probe_targets": tenant_probe_targets}
