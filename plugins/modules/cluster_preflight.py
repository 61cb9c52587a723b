#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_preflight
short_description: Say everything that an existing cluster lacks for the platform, before anything is written
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Asks the inventory, the control node and the cluster for all that the platform needs. All lacks are told in one
    error, each with its remedy. Nothing is written, so that check mode is the same.
  - Of the cluster it asks for the version of its API server, the rights of the credentials, nodes that are ready with
    the labels of each pool, StorageClasses, the metrics API, and who enforces NetworkPolicies, which is known by
    name.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: Reads only.}
  diff_mode: {support: none, description: Changes nothing.}
options:
  variables:
    description: Variables that must be given, and what to do for those that are not.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the variable.
        type: str
        required: true
      given:
        description: Whether it has a value.
        type: bool
        required: true
      remedy:
        description: What to do otherwise.
        type: str
        required: true
  programs:
    description: Programs that must be found on the control node.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name or path of the program.
        type: str
        required: true
      variable:
        description: The variable that names another.
        type: str
        required: true
  storage_classes:
    description: StorageClasses that must be there.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the class.
        type: str
        required: true
      access_mode:
        description: What its volumes must allow. Provisioners of disks are known not to give V(ReadWriteMany).
        type: str
        choices: [ReadWriteOnce, ReadWriteMany]
        default: ReadWriteOnce
  node_selectors:
    description: By pool, the labels of which one node at least must have all; V({}) asks for none.
    type: dict
    default: {}
  mutating_policies:
    description: Whether the API server must have MutatingAdmissionPolicy.
    type: bool
    default: true
  skip:
    description: Checks that are left out.
    type: list
    elements: str
    choices: [variables, programs, version, rights, nodes, storage_classes, metrics, network_policies]
    default: []
"""

EXAMPLES = r"""
- name: Say what the cluster lacks
  greenlang.vcci.cluster_preflight:
    storage_classes:
      - {name: fast-ssd}
      - {name: nfs-storage, access_mode: ReadWriteMany}
    node_selectors:
      memory: {workload-type: memory}
"""

RETURN = r"""
checks:
  description: The checks that were made.
  returned: success
  type: list
  elements: str
  sample: [variables, programs, version, rights, nodes, storage_classes, metrics, network_policies]
"""
