# Copyright (c) 2026 GreenLang. All rights reserved.
"""The objects that a task names: in itself, in files, or in templates; each with where it came from, for messages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from glob import glob, has_magic
from pathlib import Path
from typing import Any, NamedTuple

from ansible.errors import AnsibleError

from ..errors import InputError, VcciError, brief
from .manifests import Sourced, expand, parse
from .templates import Template, templates

MANIFESTS = (".yml", ".yaml", ".json")


class Search(NamedTuple):
    """What a task's action knows: where its files are, and how its templates are rendered."""

    find: Callable[[str, str], str]  # of "files" or "templates" the one of that name; AnsibleError where there is none
    folders: Callable[[str], list[str]]  # in which those are searched
    render: Callable[[str, Mapping[str, Any]], object]  # the template at that path, with settings: text, or data
    read: Callable[[Path], bytes]  # what that file holds, decrypted. OSError, VcciError


def read(args: Mapping[str, Any], search: Search) -> list[Sourced] | None:
    """The objects of `definition`, `src` and `template`; None when the task has none of these, and a set is to go."""
    if args["definition"] is None and not args["src"] and not args["template"]:
        if args["state"] == "present":
            raise InputError("one of definition, src or template is needed")
        if not args["name"]:
            raise InputError("state absent needs definition, src or template, or the name of a set to delete")
        return None
    found = [*expand(args["definition"], "definition")]
    for pattern in args["src"] or []:
        for path in _files(pattern, search):
            found += parse(_text(path, search), path)
    for template in templates(args["template"]):
        found += _rendered(template, search)
    return found


def _files(pattern: str, search: Search) -> list[str]:
    """A file, every manifest below a folder, or what a glob matches; relative names are searched as in every action."""
    try:
        path = search.find("files", pattern)
    except (AnsibleError, OSError, ValueError) as exc:
        if has_magic(pattern):
            return _matches(pattern, search)
        where = "looked in the role's files/ and beside the playbook"
        raise InputError(f"src: {brief(pattern, 160)} does not exist ({where})") from exc
    if not Path(path).is_dir():
        return [path]
    files = sorted(_manifests_below(path))
    if not files:
        raise InputError(f"src: {path} holds no manifest ({', '.join(MANIFESTS)})")
    return files


def _matches(pattern: str, search: Search) -> list[str]:
    folders = [""] if Path(pattern).is_absolute() else search.folders("files")
    for folder in folders:
        # Not Path.glob: that matches hidden files too.
        paths = glob(str(Path(folder) / pattern), recursive=True)  # noqa: PTH207
        matches = sorted(path for path in paths if Path(path).is_file())
        if matches:
            return matches
    raise InputError(f"src: nothing matches {pattern}")


def _manifests_below(path: str) -> Iterator[str]:
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.endswith(MANIFESTS) and not name.startswith("."):
                yield str(Path(folder) / name)


def _rendered(template: Template, search: Search) -> list[Sourced]:
    try:
        path = search.find("templates", template.path)
    except (AnsibleError, OSError, ValueError) as exc:
        where = "looked in the role's templates/ and beside the playbook"
        raise InputError(f"template: {brief(template.path, 160)} does not exist ({where})") from exc
    return [*expand(search.render(path, template.settings), path)]


def _text(path: str, search: Search) -> str:
    try:
        return search.read(Path(path)).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"src: {path} cannot be read: {exc}") from exc
    except VcciError as exc:
        raise InputError(f"src: {exc}") from exc
