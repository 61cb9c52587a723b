# Copyright (c) 2026 GreenLang. All rights reserved.
"""The objects that every namespace of the platform starts with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

DOCUMENTATION = r"""
name: base_objects
short_description: Namespaces with Pod Security, quota, access and default-deny policies
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Turns a list of namespaces into the objects that each of them starts with. Pods may then do nothing on the network but ask the cluster's DNS;
    each component brings the policies for the flows that it needs.
positional: _input, part_of, access
options:
  _input:
    description: The namespaces, each a dictionary of O(_input=name) and C(quota), the hard limits of its ResourceQuota.
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
    msg: "{{ [{'name': 'vcci-platform', 'quota': {'pods': '50'}}] | greenlang.vcci.base_objects('vcci-scope3-platform') }}"
"""

RETURN = r"""
_value:
  description: The objects.
  type: list
  elements: dict
"""

# The enforced level and the version against which it is checked: https://kubernetes.io/docs/concepts/security/pod-security-admission/
POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


def base_objects(namespaces: Sequence[Mapping], part_of: str, access: Sequence[Mapping] = ()) -> list[dict]:
    """Objects for `namespaces`; see the filter's documentation."""
    labels = {"app.kubernetes.io/part-of": part_of, "app.kubernetes.io/managed-by": "greenlang.vcci", "app.kubernetes.io/component": "cluster"}
    objects: list[dict] = []
    for namespace in namespaces:
        def entry(api_version: str, kind: str, name: str, content: Mapping, where: str = namespace["name"]) -> dict:
            return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": where, "labels": labels}, **content}

        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace["name"], "labels": {**labels, **POD_SECURITY}}})
        objects.append(entry("v1", "ResourceQuota", "vcci-base", {"spec": {"hard": {key: str(value) for key, value in namespace["quota"].items()}}}))
        objects.append(entry("v1", "ServiceAccount", "default", {"automountServiceAccountToken": False}))
        objects.append(entry("networking.k8s.io/v1", "NetworkPolicy", "default-deny",
                             {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}))
        objects.append(entry("networking.k8s.io/v1", "NetworkPolicy", "allow-dns", {"spec": {
            "podSelector": {}, "policyTypes": ["Egress"],
            "egress": [{
                "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
                # 5353 is the local cluster's: its DNS runs unprivileged, and policies see a pod's own port.
                "ports": [{"port": port, "protocol": protocol} for port in (53, 5353) for protocol in ("UDP", "TCP")]}]}}))
        for grant in access:
            objects.append(entry("rbac.authorization.k8s.io/v1", "RoleBinding", f"vcci-{grant['role']}-{grant['group'].replace(':', '-').lower()}", {
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": grant["role"]},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": grant["group"]}]}))
    return objects


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict:
        """Name to function, as Ansible asks for."""
        return {"base_objects": base_objects}
