# Copyright (c) 2026 GreenLang. All rights reserved.
"""What every action plugin here is: checked arguments, a client that is closed, progress, one shape of failure.

They run on the control node, in the task's worker, and ship nothing to a host: what they say appears while they work.
"""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.parameters import remove_values
from ansible.parsing.vault import is_encrypted
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from .applyset import planned
from .applyset.options import Planned
from .errors import LINE, ConfigError, SetError, VcciError, brief
from .given import Given
from .kubernetes.client import Client
from .kubernetes.kubeconfig import load, read_bytes
from .worker import end_with_parent, uncollected

display = Display()
UNREADABLE = (TypeError, ValueError, OverflowError, RecursionError, AttributeError)  # to Ansible's own validator
GIVEN = "greenlang_vcci_given"  # attribute of a task that keeps its arguments
PROCEDURE = "__procedure"  # variable of a play that is a procedure: it has an end, which tells what was foreseen
KUBECONFIGS = ("KUBECONFIG", "K8S_AUTH_KUBECONFIG")
# Which cluster is meant: whoever names a kubeconfig for a task means that one, and not another of the shell's.
CLUSTER = (*KUBECONFIGS, "K8S_AUTH_CONTEXT", "K8S_AUTH_HOST")


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
        end_with_parent()
        result = {**super().run(tmp, task_vars), "changed": False}
        self._clients: list[Client] = []
        self._warnings: list[str] = []
        try:
            with uncollected(), self._environment():
                done = self.perform(self._checked(), task_vars or {})
        except VcciError as exc:
            done = self._foreseen(exc, task_vars or {}) or self._failure(exc)
        except BaseException as exc:
            if not hasattr(exc, "result_contribution"):
                raise
            done = self._out_of_time(exc)
        finally:
            for client in self._clients:
                client.close()
        told = [warning for client in self._clients for warning in client.warnings]
        warnings = dict.fromkeys([*self._warnings, *done.get("warnings", ()), *told])
        return {**result, **done, **({"warnings": list(warnings)} if warnings else {})}

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
        given = {**args, **changes}
        if isinstance(given.get("kubeconfig"), str):
            given["kubeconfig"] = os.pathsep.join(map(self._found, given["kubeconfig"].split(os.pathsep)))
        client = Client(load(given, read=self.read), say=self.say)
        self._clients.append(client)
        return client

    def read(self, path: Path) -> bytes:
        """What a file holds; decrypted, in memory alone, if ansible-vault has encrypted it. OSError, ConfigError."""
        data = read_bytes(path)
        if not is_encrypted(data):
            return data
        try:
            return self._loader.get_text_file_contents(str(path.absolute())).encode()
        except (AnsibleError, UnicodeEncodeError) as exc:
            raise ConfigError(
                f"{path} is encrypted, and cannot be decrypted with the vault's secrets of this run"
            ) from exc

    def found(self, kind: str, name: str) -> str:
        """The file of that name among the role's or the playbook's "files" or "templates". AnsibleError."""
        return str(self._find_needle(kind, name))  # type: ignore[no-untyped-call]  # Ansible's own

    def _found(self, path: str) -> str:
        """A kubeconfig that is not where its path leads may be among the role's or the playbook's files."""
        try:
            there = not path or Path(path).expanduser().exists()
            return path if there else self.found("files", path)
        except (AnsibleError, OSError, RuntimeError, ValueError):
            return path

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

    # --- environment, arguments and failures -------------------------------------------------------------------------
    @contextlib.contextmanager
    def _environment(self) -> Iterator[None]:
        """The task's environment, which Ansible gives to modules only, is the process's while the block runs: so it
        counts for options, kubeconfigs, proxies, exec plugins and whatever else is run or read."""
        before, given = dict(os.environ), self._given_environment()
        try:
            if any(name in given for name in KUBECONFIGS):
                for name in CLUSTER:
                    os.environ.pop(name, None)
            os.environ.update(given)
            yield
        finally:
            for name in os.environ.keys() - before.keys():
                del os.environ[name]
            os.environ.update(before)

    def _given_environment(self) -> dict[str, str]:
        """Of play, blocks and task, the innermost last."""
        given: dict[str, str] = {}
        entries = self._task.environment or []
        for entry in entries if isinstance(entries, list) else [entries]:
            try:
                values = self._templar.template(entry)
            except AnsibleError as exc:
                raise ConfigError(f"environment: {exc}") from exc
            if not isinstance(values, Mapping):
                raise ConfigError(f"environment: a dictionary is needed, not {brief(values)}")
            given.update({str(name): str(value) for name, value in values.items()})
        for name, value in given.items():
            if not name or "=" in name or not _is_text(name + value):
                raise ConfigError(f"environment: {brief(name)!r}, or its value, is not what an environment can hold")
        return given

    def _checked(self) -> dict[str, Any]:
        # What is recorded of the arguments is echoed into the result; large or secret ones would cost, and show there.
        # When `until` repeats the task, a new plugin gets the same task, without them.
        given = getattr(self._task, GIVEN, None) or self._task.args
        setattr(self._task, GIVEN, given)
        self._task.args = {}
        self._refuse_moved(given)
        self._refuse_no_texts(given)
        checked = self._validated(given)
        if checked.unsupported_parameters:
            raise ConfigError(self._unsupported(checked.unsupported_parameters))
        if checked.error_messages:
            told = "; ".join(checked.error_messages)
            hidden = [text for name, text in self.HIDDEN.items() if name in told]
            secret = checked._no_log_values  # noqa: SLF001  as Ansible's own base class reads it
            errors = [brief(remove_values(error, secret), LINE) for error in hidden or checked.error_messages]
            raise ConfigError("; ".join(errors), errors)
        for both in checked._warnings:  # noqa: SLF001  likewise
            self._warnings.append(f"Both option {both['option']} and its alias {both['alias']} are set.")
        args = {name: value for name, value in checked.validated_parameters.items() if name in self.ARGUMENTS}
        self._check_texts(args)
        return args

    def _validated(self, given: Mapping[str, Any]) -> ValidationResult:
        validator = ArgumentSpecValidator(self.ARGUMENTS, **self.RULES)
        try:
            result: ValidationResult = validator.validate(Given(given, self.ARGUMENTS))
            return result
        except UNREADABLE as exc:
            name = next(filter(lambda name: self._is_unreadable(name, given[name]), given), "")
            wanted = self.ARGUMENTS[name]["type"] if name else "what is documented"
            raise ConfigError(f"{name or 'an option'} cannot be read as {wanted}") from exc

    def _is_unreadable(self, name: str, value: object) -> bool:
        """Whether it is the option that Ansible's validator does not survive."""
        try:
            ArgumentSpecValidator({name: {**self.ARGUMENTS.get(name, {}), "required": False}}).validate({name: value})
        except UNREADABLE:
            return name in self.ARGUMENTS
        return False

    def _refuse_no_texts(self, given: Mapping[str, Any]) -> None:
        """A list or dictionary where a text belongs, of which Ansible would make what Python calls it."""
        for name, value in given.items():
            option = self.ARGUMENTS.get(name, {})
            kind, values = option.get("type"), [value]
            if kind == "list" and isinstance(value, (list, tuple)):
                kind, values = option.get("elements"), [*value]
            if kind in ("str", "path") and any(isinstance(one, (list, tuple, dict, set)) for one in values):
                raise ConfigError(f"{name}: a text is needed, and not a list or dictionary")

    def _check_texts(self, args: Mapping[str, Any]) -> None:
        """That what is a text can be sent; what is raw or a dictionary has a reader of its own."""
        for name, value in args.items():
            texts = value if isinstance(value, list) else [value]
            if self.ARGUMENTS[name]["type"] not in ("raw", "dict") and not all(map(_is_text, texts)):
                raise ConfigError(f"{name}: a zero byte, or half a surrogate pair, is in {brief(value)}")

    def _unsupported(self, names: set[Any]) -> str:
        paths = sorted(".".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in names)
        close = [near for name in paths for near in difflib.get_close_matches(name, self.ARGUMENTS, 1)]
        meant = f"did you mean {', '.join(close)}? " if close else ""
        return f"Unsupported parameters: {brief(', '.join(paths))}; {meant}`ansible-doc {self._task.action}` lists all"

    def _refuse_moved(self, given: Mapping[str, Any]) -> None:
        moved = sorted(name for name in given if name in self.MOVED)
        if moved:
            plugin = self.MOVED[moved[0]]
            raise ConfigError(
                f"{', '.join(moved)}: {plugin} does that now; nothing was done. "
                f"Remedy: write {plugin} instead of {self._task.action} in this task"
            )

    def _foreseen(self, exc: VcciError, task_vars: Mapping[str, Any]) -> dict[str, Any] | None:
        """A preview goes on when objects of a set would be refused, so that it shows all of them, with all differences;
        the end of its procedure fails. None where this is none."""
        if not (self.check and isinstance(exc, SetError) and exc.result is not None and PROCEDURE in task_vars):
            return None
        try:
            planned.note_refused(constants.DEFAULT_LOCAL_TMP, exc.errors)  # type: ignore[attr-defined]  # as above
        except OSError:
            return None
        answer = exc.result.answer(self.diff)
        warnings = [*answer.get("warnings", []), *(f"would be refused: {error}" for error in exc.errors)]
        return {**answer, "warnings": warnings, "refused": exc.errors, "msg": exc.message}

    def _failure(self, exc: VcciError) -> dict[str, Any]:
        """`failed`, `msg` and `errors`, and what was done of a set until then."""
        failure: dict[str, Any] = {"failed": True, "msg": exc.message, "errors": exc.errors}
        done = exc.result
        return failure if done is None else {**done.answer(self.diff), **failure}

    def _out_of_time(self, exc: BaseException) -> dict[str, Any]:
        """The same when the time is over that the task's own keyword `timeout` gives it."""
        failure: dict[str, Any] = {"failed": True, "msg": str(exc), "errors": [str(exc)]}
        done = getattr(exc, "result", None)
        told = done.answer(self.diff) if done is not None else {}
        return {**told, **getattr(exc, "result_contribution", {}), **failure}


def _is_text(value: object) -> bool:
    """Of a text, whether paths, headers and environments can hold it; all else is as it must be."""
    try:
        return not isinstance(value, str) or b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
