# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the probes saw, against what must be."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.greenlang.vcci.plugins.plugin_utils.tables import table

DOCUMENTATION = r"""
name: tenant_matrix
short_description: Judge the logs of isolation probes
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - A target that must be closed is right only if it was open in no round, from the pod's first second on, and closed in one at least, since a name that
    never resolved proves nothing. One that must be open is right if it was open in the last round.
positional: _input, targets
options:
  _input:
    description: Source to the log of its probe.
    type: dict
    required: true
  targets:
    description: Source to its targets, each with C(name), C(host), C(port) and C(expect), open or closed.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Judge
  ansible.builtin.debug:
    msg: "{{ {'vcci-tenant-a': '1 db closed'} | greenlang.vcci.tenant_matrix({'vcci-tenant-a': [{'name': 'db', 'expect': 'closed'}]}) }}"
"""

RETURN = r"""
_value:
  description: C(lines), a table to print; C(wrong), a sentence for each wrong cell; C(cells), how many there are.
  type: dict
"""


def tenant_matrix(logs: Mapping[str, str], targets: Mapping[str, Sequence[Mapping]]) -> dict:
    """The verdict; see the filter's documentation."""
    rows, wrong = [], []
    for source, wanted in targets.items():
        seen = _seen(logs.get(source) or "")
        for target in wanted:
            rounds, expect = seen.get(target["name"], []), target["expect"]
            if expect == "closed":
                right = "closed" in rounds and "open" not in rounds
            else:
                right = bool(rounds) and rounds[-1] == "open"
            found = "nothing" if not rounds else "/".join(dict.fromkeys(rounds))
            rows.append((source, target["name"], expect, found, "ok" if right else "WRONG"))
            if not right:
                wrong.append(f"{source} → {target['name']} ({target.get('host')}:{target.get('port')}) must be {expect}, was {found} "
                             f"in {len(rounds)} rounds")
    return {"lines": table([("from", "to", "must be", "was", ""), *rows]), "wrong": wrong, "cells": len(rows)}


def _seen(log: str) -> dict[str, list[str]]:
    """Target to what was seen, in the order of the rounds."""
    found: dict[str, list[tuple[int, str]]] = {}
    for line in log.splitlines():
        words = line.split()
        if len(words) == 3 and words[0].isdigit() and words[2] in ("open", "closed", "unresolved"):
            found.setdefault(words[1], []).append((int(words[0]), words[2]))
    return {name: [state for _round, state in sorted(states)] for name, states in found.items()}


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict:
        """Name to function, as Ansible asks for."""
        return {"tenant_matrix": tenant_matrix}
