#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/tenant_state.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_state
short_description: Suspend a tenant, let it go on, or offboard it step by step
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - V(suspended) stops every workload and lets no new pod start; data stays. V(active) makes each workload what it was
    before. What it was is kept in an annotation of the workload itself, so that a run killed in the middle is
    finished by the next. A workload that cannot be written does not keep the others; the task then fails with all of
    them.
  - Every state is reached in bounded time, whatever the tenant made. Pods have O(wait_timeout) seconds to end by
    themselves, then the seconds of the namespace's annotation C(tenant.vcci.io/max-grace-seconds), 300 without it;
    what is left after that is removed. A pod counts as made again only if the workload that it names as its owner is
    there. RV(forced) names what was done by force, and so does the certificate.
  - V(cordoned), V(backed_up), V(quarantined), V(deleting) and V(absent) are the steps of an offboarding, in this
    order. Each is recorded in the cluster before it is taken; a state that is reached, or was passed, is left as it
    is. V(active) takes an offboarding back until deletion has begun. V(cordoned) takes the owners' access away before
    anything is stopped, so that nothing is made again. What an offboarding that was taken back left in O(directory)
    is moved aside there first, into C(earlier-<time>).
  - V(backed_up) copies each volume to O(directory), one after the other, as C(volume-<claim>.tgz), through a pod that
    has it read-only and runs as the user of the workload that mounts it. Nothing of it is kept in the cluster.
  - V(deleting) makes sure, once the quarantine is over and before anything goes, that the namespace is the one that
    was cordoned and that every file of the backup is what was recorded. From then on nothing takes the offboarding
    back.
  - V(absent) deletes the namespace; finalizers that nobody has taken off in O(wait_timeout) seconds are taken off, but
    for that of a Service or an Ingress whose load balancer still has an address. Then it looks through every kind that
    the API server keeps for what belongs or refers to the tenant, and writes a certificate, signed with the Ed25519
    key in the Secret C(tenant-offboarding-key). It never says so while anything remains. What has the tenant's label
    elsewhere is deleted only if this collection manages it; volumes that their class deletes are awaited, others must
    be decided about.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: "Says what would be changed; writes nothing."}
  diff_mode: {support: none, description: What changes is in RV(changes).}
options:
  id:
    description: The tenant.
    type: str
    required: true
  state:
    description: The state to reach.
    type: str
    required: true
    choices: [active, suspended, cordoned, backed_up, quarantined, deleting, absent]
  namespace:
    description: Where the record of an offboarding and the signing key are kept. Lists of any length, such as the names
      of what was deleted, are files in O(directory), of which the record has number and digest.
    type: str
    default: vcci-platform
  part_of:
    description: Value of the label C(app.kubernetes.io/part-of).
    type: str
    default: vcci-scope3-platform
  delete_pods:
    description: Whether running pods that no controller would make again may be deleted; without it they are named
      and nothing is changed.
    type: bool
    default: false
  quarantine_days:
    description: Days between V(cordoned) and the earliest V(deleting). Counted once, when the tenant is cordoned.
    type: float
    default: 30
  directory:
    description:
      - A directory on the control node. Its subdirectory of the tenant's id takes the backup and the certificate;
        V(quarantined) adds the manifests (without the contents of Secrets) and records every file in it with its
        digest.
    type: str
    default: offboarding
  image:
    description: Image with tar and gzip of the pod that reads a volume; it must be from a registry that the tenant
      may use.
    type: str
    default: greenlang/vcci-probe:v1.0.0
  users:
    description:
      - PersistentVolumeClaim to the number of the user as whom V(backed_up) reads it, where that is not the one that
        its workload names.
    type: dict
    default: {}
  without_backup:
    description: Whether V(deleting) and V(absent) may go on although files of the backup are missing or have changed.
      The certificate then says so.
    type: bool
    default: false
  schemas:
    description: Schemas of the database of which V(quarantined) finds a dump in O(directory). They are recorded, so
      that none is dropped later that was made after it.
    type: list
    elements: str
    default: []
  database:
    description: Name to number of what the database still has of the tenant; V(absent) certifies nothing unless all
      are zero.
    type: dict
    default: {}
  wait_timeout:
    description: Seconds to wait for pods to start, for what a volume has to say, and for what is left of a tenant to
      go; also the seconds that pods and the namespace have to go by themselves, before they are helped.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Suspend a tenant
  greenlang.vcci.tenant_state:
    id: acme-corp
    state: suspended
"""

RETURN = r"""
changes:
  description: What was changed, or would be.
  returned: success
  type: list
  elements: str
  sample: [ResourceQuota vcci-tenant-acme-corp/tenant-suspended, Deployment vcci-tenant-acme-corp/web]
forced:
  description: What was ended or removed by force, because it did not end by itself.
  returned: success
  type: list
  elements: str
  sample: ["Pod web-0: had 31536000 s to stop, and got 300 s", "ConfigMap held: finalizers taken off: example.com/held"]
namespace:
  description: The tenant's namespace.
  returned: success
  type: str
  sample: vcci-tenant-acme-corp
phase:
  description: Of its offboarding, empty without one.
  returned: success
  type: str
  sample: quarantined
quarantined_until:
  description: When it may be deleted.
  returned: success
  type: str
  sample: "2026-12-24T10:00:00Z"
schemas:
  description: Those that were recorded as dumped; null before V(quarantined), and of an offboarding that reached it
    before they were recorded.
  returned: success
  type: list
  elements: str
  sample: [tenant_acme_corp]
due:
  description: Whether it may be deleted now.
  returned: success
  type: bool
  sample: false
directory:
  description: The tenant's directory on the control node.
  returned: success
  type: str
  sample: /srv/offboarding/acme-corp
"""
