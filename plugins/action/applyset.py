# Copyright (c) 2026 GreenLang. All rights reserved.
"""The action plugin greenlang.vcci.applyset; its documentation is plugins/modules/applyset.py.

It runs on the control node, in the task's worker: nothing is copied anywhere, and what it tells Display appears while it works.
"""

from __future__ import annotations

import glob
import os

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template
from ansible.utils.display import Display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import manifests
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import planned as _planned
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import FIELD_MANAGER, ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

display = Display()

ARGUMENT_SPEC = {
    **connection_argument_spec(),
    "name": {"type": "str"},
    "namespace": {"type": "str", "default": "default"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "definition": {"type": "raw", "aliases": ["resource_definition", "inline"]},
    "src": {"type": "list", "elements": "path"},
    "template": {"type": "raw"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    "force_conflicts": {"type": "bool", "default": False},
    "field_manager": {"type": "str", "default": FIELD_MANAGER},
    "prune": {"type": "bool", "default": False},
    "prune_limit": {"type": "int", "default": 20},
    "prune_named": {"type": "list", "elements": "str", "default": []},
    "concurrency": {"type": "int", "default": 16},
    "assume_empty": {"type": "bool", "default": False},
}
MANIFESTS = (".yml", ".yaml", ".json")


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        # Arguments are echoed into the result, and large or secret ones would cost and show there.
        given, self._task.args = self._task.args, {}
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        if checked.unsupported_parameters:
            names = ", ".join(".".join(path) if isinstance(path, tuple) else str(path) for path in sorted(checked.unsupported_parameters))
            raise AnsibleActionFail(f"Unsupported parameters: {names}. Supported are: {', '.join(sorted(ARGUMENT_SPEC))}")
        if checked.error_messages:
            raise AnsibleActionFail("; ".join(checked.error_messages))
        try:
            return self._apply(checked.validated_parameters, task_vars)
        except VcciError as exc:
            return self._failure(exc)

    def _failure(self, exc: VcciError) -> dict:
        result = getattr(exc, "result", None)
        answer = result.to_dict() if result is not None else {"changed": False}
        answer.update(failed=True, msg=exc.message, error=type(exc).__name__)
        for extra in ("failures", "names", "pending"):
            if getattr(exc, extra, None):
                answer[extra] = getattr(exc, extra)
        if result is not None and self._task.diff:
            answer["diff"] = result.diff
        return answer

    def _apply(self, args: dict, task_vars: dict) -> dict:
        objects = self._objects(args, task_vars)
        name, label = args["name"], args["name"] or "objects"
        common = {
            "name": name,
            "namespace": args["namespace"],
            "check": self._task.check_mode,
            "prune_limit": args["prune_limit"],
            "prune_named": tuple(args["prune_named"]),
            "wait": args["wait"],
            "wait_timeout": args["wait_timeout"],
            "diff": bool(self._task.diff),
            "concurrency": args["concurrency"],
            "assume_empty": args["assume_empty"] and self._task.check_mode,
            "say": lambda line: display.display(f"  {label}: {line}"),
        }
        if args["assume_empty"] and self._task.check_mode:
            client = None
        else:
            client = Client.from_params(args, say=common["say"])
        try:
            if args["state"] == "absent":
                if not objects and not name:
                    raise InputError("state absent needs definition, src or template, or the name of a set to delete")
                result = delete_set(client, objects, ApplyOptions(**common))
            else:
                server = client.server if client else "none"
                planned = _planned.load(C.DEFAULT_LOCAL_TMP, server) if self._task.check_mode else None
                result = apply_set(
                    client,
                    objects,
                    ApplyOptions(prune=args["prune"], force_conflicts=args["force_conflicts"], field_manager=args["field_manager"], planned=planned, **common),
                )
                if planned is not None:
                    _planned.save(C.DEFAULT_LOCAL_TMP, server, planned)
        finally:
            if client is not None:
                client.close()
        answer = result.to_dict()
        answer["msg"] = result.summary()
        if self._task.diff:
            answer["diff"] = result.diff
        if result.warnings:
            answer["warnings"] = list(dict.fromkeys(result.warnings))
        return answer

    # --- input -------------------------------------------------------------------------------------------------------
    def _objects(self, args: dict, task_vars: dict) -> list:
        found = []
        if args["definition"] is not None:
            found += manifests.expand(args["definition"], "definition")
        for pattern in args["src"] or []:
            for path in self._files(pattern):
                found += manifests.parse(_read(path), path)
        for entry in _as_list(args["template"]):
            found += self._render(entry, task_vars)
        if not found and args["state"] == "present" and args["definition"] is None and not args["src"] and not args["template"]:
            raise InputError("one of definition, src or template is needed")
        return found

    def _files(self, pattern: str) -> list[str]:
        """A file, every manifest below a directory, or what a glob matches; relative names are searched as in every action."""
        if glob.has_magic(pattern):
            for folder in [""] if os.path.isabs(pattern) else self._search_folders("files"):
                matches = sorted(p for p in glob.glob(os.path.join(folder, pattern), recursive=True) if os.path.isfile(p))
                if matches:
                    return matches
            raise InputError(f"src: nothing matches {pattern}")
        try:
            path = self._find_needle("files", pattern)
        except AnsibleError as exc:
            raise InputError(f"src: {pattern} does not exist (looked in the role's files/ and beside the playbook)") from exc
        if not os.path.isdir(path):
            return [path]
        files = sorted(
            os.path.join(folder, name)
            for folder, _dirs, names in os.walk(path)
            for name in names
            if name.endswith(MANIFESTS) and not name.startswith(".")
        )
        if not files:
            raise InputError(f"src: {path} holds no manifest ({', '.join(MANIFESTS)})")
        return files

    def _search_folders(self, kind: str) -> list[str]:
        folders = []
        for base in [*self._task.get_search_path(), self._loader.get_basedir()]:
            folders += [os.path.join(base, kind), base]
        return folders

    def _render(self, entry: object, task_vars: dict) -> list:
        if isinstance(entry, dict):
            entry = entry.get("path")
        if not isinstance(entry, str):
            raise InputError("template: a file name, a list of file names or {path: …} is needed")
        try:
            path = self._find_needle("templates", entry)
        except AnsibleError as exc:
            raise InputError(f"template: {entry} does not exist (looked in the role's templates/ and beside the playbook)") from exc
        text = trust_as_template(self._loader.get_text_file_contents(path))
        templar = self._templar.copy_with_new_env(
            searchpath=[*self._search_folders("templates"), os.path.dirname(path)], available_variables=task_vars
        )
        try:
            rendered = templar.template(text, escape_backslashes=False, overrides={"trim_blocks": True})
        except AnsibleError as exc:
            raise AnsibleActionFail(f"template {path}: {exc}") from exc
        if isinstance(rendered, str):
            return manifests.parse(str(rendered), path)
        return list(manifests.expand(rendered, path))


def _as_list(value: object) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"src: {path} cannot be read: {exc}") from exc
