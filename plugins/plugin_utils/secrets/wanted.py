# Copyright (c) 2026 GreenLang. All rights reserved.
"""The Secrets that a task asks for, and every check of its input. Pure. No value is in any message."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from .crypto import SCOPES
from .generators import ALPHABETS, RSA_BITS

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
KEY = re.compile(r"[-._a-zA-Z0-9]+")
FORMATS = ("text", "hex", "base64", "uuid", "rsa", "ed25519")
KINDS = ("value", "base64", "generate", "compose", "certificate")
GENERATED = r"\$\{ *generated *(?:(\|) *url *)?\}"  # the generated part of a composed value

Where = tuple[str, str, str]  # namespace, Secret, key


@dataclass(eq=False)
class Wanted:
    """One Secret as the task asks for it."""

    namespace: str
    name: str
    scope: str = "strict"
    type: str = "Opaque"
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    immutable: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    tell: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def where(self, key: str) -> Where:
        return (self.namespace, self.name, key)


def generated(secret: Wanted) -> set[str]:
    """The keys whose values exist nowhere else."""
    mappings = {key: spec for key, spec in secret.values.items() if isinstance(spec, Mapping)}
    return {key for key, spec in mappings.items() if "generate" in spec or "certificate" in spec}


def read(entries: list[Mapping[str, Any]], namespace: str | None = None) -> list[Wanted]:
    """The Secrets of a task; InputError with everything that is wrong, not only the first."""
    wrong: list[str] = []
    found: dict[tuple[str, str], Wanted] = {}
    for number, entry in enumerate(entries):
        where = f"secrets[{number}]"
        if not isinstance(entry, Mapping):
            wrong.append(f"{where}: a dictionary is needed")
            continue
        where += f" {entry['name']}" if entry.get("name") else ""
        known = set(Wanted.__dataclass_fields__)
        unknown = sorted(set(entry) - known)
        wrong += [f"{where}: unknown field {key}; known are {', '.join(sorted(known))}" for key in unknown]
        given = {key: entry[key] for key in known & set(entry) if entry[key] is not None}
        secret = Wanted(**{"namespace": namespace or "", "name": "", **given})
        wrong += _check_secret(secret, where)
        if (secret.namespace, secret.name) in found:
            wrong.append(f"{where}: named twice in namespace {secret.namespace}")
        found[(secret.namespace, secret.name)] = secret
    if not entries:
        wrong.append("secrets: at least one is needed")
    if wrong:
        raise InputError("; ".join(wrong), wrong)
    return list(found.values())


def rotated(wanted: list[Wanted], names: tuple[str, ...]) -> frozenset[Where]:
    """The keys that are to get new values, named as secret, secret/key or namespace/secret/key.

    InputError for what cannot be generated.
    """
    known: list[Where] = []
    for secret in wanted:
        known += [secret.where(key) for key in generated(secret) if "generate" in secret.values[key]]
    found: set[Where] = set()
    wrong = []
    for name in names:
        hits = {
            where for where in known if name in (where[1], "/".join(where[:2]), "/".join(where[1:]), "/".join(where))
        }
        found |= hits
        if not hits:
            wrong.append(name)
    if wrong:
        those = ", ".join(sorted("/".join(where[1:]) for where in known)) or "none"
        raise InputError(f"rotate: {', '.join(wrong)}: no generated key of this task; those are {those}")
    return frozenset(found)


# --- checks: each returns what is wrong ------------------------------------------------------------------------------
def _check_secret(secret: Wanted, where: str) -> list[str]:
    wrong = []
    for option in ("name", "namespace"):
        text = getattr(secret, option)
        if not isinstance(text, str) or len(text) > 253 or not NAME.fullmatch(text):
            wrong.append(f"{where}: {option} must be lower-case letters, digits, - and .")
    if secret.scope not in SCOPES:
        wrong.append(f"{where}: scope must be one of {', '.join(SCOPES)}")
    if not isinstance(secret.values, Mapping) or not secret.values:
        return [*wrong, f"{where}: values must be a dictionary with at least one key"]
    for key, spec in secret.values.items():
        if not isinstance(key, str) or len(key) > 253 or key in (".", "..") or not KEY.fullmatch(key):
            wrong.append(f"{where}: key {str(key)[:60]!r} is invalid: letters, digits, -, _ and . are allowed")
        wrong += _check_value(spec, f"{where}: values.{key}")
    return wrong + _check_tell(secret.tell, f"{where}: tell")


def _check_value(spec: object, where: str) -> list[str]:
    if isinstance(spec, str):
        return [] if spec else [f"{where}: is empty; give a value, or {{value: ''}} when an empty one is meant"]
    if isinstance(spec, Mapping) and set(spec) == {"generate", "compose"}:
        if not isinstance(spec["compose"], str) or len(re.findall(GENERATED, spec["compose"])) != 1:
            return [f"{where}.compose: with generate, ${{generated}} must occur in it once"]
        return _check_generate(spec["generate"], where)
    if not isinstance(spec, Mapping) or len(spec) != 1 or next(iter(spec)) not in KINDS:
        return [f"{where}: a text, or one of {', '.join(KINDS)} (or generate with compose) is needed"]
    how, content = next(iter(spec.items()))
    if how == "certificate":
        return _check_certificate(content, where)
    if how == "generate":
        return _check_generate(content, where)
    if not isinstance(content, str):
        return [f"{where}.{how}: a text is needed"]
    if how == "base64" and not _is_base64(content):
        return [f"{where}.base64: is not base64"]
    return []


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _check_generate(how: object, where: str) -> list[str]:
    if not isinstance(how, Mapping):
        return [f"{where}.generate: a dictionary is needed ({{}} for 32 letters and digits)"]
    known = ("alphabet", "format", "length")
    unknown = sorted(set(how) - set(known))
    wrong = [f"{where}.generate.{key}: unknown; known are {', '.join(known)}" for key in unknown]
    length = how.get("length", 32)
    if isinstance(length, bool) or not str(length).isdigit() or not 8 <= int(length) <= 65536:
        wrong.append(f"{where}.generate.length: a number from 8 to 65536 is needed")
    sizes = [str(bits) for bits in RSA_BITS]
    if how.get("format") == "rsa" and "length" in how and str(length) not in sizes:
        wrong.append(f"{where}.generate.length: of an RSA key, one of {', '.join(sizes)}")
    if how.get("format", "text") not in FORMATS:
        wrong.append(f"{where}.generate.format: one of {', '.join(FORMATS)} is needed")
    alphabet = how.get("alphabet", "alphanumeric")
    if not isinstance(alphabet, str) or (alphabet not in ALPHABETS and len(set(alphabet)) < 10):
        letters = f"one of {', '.join(ALPHABETS)}, or at least ten different characters"
        wrong.append(f"{where}.generate.alphabet: {letters}, is needed")
    return wrong


def _check_certificate(how: object, where: str) -> list[str]:
    if not isinstance(how, Mapping) or not {"key", "names"} <= set(how) <= {"key", "names", "days"}:
        return [f"{where}.certificate: key (the private key's) and names are needed, and days may be given"]
    names, days = how["names"], how.get("days", 365)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        return [f"{where}.certificate.names: a list of host names or addresses is needed"]
    if not str(days).isdigit() or not 1 <= int(days) <= 36500:
        return [f"{where}.certificate.days: a number from 1 to 36500 is needed"]
    return []


def _check_tell(tell: object, where: str) -> list[str]:
    if tell == {}:
        return []
    needed = {"workload", "container", "commands"}
    if not isinstance(tell, Mapping) or not needed <= set(tell) <= {*needed, "restart"}:
        return [f"{where}: workload (Kind/name), container and commands are needed, and restart may be given"]
    commands = tell["commands"]
    if not isinstance(commands, list) or not all(_is_command(one) for one in commands):
        return [f"{where}.commands: a list of commands, each a list of texts, is needed"]
    return []


def _is_command(one: object) -> bool:
    return isinstance(one, list) and bool(one) and all(isinstance(part, str) for part in one)
