# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin applyset: its documentation is in plugins/modules/applyset.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleError
from ansible.template import trust_as_template
from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action, display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import expectation, sources
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import (
    CONCURRENCY,
    FIELD_MANAGER,
    ApplyOptions,
)
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec

# Options of the task that are options of the run, under the same names.
SAME = (
    "name",
    "namespace",
    "objects_namespace",
    "wait",
    "wait_timeout",
    "wait_grace",
    "force_conflicts",
    "field_manager",
    "prune",
    "prune_limit",
    "concurrency",
)
WAIT_FOR = {
    "kind": {"type": "str", "required": True},
    "name": {"type": "str"},
    "namespace": {"type": "str"},
    "condition": {"type": "str"},
    "status": {"type": "raw"},
    "reason": {"type": "str"},
    "field": {"type": "str"},
    "value": {"type": "raw"},
    "failed": {"type": "raw"},
}


def _check_name(args: Mapping[str, Any]) -> None:
    """That nothing which needs a set is asked for without one, and in vain."""
    if args["name"] == "":
        raise InputError("name is empty: give the set a name, or leave `name` out to apply without membership")
    if args["prune"] and not args["name"]:
        raise InputError("prune has no effect without name: it is a set that knows what has left it")


class ActionModule(Action):
    """Make the cluster equal to a set of objects, or delete it."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "name": {"type": "str"},
        "namespace": {"type": "str", "default": "default"},
        "objects_namespace": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "definition": {"type": "raw", "aliases": ["resource_definition", "inline"]},
        "src": {"type": "list", "elements": "path"},
        "template": {"type": "raw"},
        "wait": {"type": "bool", "default": False},
        "wait_timeout": {"type": "int", "default": 300},
        "wait_grace": {"type": "int", "default": 60},
        "wait_for": {"type": "list", "elements": "dict", "default": [], "options": WAIT_FOR},
        "force_conflicts": {"type": "bool", "default": False},
        "recreate": {"type": "list", "elements": "str", "default": []},
        "field_manager": {"type": "str", "default": FIELD_MANAGER},
        "prune": {"type": "bool", "default": False},
        "prune_limit": {"type": "int", "default": 20},
        "prune_named": {"type": "list", "elements": "str", "default": []},
        "concurrency": {"type": "int", "default": CONCURRENCY},
        "assume_empty": {"type": "bool", "default": False},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._subject = args["name"] or "objects"
        _check_name(args)
        search = sources.Search(
            self.found,
            self._folders,
            lambda path, settings: self._rendered(path, settings, task_vars),
            self.read,
        )
        objects = sources.read(args, search)
        client = self.connect_unless_assumed(args)
        with self.planned(client) as planned:
            options = ApplyOptions(
                **{name: args[name] for name in SAME},
                prune_named=tuple(args["prune_named"]),
                recreate=tuple(args["recreate"]),
                wait_for=expectation.parse(args["wait_for"]),
                check=self.check,
                diff=self.diff,
                planned=planned,
                say=self.say,
            )
            if args["state"] == "absent":
                result = delete_set(client, objects, options)
            else:
                result = apply_set(client, objects or (), options)
        return {**result.answer(self.diff), "msg": result.summary()}

    def say(self, line: str) -> None:
        """Of which set it is: a play has many."""
        display.display(f"  {self._subject}: {line}")

    def _folders(self, kind: str) -> list[str]:
        """Where this task's "files" or "templates" are searched."""
        bases = [*self._task.get_search_path(), self._loader.get_basedir()]
        return [str(folder) for base in bases for folder in (Path(base) / kind, base)]

    def _rendered(self, path: str, settings: Mapping[str, Any], task_vars: dict[str, Any]) -> object:
        folders = [*self._folders("templates"), str(Path(path).parent)]
        templar = self._templar.copy_with_new_env(searchpath=folders, available_variables=task_vars)
        try:
            text = trust_as_template(self.read(Path(path)).decode())
            return templar.template(text, escape_backslashes=False, overrides=dict(settings))
        except (AnsibleError, OSError, UnicodeDecodeError) as exc:
            raise InputError(f"template {path}: {exc}") from exc
