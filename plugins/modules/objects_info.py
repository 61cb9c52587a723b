#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/objects_info.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: objects_info
short_description: Read one object, or those of a kind
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Options and result are those of M(kubernetes.core.k8s_info). It runs in the task's own process, so that a look takes
    a tenth of the time, and with the client of the other plugins, which outlasts an API server that starts again.
  - What is not there, nor its kind, is an empty list.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: It writes nothing.}
  diff_mode: {support: none, description: There is nothing to show.}
options:
  api_version:
    description: Group and version of the kind.
    type: str
    default: v1
  kind:
    description: The kind, as objects say it.
    type: str
    required: true
  name:
    description: The one object. Of a kind that is in namespaces, O(namespace) is needed too.
    type: str
  namespace:
    description: The namespace in which they are; all without it.
    type: str
  label_selectors:
    description: Requirements for labels, all of which must hold.
    type: list
    elements: str
    default: []
  field_selectors:
    description: Requirements for fields that the API server can select by, all of which must hold.
    type: list
    elements: str
    default: []
seealso:
  - module: kubernetes.core.k8s_info
"""

EXAMPLES = r"""
- name: Read the pods of the backend API
  greenlang.vcci.objects_info:
    kind: Pod
    namespace: vcci-platform
    label_selectors: [app=vcci-backend-api]
  register: pods
"""

RETURN = r"""
resources:
  description: The objects as the API server has them.
  returned: success
  type: list
  elements: dict
  sample: [{apiVersion: v1, kind: Namespace, metadata: {name: vcci-platform}}]
"""
