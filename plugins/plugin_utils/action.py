# Copyright (c) 2026 GreenLang. All rights reserved.
"""What every action plugin here is: checked arguments, a client that is closed, progress, one shape of failure.

They run on the control node, in the task's worker, and ship nothing to a host: what they say appears while they work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ansible import constants
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from .applyset import planned
from .applyset.options import Planned
from .errors import ConfigError, SetError, VcciError
from .kubernetes.client import Client

display = Display()
GIVEN = "greenlang_vcci_given"  # attribute of a task that keeps its arguments


class Action(ActionBase):
    """A subclass says its ARGUMENTS and what it does with them in `perform`."""

    ARGUMENTS: ClassVar[Mapping[str, Any]]
    RULES: ClassVar[Mapping[str, Any]] = {}  # required_if and the like, as Ansible's argument specs have them
    HIDDEN: ClassVar[Mapping[str, str]] = {}  # options whose values no message may show; what a wrong one is told
    LEAD: ClassVar[str | None] = None  # what stands before a line that is shown; None: the plugin's name
    MOVED: ClassVar[Mapping[str, str]] = {}  # options of an earlier version, and the plugin that has them now

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do it; what the result has, `changed` among it unless that is false. VcciError fails the task."""
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False}
        self._clients: list[Client] = []
        try:
            return {**result, **self.perform(self._checked(), task_vars or {})}
        except VcciError as exc:
            return {**result, **self._failure(exc)}
        finally:
            for client in self._clients:
                client.close()

    # --- for subclasses ----------------------------------------------------------------------------------------------
    @property
    def check(self) -> bool:
        return bool(self._task.check_mode)

    @property
    def diff(self) -> bool:
        return bool(self._task.diff)

    def say(self, line: str) -> None:
        """Show a line while the task runs."""
        lead = f"  {self._task.action.rpartition('.')[2]}: " if self.LEAD is None else self.LEAD
        display.display(lead + line)

    def connect(self, args: Mapping[str, Any], **changes: Any) -> Client:
        """A client with the task's connection arguments, of which `changes` replace some; closed when the task ends."""
        client = Client.from_params({**args, **changes}, say=self.say)
        self._clients.append(client)
        return client

    def connect_unless_assumed(self, args: Mapping[str, Any]) -> Client | None:
        """None in check mode when `assume_empty` says that there is no cluster yet."""
        return None if self.check and args["assume_empty"] else self.connect(args)

    @contextlib.contextmanager
    def planned(self, client: Client | None) -> Iterator[Planned | None]:
        """In check mode, what earlier tasks of this run would bring; what the block adds is kept for later ones."""
        if not self.check:
            yield None
            return
        folder: str = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # made when Ansible starts
        server = client.server if client else "none"
        known = planned.load(folder, server)
        yield known
        try:
            planned.save(folder, server, known)
        except OSError as exc:
            display.vvv(f"what is planned could not be kept for later tasks: {exc}")

    # --- arguments and failures --------------------------------------------------------------------------------------
    def _checked(self) -> dict[str, Any]:
        # What is recorded of the arguments is echoed into the result; large or secret ones would cost, and show there.
        # When `until` repeats the task, a new plugin gets the same task, without them.
        given = getattr(self._task, GIVEN, None) or self._task.args
        setattr(self._task, GIVEN, given)
        self._task.args = {}
        self._refuse_moved(given)
        checked = ArgumentSpecValidator(self.ARGUMENTS, **self.RULES).validate(given)
        if checked.unsupported_parameters:
            paths = [path if isinstance(path, tuple) else (path,) for path in checked.unsupported_parameters]
            names, known = sorted(".".join(map(str, path)) for path in paths), sorted(self.ARGUMENTS)
            raise ConfigError(f"Unsupported parameters: {', '.join(names)}. Supported are: {', '.join(known)}")
        if checked.error_messages:
            told = "; ".join(checked.error_messages)
            hidden = [text for name, text in self.HIDDEN.items() if name in told]
            secret = checked._no_log_values  # noqa: SLF001  as Ansible's own base class reads it
            errors = [remove_values(error, secret) for error in hidden or checked.error_messages]
            raise ConfigError("; ".join(errors), errors)
        return dict(checked.validated_parameters)

    def _refuse_moved(self, given: Mapping[str, Any]) -> None:
        moved = sorted(name for name in given if name in self.MOVED)
        if moved:
            plugin = self.MOVED[moved[0]]
            raise ConfigError(
                f"{', '.join(moved)}: {plugin} does that now; nothing was done. "
                f"Remedy: write {plugin} instead of {self._task.action} in this task"
            )

    def _failure(self, exc: VcciError) -> dict[str, Any]:
        """`failed`, `msg` and `errors`, and what was done of a set until then."""
        failure: dict[str, Any] = {"failed": True, "msg": exc.message, "errors": exc.errors}
        done = exc.result if isinstance(exc, SetError) else None
        if done is None:
            return failure
        return {**done.to_dict(), **({"diff": done.diff} if self.diff else {}), **failure}
