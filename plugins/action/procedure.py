# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin procedure: its documentation is in plugins/modules/procedure.py."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleError
from ansible.utils.display import Display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import PROCEDURE, Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import planned
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ConfigError, InputError, VcciError, brief
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import catalogue, identity, run, summary
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.opening import MISSING, Opening
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.run import Run
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.started import started

BEGUN = PROCEDURE  # the variable in which a play keeps what the state begun answered
display = Display()


class ActionModule(Action):
    """Begin a procedure, check what it needs, take its steps, end it."""

    LEAD: ClassVar = "  "
    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "state": {"type": "str", "required": True, "choices": ["begun", "checked", "step", "ended", "failed"]},
        "name": {"type": "str"},
        "environment_name": {"type": "str"},
        "guard": {"type": "bool", "default": True},
        "assume_empty": {"type": "bool", "default": False},
        "checks": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"that": {"type": "bool", "required": True}, "message": {"type": "str", "required": True}},
        },
        "step": {"type": "str"},
        "again": {"type": "bool", "default": False},
        "notes": {"type": "dict", "default": {}},
        "lines": {"type": "list", "elements": "raw", "default": []},
        "task": {"type": "str", "default": ""},
        "failure": {"type": "dict", "default": {}},
    }
    RULES: ClassVar = {
        "required_if": [("state", "begun", ["name", "environment_name"]), ("state", "step", ["step"])],
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._vars = task_vars
        states = {
            "begun": self._begin,
            "checked": self._check,
            "step": self._step,
            "ended": self._end,
            "failed": self._fail,
        }
        return states[args["state"]](args)

    # --- begin ---------------------------------------------------------------------------------------------------
    def _begin(self, args: dict[str, Any]) -> dict[str, Any]:
        contract = catalogue.contract(args["name"])
        opening = Opening(contract, started(self._loader), self._value, self._vars, check=self.check)
        opening.judge()
        client = self._reached(opening, args)
        for option, wanted in opening.unconfirmed():
            opening.confirm(option, None if opening.faults else self._ask(option.description), wanted)
        self._warnings += opening.warnings
        opening.refuse()
        process = os.getppid()  # this one is the task's; its parent is the run's
        values = opening.filled
        begun = run.begin(client, contract, values, process=process, check=self.check, say=self.say)
        subject = str(values.get(contract.subject) or "") if contract.subject else ""
        told = {"notes": begun.notes, "taken": [*begun.entry.taken]}
        return {"name": contract.name, "subject": subject, "run": begun.handle, **told}

    def _reached(self, opening: Opening, args: dict[str, Any]) -> Client | None:
        """The cluster, if one is needed and it is there; what is wrong with it is told with the rest."""
        if not (args["guard"] or opening.contract.lock):
            return None
        try:
            client = self.connect_unless_assumed(args)
            if args["guard"] and client is not None:
                identity.require(client, args["environment_name"])
        except VcciError as exc:
            opening.faults.append(exc.message)
            return None
        return client

    def _value(self, name: str) -> Any:
        """Of a variable, as this play has it."""
        if name not in self._vars:
            return MISSING
        try:
            return self._templar.template(self._vars[name])
        except AnsibleError as exc:
            raise InputError(f"{name}: its value cannot be made: {brief(str(exc), 200)}") from exc

    def _ask(self, text: str) -> str | None:
        """What somebody types at the terminal; None where there is none."""
        try:
            typed = display.prompt_until(f"\n{text}\n> ")
        except AnsibleError:
            return None
        return typed.decode("utf-8", "replace").strip() if isinstance(typed, bytes) else None

    # --- afterwards ----------------------------------------------------------------------------------------------
    def _check(self, args: dict[str, Any]) -> dict[str, Any]:
        faults = [check["message"] for check in args["checks"] if not check["that"]]
        if faults:
            lead = "" if len(faults) == 1 else f"{len(faults)} things to remedy, nothing was changed:\n"
            raise VcciError(lead + "\n".join(faults), faults)
        return {"checks": len(args["checks"])}

    def _step(self, args: dict[str, Any]) -> dict[str, Any]:
        under_way = self._run(args)
        todo = under_way.step(args["step"], again=args["again"], **args["notes"])
        self.say(f"step {args['step']}" + ("" if todo else ": was taken before"))
        return {"todo": todo, "notes": under_way.notes}

    def _end(self, args: dict[str, Any]) -> dict[str, Any]:
        begun, under_way = self._begun(), self._run(args)
        under_way.end(done=True)
        named = summary.title(begun["name"], begun["subject"])
        if self.check and begun["name"] == catalogue.last(begun["name"], started(self._loader).procedures):
            self._refuse_foreseen()
        lines = summary.ended(named, under_way.seconds, args["lines"], check=self.check)
        for line in lines:
            self.say(line)
        return {"msg": "\n".join(lines)}

    def _refuse_foreseen(self) -> None:
        """What would be refused, all of it, at the end of the whole run."""
        errors = planned.refused(constants.DEFAULT_LOCAL_TMP)  # type: ignore[attr-defined]  # made when Ansible starts
        if errors:
            number = f"{len(errors)} objects" if len(errors) > 1 else "1 object"
            remedy = "Remedy: what each says; -e platform_force_conflicts=true takes back what others changed by hand."
            raise VcciError("\n".join([f"{number} would be refused:", *errors, remedy]), [*errors, remedy])

    def _fail(self, args: dict[str, Any]) -> dict[str, Any]:
        begun = self._begun()
        named = summary.title(begun["name"], begun["subject"])
        step, seconds, taken, lost = "", 0.0, [], []
        try:
            under_way = self._run(args)
            step, seconds, taken = under_way.entry.step, under_way.seconds, [*under_way.entry.taken]
            under_way.end(done=False)
        except VcciError as exc:
            lost = [f"Nor could its end be recorded: {exc.message}"]
        told = summary.failed(named, seconds, args["task"], args["failure"], step, taken, args["lines"])
        raise VcciError("\n".join([*told, *lost]), summary.reasons(args["failure"]))

    def _begun(self) -> dict[str, Any]:
        found = self._vars.get(BEGUN)
        answer = self._templar.template(found) if found is not None else None
        if not isinstance(answer, dict) or "run" not in answer:
            raise ConfigError(f"state: no task with the state begun ran before, whose answer is in {BEGUN}")
        return answer

    def _run(self, args: dict[str, Any]) -> Run:
        handle = self._begun()["run"]
        recorded = handle.get("lock") and not (self.check and args["assume_empty"])
        return Run(self.connect(args) if recorded else None, handle, check=self.check)
