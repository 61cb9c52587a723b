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
  - V(suspended) stops every workload and lets no new pod start; data stays. V(active) makes each workload what it was before. What it was is kept in
    an annotation of the workload itself, so that a run killed in the middle is finished by the next.
  - V(cordoned), V(quarantined) and V(absent) are the steps of an offboarding, in this order. Each is recorded in the cluster before it is taken; a state
    that is reached, or was passed, is left as it is. V(active) takes an offboarding back until deletion has begun.
  - V(absent) deletes the namespace once the quarantine is over, looks through every kind that the API server keeps for what belongs or refers to the
    tenant, and writes a certificate, signed with the Ed25519 key in the Secret C(tenant-offboarding-key). It never says so while anything remains.
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
    choices: [active, suspended, cordoned, quarantined, absent]
  namespace:
    description: Where the record of an offboarding and the signing key are kept.
    type: str
    default: vcci-platform
  part_of:
    description: Value of the label C(app.kubernetes.io/part-of).
    type: str
    default: vcci-scope3-platform
  delete_pods:
    description: Whether running pods that no controller would make again may be deleted; without it they are named and nothing is changed.
    type: bool
    default: false
  quarantine_days:
    description: Days between V(cordoned) and the earliest V(absent). Counted once, when the tenant is cordoned.
    type: float
    default: 30
  directory:
    description:
      - A directory on the control node. Its subdirectory of the tenant's id takes the backup and the certificate; V(quarantined) adds the manifests
        (without the contents of Secrets) and records every file in it with its digest.
    type: str
    default: offboarding
  image:
    description: Image with tar and gzip of the pod that reads the volumes; it must be from a registry that the tenant may use.
    type: str
    default: greenlang/vcci-probe:v1.0.0
  database:
    description: Name to number of what the database still has of the tenant; V(absent) certifies nothing unless all are zero.
    type: dict
    default: {}
  wait_timeout:
    description: Seconds to wait for pods to end, and for the namespace to go.
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
due:
  description: Whether it may be deleted now.
  returned: success
  type: bool
  sample: false
volumes:
  description: Its PersistentVolumeClaims, as long as they are to be backed up.
  returned: success
  type: list
  elements: str
  sample: [data]
reader:
  description: The pod in its namespace that has the volumes below C(/data), while it is cordoned.
  returned: success
  type: str
  sample: vcci-tenant-backup
directory:
  description: The tenant's directory on the control node.
  returned: success
  type: str
  sample: /srv/offboarding/acme-corp
"""
