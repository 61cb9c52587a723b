# Copyright (c) 2026 GreenLang. All rights reserved.
"""The rooms of plugins: who may import whom, what a pure file may not know, how large things may grow."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import ROOT

PLUGINS = ROOT / "plugins"
UTILS = PLUGINS / "plugin_utils"
PREFIX = "ansible_collections.greenlang.vcci.plugins.plugin_utils."
# From the top: a package imports from those below it, never from above or beside.
LAYERS = [
    {"secrets", "tenants", "local_cluster", "platform", "procedures"},
    {"upgrade"},
    {"applyset"},
    {"kubernetes"},
    {"errors", "labels", "nesting", "waiting", "files", "tables", "given", "worker"},
]
# The base of action plugins is above all packages, and knows of them what every action needs.
ACTION = {*LAYERS[-1], "kubernetes", "applyset.planned", "applyset.options"}
PROCESS = {"os", "subprocess", "shutil", "tempfile", "threading"}
IMPURE = {*PROCESS, "socket", "ssl", "client", "time", "random", "secrets", "uuid"}
CLOCK = {"now", "today", "utcnow"}
FILES_READ = {"exists", "is_file", "is_dir", "iterdir", "open", "read_bytes", "read_text", "write_bytes", "write_text"}
LINES, FUNCTION = 300, 50

TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PLUGINS.rglob("*.py"))}
FILES = {".".join(path.relative_to(UTILS).with_suffix("").parts): path for path in TREES if path.is_relative_to(UTILS)}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def imported(path: Path) -> Iterator[str]:
    """Dotted names of what a file imports, those of plugin_utils as seen from there: `kubernetes.client`, `os`."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix(PREFIX) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(UTILS).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                name = f"{module}.{alias.name}".removeprefix(PREFIX)
                yield name if name in FILES else module.removeprefix(PREFIX)


def ours(name: str) -> set[str]:
    """The files of plugin_utils that a file of it imports."""
    return set(imported(FILES[name])) & set(FILES)


def package(name: str) -> str:
    return name.partition(".")[0]


def layer(name: str) -> int:
    return next(number for number, packages in enumerate(LAYERS) if package(name) in packages)


@pytest.mark.parametrize("name", sorted(set(FILES) - {"action"}))
def test_imports_go_downwards(name: str) -> None:
    """In its own package, or of a lower layer; the lowest files may know one another."""
    lowest = len(LAYERS) - 1
    others = [one for one in ours(name) if package(one) != package(name)]
    wrong = [one for one in others if one == "action" or layer(one) <= min(layer(name), lowest - 1)]
    assert wrong == [], f"{name} imports from above or beside: what both need belongs further down"


def test_the_base_of_actions_knows_little() -> None:
    assert {one for one in ours("action") if one not in ACTION and package(one) not in ACTION} == set()


def test_no_imports_in_a_circle() -> None:
    graphlib.TopologicalSorter({name: ours(name) for name in FILES}).prepare()  # CycleError names it


PURE = [name for name, path in FILES.items() if re.search(r"\bPure\b", ast.get_docstring(TREES[path]) or "")]


@pytest.mark.parametrize("name", PURE)
def test_a_pure_file_knows_no_outside(name: str) -> None:
    """Neither the network, processes, files, the clock nor chance: these are passed in."""
    path = FILES[name]
    known = {one.rpartition(".")[2] if one in FILES else package(one) for one in imported(path)}
    calls = [node.func for node in ast.walk(TREES[path]) if isinstance(node, ast.Call)]
    methods = {function.attr for function in calls if isinstance(function, ast.Attribute)}
    opened = {function.id for function in calls if isinstance(function, ast.Name)} & {"open", "print", "input"}
    assert (known & IMPURE) | (methods & (CLOCK | FILES_READ)) | opened == set(), f"{name} says that it is pure"


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(PLUGINS)))
def test_nothing_grows_too_large(path: Path) -> None:
    """Files and functions of a screen or two, and no comprehension that would have to be read inside out."""
    lines, wrong = len(path.read_text(encoding="utf-8").splitlines()), []
    if lines > LINES:
        wrong.append(f"{lines} lines, {LINES} at most: divide it by what its parts do")
    for node in ast.walk(TREES[path]):
        length = getattr(node, "end_lineno", 0) - getattr(node, "lineno", 0) + 1
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length > FUNCTION:
            wrong.append(f"line {node.lineno}: {node.name} has {length} lines, {FUNCTION} at most: name its steps")
        if isinstance(node, COMPREHENSIONS) and any(isinstance(inner, COMPREHENSIONS) for inner in below(node)):
            wrong.append(f"line {node.lineno}: a comprehension in another: name the inner one as a function or a loop")
    assert wrong == []


def below(node: ast.AST) -> Iterator[ast.AST]:
    return (inner for inner in ast.walk(node) if inner is not node)
