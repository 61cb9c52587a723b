# Copyright (c) 2026 GreenLang. All rights reserved.
"""The Secrets that a task asks for, and every check of its input. Pure. No value is in any message."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError, brief
from . import checks
from .crypto import SCOPES
from .encoding import decode
from .generators import ALPHABETS, RSA_BITS

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
FORMATS = ("text", "hex", "base64", "uuid", "rsa", "ed25519")
KINDS = ("value", "base64", "generate", "compose", "certificate")
GENERATED = r"\$\{ *generated *(?:(\|) *url *)?\}"  # the generated part of a composed value

Where = tuple[str, str, str]  # namespace, Secret, key


@dataclass(eq=False)
class Wanted:
    """One Secret as the task asks for it; a type, and whether it is immutable, are None where the task does not say."""

    namespace: str
    name: str
    scope: str = "strict"
    type: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    immutable: bool | None = None
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
        where += f" {brief(str(entry['name']))}" if entry.get("name") else ""
        known = set(Wanted.__dataclass_fields__)
        unknown = sorted(map(str, set(entry) - known))
        wrong += [f"{where}: unknown field {key}; known are {', '.join(sorted(known))}" for key in unknown]
        given = {key: entry[key] for key in known & set(entry) if entry[key] is not None}
        secret = Wanted(**{"namespace": namespace or "", "name": "", **given})
        faults = _check_secret(secret, where)
        if faults:
            wrong += faults
            continue
        _settle_booleans(secret)
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
        known += [secret.where(key) for key in generated(secret)]
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
    wrong = checks.name(secret.name, where) + checks.namespace(secret.namespace, where)
    if secret.scope not in SCOPES:
        wrong.append(f"{where}: scope must be one of {', '.join(SCOPES)}")
    if secret.type is not None and (not isinstance(secret.type, str) or not secret.type):
        wrong.append(f"{where}: type: a text is needed")
    wrong += checks.labels_of(secret.labels, f"{where}: labels")
    wrong += checks.annotations_of(secret.annotations, f"{where}: annotations")
    if secret.immutable is not None and checks.boolean(secret.immutable) is None:
        wrong.append(f"{where}: immutable: true or false is needed")
    if not isinstance(secret.values, Mapping) or not secret.values:
        return [*wrong, f"{where}: values must be a dictionary with at least one key"]
    for key, spec in secret.values.items():
        wrong += checks.key(key, where)
        wrong += _check_value(spec, f"{where}: values.{key}")
    return wrong + _check_tell(secret.tell, f"{where}: tell")


def _settle_booleans(secret: Wanted) -> None:
    """An inventory, or -e, gives texts: "no" is none that is true."""
    if secret.immutable is not None:
        secret.immutable = checks.boolean(secret.immutable)
    if "restart" in secret.tell:
        secret.tell = {**secret.tell, "restart": checks.boolean(secret.tell["restart"])}


def _check_value(spec: object, where: str) -> list[str]:
    if isinstance(spec, str):
        if not spec:
            return [f"{where}: is empty; give a value, or {{value: ''}} when an empty one is meant"]
        return checks.unicode(spec, where)
    if isinstance(spec, Mapping) and set(spec) == {"generate", "compose"}:
        return _check_part(spec["compose"], where) + _check_generate(spec["generate"], where)
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
    return checks.unicode(content, f"{where}.{how}")


def _check_part(template: object, where: str) -> list[str]:
    if not isinstance(template, str) or len(re.findall(GENERATED, template)) != 1:
        return [f"{where}.compose: with generate, ${{generated}} must occur in it once"]
    return checks.unicode(template, f"{where}.compose")


def _is_base64(text: str) -> bool:
    try:
        decode(text)
    except ValueError:
        return False
    return True


def _check_generate(how: object, where: str) -> list[str]:
    if not isinstance(how, Mapping):
        return [f"{where}.generate: a dictionary is needed ({{}} for 32 letters and digits)"]
    known = ("alphabet", "format", "length")
    unknown = sorted(map(str, set(how) - set(known)))
    wrong = [f"{where}.generate.{key}: unknown; known are {', '.join(known)}" for key in unknown]
    length = checks.number(how.get("length", 32))
    if length is None or not 8 <= length <= 65536:
        wrong.append(f"{where}.generate.length: a number from 8 to 65536 is needed")
    sizes = ", ".join(map(str, RSA_BITS))
    if how.get("format") == "rsa" and "length" in how and length not in RSA_BITS:
        wrong.append(f"{where}.generate.length: of an RSA key, one of {sizes}")
    if how.get("format", "text") not in FORMATS:
        wrong.append(f"{where}.generate.format: one of {', '.join(FORMATS)} is needed")
    alphabet = how.get("alphabet", "alphanumeric")
    if not isinstance(alphabet, str) or (alphabet not in ALPHABETS and len(set(alphabet)) < 10):
        letters = f"one of {', '.join(ALPHABETS)}, or at least ten different characters"
        wrong.append(f"{where}.generate.alphabet: {letters}, is needed")
    else:
        wrong += checks.unicode(alphabet, f"{where}.generate.alphabet")
    return wrong


def _check_certificate(how: object, where: str) -> list[str]:
    if not isinstance(how, Mapping) or not {"key", "names"} <= set(how) <= {"key", "names", "days"}:
        return [f"{where}.certificate: key (the private key's) and names are needed, and days may be given"]
    names, days = how["names"], checks.number(how.get("days", 365))
    wrong = [] if isinstance(how["key"], str) else [f"{where}.certificate.key: the key of a private key is needed"]
    if not isinstance(names, list) or not names or not all(map(_is_host, names)):
        wrong.append(f"{where}.certificate.names: a list of host names or addresses is needed")
    if days is None or not 1 <= days <= 36500:
        wrong.append(f"{where}.certificate.days: a number from 1 to 36500 is needed")
    return wrong


def _is_host(name: object) -> bool:
    if not isinstance(name, str):
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return len(name) <= checks.LONGEST_NAME and bool(checks.HOST.fullmatch(name))
    return True


def _check_tell(tell: object, where: str) -> list[str]:
    if tell == {}:
        return []
    needed = {"workload", "container", "commands"}
    if not isinstance(tell, Mapping) or not needed <= set(tell) <= {*needed, "restart"}:
        return [f"{where}: workload (Kind/name), container and commands are needed, and restart may be given"]
    wrong = []
    kind, _slash, name = tell["workload"].partition("/") if isinstance(tell["workload"], str) else ("", "", "")
    if kind not in WORKLOADS or checks.name(name, ""):
        wrong.append(f"{where}.workload: Kind/name is needed; Kind is one of {', '.join(WORKLOADS)}")
    if not isinstance(tell["container"], str) or not checks.CONTAINER.fullmatch(tell["container"]):
        wrong.append(f"{where}.container: the name of a container is needed")
    commands = tell["commands"]
    if not isinstance(commands, list) or not commands or not all(_is_command(one) for one in commands):
        wrong.append(f"{where}.commands: a list of commands, each a list of texts, is needed")
    if "restart" in tell and checks.boolean(tell["restart"]) is None:
        wrong.append(f"{where}.restart: true or false is needed")
    return wrong


def _is_command(one: object) -> bool:
    return isinstance(one, list) and bool(one) and all(isinstance(part, str) for part in one)
