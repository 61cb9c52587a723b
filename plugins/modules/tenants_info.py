#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/tenants_info.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: tenants_info
short_description: Limits, use and headroom of every tenant
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Asks the cluster what tenants there are and what they use, in three lists however many there are. It needs no data
    of the tenants.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: It writes nothing.}
  diff_mode: {support: none, description: There is nothing to show.}
options:
  only:
    description: Ids of the tenants to report; all without it.
    type: list
    elements: str
    default: []
  known:
    description: Ids of the tenants in the data; others are reported as orphaned.
    type: list
    elements: str
  namespace:
    description: Namespace with the records of offboardings.
    type: str
    default: vcci-platform
  overcommit:
    description: Resource to its declared ratio; how far it is used up is in RV(commitment).
    type: dict
    default: {}
  capacity:
    description: What the cluster offers of some resources, over what its nodes say of the others.
    type: dict
"""

EXAMPLES = r"""
- name: Read what every tenant uses
  greenlang.vcci.tenants_info:
  register: usage

- name: Show them as a table
  ansible.builtin.debug:
    msg: "{{ usage.tenants | greenlang.vcci.tenant_report('table') }}"
"""

RETURN = r"""
tenants:
  description: >-
    Of each tenant, by id, its namespace, name, tier, created, state (active, suspended, or the phase of its
    offboarding), hard limits, what is used, what is left, and the share that is used, from 0 to 1. In C(contract), the
    fields of its tier that are no limits, as its namespace says them.
  returned: success
  type: dict
  sample:
    acme-corp:
      namespace: vcci-tenant-acme-corp
      name: ACME Corporation
      tier: enterprise
      created: "2026-01-31T12:00:00Z"
      state: active
      contract: {load_balancers: 2, node_pools: [compute, gpu], max_grace_seconds: 300}
      hard: {requests.cpu: "32"}
      used: {requests.cpu: "4"}
      headroom: {requests.cpu: "28"}
      share: {requests.cpu: 0.125}
orphaned:
  description: Ids of tenants that are not among O(known).
  returned: success
  type: list
  elements: str
  sample: [initech]
commitment:
  description: Of each resource with a declared ratio, what is promised and what is allocatable.
  returned: success
  type: dict
  sample: {cpu: {promised: "34", allocatable: "12", ratio: 4.0, actual_ratio: 2.833}}
"""
