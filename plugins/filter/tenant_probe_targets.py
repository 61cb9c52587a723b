# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the pods of tenants try to reach when their isolation is proved."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

DOCUMENTATION = r"""
name: tenant_probe_targets
short_description: For each tenant's namespace, what its probe tries and what must come of it
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - The common targets, the tenant's own Service (which must be open, or nothing was proved) and each other tenant's pod and Service, by address and by the
    names that DNS has for them.
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
    msg: "{{ {'vcci-tenant-a': ['10.0.0.1', '10.1.0.1'], 'vcci-tenant-b': ['10.0.0.2', '10.1.0.2']} | greenlang.vcci.tenant_probe_targets }}"
"""

RETURN = r"""
_value:
  description: Namespace to its targets.
  type: dict
"""

SERVER = "vcci-probe-server"
PORT = 8080


def tenant_probe_targets(addresses: Mapping[str, Sequence[str]], common: Sequence[Mapping] = ()) -> dict[str, list[dict]]:
    """Targets by namespace; see the filter's documentation."""
    def target(name: str, host: str, expect: str) -> dict:
        return {"name": name, "host": host, "port": PORT, "expect": expect}

    return {
        here: [dict(entry) for entry in common] + [target("own-service", SERVER, "open")] + [
            entry for there, (pod, service) in addresses.items() if there != here
            for entry in (target(f"{there}/service-name", f"{SERVER}.{there}.svc", "closed"), target(f"{there}/service", service, "closed"),
                          target(f"{there}/pod-name", f"{pod.replace('.', '-')}.{there}.pod", "closed"), target(f"{there}/pod", pod, "closed"))]
        for here in addresses}


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict:
        """Name to function, as Ansible asks for."""
        return {"tenant_probe_targets": tenant_probe_targets}
