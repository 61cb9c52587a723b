# Copyright (c) 2026 GreenLang. All rights reserved.
"""Documentation shared by the plugins that wait for objects. The arguments: plugins/action/applyset.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Wait until every object is ready by the kstatus rules (rolled out, bound, completed, established, condition
        Ready), or by O(wait_for), and until everything that is deleted or pruned is gone.
      - The wait ends early when something failed for good, or when pods do not start for O(wait_grace). The message
        then begins with the reason, as on a time-out, and holds events, exit codes and the first lines of errors.
      - A pod of a StatefulSet that is of an older revision and does not start is deleted meanwhile, one at a time, so
        that the new revision can follow; it is listed as replaced.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 300
  wait_grace:
    description:
      - Seconds for which a pod may fail to start (its image cannot be pulled, it crashes, there is no room for it, a
        quota refuses it) before the wait ends. A cluster that is just adding nodes for it is waited for.
    type: int
    default: 60
  wait_for:
    description:
      - What to wait for with some of the objects, instead of the kstatus rules. For custom resources whose conditions
        nobody knows, or that have none. Each entry names a condition or a field, and needs O(wait).
      - Objects for which nothing spoke, so that they counted as ready, are listed as C(assumed_ready).
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: Kind of the objects, with its group where it is not built in, such as V(Backup.velero.io).
        type: str
        required: true
      name:
        description: Only the object of this name.
        type: str
      namespace:
        description: Only objects of this namespace.
        type: str
      condition:
        description: The condition of this type must have the O(wait_for[].status).
        type: str
      status:
        description: Status of the condition. V(True) if it is not given.
        type: raw
      reason:
        description: Reason that the condition must have as well.
        type: str
      field:
        description: Path of a field, such as V(status.phase) or V(status.nodes[0].ready) or V(status['a.b']).
        type: str
      value:
        description: Value of the field, or a list of values of which it must have one. If not given, any but none.
        type: raw
      failed:
        description: Value of the field, or a list of values, with which the wait ends as failed.
        type: raw
"""
