#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/sealed_secret_info.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: sealed_secret_info
short_description: Scope, age, sealing key, state and consumers of every SealedSecret
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Compares SealedSecrets with their Secrets, in memory. No value, and no digest of one, is in the result.
  - What may not be read (sealing keys, Secrets, workloads) leaves null where it would be needed.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: It writes nothing.}
  diff_mode: {support: none, description: There is nothing to show.}
options:
  namespaces:
    description: Where to look; everywhere without it.
    type: list
    elements: str
    default: []
  controller_namespace:
    description: Namespace of the controller and its keys.
    type: str
    default: kube-system
  controller_name:
    description: Name of the controller's Deployment, which says in which order it uses its keys.
    type: str
    default: sealed-secrets-controller
  rotation_days:
    description: Keys whose value is older are overdue; 0 for none.
    type: int
    default: 90
"""

EXAMPLES = r"""
- name: Look at all sealed Secrets
  greenlang.vcci.sealed_secret_info:
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.table }}"
"""

RETURN = r"""
secrets:
  description: >-
    Of each SealedSecret its scope, keys, the days since each value changed (since the SealedSecret was made, where that
    is not known), the overdue keys, the sealing keys that decrypt it, whether those are the newest one only, whether
    everything decrypts with active keys, whether the Secret equals that, whether the controller has unsealed this
    generation and what it says, the workloads that consume it, and problems by key, such as a ciphertext that is no
    base64 or that only an inactive sealing key opens. Of one without ciphertexts C(decrypts) is null.
  returned: success
  type: dict
  sample:
    vcci-platform/redis-secrets:
      scope: strict
      keys: [password]
      age_days: {password: 12}
      overdue: []
      sealing_keys: [sealed-secrets-key7xq2p]
      on_newest_key: true
      decrypts: true
      equal: true
      synced: true
      message: ""
      consumers: [StatefulSet/redis]
      problems: []
sealing_keys:
  description: The controller's keys in its own order, the newest first, and how many SealedSecrets rely on each.
  returned: success
  type: list
  elements: dict
  sample:
    - name: sealed-secrets-key7xq2p
      fingerprint: "SHA256:abc"
      active: true
      age_days: 12
      expires: "2036-01-31T12:00:00Z"
      secrets: 4
table:
  description: RV(secrets) as lines of text.
  returned: success
  type: list
  elements: str
  sample: ["SECRET  SCOPE  KEYS"]
"""
