#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_check
short_description: Tell the truth about the running platform
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Asks at every door of the platform as its users do, through the gateway's address, or that of the ingress controller
    in front of it, and over verified TLS. Doors are each host and location of the gateway's own configuration, a write,
    a read and a job done by a worker, what must stay closed, and the ports of load balancers.
  - Judges whatever the platform is to have, which it knows from the records of its sets (see
    M(greenlang.vcci.applyset)). What was deleted is missed; roll-outs, DaemonSets, Services, SealedSecrets,
    Certificates, claims, Jobs, CronJobs (a last run that failed, or a success that is too old), autoscalers, quotas,
    namespaces of tenants and nodes are judged by the rules of readiness; what was scaled to 0, paused or suspended by
    hand is told.
  - What is on its way to become ready is awaited for O(timeout). Then all faults are told at once, in a table with
    object, what is wrong, the reason (events, pods, the last lines of their logs) and the remedy; any fault fails the
    task.
  - In check mode nothing is written, so that a write, a read and a job are not asked for; where nothing of the
    platform is there yet, the task is skipped.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: partial, description: Asks for reads only.}
  diff_mode: {support: none, description: Changes nothing.}
options:
  namespace:
    description: Namespace of the platform.
    type: str
    required: true
  service:
    description: The gateway's Service, of type LoadBalancer unless there is O(ingress).
    type: str
    default: api-gateway
  ingress:
    description:
      - The Ingress through which the gateway is reached; empty where it is reached through its own Service.
      - Doors are then asked at the controller's address. Plain HTTP must lead to HTTPS, and find no host that is
        nobody's.
    type: str
    default: ""
  api_host:
    description: Host name of the API, for which the gateway's certificate must be valid.
    type: str
    required: true
  secret:
    description: Secret with the gateway's certificate; its C(ca.crt) is trusted.
    type: str
    default: vcci-api-tls
  timeout:
    description: Seconds that all doors together have to answer well, and what is on its way to become ready.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Check the platform
  greenlang.vcci.platform_check:
    namespace: vcci-platform
    api_host: api.vcci.local.test
"""

RETURN = r"""
checks:
  description: The doors that answered well, and how long each answer took, in seconds.
  returned: always
  type: list
  elements: dict
  sample: [{check: liveness, seconds: 0.012}]
faults:
  description: All that is wrong, with the layer whose playbook brings it.
  returned: always
  type: list
  elements: dict
  sample:
    - object: StatefulSet vcci-observability/prometheus
      wrong: is not there (set observability-prometheus)
      layer: observability
      reason: []
      remedy: ansible-playbook playbooks/observability.yml -i inventories/local
layers:
  description: Objects of each layer, the workloads that it is to have, and how many of them are as they should be.
  returned: always
  type: list
  elements: dict
  sample: [{layer: data, objects: 21, workloads: 2, ready: 2, look: kubectl get statefulsets -n vcci-platform}]
address:
  description: The gateway's address; empty where it has none.
  returned: always
  type: str
  sample: 10.77.1.10
"""
