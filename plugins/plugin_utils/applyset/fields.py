# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sets of fields as `managedFields` writes them (fieldsV1), and what they select of an object. Pure.

A node maps steps to nodes: `f:<field>`, `k:<key of a list item>`, `v:<value of a list item>`. A node is a member itself
if it has the step `.`, or no step at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .owned import item_nodes

Node = Mapping[str, Any]
_MEMBER = "."


def union(*nodes: Node) -> dict[str, Any]:
    """The fields of any of the sets."""
    made: dict[str, Any] = {}
    for node in nodes:
        _join(made, _open(node))
    return _closed(made)


def without(node: Node, others: Node) -> dict[str, Any]:
    """The fields of a set that are not in another."""
    return _closed(_less(_open(node), _open(others)))


def left_by(value: object, node: Node) -> dict[str, Any]:
    """Of the fields that were applied, those that a manifest, or a part of it, does not have any more."""
    stale: dict[str, Any] = {}
    if isinstance(value, dict):
        for step, inner in node.items():
            if step == _MEMBER:
                continue
            part = left_by(value[step[2:]], inner) if step[2:] in value else inner
            if part or step[2:] not in value:
                stale[step] = part
    elif isinstance(value, list):
        kept = {
            id(inner): item for item, inner in zip(value, item_nodes(value, node), strict=True) if inner is not None
        }
        for step, inner in node.items():
            if step == _MEMBER:
                continue
            part = left_by(kept[id(inner)], inner) if id(inner) in kept else inner
            if part or id(inner) not in kept:
                stale[step] = part
    return stale


def pruned(value: Any, stale: Node, kept: Node) -> Any:
    """A value without the `stale` fields, as far as they are not among those `kept` for others."""
    if isinstance(value, dict):
        made = dict(value)
        for step, inner in stale.items():
            _prune_field(made, step[2:], inner, kept.get(step))
        return made
    if isinstance(value, list):
        remaining = []
        for item in value:
            step = step_to(item, stale)
            if not step:
                remaining.append(item)
            elif kept.get(step) is not None or not _is_member(stale[step]):
                remaining.append(pruned(item, stale[step], kept.get(step) or {}))
        return remaining
    return value


def _prune_field(made: dict[str, Any], name: str, stale: Node, kept: Node | None) -> None:
    if name not in made or (kept is not None and not stale):
        return
    steps = {step: inner for step, inner in stale.items() if step != _MEMBER}
    rest = pruned(made[name], steps, kept or {}) if steps else None
    if kept is None and (not steps or (_is_member(stale) and rest in ({}, []))):
        del made[name]
    elif steps:
        made[name] = rest


def overlay(live: Any, desired: Any, known: Node) -> Any:
    """What an apply makes of a live value; `known` are the fields of all managers, which tell lists with keys."""
    if isinstance(live, dict) and isinstance(desired, dict) and known:
        inner = {name: overlay(live.get(name), desired[name], known.get("f:" + name) or {}) for name in desired}
        return {**live, **inner}
    if isinstance(live, list) and isinstance(desired, list):
        return _overlay_list(live, desired, known)
    return desired


def _overlay_list(live: list[Any], desired: list[Any], known: Node) -> list[Any]:
    names = key_names(known)
    if not names:
        added = [item for item in desired if item not in live]
        return [*live, *added] if any(step.startswith("v:") for step in known) else desired
    matches = [_match(item, live, names) for item in desired]
    taken = {id(match) for match in matches if match is not None}
    alone = [old for old in live if id(old) not in taken]
    rest = iter(live)
    made = []
    for item, match in zip(desired, matches, strict=True):
        if match is None:
            made.append(item)
            continue
        # What is only there stays before what it was before.
        for old in rest:
            if old is match:
                break
            if id(old) not in taken:
                made.append(old)
        made.append(overlay(match, item, known.get(step_to(match, known)) or {}))
    shown = {id(item) for item in made}
    return made + [old for old in alone if id(old) not in shown]


def key_names(node: Node) -> tuple[str, ...]:
    """The fields that are the key of a list's items; empty where the set does not tell."""
    step = next((step for step in node if step.startswith("k:")), None)
    return tuple(json.loads(step[2:])) if step else ()


def step_to(item: object, node: Node) -> str:
    """The step of a node that leads to an item of a live list; empty where there is none."""
    return next((step for step in node if is_item(step, item)), "")


def is_item(step: str, item: object) -> bool:
    """Whether a step leads to that item of a live list."""
    if step.startswith("v:"):
        return bool(json.loads(step[2:]) == item)
    if not step.startswith("k:") or not isinstance(item, dict):
        return False
    return all(item.get(name) == value for name, value in json.loads(step[2:]).items())


def _match(item: object, live: list[Any], names: tuple[str, ...]) -> Any:
    return next((old for old in live if _same_key(old, item, names)), None)


def _same_key(old: object, new: object, names: Iterable[str]) -> bool:
    """A key field that the manifest leaves out has the server's default, which we do not know."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    return all(name not in new or old.get(name) == new[name] for name in names)


def _is_member(node: Node) -> bool:
    return not node or _MEMBER in node


def _open(node: Node, root: bool = True) -> dict[str, Any]:
    """With every membership written as a step."""
    made = {step: _open(inner, False) for step, inner in node.items() if step != _MEMBER}
    if _MEMBER in node or not (node or root):
        made[_MEMBER] = {}
    return made


def _closed(node: Node) -> dict[str, Any]:
    """As the server writes it."""
    if list(node) == [_MEMBER]:
        return {}
    return {step: {} if step == _MEMBER else _closed(inner) for step, inner in node.items()}


def _join(into: dict[str, Any], node: Node) -> None:
    for step, inner in node.items():
        _join(into.setdefault(step, {}), inner)


def _less(node: Node, others: Node) -> dict[str, Any]:
    made = {}
    for step, inner in node.items():
        if step == _MEMBER:
            if _MEMBER not in others:
                made[step] = inner
            continue
        rest = _less(inner, others.get(step) or {})
        if rest:
            made[step] = rest
    return made
