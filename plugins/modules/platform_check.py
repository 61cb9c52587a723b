#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_check
short_description: Ask the running platform what a user would ask of it
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Asks through the API gateway, over verified TLS, for liveness, readiness, a write, a read, and a job done by a
    worker; then shows a table of the platform's layers with their objects, how many workloads are ready, and where to
    look.
  - Does nothing in check mode.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: none, description: Is skipped.}
  diff_mode: {support: none, description: Changes nothing.}
options:
  namespace:
    description: Namespace of the platform.
    type: str
    required: true
  service:
    description: The gateway's Service of type LoadBalancer.
    type: str
    default: api-gateway
  api_host:
    description: Host name of the API, for which the gateway's certificate must be valid.
    type: str
    required: true
  secret:
    description: Secret with the gateway's certificate; its C(ca.crt) is trusted.
    type: str
    default: vcci-api-tls
  timeout:
    description: Seconds after which an answer that is still not good fails.
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
  description: What was asked and how long each answer took, in seconds.
  returned: success
  type: list
  elements: dict
  sample: [{check: liveness, seconds: 0.012}]
layers:
  description: Objects, workloads and ready workloads of each layer.
  returned: success
  type: list
  elements: dict
  sample: [{layer: data, objects: 21, workloads: 2, ready: 2, look: kubectl get statefulsets -n vcci-platform}]
address:
  description: The gateway's address.
  returned: success
  type: str
  sample: 10.77.1.10
"""
