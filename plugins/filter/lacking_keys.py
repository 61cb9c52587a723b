# Copyright (c) 2026 GreenLang. All rights reserved.
"""What Secrets lack of what pods do not start without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: lacking_keys
short_description: What Secrets lack of what is asked for
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - A pod whose Secret, or a key of it, is not there does not start, and says so where few look. Values are not
    looked at.
positional: _input, needed
options:
  _input:
    description: The Secrets that there are.
    type: list
    elements: dict
    required: true
  needed:
    description: Keys by the name of their Secret.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Tell what is missing
  ansible.builtin.debug:
    msg: "{{ secrets.resources | greenlang.vcci.lacking_keys({'redis-secrets': ['password', 'members-password']}) }}"
"""

RETURN = r"""
_value:
  description: What is missing, each as C(secret/key), in the order in which it is asked for.
  type: list
  elements: str
"""


def lacking_keys(secrets: Sequence[Mapping[str, Any]], needed: Mapping[str, Sequence[str]]) -> list[str]:
    """See the filter's documentation."""
    there = {one["metadata"]["name"]: one.get("data") or {} for one in secrets}
    return [f"{name}/{key}" for name, keys in needed.items() for key in keys if key not in there.get(name, {})]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"lacking_keys": lacking_keys}
