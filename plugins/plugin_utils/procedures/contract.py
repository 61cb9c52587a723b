# Copyright (c) 2026 GreenLang. All rights reserved.
"""A procedure's contract: what its playbook takes from whoever starts it. Pure.

playbooks/contracts/<name>.yml says it once. From it come the checks at the start, `make help-playbook`, the table of
the runbook and AWX's survey:

    summary   one line: what it does
    options   the variables: name → what an argument spec says (type, choices, default, required, elements, options,
              description, no_log), and what is below. Of a variable that a role specifies, only what differs
    settings  roles whose own settings count as well; their specification is the roles'
    subject   the variable that names what it is about: a tenant, a node
    lock      what no two runs may be at work on at once; {variable} stands for a value. Without it nothing is recorded
    sets      variables of roles that the playbook itself says: refused with -e, which would win against it
    patience  seconds (90000) of silence after which a run on another machine that holds the lock is taken for dead

    confirms  the variable whose value must be typed here, because something is lost
    target    true: an unfinished run with another value is not gone on with
    kept      true: a place on the control node where something must stay; refused where it ends with the job
    pattern, minimum, maximum   of a text as a whole, of a number
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError

NAME = re.compile(r"[a-z][a-z0-9_]*")
FIELDS = {"summary", "options", "settings", "subject", "lock", "sets", "patience"}
SPEC = ("type", "choices", "default", "required", "elements", "options", "no_log")
OF_OPTION = {*SPEC, "description", "confirms", "target", "kept", "pattern", "minimum", "maximum"}
PATIENCE = 90000.0  # nothing is heard of a run while pods end, which a tier may give a day, or a volume is copied
# What every procedure that is recorded takes.
OF_RECORD: dict[str, dict[str, Any]] = {
    "procedure_anew": {
        "type": "bool",
        "default": False,
        "description": "Whether all steps are taken again, where an earlier run was not finished.",
    },
    "procedure_take_over": {
        "type": "str",
        "default": "",
        "description": "The run that holds the lock, as the refusal names it, if it is known to be dead.",
    },
}


@dataclass(frozen=True)
class Option:
    name: str
    spec: Mapping[str, Any]  # as Ansible's argument specs have it
    description: str
    confirms: str = ""
    target: bool = False
    kept: bool = False
    pattern: str = ""
    minimum: float | None = None
    maximum: float | None = None

    @property
    def required(self) -> bool:
        return bool(self.spec.get("required"))

    @property
    def secret(self) -> bool:
        return bool(self.spec.get("no_log"))


@dataclass(frozen=True)
class Contract:
    name: str
    summary: str
    options: Mapping[str, Option] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    subject: str = ""
    lock: str = ""
    sets: tuple[str, ...] = ()
    patience: float = PATIENCE


def parse(name: str, given: object, known: Mapping[str, Mapping[str, Any]]) -> Contract:
    """`known` are the variables that roles specify. InputError with all faults of the contract."""
    data: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    faults = [] if data else ["it is no mapping"]
    faults += [f"{key}: no such field" for key in data if key not in FIELDS]
    if not isinstance(data.get("summary"), str):
        faults.append("summary: one line is needed")
    options: dict[str, Option] = {}
    recorded = OF_RECORD if data.get("lock") else {}
    for option, said in {**(data.get("options") or {}), **recorded}.items():
        faults += _faults_of(option, said, known)
        if not faults:
            options[option] = option_of(option, {**known.get(option, {}), **(said or {})})
    if faults:
        raise InputError(f"contract {name}: {'; '.join(faults)}", faults)
    return Contract(
        name=name,
        summary=data["summary"],
        options=options,
        settings=tuple(data.get("settings") or ()),
        subject=data.get("subject", ""),
        lock=data.get("lock", ""),
        sets=tuple(data.get("sets") or ()),
        patience=float(data.get("patience", PATIENCE)),
    )


def _faults_of(name: str, said: object, known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not NAME.fullmatch(str(name)):
        return [f"options: {name!r} is no name of a variable"]
    if not isinstance(said or {}, Mapping):
        return [f"options.{name}: a mapping is needed"]
    own: Mapping[str, Any] = said or {}  # type: ignore[assignment]  # just looked at
    faults = [f"options.{name}.{key}: no such field" for key in own if key not in OF_OPTION]
    if not (own.get("description") or known.get(name, {}).get("description")):
        faults.append(f"options.{name}: a description is needed, since no role specifies it")
    return faults


def option_of(name: str, said: Mapping[str, Any]) -> Option:
    """What a specification says that is known to be right."""
    text = said["description"]
    spec = {key: said[key] for key in SPEC if key in said}
    if spec.get("required"):
        spec.pop("default", None)
    return Option(
        name=name,
        spec={"type": "str", **spec},
        description=" ".join([text] if isinstance(text, str) else text),
        confirms=said.get("confirms", ""),
        target=bool(said.get("target", False)),
        kept=bool(said.get("kept", False)),
        pattern=said.get("pattern", ""),
        minimum=said.get("minimum"),
        maximum=said.get("maximum"),
    )
