#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_identity
short_description: Refuse to touch a cluster of another environment
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Each cluster says which environment it is for in the ConfigMap C(kube-system/vcci-cluster-identity). This compares
    it with the inventory's environment and fails, before anything is written, when they differ.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: "Compares, and writes nothing."}
  diff_mode: {support: none, description: There is nothing to show.}
options:
  environment_name:
    description: The environment that the cluster must be for.
    type: str
    required: true
  claim:
    description: Record the environment in a cluster that has no identity yet; otherwise such a cluster is refused.
    type: bool
    default: false
  assume_empty:
    description: In check mode, take the cluster as one that does not exist yet.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make sure that this is staging's cluster
  greenlang.vcci.cluster_identity:
    environment_name: staging
    kubeconfig: ~/.kube/staging
"""

RETURN = r"""
identity:
  description: What the cluster says of itself.
  returned: success
  type: dict
  sample: {environment: staging, provider: existing}
"""
