#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/tier_quota.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: tier_quota
short_description: Bound namespaces by their tiers
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Makes the ResourceQuota C(tier-quota) and the LimitRange C(tier-limits) of each namespace from the tier that it is
    given, for any namespaces and however many, in one concurrent server-side apply.
  - Checks all data and reports every error at once before anything is written. Refuses to set a limit below what is in
    use, and, where O(overcommit) asks for it, to promise more than the cluster offers.
  - Tells what is used and what is left of each limit.
  - Makes and deletes no namespace. The bounds of one that leaves the list stay; M(greenlang.vcci.applyset) with
    O(greenlang.vcci.applyset#module:state=absent) and the name of the set removes all of them.
  - For tenants, whose namespaces, policies and access go with their quotas, use M(greenlang.vcci.tenants).
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode:
    description: Predicts by server-side dry runs what would be written; writes nothing.
    support: full
  diff_mode:
    description: Shows what changes in each object.
    support: full
options:
  namespaces:
    description:
      - Each has C(name) and C(tier); it may have C(overrides) of its tier (C(quota), C(limits), ...).
      - A namespace must be there, or in check mode be planned by an earlier task.
    type: list
    elements: raw
    required: true
  tiers:
    description:
      - Tier name to C(quota) (hard limits as a ResourceQuota has them), C(limits) (C(default), C(default_request),
        C(max), C(min) of a container, C(max_volume)) and C(storage_classes) (class to the storage that a namespace may
        request of it).
      - C(extended_resources) (resource to number) and C(load_balancers) become limits too, unless C(quota) names them.
        The other fields that M(greenlang.vcci.tenants) knows may be there, and are for tenants alone.
    type: dict
    required: true
  name:
    description: Name of the set that the objects belong to; sets of different names share a cluster.
    type: str
    default: tier-quota
  namespace:
    description: Namespace of the set's record.
    type: str
    default: default
  overcommit:
    description:
      - Resource (C(cpu), C(memory), C(nvidia.com/gpu), C(pods), ...) to the ratio up to which its sum over
        O(namespaces) may exceed what the schedulable nodes offer. A resource that is not named is not checked.
    type: dict
    default: {}
  capacity:
    description: >-
      What the cluster offers to O(namespaces) of some resources, over what its nodes say of the others; for clusters
      that grow on demand, and for those that others use too.
    type: dict
  allow_shrink:
    description: Whether a limit may be set below what is in use.
    type: bool
    default: false
  allow_overcommit:
    description: Whether the declared ratios may be exceeded.
    type: bool
    default: false
  force_conflicts:
    description: Take back fields that somebody changed by hand; without it the task stops and names field and owner.
    type: bool
    default: false
  assume_empty:
    description: In check mode, ask no cluster and predict what an empty one would get.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Have two namespaces
  greenlang.vcci.applyset:
    name: teams
    definition:
      - {apiVersion: v1, kind: Namespace, metadata: {name: team-blue}}
      - {apiVersion: v1, kind: Namespace, metadata: {name: team-green}}

- name: Bound each by its tier
  greenlang.vcci.tier_quota:
    namespaces:
      - {name: team-blue, tier: small}
      - name: team-green
        tier: large
        overrides: {quota: {pods: 60}}
    tiers: &tiers
      small:
        quota: {requests.cpu: 2, requests.memory: 4Gi, pods: 20}
        limits: {default: {cpu: 500m, memory: 256Mi}, default_request: {cpu: 100m, memory: 128Mi}, max_volume: 10Gi}
      large:
        quota: {requests.cpu: 8, requests.memory: 16Gi, pods: 100}
        limits: {default: {cpu: "1", memory: 512Mi}, default_request: {cpu: 200m, memory: 256Mi}}
        storage_classes: {standard: 100Gi}
    overcommit: {cpu: 2}
    capacity: {cpu: 8}
  register: bounds

- name: Show what is left
  ansible.builtin.debug:
    msg: "{{ bounds.namespaces['team-blue'].headroom }}"

- name: Give a namespace a smaller tier, although more is in use
  greenlang.vcci.tier_quota:
    namespaces:
      - {name: team-blue, tier: small}
      - {name: team-green, tier: small}
    tiers: *tiers
    allow_shrink: true

- name: Remove the bounds of both
  greenlang.vcci.applyset:
    name: tier-quota
    state: absent
"""

RETURN = r"""
namespaces:
  description: >-
    Of each namespace its tier, its hard limits, what the API server had counted there before, and what that leaves of
    the limits. Nothing is counted before a namespace has its first quota, which the next run tells of.
  returned: success
  type: dict
  sample:
    team-blue:
      tier: small
      hard: {requests.cpu: "2", pods: "20"}
      used: {requests.cpu: 500m, pods: "3"}
      headroom: {requests.cpu: 1500m, pods: "17"}
commitment:
  description: Of each resource with a declared ratio, what is promised and what is allocatable.
  returned: success
  type: dict
  sample: {cpu: {promised: "10", allocatable: "8", ratio: 2.0, actual_ratio: 1.25}}
counts:
  description: How many objects were created, configured and left unchanged.
  returned: success
  type: dict
  sample: {created: 2, configured: 0, unchanged: 2}
written:
  description: The first hundred objects that were created or configured.
  returned: success
  type: list
  elements: str
  sample: [ResourceQuota team-blue/tier-quota]
requests:
  description: Requests made to the API server.
  returned: success
  type: int
  sample: 12
duration:
  description: Seconds that comparing and writing took.
  returned: success
  type: float
  sample: 0.84
timing:
  description: Seconds by step.
  returned: success
  type: dict
  sample: {read: 0.3, write: 0.5}
errors:
  description: Everything that is wrong with the data, or that the cluster's state forbids, one by one.
  returned: failure
  type: list
  elements: str
  sample: ["namespace team-blue: pods would be 2, and 3 are in use; free it first, or set allow_shrink"]
"""
