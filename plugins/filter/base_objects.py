# Copyright (c) 2026 GreenLang. All rights reserved.
"""The objects that every namespace of the platform starts with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.labels import labels

DOCUMENTATION = r"""
name: base_objects
short_description: Namespaces with Pod Security, quota, limits, access and default-deny policies
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Turns a list of namespaces into the objects that each of them starts with. Pods may then do nothing on the network
    but ask the cluster's DNS; each component brings the policies for the flows that it needs.
positional: _input, part_of, access
options:
  _input:
    description: >-
      The namespaces, each a dictionary of O(_input=name), C(quota), the hard limits of its ResourceQuota, and
      C(limits), the entries of its LimitRange; without entries there is none.
    type: list
    elements: dict
    required: true
  part_of:
    description: Value of the label C(app.kubernetes.io/part-of).
    type: str
    required: true
  access:
    description: Groups with the ClusterRole (admin, edit or view) that each has in these namespaces.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show the objects of one namespace
  ansible.builtin.debug:
    msg: "{{ namespaces | greenlang.vcci.base_objects('vcci-scope3-platform') }}"
  vars:
    namespaces: [{name: vcci-platform, quota: {pods: '50'}}]
"""

RETURN = r"""
_value:
  description: The objects.
  type: list
  elements: dict
"""

# The enforced level and the version against which it is checked: https://kubernetes.io/docs/concepts/security/pod-security-admission/
POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


DNS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}
# 5353 is the local cluster's: its DNS runs unprivileged, and policies see a pod's own port.
DNS_PORTS = [{"port": port, "protocol": protocol} for port in (53, 5353) for protocol in ("UDP", "TCP")]
DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
ALLOW_DNS = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [DNS], "ports": DNS_PORTS}]}
RBAC = "rbac.authorization.k8s.io"


def base_objects(
    namespaces: Sequence[Mapping[str, Any]], part_of: str, access: Sequence[Mapping[str, str]] = ()
) -> list[dict[str, Any]]:
    """Objects for `namespaces`; see the filter's documentation."""
    ours = labels("cluster", part_of)
    return [made for namespace in namespaces for made in of_namespace(namespace, ours, access)]


def of_namespace(
    namespace: Mapping[str, Any], labels: Mapping[str, str], access: Sequence[Mapping[str, str]]
) -> Iterator[dict[str, Any]]:
    """One namespace, and what is in it from the start."""

    def entry(api_version: str, kind: str, name: str, content: Mapping[str, Any]) -> dict[str, Any]:
        metadata = {"name": name, "namespace": namespace["name"], "labels": labels}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}

    quota = {key: str(value) for key, value in namespace["quota"].items()}
    metadata = {"name": namespace["name"], "labels": {**labels, **POD_SECURITY}}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    yield entry("v1", "ResourceQuota", "vcci-base", {"spec": {"hard": quota}})
    if namespace.get("limits"):
        yield entry("v1", "LimitRange", "vcci-base", {"spec": {"limits": list(namespace["limits"])}})
    yield entry("v1", "ServiceAccount", "default", {"automountServiceAccountToken": False})
    yield entry("networking.k8s.io/v1", "NetworkPolicy", "default-deny", {"spec": DENY})
    yield entry("networking.k8s.io/v1", "NetworkPolicy", "allow-dns", {"spec": ALLOW_DNS})
    for grant in access:
        role, group = grant["role"], grant["group"]
        name = f"vcci-{role}-{group.replace(':', '-').lower()}"
        granted = {
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": group}],
        }
        yield entry(f"{RBAC}/v1", "RoleBinding", name, granted)


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Name to function, as Ansible asks for."""
        return {"base_objects": base_objects}
