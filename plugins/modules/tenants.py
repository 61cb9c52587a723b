#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/tenants.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: tenants
short_description: Make the cluster's tenants what the data says
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Reads tenants and tiers as data, checks all of it and reports every error at once before anything is written.
  - Makes each tenant's namespace, ResourceQuota, LimitRange, default-deny NetworkPolicies, ServiceAccount without a
    token, Roles and RoleBindings, for thousands of tenants in one concurrent server-side apply. What it waits for is
    shown while it waits.
  - Refuses to set a limit below what is in use, and to promise more than the cluster's allocatable capacity times a
    declared ratio. Who is refused stays as it is; the others are converged, and then the task fails and names both. A
    count that the version before did not have stops nobody, whatever is in use; a warning says so.
  - Never deletes. A tenant that is no longer in the data is reported as orphaned; one that is being or was offboarded
    is not made again.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode:
    description: Predicts by server-side dry runs what would be written; writes nothing.
    support: full
  diff_mode:
    description: Shows what changes in each object.
    support: full
options:
  tenants:
    description:
      - All tenants of the cluster, whatever O(only) says, since ids and hosts are checked over all of them.
      - Each has C(id), C(name) and C(tier); it may have C(created) (set once, the live one wins), C(owners) (C(user) or
        C(group), with C(role) C(admin), C(developer) or C(viewer)), C(hosts) of its ingresses, C(registries) of its
        images, C(storage_classes) (class to amount, over its tier's), C(egress) (C(cidr) and C(ports) outside the
        cluster) and C(overrides) of its tier (C(quota), C(limits), and every other field of a tier).
    type: list
    elements: raw
    default: []
  directory:
    description: Absolute path of a directory with a file C(<id>.yml) for each tenant, in addition to O(tenants).
    type: str
  tiers:
    description: >-
      Tier name to C(quota), C(limits) (C(default), C(default_request), C(max), C(min), C(max_volume)) and
      C(storage_classes), as M(greenlang.vcci.tier_quota) has them; and, each with a default, C(extended_resources),
      C(load_balancers), C(priority_classes), C(node_pools), C(volume_attributes_classes), C(runtime_classes),
      C(ingress_classes), C(issuers), C(annotations), C(max_service_ports), C(max_tls_entries), C(max_grace_seconds) and
      C(max_object_bytes), which stand in the annotations of a tenant's namespace. The collection's C(docs/tiers.md)
      tells of each.
    type: dict
    required: true
  only:
    description: Ids of the tenants to write and report; all without it.
    type: list
    elements: str
    default: []
  new_only:
    description:
      - Write and report only tenants that have no namespace yet, or no quota in it; nothing happens to the others.
        Does nothing beside O(only).
    type: bool
    default: false
  name:
    description: The sets that the objects belong to are called this and a number; a tenant's is always the same.
    type: str
    default: tenants
  namespace:
    description: Namespace of the set's record.
    type: str
    default: default
  part_of:
    description: Value of the label C(app.kubernetes.io/part-of).
    type: str
    default: vcci-scope3-platform
  platform_namespace:
    description:
      - Namespace of the platform, whose API tenants may call. The records of offboardings are looked for in it, where
        M(greenlang.vcci.tenant_state) keeps them unless told otherwise.
    type: str
    default: vcci-platform
  platform_api:
    description: The pods of the platform that tenants may call.
    type: list
    elements: dict
    default: []
    suboptions:
      app:
        description: Label C(app) of the pods.
        type: str
        required: true
      port:
        description: Port that the pods listen on.
        type: int
        required: true
  storage_classes:
    description: The cluster's StorageClasses; of one that neither a tier nor a tenant names, a tenant may use nothing.
    type: list
    elements: str
    default: []
  registries:
    description: Registries that the images of every tenant's pods may come from, besides those that the tenant names.
    type: list
    elements: str
    default: []
  protected_cidrs:
    description: >-
      Networks that no tenant may declare egress to (nodes, pods, services), besides link-local and loopback addresses.
    type: list
    elements: str
    default: []
  protected_hosts:
    description: Hosts that no tenant may have, such as the platform's own; C(*.example.com) stands for all within.
    type: list
    elements: str
    default: []
  ingress_classes:
    description:
      - IngressClasses that a tenant may use whose tier names none. Where neither names any, a tenant with hosts is
        refused; without this option nothing is known of them, and no tenant is.
    type: list
    elements: str
  issuers:
    description: ClusterIssuers that may sign for the hosts of a tenant whose tier names none.
    type: list
    elements: str
    default: []
  node_pools:
    description: The cluster's pools of nodes; a tier may name no other. Without this option it may name any.
    type: list
    elements: str
  priority_level:
    description: >-
      The PriorityLevelConfiguration into which requests of tenants' owners and ServiceAccounts are put, by a FlowSchema
      for each of the sets; without it there is none.
    type: str
    default: ""
  inside_cidrs:
    description:
      - Networks of the cluster's nodes and pods. Who comes from there is not outside, and does not reach what a tenant
        publishes (label C(tenant.vcci.io/published=true) of its pods) through a load balancer.
    type: list
    elements: str
    default: []
  ingress_namespace:
    description: Namespace of the ingress controller, whose pods reach what a tenant publishes; empty for none.
    type: str
    default: ""
  overcommit:
    description:
      - Resource (C(cpu), C(memory), C(nvidia.com/gpu), C(pods), ...) to the ratio up to which its sum over all tenants
        may exceed what the schedulable nodes offer. A resource that is not named is not checked.
      - A tenant is refused when it would be promised more than before and that is beyond; a resource that no node has
        and no tenant uses refuses nobody, and a warning tells of it.
    type: dict
    default: {}
  capacity:
    description: >-
      What the cluster offers of some resources, over what its nodes say of the others; for clusters that grow on
      demand.
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
  report_limit:
    description: >-
      Up to so many tenants, hard limits, use and headroom of each are returned; M(greenlang.vcci.tenants_info) tells of
      any number.
    type: int
    default: 100
  judge_only:
    description: >-
      Only find out what would be refused. Nothing is written or predicted, and the task fails only when the data is
      wrong or no tenant at all could be converged.
    type: bool
    default: false
  assume_empty:
    description: In check mode, ask no cluster and predict what an empty one would get.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Converge all tenants
  greenlang.vcci.tenants:
    tenants:
      - id: acme-corp
        name: ACME Corporation
        tier: enterprise
        owners: [{group: acme-admins, role: admin}]
    tiers:
      enterprise:
        quota: {requests.cpu: 32, requests.memory: 64Gi, limits.cpu: 64, limits.memory: 128Gi, pods: 200}
        limits: {default: {cpu: 500m, memory: 512Mi}, default_request: {cpu: 100m, memory: 128Mi}}
    overcommit: {cpu: 4, memory: 1.5}
"""

RETURN = r"""
tenants:
  description: >-
    Of each tenant, by id, its namespace, tier, created, the fields of its tier that are no limits, hard limits, what is
    used and what is left.
  returned: for up to O(report_limit) tenants
  type: dict
  sample:
    acme-corp:
      namespace: vcci-tenant-acme-corp
      tier: enterprise
      created: "2026-01-31T12:00:00Z"
      contract: {load_balancers: 2, node_pools: [compute, gpu], max_grace_seconds: 300}
      hard: {requests.cpu: "32"}
      used: {requests.cpu: "4"}
      headroom: {requests.cpu: "28"}
refused:
  description: Of each tenant that stayed as it is, by id, why.
  returned: always
  type: dict
  sample: {globex: ["tenant globex: pods would be 2, and 3 are in use; free it first, or set allow_shrink"]}
commitment:
  description: Of each resource with a declared ratio, what is promised and what is allocatable.
  returned: success
  type: dict
  sample: {cpu: {promised: "34", allocatable: "12", ratio: 4.0, actual_ratio: 2.833}}
orphaned:
  description: Namespaces of tenants that are not in the data; nothing was done to them.
  returned: success
  type: list
  elements: str
  sample: [vcci-tenant-initech]
counts:
  description: How many objects were created, configured and left unchanged.
  returned: success
  type: dict
  sample: {created: 16, configured: 0, unchanged: 16}
written:
  description: The first hundred objects that were created or configured.
  returned: success
  type: list
  elements: str
  sample: [Namespace vcci-tenant-acme-corp]
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
"""
