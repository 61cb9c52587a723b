# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether what was given to a procedure is what its contract takes. Pure.

Every fault is one sentence that names variable, value and remedy; all are told, not the first.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..errors import brief
from .contract import Contract, Option

UNREADABLE = (TypeError, ValueError, OverflowError, RecursionError, AttributeError)  # to Ansible's own validator
NEAR, VERY_NEAR = 0.8, 0.9  # how alike two names are, of which one was meant; if the name could be anybody's
# Of Ansible, and those that molecule skips, whatever carries them.
COPIES = {"hostvars", "vars"}  # Ansible's own, of all variables
SPECIAL_TAGS = {"all", "always", "never", "tagged", "untagged", "molecule-notest", "notest"}


def faults_of_values(contract: Contract, given: Mapping[str, Any]) -> list[str]:
    """`given` has the variables of the contract that have a value."""
    found = []
    for option in contract.options.values():
        value = given.get(option.name)
        if value is not None and not (value == "" and option.required):
            found += _faults_of_value(option, value)
        elif option.required:
            found.append(f"{option.name} is missing: {option.description} Remedy: -e {option.name}=<{_form(option)}>.")
    return found


def faults_of_places(contract: Contract, given: Mapping[str, Any], passing: Iterable[str]) -> list[str]:
    """What must stay, and is in a folder that ends with this run; `given` are absolute paths where they are paths."""
    found = []
    for option in contract.options.values():
        place = str(given.get(option.name) or "")
        if option.kept and any(place == folder or place.startswith(f"{folder}/") for folder in passing):
            found.append(
                f"{option.name}: {brief(place)} ends with this job. "
                f"Remedy: -e {option.name}=<a place that stays, such as a volume that is mounted into the job>."
            )
    return found


def _form(option: Option) -> str:
    return "|".join(map(str, option.spec.get("choices") or [option.spec["type"]]))


def _faults_of_value(option: Option, value: Any) -> list[str]:
    shown = "what was given" if option.secret else brief(value)
    if option.spec["type"] in ("str", "path") and isinstance(value, (list, tuple, dict, set)):
        return [f"{option.name}: a text is needed, and not a list or dictionary"]
    spec = {key: part for key, part in option.spec.items() if key not in ("default", "required")}
    try:
        checked = ArgumentSpecValidator({option.name: _plain(spec)}).validate({option.name: value})
    except UNREADABLE:
        return [f"{option.name}: {shown} cannot be read as {option.spec['type']}"]
    if checked.error_messages:
        simple = option.secret or spec["type"] not in ("list", "dict")
        why = "" if simple else f" ({'; '.join(checked.error_messages)})"
        wanted = f"one of {', '.join(map(str, spec['choices']))}" if spec.get("choices") else _kind(option)
        return [f"{option.name}: {shown} is not {wanted}{why}"]
    return _faults_of_bounds(option, checked.validated_parameters[option.name], shown)


def _kind(option: Option) -> str:
    elements = option.spec.get("elements")
    return f"{option.spec['type']} of {elements}" if elements else str(option.spec["type"])


def _plain(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is for readers alone."""
    plain = {key: value for key, value in spec.items() if key != "description"}
    if plain.get("options"):
        plain["options"] = {name: _plain(part) for name, part in plain["options"].items()}
    return plain


def _faults_of_bounds(option: Option, value: Any, shown: str) -> list[str]:
    for one in value if isinstance(value, list) else [value]:
        if option.pattern and not re.fullmatch(option.pattern, str(one)):
            return [f"{option.name}: {shown} does not have the form {option.pattern}. {option.description}"]
        if option.minimum is not None and not one >= option.minimum:
            return [f"{option.name}: {shown} is less than {option.minimum}"]
        if option.maximum is not None and not one <= option.maximum:
            return [f"{option.name}: {shown} is more than {option.maximum}"]
    return []


def fault_of_confirmation(option: Option, typed: object, wanted: object) -> str:
    """Empty if the very name was typed of what is lost."""
    if typed is not None and str(typed) == str(wanted):
        return ""
    said = (
        "is missing"
        if typed in (None, "")
        else f"{brief(typed)} is not {brief(wanted)}, the value of {option.confirms}"
    )
    return f"{option.name}: {said}. {option.description} Remedy: -e {option.name}={brief(wanted)}; nothing was changed."


def faults_of_names(
    contract: Contract,
    extra: Iterable[str],
    there: Iterable[str],
    *,
    known: Collection[str],
    prefixes: Collection[str],
    arguments: Collection[str],
) -> tuple[list[str], list[str]]:
    """Faults and warnings about names of variables that nobody reads.

    extra      names given to this run (-e): wrong if it carries a prefix of ours, or is very nearly one that we know
    there      names of the inventory that nobody reads: wrong if nearly one that we know, else a warning
    arguments  names that are said to one run: of another procedure's, this one would know nothing
    """
    faults, warnings, typed = [], [], set(extra)
    every = {*known, *arguments, *contract.options}
    for name in sorted({*typed, *there}):
        if name in contract.options or name in known:
            continue
        ours = name.startswith(tuple(f"{prefix}_" for prefix in prefixes))
        if name in arguments:
            if name in typed:
                takes = ", ".join(contract.options) or "no variables of its own"
                faults.append(f"{name}: {contract.name} does not take it; it takes {takes}")
            continue
        near = difflib.get_close_matches(name, every, 1, NEAR if ours else VERY_NEAR) if ours or name in typed else []
        meant = f": did you mean {near[0]}?" if near else ""
        if near or (ours and name in typed):
            faults.append(f"{name}: there is no such variable{meant or f'; {_takes(contract)}'}")
        elif ours:
            warnings.append(f"{name} is set, and nothing of greenlang.vcci reads it")
    return faults, warnings


def faults_of_sets(contract: Contract, extra: Collection[str]) -> list[str]:
    """What the playbook says itself was said with -e, and would win against it."""
    given = (name for name in contract.sets if name in extra)
    return [
        f"{name}: {contract.name} says itself what it is. Remedy: leave it out, or run what is meant" for name in given
    ]


def _takes(contract: Contract) -> str:
    return f"`make help-playbook P={contract.name}` lists those that {contract.name} takes"


def faults_of_tags(asked: Iterable[str], skipped: Iterable[str], known: Collection[str]) -> list[str]:
    """Tags that nothing carries. To skip one is harmless, unless another was meant."""
    found = []
    for tag in asked:
        if tag not in known and tag not in SPECIAL_TAGS:
            near = difflib.get_close_matches(tag, known, 1)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            found.append(f"tag {brief(tag)}: nothing carries it; {meant}")
    for tag in skipped:
        near = [] if tag in known else difflib.get_close_matches(tag, known, 1, NEAR)
        found += [f"tag {brief(tag)}, to be skipped: nothing carries it; did you mean {near[0]}?"] if near else []
    return found


def unread(names: Iterable[str], values: Mapping[str, Any]) -> set[str]:
    """Those of the names that no value of another variable mentions; `values` as they are written."""
    left = set(names)
    for variable, value in values.items():
        if variable in COPIES or not left:
            continue
        left -= {name for name in _words(value) & left if name != variable}
    return left


def _words(value: object) -> set[str]:
    """The words in the texts of a value, of any depth."""
    found: set[str] = set()
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            found.update(re.findall(r"\w+", one))
        elif isinstance(one, dict):
            todo += list(one.values())
        elif isinstance(one, (list, tuple)):
            todo += list(one)
    return found
