#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/local_snapshot.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: local_snapshot
short_description: Take, check, try or restore a snapshot of a local cluster's etcd
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - A snapshot is what etcd itself writes, checked by etcd's own program, encrypted (AES-256-GCM), and read back before
    it counts. It is there whole and verified, or not at all.
  - It holds every object of the cluster, and nothing of volumes. Secrets in it stay encrypted with the cluster's own
    key, which is in C(pki/encryption.json) of the cluster and not in the snapshot.
attributes:
  check_mode: {support: full, description: "Checks what can be checked; changes nothing."}
  diff_mode: {support: none, description: A snapshot is no text.}
options:
  name:
    description: The local cluster; see M(greenlang.vcci.local_cluster).
    type: str
    default: local
  state:
    description:
      - V(present) takes one, unless the newest is younger than O(max_age_hours), and removes those beyond O(keep).
      - V(verified) decrypts O(file) and has etcd check it; it fails when that is older than O(max_age_hours).
      - V(drilled) restores O(file) beside the running cluster, compares every object that was not written since, and
        has an API server read it; then it is removed.
      - V(restored) has the cluster be as it was. Everything written since is lost. The API server is away for some
        seconds; pods go on. What was there before is kept in C(etcd.before) of the cluster until the next restore. A
        cluster that is stopped stays so, and starts with what was restored.
      - V(rolled_back) does the same with the newest snapshot that the last upgrade took, and starts the control plane
        in the version that it had then. Where a run did so before, and the rollback has not ended, the control plane
        is started if it does not run, and nothing is restored again.
      - V(rollback_ended) says that everything runs in that version again; there is no upgrade then that could be taken
        back. It fails while a part of the cluster is recorded in another version.
    type: str
    choices: [present, verified, drilled, restored, rolled_back, rollback_ended]
    default: present
  environment_name:
    description: The environment that the cluster must be for; see M(greenlang.vcci.local_cluster). Not given, any is.
    type: str
  file:
    description: The snapshot. By default the newest of this cluster in O(directory).
    type: path
  purpose:
    description: What it is taken for; each purpose has its own retention.
    type: str
    choices: [manual, scheduled, upgrade]
    default: manual
  keep:
    description: How many of a purpose are kept, at least 1.
    type: int
    default: 7
  max_age_hours:
    description: How old the newest may be, in hours. 0 asks for a new one, and checks no age.
    type: int
    default: 0
  directory:
    description: Where snapshots are. Default C(snapshots.d/<name>) in O(state_dir).
    type: path
  key_file:
    description:
      - The key of snapshots, 64 hexadecimal digits, made on first use. Default C(pki/snapshots.key) of the cluster.
        Without it no snapshot can be read.
    type: path
extends_documentation_fragment:
  - greenlang.vcci.local
"""

EXAMPLES = r"""
- name: Take a snapshot, unless there is one of today
  greenlang.vcci.local_snapshot:
    max_age_hours: 24

- name: Try the newest
  greenlang.vcci.local_snapshot:
    state: drilled
"""

RETURN = r"""
snapshot:
  description: The snapshot; empty where check mode would take one, and when rollback_ended.
  returned: success
  type: dict
  sample: {file: snapshots.d/local/local-20261126T040000Z-manual.etcd, taken: "2026-11-26T04:00:00Z", purpose: manual,
    kubernetes: v1.37.2, revision: 4711, keys: 1200, bytes: 9000000, sha256: 5f2e}
snapshots:
  description: How many of this cluster there are.
  returned: success
  type: int
  sample: 7
removed:
  description: Files that were removed, since there are enough newer ones.
  returned: success
  type: list
  elements: str
  sample: []
restored:
  description: Whether this run restored the snapshot, or would; false where one before it did.
  returned: when rolled_back
  type: bool
  sample: true
drill:
  description: What was compared.
  returned: when drilled
  type: dict
  sample: {objects: 1200, same: 1150, changed_since: 50, deleted_since: 2, readable: {secrets: 30, namespaces: 6},
    kinds: {pods: 40}}
"""
