# Copyright (c) 2026 GreenLang. All rights reserved.
"""Kubeconfig files: which they are, what they hold, every field of the type that client-go has for it.

They are merged as there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigError, brief
from ..nesting import is_deep

FOLDER = "__folder"  # the folder of the file that an entry is from: its relative paths belong there
TEXTS, EXTRA, NAMED = "a list of texts", "a mapping of lists of texts", "a list of names with values"
TEXT, FLAG, MAPPING, EXTENSIONS = "a text", "true or false", "a mapping", "a list of extensions"
Fields = Mapping[str, str]

CLUSTER: Fields = {
    "server": TEXT,
    "tls-server-name": TEXT,
    "insecure-skip-tls-verify": FLAG,
    "certificate-authority": TEXT,
    "certificate-authority-data": TEXT,
    "proxy-url": TEXT,
    "disable-compression": FLAG,
    "extensions": EXTENSIONS,
}
USER: Fields = {
    "client-certificate": TEXT,
    "client-certificate-data": TEXT,
    "client-key": TEXT,
    "client-key-data": TEXT,
    "token": TEXT,
    "tokenFile": TEXT,
    "as": TEXT,
    "as-uid": TEXT,
    "as-groups": TEXTS,
    "as-user-extra": EXTRA,
    "username": TEXT,
    "password": TEXT,
    "auth-provider": MAPPING,
    "exec": MAPPING,
}
CONTEXT: Fields = {"cluster": TEXT, "user": TEXT, "namespace": TEXT}
EXEC: Fields = {
    "command": TEXT,
    "args": TEXTS,
    "env": NAMED,
    "apiVersion": TEXT,
    "installHint": TEXT,
    "provideClusterInfo": FLAG,
    "interactiveMode": TEXT,
}
SECTIONS = {"cluster": ("clusters", CLUSTER), "user": ("users", USER), "context": ("contexts", CONTEXT)}


@dataclass
class Config:
    """Its entries by what they are of ("cluster", "user", "context") and name; all fields are of their types."""

    source: str
    current: str | None = None
    entries: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in SECTIONS})

    def entry(self, kind: str, name: str) -> dict[str, Any]:
        known = self.entries[kind]
        if name not in known:
            there = ", ".join(brief(one, 40) for one in sorted(known)[:4]) or "none"
            raise ConfigError(f"{self.source}: no {kind} named {brief(name)!r} (there are: {there})")
        return known[name]


def paths(given: str | None, env: Mapping[str, str]) -> list[Path]:
    """The files that were asked for, which must be there; else those of the environment that are."""
    if given:
        whole = at_home(given)
        found = [whole] if _is_there(whole) else [at_home(one) for one in given.split(os.pathsep) if one]
        for path in found:
            if not _is_there(path):
                shown = brief(str(path), 160)
                raise ConfigError(
                    f"kubeconfig {shown} does not exist; create the cluster first or set `kubeconfig` to its file"
                )
        return found
    named = dict.fromkeys((env.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep))
    return [path for path in map(at_home, filter(None, named)) if _is_there(path)]


def at_home(text: str) -> Path:
    """A path whose ~ is the home of somebody, where there is such a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _is_there(path: Path) -> bool:
    """A file, or a pipe of the shell's."""
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # too long a name; a zero byte
        return False


def merged(contents: Mapping[Path, bytes]) -> Config:
    """As kubectl merges: the first file that names something wins; relative paths belong to the file that has them."""
    whole = Config(os.pathsep.join(map(str, contents)))
    for path, data in contents.items():
        config = checked(_parse(path, data), f"kubeconfig {path}", str(path.absolute().parent))
        whole.current = whole.current or config.current
        for kind, entries in config.entries.items():
            whole.entries[kind] = {**entries, **whole.entries[kind]}
    return whole


def _parse(path: Path, data: bytes) -> Mapping[str, Any]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"kubeconfig {path} cannot be read: it is not UTF-8") from exc
    try:
        config = json.loads(text)  # ours are JSON, and read in a tenth of the time
    except (ValueError, RecursionError):
        config = _parse_yaml(text, path)
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise ConfigError(f"kubeconfig {path} is not a mapping")
    return config


def _parse_yaml(text: str, path: Path) -> Any:
    if is_deep(text):
        raise ConfigError(f"kubeconfig {path} is nested too deeply")
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"kubeconfig {path}{where} is not YAML") from exc
    except (ValueError, TypeError, RecursionError) as exc:
        raise ConfigError(f"kubeconfig {path} is not YAML that makes sense") from exc


def checked(given: Mapping[str, Any], source: str, folder: str = ".") -> Config:
    """The entries of one file; ConfigError names the entry and the field that is not as it must be."""
    kind = given.get("kind")
    if kind not in (None, "", "Config"):
        raise ConfigError(f"{source} is a {brief(kind, 40)}, and no kubeconfig")
    config = Config(source, _typed(given, {"current-context": TEXT}, source).get("current-context"))
    for kind, (section, fields) in SECTIONS.items():
        entries = given.get(section)
        if not isinstance(entries, (list, tuple, type(None))):
            raise ConfigError(f"{source}: {section} is no list")
        for entry in entries or ():
            name, fields_of = _named_entry(entry, kind, f"{source}: {section}")
            what = f"{source}: {kind} {brief(name)!r}"
            if name in config.entries[kind]:
                raise ConfigError(f"{what} is there twice")
            config.entries[kind][name] = {**_typed(fields_of, fields, what), FOLDER: folder}
    for name, user in config.entries["user"].items():
        if user.get("exec") is not None:
            user["exec"] = _typed(user["exec"], EXEC, f"{source}: user {brief(name)!r}: exec")
    return config


def _named_entry(entry: object, kind: str, what: str) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{what}: an entry is no mapping")
    name, fields = entry.get("name"), entry.get(kind)
    if not isinstance(name, (str, type(None))):
        raise ConfigError(f"{what}: a name is no text: {brief(name)}")
    if not isinstance(fields, (Mapping, type(None))):
        raise ConfigError(f"{what}: {kind} of {brief(name)!r} is no mapping")
    return name or "", fields or {}


def extension(entry: Mapping[str, Any], name: str) -> Any:
    """What an extension of that name holds, None where there is none."""
    return next((one.get("extension") for one in entry.get("extensions") or [] if one.get("name") == name), None)


# --- types -----------------------------------------------------------------------------------------------------------
def _typed(given: Mapping[str, Any], fields: Fields, what: str) -> dict[str, Any]:
    """The known fields that are set, each of its type. What kubectl does not know it ignores, and so do we."""
    found = {}
    for name, wanted in fields.items():
        value = given.get(name)
        if value is None:
            continue
        if not _is(value, wanted):
            raise ConfigError(f"{what}: {name} is not {wanted}")
        found[name] = value
    return found


def _is(value: object, wanted: str) -> bool:
    if wanted == TEXT:
        return isinstance(value, str)
    if wanted == FLAG:
        return isinstance(value, bool)
    if isinstance(value, Mapping):
        named = wanted in (MAPPING, EXTRA) and all(isinstance(name, str) for name in value)
        return named and (wanted == MAPPING or all(_is(texts, TEXTS) for texts in value.values()))
    if wanted in (MAPPING, EXTRA) or not isinstance(value, (list, tuple)):
        return False
    if wanted == TEXTS:
        return all(isinstance(text, str) for text in value)
    if wanted == EXTENSIONS:
        return all(isinstance(one, Mapping) for one in value)
    return all(isinstance(one, Mapping) and _is_variable(one) for one in value)


def _is_variable(one: Mapping[str, Any]) -> bool:
    name, value = one.get("name"), one.get("value", "")
    return isinstance(name, str) and bool(name) and "=" not in name and isinstance(value or "", str)
