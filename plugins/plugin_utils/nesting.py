# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether YAML is nested more deeply than its parser survives: the one in C ends the whole process. Pure."""

from __future__ import annotations

import re

import yaml

DEEPEST = 500  # levels, which nothing that is meant comes near
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BRACKET = re.compile(r"[\[\]{}]")
_LEAD = re.compile(r"^[ \-?:]+", re.MULTILINE)  # a level in lines takes one more column, at least


def is_deep(text: str) -> bool:
    """Of a text that may be YAML or not."""
    return _may_be_deep(text) and _depth(text) > DEEPEST


def _may_be_deep(text: str) -> bool:
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            return True
    return any(len(lead) > DEEPEST for lead in _LEAD.findall(text))


def _depth(text: str) -> int:
    """By events, which cost no stack; it stops where it is deep, or no YAML."""
    depth = deepest = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
                depth += 1
            elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                depth -= 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                break
    except (yaml.YAMLError, ValueError):
        pass
    return deepest
