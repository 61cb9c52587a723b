# Copyright (c) 2026 GreenLang. All rights reserved.
"""YAML and JSON texts in, values out that JSON can hold: as kubectl and the API server read them. Pure.

libyaml parses; what a scalar means is in scalars.py. Tags of collections mean nothing, as there: `!!set {a}` is
`{a: null}`. Unlike there, a key that is given twice is an error.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from ..errors import InputError
from ..nesting import is_deep
from .scalars import Unreadable, finite, key, plain, plain_key, shown, tagged

try:
    from yaml import CSafeLoader as YamlLoader
except ImportError:  # PyYAML without libyaml reads the same, ten times as slowly
    from yaml import SafeLoader as YamlLoader  # type: ignore[assignment]  # of the same use

_PLAIN, _TEXT, _STR = "plain", "text", "tag:yaml.org,2002:str"
_MERGE = ("tag:yaml.org,2002:merge", _PLAIN)
_COLLECTIONS = (_PLAIN, *(f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "set", "omap", "pairs")))
_NO_TAG = re.compile(r"(?:&\S+\s+)?!(?=\s)")
_SPARE = 200_000  # values that aliases may add to those that are written out


class _Loader(YamlLoader):
    """Nodes of which the tag says only whether they were written plainly: what that means is ours to say."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        return _PLAIN if kind is not yaml.ScalarNode or implicit[0] else _TEXT

    def descend_resolver(self, _parent: object, _index: object) -> None:
        """Nothing depends on where a node is."""

    def ascend_resolver(self) -> None:
        """Nothing depends on where a node is."""


def documents(text: str | bytes, source: str) -> Iterator[tuple[Any, str]]:
    """The value of each document, and where it is. InputError names file and line, or document and field."""
    text = _decoded(text, source)
    if text.lstrip()[:1] in ("{", "["):
        values = _json(text, source)
        if values is not None:
            yield from ((value, source) for value in values)
            return
    yield from _yaml(text, source)


def _decoded(text: str | bytes, source: str) -> str:
    """Without the mark of byte order that editors leave, and in whatever Unicode that mark says."""
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-16" if text[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InputError(f"{source}: not UTF-8: {exc.reason} at byte {exc.start}") from exc


# --- JSON ------------------------------------------------------------------------------------------------------------
_BETWEEN = re.compile(r"\s*(?:^---(?=\s|\Z)\s*)*", re.MULTILINE)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _value in pairs]
        raise Unreadable(f"key {Counter(names).most_common(1)[0][0]!r} is given twice")
    return made


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(
    parse_float=lambda text: finite(float(text)), parse_constant=_no_constant, object_pairs_hook=_object
)


def _json(text: str, source: str) -> list[Any] | None:
    """One value after the other; None for flow-style YAML, or where it is broken: the YAML parser says where."""
    found: list[Any] = []
    at = 0
    try:
        while True:
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
            if at == len(text):
                return found
            value, at = _DECODER.raw_decode(text, at)
            found.append(value)
    except Unreadable as exc:
        if _is_json(text, at):
            raise InputError(f"{source}, value {len(found) + 1}: not valid JSON: {exc.problem}") from exc
        return None
    except (ValueError, RecursionError):
        return None


def _is_json(text: str, at: int) -> bool:
    """Whether a value begins there, whatever it means."""
    try:
        json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        return False
    return True


# --- YAML ------------------------------------------------------------------------------------------------------------
_SECRET = re.compile(r"""kind["']?\s*:\s*["']?Secret\b""")
# What messages quote, but for keys, which are no values, and for tags of Ansible.
_QUOTED = re.compile(r"(?<!^key )(['\"]).+\1|(?<=tag )!(?!vault\b|unsafe\b).*", re.DOTALL)


def _yaml(text: str, source: str) -> Iterator[tuple[Any, str]]:
    if is_deep(text):
        raise InputError(f"{source}: not valid YAML: nested too deeply")
    try:
        loader: Any = _Loader(text)
    except UnicodeEncodeError as exc:
        raise InputError(f"{source}: not valid YAML: half a surrogate pair is no Unicode") from exc
    left = len(text) + _SPARE
    number, node = 0, None
    try:
        while loader.check_node():
            number += 1
            node = loader.get_node()
            if "!" in text and _NO_TAG.search(text):
                _mark_texts(node, text)
            yield _Values(left).of(node), f"{source}, document {number}"
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = _hidden(getattr(exc, "problem", None) or str(exc), text)
        raise InputError(f"{source}{where}: not valid YAML: {problem}") from exc
    except Unreadable as exc:
        where = f", line {exc.line}" if exc.line else f", document {number}"
        what = ": ".join(part for part in (_name_of(node), exc.field) if part)
        problem = f"{what + ': ' if what else ''}{_hidden(exc.problem, text)}"
        raise InputError(f"{source}{where}: not valid YAML: {problem}") from exc
    except RecursionError as exc:
        raise InputError(f"{source}, document {number}: not valid YAML: an alias contains itself") from exc
    except ValueError as exc:  # a text that is no Unicode
        raise InputError(f"{source}: not valid YAML: {exc}") from exc
    finally:
        loader.dispose()


def _mark_texts(node: yaml.Node, text: str) -> None:
    """Scalars behind the tag `!` are texts, whatever they look like; libyaml tells them as if there was no tag."""
    left, seen = [node], set[int]()  # an alias may contain itself
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            left += itertools.chain.from_iterable(node.value)
        elif isinstance(node, yaml.SequenceNode):
            left += node.value
        elif node.tag == _PLAIN and _NO_TAG.match(text, node.start_mark.index):
            node.tag = _TEXT


def _hidden(problem: str, text: str) -> str:
    """What is wrong, without what it quotes if Secrets are in the text: `!word` may be a value there, too."""
    return _QUOTED.sub("'…'", problem) if _SECRET.search(text) else problem


class _Values:
    """From nodes to values; `left` bounds how many, since aliases of aliases make more than any memory holds."""

    def __init__(self, left: int) -> None:
        self._left = left

    def of(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if node.tag not in _COLLECTIONS:
            raise _at(node, Unreadable(f"nothing here knows the tag {shown(node.tag)}"))
        self._left -= len(node.value)
        if self._left < 0:
            raise Unreadable("its aliases make more values than any object has")
        return self._mapping(node) if isinstance(node, yaml.MappingNode) else self._sequence(node)

    def _sequence(self, node: yaml.Node) -> list[Any]:
        made: list[Any] = []
        try:
            for member in node.value:
                value = _scalar(member) if isinstance(member, yaml.ScalarNode) else self.of(member)
                made.append(value)  # how many there are tells which one failed
        except Unreadable as exc:
            raise exc.within(f"[{len(made)}]") from None
        return made

    def _mapping(self, node: yaml.Node) -> dict[str, Any]:
        made: dict[str, Any] = {}
        name, merging = "", False
        try:
            for key_node, value in node.value:
                name = _key(key_node)
                made[name] = _scalar(value) if isinstance(value, yaml.ScalarNode) else self.of(value)
                if name == "<<" and key_node.tag in _MERGE:
                    merging = True
        except Unreadable as exc:
            raise (exc if not name or name in made else exc.within(f".{name}")) from None  # then it is the next key
        if merging:
            return self._merged(node)
        if len(made) != len(node.value):
            self._refuse_twice(node)
        return made

    def _merged(self, node: yaml.Node) -> dict[str, Any]:
        """With `<<`: what comes later replaces what was before, whether it is written there or merged."""
        made: dict[str, Any] = {}
        own: list[tuple[yaml.Node, yaml.Node]] = []
        for key_node, value in node.value:
            if key_node.value == "<<" and key_node.tag in _MERGE:
                parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for part in reversed(parts):
                    if not isinstance(part, yaml.MappingNode):
                        raise _at(value, Unreadable("<< needs a mapping, or a list of mappings"))
                    made.update(self._mapping(part))
            else:
                own.append((key_node, value))
                made[_key(key_node)] = self.of(value)
        self._refuse_twice(yaml.MappingNode("", own, node.start_mark))
        return made

    @staticmethod
    def _refuse_twice(node: yaml.Node) -> None:
        seen = set()
        for key_node, _value in node.value:
            name = _key(key_node)
            if name in seen:
                raise _at(key_node, Unreadable(f"key {name!r} is given twice"))
            seen.add(name)


def _scalar(node: yaml.Node) -> Any:
    tag = node.tag
    if tag == _PLAIN:
        try:
            return plain(node.value)
        except Unreadable as exc:
            raise _at(node, exc) from None
    if tag in (_TEXT, _STR):
        return node.value
    try:
        return tagged(tag, node.value)
    except Unreadable as exc:
        raise _at(node, exc) from None


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _at(node, Unreadable("a mapping or a list is no key"))
    try:
        return plain_key(node.value) if node.tag == _PLAIN else key(_scalar(node))
    except Unreadable as exc:
        raise _at(node, exc) from None


def _at(node: yaml.Node, exc: Unreadable) -> Unreadable:
    exc.line = node.start_mark.line + 1
    return exc


def _name_of(node: yaml.Node | None) -> str:
    """Kind and name of an object that could not be read, as far as they are written."""
    top = _texts(node)
    parts = (top.get("kind"), _texts(top.get("metadata")).get("name"))
    return " ".join(part.value for part in parts if isinstance(part, yaml.ScalarNode))


def _texts(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {name.value: value for name, value in node.value if isinstance(name, yaml.ScalarNode)}
