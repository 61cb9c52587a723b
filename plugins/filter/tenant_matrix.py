# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the probes saw, against what must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.tables import table

DOCUMENTATION = r"""
name: tenant_matrix
short_description: Judge the logs of isolation probes
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - A target that must be closed is right only if it was open in no round, from the pod's first second on, and closed
    in one at least, since a name that never resolved proves nothing. One that must be open is right if it was open in
    the last round.
  - A name that must be hidden is right only if DNS answered for it in no round; one that must be answered, if it was in
    the last. What may be any is shown and never wrong, as long as the probe saw something.
positional: _input, targets
options:
  _input:
    description: Source to the log of its probe.
    type: dict
    required: true
  targets:
    description: Source to its targets, each with C(name), C(host), C(port) and C(expect), which is open, closed,
      hidden, answered or any.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Judge
  ansible.builtin.debug:
    msg: "{{ {'vcci-tenant-a': '1 db closed'} | greenlang.vcci.tenant_matrix(targets) }}"
  vars:
    targets: {vcci-tenant-a: [{name: db, host: postgresql, port: 5432, expect: closed}]}
"""

RETURN = r"""
_value:
  description: C(lines), a table to print; C(rows), the same as lists of five texts each; C(wrong), a sentence for each
    wrong cell; C(cells), how many there are.
  type: dict
"""


STATES = ("open", "closed", "answered", "unresolved")


def tenant_matrix(logs: Mapping[str, str], targets: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """The verdict; see the filter's documentation."""
    rows = [("from", "to", "must be", "was", "")]
    wrong: list[str] = []
    for source, wanted in targets.items():
        seen = _seen(logs.get(source) or "")
        for target in wanted:
            name, expect = target["name"], target["expect"]
            rounds = seen.get(name, [])
            right = _is_right(rounds, expect)
            found = "/".join(dict.fromkeys(rounds)) or "nothing"
            verdict = "WRONG" if not right else "not enforced" if expect == "any" and "answered" in rounds else "ok"
            rows.append((source, name, expect, found, verdict))
            if not right:
                what = f"{source} → {name} ({target.get('host')}:{target.get('port')})"
                wrong.append(f"{what} must be {expect}, was {found} in {len(rounds)} rounds")
    return {"lines": table(rows), "rows": [list(row) for row in rows[1:]], "wrong": wrong, "cells": len(rows) - 1}


def _is_right(rounds: list[str], expect: str) -> bool:
    if expect == "closed":
        return "closed" in rounds and "open" not in rounds
    if expect == "hidden":
        return bool(rounds) and "answered" not in rounds
    return bool(rounds) and (expect == "any" or rounds[-1] == expect)


def _seen(log: str) -> dict[str, list[str]]:
    """Target to what was seen, in the order of the rounds."""
    found: dict[str, list[tuple[int, str]]] = {}
    for line in log.splitlines():
        words = line.split()
        if len(words) == 3 and words[0].isdigit() and words[2] in STATES:
            found.setdefault(words[1], []).append((int(words[0]), words[2]))
    return {name: _in_order(states) for name, states in found.items()}


def _in_order(states: list[tuple[int, str]]) -> list[str]:
    return [state for _round, state in sorted(states)]


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for."""
        return {"tenant_matrix": tenant_matrix}
