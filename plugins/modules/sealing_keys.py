#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/sealing_keys.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: sealing_keys
short_description: Back up, restore and renew the sealing keys, and seal everything anew with the newest
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Private keys are in memory only; a backup is encrypted by ansible-vault before it is written.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: It writes nothing.}
  diff_mode: {support: none, description: There is nothing that may be shown.}
options:
  state:
    description:
      - V(backed_up) adds all keys of the controller to O(path). Keys that are in the file stay in it, whether the
        cluster has them or not; a file that has none of this cluster's keys is refused.
      - V(restored) adds those of O(path) which the cluster lacks, and restarts the controller. What is damaged in the
        file fails the task when the rest is restored.
      - V(renewed) adds a new key, or the given one, which new values are then sealed with; old keys stay.
      - V(reencrypted) seals anew what the newest key does not decrypt, each in its own scope, in the cluster, or in the
        files of O(directory).
      - The newest is the controller's newest, the active key whose certificate began last, or whose Secret was made
        last where its Deployment says C(--key-order-priority SecretCreationTimestamp). One that has expired is only
        used where all have.
    type: str
    required: true
    choices: [backed_up, restored, renewed, reencrypted]
  path:
    description: >-
      The backup, encrypted by ansible-vault. It may hold whatever C(kubeseal --recovery-private-key) takes, a private
      key in PEM, Secrets in documents or in a list. With O(state=reencrypted), its keys are used besides those of the
      cluster.
    type: path
  directory:
    description: Manifests to seal anew without a cluster; needs O(path).
    type: path
  certificate:
    description: A certificate of one's own, PEM.
    type: str
  private_key:
    description: Its private key, PEM, from the vault.
    type: str
  days:
    description: How long a generated certificate is valid.
    type: int
    default: 3650
  min_age_days:
    description: Renew only when the newest active key is older, or has expired; 0 renews always.
    type: int
    default: 0
  drop_unknown:
    description: >-
      With O(state=backed_up), drop from O(path) what this cluster does not have. What was sealed with such a key is
      lost then, unless there is another copy.
    type: bool
    default: false
  vault_id:
    description: Which vault password encrypts the backup, when there are several.
    type: str
  controller_namespace:
    description: Namespace of the controller and its keys.
    type: str
    default: kube-system
  controller_deployment:
    description: Its Deployment, which is restarted since it reads keys when it starts; its Service has the same name.
    type: str
    default: sealed-secrets-controller
  wait_timeout:
    description: Seconds to wait for the controller.
    type: int
    default: 180
"""

EXAMPLES = r"""
- name: Back up the sealing keys
  greenlang.vcci.sealing_keys:
    state: backed_up
    path: ~/vcci-sealing-keys/production.vault.yml

- name: Seal committed manifests anew with the newest key of the backup, without a cluster
  greenlang.vcci.sealing_keys:
    state: reencrypted
    directory: sealed/production
    path: ~/vcci-sealing-keys/production.vault.yml
"""

RETURN = r"""
keys:
  description: Names of the keys that the backup holds, or that were added.
  returned: with O(state=backed_up), O(state=restored) and O(state=renewed)
  type: list
  elements: str
  sample: [sealed-secrets-key7xq2p]
secrets:
  description: The SealedSecrets that were sealed anew.
  returned: with O(state=reencrypted)
  type: list
  elements: str
  sample: [vcci-platform/redis-secrets]
"""
