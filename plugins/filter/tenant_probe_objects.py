# Copyright (c) 2026 GreenLang. All rights reserved.
"""The pods with which the isolation of two tenants is proved."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

DOCUMENTATION = r"""
name: tenant_probe_objects
short_description: Pods that listen, or pods that try to connect, in two tenants' namespaces
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Without O(targets), a pod that listens and a Service for it in each namespace; with them, a pod in each namespace that tries every target from
    its first second on, in O(rounds) rounds, and writes a line C(round name open|closed|unresolved) for each to its log.
positional: _input, image
options:
  _input:
    description: The namespaces.
    type: list
    elements: str
    required: true
  image:
    description: Image with bash and netcat.
    type: str
    required: true
  targets:
    description: Namespace to the targets that its pod tries, each with C(name), C(host) and C(port).
    type: dict
    default: {}
  timeout:
    description: Seconds after which an unanswered connection counts as closed.
    type: int
    default: 2
  rounds:
    description: How often each target is tried.
    type: int
    default: 4
"""

EXAMPLES = r"""
- name: Start the listeners
  greenlang.vcci.applyset:
    name: tenant-verify
    definition: "{{ ['vcci-tenant-acme-corp', 'vcci-tenant-globex'] | greenlang.vcci.tenant_probe_objects('greenlang/vcci-probe:v1.0.0') }}"
"""

RETURN = r"""
_value:
  description: The objects.
  type: list
  elements: dict
"""

PORT = 8080
SERVER = "vcci-probe-server"
PROBE = "vcci-probe"
LISTEN = f"exec nc -lk {PORT}"
# All targets at once; HOST in a target is the pod's own node.
TRY = """
rounds="$1" limit="$2"; shift 2
for (( round = 1; round <= rounds; round++ )); do
  for target in "$@"; do
    IFS='|' read -r name host port <<< "$target"
    [[ "$host" != HOST ]] || host="$NODE_ADDRESS"
    {
      if ! getent ahosts "$host" > /dev/null; then echo "$round $name unresolved"
      elif nc -z -w "$limit" "$host" "$port" 2> /dev/null; then echo "$round $name open"
      else echo "$round $name closed"; fi
    } &
  done
  wait
  sleep 1
done
"""


def tenant_probe_objects(namespaces: Sequence[str], image: str, targets: Mapping[str, Sequence[Mapping]] | None = None, timeout: int = 2,
                         rounds: int = 4) -> list[dict]:
    """Objects for `namespaces`; see the filter's documentation."""
    objects: list[dict] = []
    for namespace in namespaces:
        if targets:
            wanted = ["|".join(str(target[key]) for key in ("name", "host", "port")) for target in targets.get(namespace, ())]
            command = ["bash", "-c", TRY, PROBE, str(rounds), str(timeout), *wanted]
            objects.append(_pod(namespace, PROBE, image, command, {"restartPolicy": "Never"}))
        else:
            ready = {"readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 2}, "ports": [{"containerPort": PORT}]}
            objects.append(_pod(namespace, SERVER, image, ["bash", "-c", LISTEN], {}, ready))
            objects.append({"apiVersion": "v1", "kind": "Service", "metadata": _metadata(namespace, SERVER),
                            "spec": {"selector": {"app": SERVER}, "ports": [{"port": PORT, "targetPort": PORT}]}})
    return objects


def _metadata(namespace: str, name: str) -> dict:
    return {"name": name, "namespace": namespace, "labels": {
        "app": name, "app.kubernetes.io/managed-by": "greenlang.vcci", "app.kubernetes.io/component": "tenant-verify"}}


def _pod(namespace: str, name: str, image: str, command: list[str], spec: Mapping, container: Mapping | None = None) -> dict:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(namespace, name), "spec": {
        "automountServiceAccountToken": False, "enableServiceLinks": False, "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "probe", "image": image, "imagePullPolicy": "IfNotPresent", "command": command,
            "env": [{"name": "NODE_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
            **(container or {})}],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Mi"}}],
        **spec}}


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict:
        """Name to function, as Ansible asks for."""
        return {"tenant_probe_objects": tenant_probe_objects}
