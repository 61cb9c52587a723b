#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/procedure.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: procedure
short_description: Begin a procedure, take its steps, end it
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - The frame of every playbook of this collection. What a playbook takes is in its contract,
    C(playbooks/contracts/<name>.yml); how one is written is in C(docs/procedures.md).
  - V(begun) finds everything that is wrong, and tells it at once, before anything is done - variables that are missing,
    of the wrong type or form; names that nobody reads, with the one that was meant; tags that nothing carries; a
    cluster of another environment; a name that must be typed because something is lost, which is asked for at a
    terminal. It then takes the procedure's lock, if its contract has one. Register it as C(__procedure).
  - V(checked) tells everything of O(checks) that is not so.
  - V(step) records in the cluster that a step begins, before it is taken. A step that a run which was killed or failed
    had taken is not to be taken again.
  - V(ended) gives the lock back and says what was done. V(failed) says where it ended, why, and how to go on, and
    fails.
  - The record is the ConfigMap C(procedures-<lock>) in C(kube-system). A run that was killed on this machine gives its
    lock back by that; one of another machine when it was silent for the contract's patience.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode: {support: full, description: "Finds what is wrong, and writes nothing."}
  diff_mode: {support: none, description: There is nothing to show.}
options:
  state:
    description: What is to be so.
    type: str
    required: true
    choices: [begun, checked, step, ended, failed]
  name:
    description: The procedure, for V(begun).
    type: str
  environment_name:
    description: The environment that the cluster must be for, for V(begun).
    type: str
  guard:
    description: Whether the cluster is asked for which environment it is, for V(begun).
    type: bool
    default: true
  assume_empty:
    description: In check mode, take the cluster as one that does not exist yet.
    type: bool
    default: false
  checks:
    description: What must be so before anything is done, for V(checked).
    type: list
    elements: dict
    default: []
    suboptions:
      that: {description: Whether it is so., type: bool, required: true}
      message: {description: What is told if it is not., type: str, required: true}
  step:
    description: Name of the step, for V(step).
    type: str
  again:
    description: Whether the step is taken again where a run that was not finished had taken it, for V(step).
    type: bool
    default: false
  notes:
    description: What later steps, and the runs after this one, need to know, for V(step).
    type: dict
    default: {}
  lines:
    description: What was done, for V(ended); how things stand now, for V(failed). At most twelve lines are shown.
    type: list
    elements: raw
    default: []
  task:
    description: Name of the task that failed, for V(failed).
    type: str
    default: ""
  failure:
    description: Its result, for V(failed).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Replace a disk
  block:
    - name: Begin
      greenlang.vcci.procedure:
        state: begun
        name: node_drain
        environment_name: "{{ cluster_environment }}"
      register: __procedure

    - name: Begin the step
      greenlang.vcci.procedure:
        state: step
        step: empty the node
      register: __step

    - name: Empty it
      when: __step.todo
      greenlang.vcci.node_drain:
        name: compute-1

    - name: End
      greenlang.vcci.procedure:
        state: ended
        lines: [compute-1 is empty]
  rescue:
    - name: Say how to go on
      greenlang.vcci.procedure:
        state: failed
        task: "{{ ansible_failed_task.name }}"
        failure: "{{ ansible_failed_result }}"
"""

RETURN = r"""
name:
  description: The procedure.
  returned: state is begun
  type: str
  sample: node_drain
subject:
  description: What it is about.
  returned: state is begun
  type: str
  sample: compute-1
run:
  description: What an action of this collection needs to record steps of its own.
  returned: state is begun
  type: dict
  sample: {lock: nodes, key: node_drain.compute-1, holder: {id: 5f2c}}
taken:
  description: The steps that a run before this one took, if it was not finished.
  returned: state is begun
  type: list
  elements: str
  sample: [look, snapshot]
todo:
  description: Whether the step is to be taken.
  returned: state is step
  type: bool
  sample: true
notes:
  description: What steps noted so far, those of a run before this one too if it was not finished.
  returned: state is begun or step
  type: dict
  sample: {snapshot: /backup/etcd-1.db}
msg:
  description: What was done.
  returned: state is ended
  type: str
  sample: "node_drain compute-1: done, in 12 s"
"""
