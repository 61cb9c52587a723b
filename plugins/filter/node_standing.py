# Copyright (c) 2026 GreenLang. All rights reserved.
"""How nodes stand when a procedure that replaces them ended midway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade.standing import lines, order

DOCUMENTATION = r"""
name: node_standing
short_description: How nodes stand - which versions run where, what takes no pods, what is not Ready and why
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Takes the Node objects of a cluster, whatever runs it.
options:
  _input:
    description: The nodes, as the API server has them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Say how they stand
  ansible.builtin.debug:
    msg: "{{ (nodes.resources | greenlang.vcci.node_standing).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(lines), for people; none of no nodes.
    - C(order), the names of the nodes, those first that are not Ready.
  type: dict
"""


def node_standing(nodes: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Lines and order; see the filter's documentation."""
    return {"lines": lines(nodes), "order": order(nodes)}


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for."""
        return {"node_standing": node_standing}
