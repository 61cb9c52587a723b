#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/upgrade_preflight.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_preflight
short_description: Find everything that is in the way of an upgrade, or of a node's maintenance
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Looks at the cluster, changes nothing, and fails with everything that blocks, each with its remedy. What does not
    block is in RV(findings).
  - Looked at are versions and their skew, nodes, pods that are not Ready, pods that nothing would make again,
    disruption budgets that never allow an eviction, or not of as many pods as are away together, room for the pods of
    each node while it is away, volumes that are on a node alone, and, for an upgrade, APIs that the version to come
    does not serve - of manifests, of objects by whom they were written, and of what the API server was asked for -,
    what charts support, the age of backups, and lifetimes.
  - What is a tenant's own (workloads, budgets, CronJobs in its namespace) blocks nothing, but for pods that nothing
    would make again.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: "Looks at the same, and does not wait."}
  diff_mode: {support: none, description: It changes nothing.}
options:
  version:
    description: The target of an upgrade, such as C("1.37"). Not given, nodes leave for a while.
    type: str
  nodes:
    description: Those that will be away, one after the other. By default all.
    type: list
    elements: str
    default: []
  pool:
    description: All nodes of a pool instead, at the same time.
    type: str
  pool_label:
    description: The label of nodes that says which pool they are of.
    type: str
    default: vcci.io/pool
  returns:
    description: >-
      Whether a node comes back with its disks. Where it does not, what cannot move blocks, and all are gone at the end.
    type: bool
    default: true
  checks:
    description: What is looked at; by default everything.
    type: list
    elements: str
    choices: [skew, nodes, pods, apis, budgets, capacity, volumes, backups, charts, workloads, lifetimes]
    default: []
  accept:
    description: Checks that do not block. V(skew), V(nodes) and V(pods) cannot be accepted.
    type: list
    elements: str
    default: []
  delete_pods:
    description: Whether running pods that no controller would make again may be deleted; otherwise they block.
    type: bool
    default: false
  manifests:
    description: Files of rendered manifests, or folders of such.
    type: list
    elements: path
    default: []
  charts:
    description: Folders of charts, of which C(kubeVersion) is read.
    type: list
    elements: path
    default: []
  backup_max_age_hours:
    description: How long the last success of a CronJob with C(backup) in its name may be ago. 0 does not ask.
    type: int
    default: 0
  wait_timeout:
    description: Seconds in which what blocks may go.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: See what is in the way of an upgrade
  greenlang.vcci.upgrade_preflight:
    version: "1.37"
    backup_max_age_hours: 26

- name: Wait until everything is well
  greenlang.vcci.upgrade_preflight:
    checks: [nodes, workloads]
    wait_timeout: 300
"""

RETURN = r"""
findings:
  description: What was found, and does not block or was accepted.
  returned: success
  type: list
  elements: dict
  sample: [{check: lifetimes, blocks: false, what: "Kubernetes 1.36 is mended until 2027-06-28, 214 days"}]
lifetimes:
  description: Until when each version of Kubernetes is mended.
  returned: success
  type: list
  elements: dict
  sample: [{version: "1.37", released: "2026-08-26", ends: "2027-10-28", days: 336}]
"""
