#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/dump_copy.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: dump_copy
short_description: What a command in one pod writes is read by a command in another
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - The API server carries it, so that neither pod has to reach the other; nothing of it is kept on the control node.
  - The command that reads has to know when it has all; its input is not ended.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: Nothing is run.}
  diff_mode: {support: none, description: There is nothing to compare.}
options:
  source:
    description: Where the command is that writes.
    type: dict
    required: true
    suboptions: &place
      namespace: {description: Namespace of the pod., type: str, required: true}
      pod: {description: Name of the pod., type: str, required: true}
      container: {description: Name of the container., type: str, required: true}
      command: {description: The command and its arguments., type: list, elements: str, required: true}
  target:
    description: Where the command is that reads.
    type: dict
    required: true
    suboptions: *place
  silence:
    description: Seconds without a byte after which it is given up.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Take the newest dump elsewhere
  greenlang.vcci.dump_copy:
    source:
      namespace: vcci-platform
      pod: postgresql-0
      container: postgresql
      command: [postgresql-restore, send, latest]
    target:
      namespace: vcci-restore-drill
      pod: postgresql-restore-drill-8zgjc
      container: postgresql
      command: [postgresql-drill, take]
"""

RETURN = r"""
said:
  description: What the command that reads wrote.
  returned: success
  type: str
  sample: '{"name": "vcci-backup-20261126.dump"}'
"""
