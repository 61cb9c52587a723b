# Copyright (c) 2026 GreenLang. All rights reserved.
"""One run of a procedure: takes its lock, records each step before it is taken, and goes on where a killed one was.

    run = begin(client, contract, values, process=os.getppid(), check=False, say=say)
    run = Run(client, handle, check=False)        # the same in a later task; the handle is run.handle
    if run.step("snapshot"):                      # False: an earlier run took it
        run.note(snapshot=path)                   # run.notes["snapshot"] in every later step and run
    run.beat()                                    # in a step that takes long: this run lives
    run.end(done=True)

Check mode writes nothing: a step is to be taken if the record says so.
"""

from __future__ import annotations

import datetime
import getpass
import os
from collections.abc import Callable, Mapping
from typing import Any

from ..applyset import holder as holders
from ..errors import ApiError, Conflict, InputError, NotFound, SetLocked, VcciError, brief
from ..kubernetes.client import Client
from . import ledger as ledgers
from .contract import Contract
from .ledger import Entry, Ledger

TRIES = 8  # writes that others were ahead of


class Run:
    """`handle` is what a later task needs to go on: texts and numbers. An empty `lock` in it: nothing is recorded."""

    def __init__(self, client: Client | None, handle: Mapping[str, Any], *, check: bool) -> None:
        self.client, self.handle, self.check = client, dict(handle), check
        self.lock, self.key = str(handle.get("lock", "")), str(handle.get("key", ""))
        self.ledger, self._version = Ledger(), ""
        if self.recorded:
            self.read()
        if check and handle.get("anew"):
            self.ledger.entries.pop(self.key, None)  # as it would be, had this been written

    @property
    def recorded(self) -> bool:
        return bool(self.lock) and self.client is not None

    @property
    def _api(self) -> Client:
        if self.client is None:
            raise VcciError("nothing is recorded where there is no cluster")
        return self.client

    @property
    def entry(self) -> Entry:
        return self.ledger.entries.setdefault(self.key, Entry())

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return ledgers.seconds_between(str(self.handle["holder"].get("since")), _now())

    @property
    def notes(self) -> dict[str, Any]:
        return self.entry.notes

    def notes_of(self, procedure: str, subject: str = "") -> dict[str, Any]:
        """What another procedure of the same lock left; {} if nothing."""
        found = self.ledger.entries.get(ledgers.key(procedure, subject))
        return found.notes if found else {}

    # --- steps ---------------------------------------------------------------------------------------------------
    def step(self, name: str, *, again: bool = False, **notes: Any) -> bool:
        """Record that the step begins, and that the one before it was taken; False if it was taken already, and is not
        to be taken `again`."""
        if not self.recorded:
            return True
        if self.check:
            return again or name not in self.entry.taken
        if name in self._held().taken and not again:
            return False

        def begin(entry: Entry) -> None:
            entry.take(name, again=again)
            entry.notes.update(notes)

        self._change(begin, step=name)
        return True

    def note(self, **notes: Any) -> None:
        """Record what later steps need; None takes a note away."""
        if self.recorded and not self.check:
            self._change(lambda entry: _noted(entry, notes))

    def beat(self) -> None:
        """Say that this run lives; who is silent for the contract's patience is taken for dead by other machines."""
        if self.recorded and not self.check:
            self._change(lambda _entry: None)

    def end(self, *, done: bool) -> None:
        """Record how it ended, and give the lock back. If another run has it by now, that is left alone."""
        if not self.recorded or self.check:
            return
        self._change(lambda entry: entry.end(done=done, now=_now()), hold=False)

    # --- the record ----------------------------------------------------------------------------------------------
    def read(self) -> None:
        found = self._api.get("v1", "ConfigMap", ledgers.object_name(self.lock), ledgers.NAMESPACE)
        self.ledger = ledgers.read(found)
        self._version = str(((found or {}).get("metadata") or {}).get("resourceVersion", ""))

    def _held(self) -> Entry:
        """This run's entry, if the lock is still its own, and the process whose end is the run's has not ended."""
        holder, mine = self.ledger.holder, self.handle["holder"]
        if mine.get("pid") != os.getpid() and holders.is_gone(mine):
            raise VcciError(f"{self.key}: the run that this belongs to was killed; it ends here")
        if holder is None or holder["id"] != mine["id"]:
            taken = f"{ledgers.who(holder)} has taken it over" if holder else "somebody has taken the record away"
            raise VcciError(f"{self.key}: this run does not hold {self.lock!r} any more: {taken}; it ends here")
        return self.entry

    def _change(self, change: Callable[[Entry], None], *, step: str | None = None, hold: bool = True) -> None:
        """Change this run's entry, as long as the lock is its own. A write that somebody was ahead of is tried again
        on what is there then."""
        for _try in range(TRIES):
            change(self._held())
            holder = {**(self.ledger.holder or {}), "beat": _now(), **({"step": step} if step else {})}
            self.ledger.holder = holder if hold else None
            if self.write():
                return
            self.read()
            if not hold and self.ledger.holder is None:
                return  # the answer was lost
        raise VcciError(f"the record of {self.lock!r} was changed {TRIES} times while it was to be written")

    def write(self) -> bool:
        """Write what is in `ledger`; False when somebody was ahead."""
        body = ledgers.written(self.lock, self.ledger, self._version)
        path = self._api.resource("v1", "ConfigMap").path(ledgers.NAMESPACE, ledgers.object_name(self.lock))
        try:
            if self._version:
                found = self._api.request("PUT", path, body=body)
            else:
                found = self._api.request("POST", path.rpartition("/")[0], body=body)
        except (Conflict, NotFound):
            return False
        except ApiError as exc:
            what = f"the record of procedures, ConfigMap {ledgers.NAMESPACE}/{ledgers.object_name(self.lock)}: {exc}"
            raise ApiError(exc.status, exc.reason, what, exc.details) from exc
        self._version = str(found["metadata"]["resourceVersion"])
        return True


def begin(
    client: Client | None,
    contract: Contract,
    values: Mapping[str, Any],
    *,
    process: int,
    check: bool,
    say: Callable[[str], None],
) -> Run:
    """Take the lock, for the process whose end is this run's; `values` are those of the variables of the contract.
    SetLocked says who has it since when; InputError, that an unfinished run was to reach something else."""
    subject = str(values.get(contract.subject, "")) if contract.subject else ""
    title = f"{contract.name} {subject}".strip()
    holder = {**holders.identity(process), "procedure": title, "since": _now(), "beat": _now(), "by": _user()}
    handle = {
        "lock": contract.lock.format_map({name: str(value) for name, value in values.items()}),
        "key": ledgers.key(contract.name, subject),
        "holder": holder,
    }
    run = Run(client, handle, check=check)
    if not run.recorded:
        return run
    target = {name: values.get(name) for name, option in contract.options.items() if option.target}
    for _try in range(TRIES):
        _judge_holder(run, contract, values, say)
        _enter(run, target, bool(values.get("procedure_anew")), say)
        run.ledger.holder = {**holder, "patience": contract.patience}
        if check or run.write():
            return run
        run.read()
        if (run.ledger.holder or {}).get("id") == holder["id"]:
            return run  # the answer was lost
    raise VcciError(f"the record of {run.lock!r} was changed {TRIES} times while it was to be written")


def _judge_holder(run: Run, contract: Contract, values: Mapping[str, Any], say: Callable[[str], None]) -> None:
    holder = run.ledger.holder
    if holder is None or holders.is_gone(holder) or values.get("procedure_take_over") == holder["id"]:
        return
    silent = ledgers.seconds_between(str(holder.get("beat")), _now())
    patience = float(holder.get("patience", contract.patience))
    if silent > patience:
        say(f"{ledgers.who(holder)} has not been heard of for more than {int(patience)} s; taking over")
        return
    raise SetLocked(
        f"{contract.name}: another run is at work on {run.lock!r}: {ledgers.who(holder)}; nothing was changed. "
        f"Remedy: wait for its end; if it is known to be dead, -e procedure_take_over={holder['id']}."
    )


def _enter(run: Run, target: dict[str, Any], anew: bool, say: Callable[[str], None]) -> None:
    """Go on with the entry of an unfinished run, or begin a new one."""
    before = run.ledger.entries.get(run.key)
    if before is None or not before.binding or anew:
        run.ledger.entries[run.key] = Entry(begun=_now(), target=target)
        run.handle["anew"] = True
        return
    run.handle["anew"] = False
    if before.target != target:
        stands, wanted = brief(_told(before.target)), brief(_told(target))
        raise InputError(
            f"{run.key}: a run with {stands} was not finished (step {before.step or 'none'}), and this one has "
            f"{wanted}; nothing was changed. Remedy: finish that one with its own values, or -e procedure_anew=true"
        )
    if before.taken or before.step:
        say(f"going on: {', '.join(before.taken) or 'nothing'} was done, {before.step or 'nothing'} was begun")
    before.state, before.ended, before.step = "running", "", ""  # it is begun again: nobody knows how far it came


def _told(target: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in target.items())


def _noted(entry: Entry, notes: Mapping[str, Any]) -> None:
    entry.notes = {name: value for name, value in {**entry.notes, **notes}.items() if value is not None}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime(ledgers.FORMAT)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "?"
