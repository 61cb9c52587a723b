# Copyright (c) 2026 GreenLang. All rights reserved.
"""The pods with which the isolation of two tenants is proved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.labels import labels
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.fit import fitting

DOCUMENTATION = r"""
name: tenant_probe_objects
short_description: Pods that listen, or pods that try to connect, in two tenants' namespaces
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Without O(targets), a pod that listens and a Service for it in each namespace; with them, a pod in each namespace
    that tries every target from its first second on, in O(rounds) rounds, and writes a line C(round name
    open|closed|answered|unresolved) for each to its log.
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
    description: Namespace to the targets that its pod tries, each with C(name), C(host) and C(port), V(dns) to look the
      host up.
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
  security:
    description: As whom the pods run (C(runAsUser), C(runAsGroup), ...); the image's user without it.
    type: dict
    default: {}
  bounds:
    description: LimitRanges and ResourceQuotas of the namespaces, within which the pods keep.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Start the listeners
  greenlang.vcci.applyset:
    name: tenant-verify
    definition: "{{ namespaces | greenlang.vcci.tenant_probe_objects('greenlang/vcci-probe:v1.0.0') }}"
  vars:
    namespaces: [vcci-tenant-acme-corp, vcci-tenant-globex]
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
# So many targets at once, the first of them in the pod's first moment; HOST in a target is the pod's own node.
AT_ONCE = 64
TRY = """
rounds="$1" limit="$2" at_once="$3"; shift 3
try() {
  if [[ "$3" == dns ]]; then
    if getent hosts "$2" > /dev/null; then echo "$round $1 answered"; else echo "$round $1 unresolved"; fi
  elif nc -z -w "$limit" "$2" "$3" 2> /dev/null; then echo "$round $1 open"
  elif [[ "$2" =~ ^[0-9.]+$ ]] || getent ahosts "$2" > /dev/null; then echo "$round $1 closed"
  else echo "$round $1 unresolved"; fi
}
for (( round = 1; round <= rounds; round++ )); do
  tried=0
  for target in "$@"; do
    IFS='|' read -r name host port <<< "$target"
    [[ "$host" != HOST ]] || host="$NODE_ADDRESS"
    try "$name" "$host" "$port" &
    (( ++tried % at_once )) || wait
  done
  wait
  sleep 1
done
"""


Object = dict[str, Any]
# Every resource is said: a tenant's defaults are for a tenant's pods.
RESOURCES = {
    "requests": {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "0"},
    "limits": {"cpu": "300m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
}
AT_A_TIME = 3  # pods of a verification in a namespace: two that are published or not, and the one that tries
RESTRICTED = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER: Object = {
    "name": "probe",
    "imagePullPolicy": "IfNotPresent",
    "env": [{"name": "NODE_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}],
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    },
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
}
POD: Object = {
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "terminationGracePeriodSeconds": 1,
    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Mi"}}],
}


def tenant_probe_objects(
    namespaces: Sequence[str],
    image: str,
    targets: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    timeout: int = 2,
    rounds: int = 4,
    security: Mapping[str, Any] | None = None,
    bounds: Sequence[Mapping[str, Any]] = (),
) -> list[Object]:
    """Objects for `namespaces`; see the filter's documentation."""
    context = {**RESTRICTED, **(security or {})}
    objects: list[Object] = []
    for namespace in namespaces:
        own = [one for one in bounds if one["metadata"]["namespace"] == namespace]
        common = {"image": image, "resources": fitting(RESOURCES, own, AT_A_TIME)}
        if targets:
            numbers = map(str, (rounds, timeout, AT_ONCE))
            command = ["bash", "-c", TRY, PROBE, *numbers, *map(_word, targets.get(namespace, ()))]
            once = {"restartPolicy": "Never", "securityContext": context}
            objects.append(_pod(namespace, PROBE, once, {**common, "command": command}))
        else:
            ready = {"tcpSocket": {"port": PORT}, "periodSeconds": 2}
            listener = {**common, "command": ["bash", "-c", LISTEN], "readinessProbe": ready}
            ports = {"ports": [{"containerPort": PORT}]}
            objects += [
                _pod(namespace, SERVER, {"securityContext": context}, {**listener, **ports}),
                _service(namespace),
            ]
    return objects


def _word(target: Mapping[str, Any]) -> str:
    return f"{target['name']}|{target['host']}|{target['port']}"


def _metadata(namespace: str, name: str) -> Object:
    return {"name": name, "namespace": namespace, "labels": {"app": name, **labels("tenant-verify")}}


def _service(namespace: str) -> Object:
    spec = {"selector": {"app": SERVER}, "ports": [{"port": PORT, "targetPort": PORT}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(namespace, SERVER), "spec": spec}


def _pod(namespace: str, name: str, spec: Object, container: Object) -> Object:
    whole = {**POD, **spec, "containers": [{**CONTAINER, **container}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(namespace, name), "spec": whole}


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for."""
        return {"tenant_probe_objects": tenant_probe_objects}
