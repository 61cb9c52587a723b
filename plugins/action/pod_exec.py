# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin pod_exec: its documentation is in plugins/modules/pod_exec.py."""

from __future__ import annotations

import shlex
from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.exec import SHOWN, Place, run


class ActionModule(Action):
    """A command in a container, to its end."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "namespace": {"type": "str", "required": True},
        "pod": {"type": "str", "required": True},
        "container": {"type": "str", "required": True},
        "command": {"type": "raw", "required": True},
        "silence": {"type": "int", "default": 3600},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        place = Place(args["namespace"], args["pod"], args["container"], _words(args["command"]))
        if self.check:
            return {"changed": True, "skipped": True, "msg": f"{place.what} is not run in check mode"}
        done = run(self.connect(args), place, args["silence"])
        result = {"changed": True, "rc": done.code, "stdout": done.stdout, "stderr": done.stderr}
        result |= {"stdout_lines": done.stdout.splitlines(), "stderr_lines": done.stderr.splitlines()}
        if done.code == 0:
            return result
        said = (done.stderr.strip() or done.stdout.strip())[-SHOWN:]
        return {**result, "failed": True, "msg": f"{place.what} ended with {done.code}: {said or 'it said nothing'}"}


def _words(command: Any) -> list[str]:
    """A command as a list, or as a text that is taken apart as a shell does."""
    try:
        words = shlex.split(command) if isinstance(command, str) else command
    except ValueError as exc:
        raise InputError(f"command: {exc}") from exc
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise InputError("command: a text, or a list of texts, is needed")
    return words
