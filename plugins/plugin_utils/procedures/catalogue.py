# Copyright (c) 2026 GreenLang. All rights reserved.
"""What this collection has: its contracts, and which variables and tags its roles know."""

from __future__ import annotations

import difflib
import functools
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load

from ..errors import InputError, brief
from . import contract as contracts
from .contract import Contract, Option

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = ROOT / "playbooks" / "contracts"


def names() -> list[str]:
    return sorted(path.stem for path in CONTRACTS.glob("*.yml"))


@functools.cache
def contract(name: str) -> Contract:
    """InputError if there is none of that name, or it is wrong."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"{brief(name)}: there is no such procedure; {meant}There are {', '.join(names())}")
    return contracts.parse(name, _load(CONTRACTS / f"{name}.yml"), specified())


def last(name: str, asked: tuple[str, ...]) -> str:
    """The procedure that ends a run of the playbooks of these; `name` where that is not known."""
    if not asked or asked[-1] != "site":
        return asked[-1] if asked else name
    imported = [play.get("ansible.builtin.import_playbook") for play in _load(ROOT / "playbooks" / "site.yml")]
    return Path([str(one) for one in imported if one][-1]).stem


@functools.cache
def roles() -> tuple[str, ...]:
    return tuple(sorted(path.parents[1].name for path in (ROOT / "roles").glob("*/meta/argument_specs.yml")))


@functools.cache
def _entries(role: str) -> dict[str, dict[str, Any]]:
    found = _load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]
    return {entry: spec.get("options") or {} for entry, spec in found.items()}


@functools.cache
def specified() -> dict[str, dict[str, Any]]:
    """Every variable of a role → its specification; that of the role whose name it carries, where several have it."""
    found: dict[str, dict[str, Any]] = {}
    for role in roles():
        for entry in _entries(role).values():
            for name, spec in entry.items():
                if name not in found or name.startswith(f"{role}_"):
                    found[name] = spec
    return found


@functools.cache
def settings() -> frozenset[str]:
    """Variables that describe an environment, and so may be there whatever is run."""
    found = {name for role in roles() for name in _entries(role).get("main", {})}
    for path in (ROOT / "group_vars" / "all").glob("*.yml"):
        found |= set(_load(path) or {})
    return frozenset(found)


def settings_of(contract: Contract) -> dict[str, Option]:
    """The settings of the roles of a contract, without those that it takes itself."""
    found: dict[str, Option] = {}
    for role in contract.settings:
        for name, spec in _entries(role).get("main", {}).items():
            if name not in contract.options:
                found[name] = contracts.option_of(name, spec)
    return found


@functools.cache
def arguments() -> frozenset[str]:
    """Variables that are said to one run of some procedure, and mean nothing to others."""
    said = {name for procedure in names() for name in contract(procedure).options}
    return frozenset((said | set(specified())) - settings())


@functools.cache
def tags() -> frozenset[str]:
    found = set(roles())
    for role in roles():
        for task in _load(ROOT / "roles" / role / "tasks" / "main.yml"):
            found |= set(task.get("tags") or ())
    return frozenset(found)


def _load(path: Path) -> Any:
    return yaml_load(path.read_text(encoding="utf-8"))
