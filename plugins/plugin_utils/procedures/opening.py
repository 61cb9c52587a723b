# Copyright (c) 2026 GreenLang. All rights reserved.
"""The beginning of a procedure: all that is wrong is found, and told at once, before anything is done."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import VcciError
from . import catalogue, variables
from .contract import Contract, Option
from .started import Started, absolute

# What plays of ours say to the frame itself.
FRAME = ("procedure", "procedure_guard", "procedure_lines", "procedure_stands")
MISSING = object()


class Opening:
    """`value` answers what a variable is in this play, MISSING if it is not there; it may raise a VcciError. `there`
    are all variables as they are written, templates not yet filled."""

    def __init__(
        self,
        contract: Contract,
        started: Started,
        value: Callable[[str], Any],
        there: Mapping[str, Any],
        *,
        check: bool,
    ) -> None:
        self.contract, self.started, self.check = contract, started, check
        self._value, self._there = value, there
        self.warnings: list[str] = []
        self.faults: list[str] = []
        self.values: dict[str, Any] = {}  # those of the contract's variables that have one

    def judge(self) -> None:
        for name in self.contract.options:
            found = self._read(name)
            if found is not MISSING and found is not None:
                self.values[name] = found
        self.faults += variables.faults_of_values(self.contract, self.values)
        places = {name: absolute(value) for name, value in self.values.items() if isinstance(value, str)}
        self.faults += variables.faults_of_places(self.contract, places, self.started.passing)
        if len(self.contract.settings) > 1:
            self._judge_settings()
        self._judge_names()
        for option, wanted in self.confirmations():
            typed = self.values.get(option.name)
            if typed not in (None, ""):
                self.confirm(option, typed, wanted)

    def _judge_settings(self) -> None:
        """Of several layers: before the first one writes anything. Of one, its role does it at once. What is made of a
        role's defaults cannot be known yet."""
        options, given = catalogue.settings_of(self.contract), {}
        for name in options:
            with contextlib.suppress(VcciError):
                found = self._value(name)
                given.update({} if found is MISSING else {name: found})
        known = {name: option for name, option in options.items() if name in given or name not in self._there}
        self.faults += variables.faults_of_values(dataclasses.replace(self.contract, options=known), given)

    def _read(self, name: str) -> Any:
        try:
            return self._value(name)
        except VcciError as exc:
            self.faults.append(exc.message)
            return MISSING

    def _judge_names(self) -> None:
        beside = {name for other in self.started.procedures for name in catalogue.contract(other).options}
        known, arguments = {*catalogue.settings(), *beside, *FRAME}, catalogue.arguments()
        prefixes = (*catalogue.roles(), "platform", "procedure")
        lead = tuple(f"{prefix}_" for prefix in prefixes)
        ours = {name for name in self._there if name.startswith(lead)}
        strange = {*ours, *self.started.extra} - {*known, *arguments, *self.contract.options}
        left = variables.unread(strange, self._there)
        faults, warnings = variables.faults_of_names(
            self.contract,
            self.started.extra & {*left, *arguments} - {*self.contract.sets},
            left & ours,
            known=known,
            prefixes=prefixes,
            arguments=arguments,
        )
        self.faults += variables.faults_of_sets(self.contract, self.started.extra)
        if self.started.ours:
            self.faults += [
                *faults,
                *variables.faults_of_tags(self.started.tags, self.started.skipped, catalogue.tags()),
            ]
        else:
            self.warnings += faults  # whose playbook imports this one may read, and carry, what we do not know
        self.warnings += warnings

    # --- confirmations -------------------------------------------------------------------------------------------
    def confirmations(self) -> list[tuple[Option, Any]]:
        """What must be typed, and which value it must have."""
        asked = [option for option in self.contract.options.values() if option.confirms]
        found = [(option, self._read(option.confirms)) for option in asked]
        return [(option, wanted) for option, wanted in found if wanted is not MISSING]

    def unconfirmed(self) -> list[tuple[Option, Any]]:
        """Those of which nothing was typed yet. In check mode nothing is lost."""
        return [] if self.check else [both for both in self.confirmations() if not self.values.get(both[0].name)]

    def confirm(self, option: Option, typed: object, wanted: object) -> None:
        fault = variables.fault_of_confirmation(option, typed, wanted)
        self.faults += [fault] if fault else []

    # --- the end of it -------------------------------------------------------------------------------------------
    def refuse(self) -> None:
        """VcciError with everything that was found wrong."""
        if not self.faults:
            return
        faults = list(dict.fromkeys(self.faults))
        lead = (
            "" if len(faults) == 1 else f"{self.contract.name}: {len(faults)} things to remedy, nothing was changed:\n"
        )
        raise VcciError(lead + "\n".join(faults), faults)

    @property
    def filled(self) -> dict[str, Any]:
        """The values, and defaults where none was given."""
        return {**{name: option.spec.get("default") for name, option in self.contract.options.items()}, **self.values}
