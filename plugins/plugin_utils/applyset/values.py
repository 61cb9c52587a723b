# Copyright (c) 2026 GreenLang. All rights reserved.
"""From whatever a playbook, a template or another plugin gives to values that JSON can hold. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence, Set
from typing import Any

from ..errors import InputError
from .scalars import Unreadable, finite, key, moment


def pure(given: object, source: str) -> Any:
    """A copy of dicts, lists, texts, numbers, booleans and null alone. InputError names the field that is none."""
    try:
        return _copy(given)
    except Unreadable as exc:
        what = ": ".join(part for part in (source, _name_of(given), exc.field) if part)
        raise InputError(f"{what}: {exc.problem}") from None
    except RecursionError:
        raise InputError(f"{source}: nested too deeply, or it contains itself") from None


def _copy(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return _mapping(value)
    if kind is list:
        return _sequence(value)
    if kind is str:
        if not value.isascii():
            _check_unicode(value)
        return value
    if value is None or kind is bool or kind is int:
        return value
    return _other(value)


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    name = ""
    try:
        for given, member in value.items():
            name = given if given.__class__ is str else _key(given)
            if name in made:
                raise Unreadable("this key is given twice")
            made[name] = member if member.__class__ is str and member.isascii() else _copy(member)
    except Unreadable as exc:
        raise exc.within(f".{name}") from None
    return made


def _sequence(value: Sequence[Any]) -> list[Any]:
    made: list[Any] = []
    try:
        for member in value:
            made.append(_copy(member))  # noqa: PERF401  how many there are tells which one failed
    except Unreadable as exc:
        raise exc.within(f"[{len(made)}]") from None
    return made


def _other(value: Any) -> Any:
    """What Ansible and YAML make beside these, and subclasses of them."""
    if isinstance(value, str):
        return _copy(str.__str__(value)) if str.__str__(value).__class__ is str else _copy("".join(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return finite(float(value))
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, Sequence):
        return _sequence(value)
    if isinstance(value, Set):
        return dict.fromkeys(sorted(_key(member) for member in value))  # as !!set is read
    if isinstance(value, datetime.date):
        return moment(value)
    if hasattr(value, "_decrypt"):  # a text that ansible-vault has encrypted
        return str(value)
    raise Unreadable(f"a {type(value).__name__} is nothing that JSON can hold")


def _key(given: object) -> str:
    if isinstance(given, datetime.date):
        return moment(given)
    if given is None or isinstance(given, (str, int, float)):
        return str(given) if isinstance(given, str) else key(given)
    raise Unreadable(f"a {type(given).__name__} is no key")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Unreadable("these bytes are no text in UTF-8") from None


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("half a surrogate pair is no Unicode") from None


def _name_of(given: object) -> str:
    """Kind and name of an object, as far as they are there."""
    if not isinstance(given, Mapping):
        return ""
    meta = given.get("metadata")
    parts = (given.get("kind"), meta.get("name") if isinstance(meta, Mapping) else None)
    return " ".join(part for part in parts if isinstance(part, str))
