#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/pod_exec.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: pod_exec
short_description: Run a command in a container of a pod
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - It fails unless the command ends with 0; C(failed_when) may judge RV(rc) and RV(stdout) otherwise.
  - Unlike M(kubernetes.core.k8s_exec) it runs nothing in check mode; what only asks is run then too with
    C(check_mode=false).
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: Nothing is run.}
  diff_mode: {support: none, description: There is nothing to show.}
options:
  namespace:
    description: Namespace of the pod.
    type: str
    required: true
  pod:
    description: Name of the pod.
    type: str
    required: true
  container:
    description: Name of the container.
    type: str
    required: true
  command:
    description: >-
      Program and arguments, as a list, or as a text that is taken apart as a shell does; no shell runs it. They are in
      the audit log of the API server.
    type: raw
    required: true
  silence:
    description: Seconds without a word of the command after which it is given up.
    type: int
    default: 3600
"""

EXAMPLES = r"""
- name: Ask the database which version it is
  greenlang.vcci.pod_exec:
    namespace: vcci-platform
    pod: postgresql-0
    container: postgresql
    command: psql --tuples-only --command "SHOW server_version"
  register: asked
  check_mode: false
  changed_when: false
"""

RETURN = r"""
rc:
  description: The code that it ended with.
  returned: when it was run
  type: int
  sample: 0
stdout:
  description: What it wrote.
  returned: when it was run
  type: str
  sample: "17.6"
stdout_lines:
  description: The same as a list of lines.
  returned: when it was run
  type: list
  elements: str
  sample: ["17.6"]
stderr:
  description: What it complained about.
  returned: when it was run
  type: str
  sample: ""
stderr_lines:
  description: The same as a list of lines.
  returned: when it was run
  type: list
  elements: str
  sample: []
"""
