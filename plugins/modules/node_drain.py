#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/node_drain.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: node_drain
short_description: Empty a node in bounded time, whatever its tenants made
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - V(drained) has the node take no new pods, and evicts those that are there as disruption budgets allow it, again and
    again for O(wait_timeout) seconds. Pods of DaemonSets, and those that the node itself runs, stay.
  - Of a tenant's pods, what is there after that is deleted whatever its budgets say, with no more time to stop than
    the annotation C(tenant.vcci.io/max-grace-seconds) of its namespace grants (300 without it), and then removed.
  - A pod of the platform is never deleted against a budget; the task fails and says which budget keeps it. The node
    then still takes no new pods, and the next run goes on. Which pod, of whom, is kept by which budget is said as soon
    as its eviction was refused; where nothing else is left and the budget never allows it, the task fails at once.
  - From a node that is O(gone) all pods but those of DaemonSets are removed by force, whatever budgets and finalizers
    say, and its volumes are detached, by the taint C(node.kubernetes.io/out-of-service) that V(schedulable) takes away.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: "Says what would go; writes nothing."}
  diff_mode: {support: none, description: What changes is in RV(changes).}
options:
  name:
    description: The node. This or O(pool) is needed.
    type: str
  pool:
    description: All nodes of a pool; none takes new pods before the first is emptied.
    type: str
  pool_label:
    description: The label of nodes that says which pool they are of.
    type: str
    default: vcci.io/pool
  state:
    description: V(schedulable) has it take pods again.
    type: str
    default: drained
    choices: [drained, schedulable]
  delete_pods:
    description: Whether running pods that no controller would make again may be deleted; without it they are named
      and nothing is changed. An owner counts only if it is there.
    type: bool
    default: false
  wait_timeout:
    description: Seconds in which pods may go as disruption budgets allow it.
    type: int
    default: 300
  gone:
    description: Those of the nodes whose machines are known to be off for good. Refused of one whose kubelet reports,
      and of one that has been unreachable for less than a minute. Of a machine that runs all the same, pods would run
      twice.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Empty a node before its maintenance
  greenlang.vcci.node_drain:
    name: compute-1
"""

RETURN = r"""
changes:
  description: What was changed, or would be.
  returned: success
  type: list
  elements: str
  sample: [Node compute-1, Pod vcci-tenant-acme-corp/web-0]
nodes:
  description: The nodes that were meant.
  returned: success
  type: list
  elements: str
  sample: [compute-1]
forced:
  description: What was ended or removed by force, because it did not go.
  returned: success
  type: list
  elements: str
  sample: ["Pod web-0: deleted, since nothing else ended it"]
"""
