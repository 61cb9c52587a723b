#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/tenant_attempts.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_attempts
short_description: Try against the API server what a tenant may not do
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - From each of the tenants it tries, in dry runs, as its ServiceAccount, what is another tenant's; as the first
    owner of its Role C(tenant-admin), to get out of its bounds, what no Role gives, and what admission refuses beside
    what it allows; and as ourselves, what admission must refuse whoever asks - a privileged pod, a pod over quota, a
    forbidden image, host and storage class.
  - A refusal counts only for the reason that is expected. One wrong cell fails.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: It writes nothing.}
  diff_mode: {support: none, description: There is nothing to show.}
options:
  namespaces:
    description: The tenants' namespaces; each tries the next one. One alone tries nothing of another's.
    type: list
    elements: str
    required: true
  image:
    description: An image that all of them may use.
    type: str
    required: true
  wait_timeout:
    description: >-
      Seconds in which what is wrong is tried again; an API server obeys a policy some seconds after it was first
      written. With 0 everything is tried once.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Try
  greenlang.vcci.tenant_attempts:
    namespaces: [vcci-tenant-acme-corp, vcci-tenant-globex]
    image: greenlang/vcci-probe:v1.0.0
"""

RETURN = r"""
lines:
  description: A table of what was tried, what must come of it and what came.
  returned: when everything could be tried
  type: list
  elements: str
  sample: ["vcci-tenant-globex  admission: a privileged pod  refused  refused  ok"]
rows:
  description: The same as lists of five texts, for the filter P(greenlang.vcci.tenant_proof#filter).
  returned: when everything could be tried
  type: list
  elements: list
  sample: [[vcci-tenant-globex, "admission: a privileged pod", refused, refused, ok]]
wrong:
  description: A sentence for each wrong cell.
  returned: when everything could be tried
  type: list
  elements: str
  sample: []
cells:
  description: How many there are.
  returned: when everything could be tried
  type: int
  sample: 400
"""
