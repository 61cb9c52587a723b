# Copyright (c) 2026 GreenLang. All rights reserved.
"""The option `template`: names of templates, or how each is to be read, in the words of kubernetes.core. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import InputError, brief

MARKS = ("variable_start_string", "variable_end_string", "block_start_string", "block_end_string")
FLAGS = {"trim_blocks": True, "lstrip_blocks": False}
NEWLINES = {"\n": "\n", "\r": "\r", "\r\n": "\r\n", "\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}
KEYS = ("path", "newline_sequence", *MARKS, *FLAGS)
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Template(NamedTuple):
    """Its name, and the settings of Jinja2 that differ from those of a task."""

    path: str
    settings: Mapping[str, Any]


def templates(value: object) -> Iterator[Template]:
    """Of the option's value: a name, a mapping, or a list of these. InputError names the key that is wrong."""
    if value is None:
        return
    for one in value if isinstance(value, (list, tuple)) else [value]:
        yield _template(one)


def _template(one: object) -> Template:
    given = one if isinstance(one, Mapping) else {"path": one}
    path = given.get("path")
    if not isinstance(path, str) or not path:
        raise InputError("template: a file name, a list of file names or {path: …} is needed")
    unknown = sorted(str(key) for key in given.keys() - set(KEYS))
    if unknown:
        raise InputError(f"template {brief(path)}: {brief(', '.join(unknown))} is not known; known: {', '.join(KEYS)}")
    settings: dict[str, Any] = {name: _flag(given.get(name), default, name) for name, default in FLAGS.items()}
    for name in MARKS:
        mark = given.get(name)
        if mark is not None and not (isinstance(mark, str) and mark):
            raise InputError(f"template {brief(path)}: {name} is not a text")
        if mark is not None:
            settings[name] = mark
    newline = given.get("newline_sequence")
    if newline is not None and (not isinstance(newline, str) or newline not in NEWLINES):
        raise InputError(f"template {brief(path)}: newline_sequence is none of \\n, \\r, \\r\\n")
    if newline is not None:
        settings["newline_sequence"] = NEWLINES[newline]
    return Template(path, settings)


def _flag(value: object, default: bool, name: str) -> bool:
    if value is None:
        return default
    known = _BOOLEANS.get(str(value).lower()) if isinstance(value, (bool, int, str)) else None
    if known is None:
        raise InputError(f"template: {name} is neither true nor false: {brief(value)}")
    return known
