# Copyright (c) 2026 GreenLang. All rights reserved.
"""The values of Secrets: given, generated once and kept, or composed from others. No I/O here, and no value in any message."""

from __future__ import annotations

import base64
import binascii
import random
import re
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from ..errors import InputError
from . import crypto as _sealing
from . import generators as _sealed_generators

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
KEY = re.compile(r"[-._a-zA-Z0-9]+")
LIMIT = 1024 * 1024  # of all values of a Secret together, as the API server has it
ALPHABETS = {
    "alphanumeric": string.ascii_letters + string.digits,
    "lower": string.ascii_lowercase + string.digits,
    "digits": string.digits,
    "printable": string.ascii_letters + string.digits + "-_.~!*+=@%^",
}
FORMATS = ("text", "hex", "base64", "uuid", "rsa", "ed25519")
REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}")
GENERATED = r"\$\{ *generated *(?:(\|) *url *)?\}"
FILTERS: dict[str, Callable[[str], str]] = {
    "url": lambda text: quote(text, safe=""),
    "dsn": lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}

Where = tuple[str, str, str]  # namespace, Secret, key
SYSTEM = random.SystemRandom()


@dataclass(eq=False)
class Wanted:
    """One Secret as the task asks for it."""

    namespace: str
    name: str
    scope: str = "strict"
    type: str = "Opaque"
    labels: dict = field(default_factory=dict)
    annotations: dict = field(default_factory=dict)
    immutable: bool = False
    values: dict = field(default_factory=dict)
    tell: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def generate(how: Mapping, source: random.Random = SYSTEM) -> bytes:
    """A new random value: length counts characters for text, random bytes for hex and base64."""
    length, kind = int(how.get("length", 32)), how.get("format", "text")
    if kind in ("rsa", "ed25519"):
        return _sealed_generators.private_key(kind, int(how.get("length", 3072)))
    if kind == "uuid":
        return str(uuid.UUID(bytes=source.randbytes(16), version=4)).encode()
    if kind == "hex":
        return source.randbytes(length).hex().encode()
    if kind == "base64":
        return base64.b64encode(source.randbytes(length))
    named = str(how.get("alphabet", "alphanumeric"))
    # A character that is given twice must not be twice as likely.
    alphabet = ALPHABETS.get(named) or "".join(sorted(set(named)))
    return "".join(source.choice(alphabet) for _i in range(length)).encode()


def _generated_part(how: Mapping, held: str) -> str | None:
    """The generated part of a value whose other parts are now asked for differently: the only run of its length and letters in it."""
    named = str(how.get("alphabet", "alphanumeric"))
    letters = ALPHABETS.get(named, named)
    if how.get("format", "text") != "text" or quote(letters, safe="") != letters:
        return None
    one = f"[{re.escape(letters)}]"
    found = re.findall(rf"(?<!{one}){one}{{{int(how.get('length', 32))}}}(?!{one})", held)
    return found[0] if len(found) == 1 else None


def made(secret: Wanted) -> set[str]:
    """The keys whose values exist nowhere else."""
    return {key for key, spec in secret.values.items() if isinstance(spec, Mapping) and {"generate", "certificate"} & set(spec)}


def _check_generate(how: object, where: str) -> list[str]:
    if not isinstance(how, Mapping):
        return [f"{where}.generate: a dictionary is needed ({{}} for 32 letters and digits)"]
    wrong = [
        f"{where}.generate.{key}: unknown; known are alphabet, format, length"
        for key in sorted(set(how) - {"alphabet", "format", "length"})
    ]
    length = how.get("length", 32)
    if isinstance(length, bool) or not str(length).isdigit() or not 8 <= int(length) <= 65536:
        wrong.append(f"{where}.generate.length: a number from 8 to 65536 is needed")
    if how.get("format") == "rsa" and "length" in how and str(length) not in map(str, _sealed_generators.RSA_BITS):
        wrong.append(f"{where}.generate.length: of an RSA key, one of {', '.join(map(str, _sealed_generators.RSA_BITS))}")
    if how.get("format", "text") not in FORMATS:
        wrong.append(f"{where}.generate.format: one of {', '.join(FORMATS)} is needed")
    alphabet = how.get("alphabet", "alphanumeric")
    if not isinstance(alphabet, str) or (alphabet not in ALPHABETS and len(set(alphabet)) < 10):
        wrong.append(f"{where}.generate.alphabet: one of {', '.join(ALPHABETS)}, or at least ten different characters, is needed")
    return wrong


def _check_certificate(how: object, where: str) -> list[str]:
    if not isinstance(how, Mapping) or not {"key", "names"} <= set(how) <= {"key", "names", "days"}:
        return [f"{where}.certificate: key (the private key's) and names are needed, and days may be given"]
    names, days = how["names"], how.get("days", 365)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        return [f"{where}.certificate.names: a list of host names or addresses is needed"]
    return [] if str(days).isdigit() and 1 <= int(days) <= 36500 else [f"{where}.certificate.days: a number from 1 to 36500 is needed"]


def _check_value(spec: object, where: str) -> list[str]:
    if isinstance(spec, str):
        return [] if spec else [f"{where}: is empty; give a value, or {{value: ''}} when an empty one is meant"]
    if isinstance(spec, Mapping) and set(spec) == {"generate", "compose"}:
        if not isinstance(spec["compose"], str) or len(re.findall(GENERATED, spec["compose"])) != 1:
            return [f"{where}.compose: with generate, ${{generated}} must occur in it once"]
        return _check_generate(spec["generate"], where)
    if not isinstance(spec, Mapping) or len(spec) != 1 or next(iter(spec)) not in ("value", "base64", "generate", "compose", "certificate"):
        return [f"{where}: a text, or one of value, base64, generate, compose, certificate (or generate with compose) is needed"]
    how, content = next(iter(spec.items()))
    if how == "certificate":
        return _check_certificate(content, where)
    if how == "generate":
        return _check_generate(content, where)
    if not isinstance(content, str):
        return [f"{where}.{how}: a text is needed"]
    if how == "base64":
        try:
            base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            return [f"{where}.base64: is not base64"]
    return []


def _check_tell(tell: object, where: str) -> list[str]:
    if tell == {}:
        return []
    if not isinstance(tell, Mapping) or not {"workload", "container", "commands"} <= set(tell) <= {"workload", "container", "commands", "restart"}:
        return [f"{where}: workload (Kind/name), container and commands are needed, and restart may be given"]
    commands = tell["commands"]
    if not isinstance(commands, list) or not all(isinstance(one, list) and one and all(isinstance(part, str) for part in one) for one in commands):
        return [f"{where}.commands: a list of commands, each a list of texts, is needed"]
    return []


def read(entries: list[Mapping], namespace: str | None = None) -> list[Wanted]:
    """The Secrets of a task; InputError with everything that is wrong, not only the first."""
    wrong: list[str] = []
    found: dict[tuple[str, str], Wanted] = {}
    known = set(Wanted.__dataclass_fields__)
    for number, entry in enumerate(entries):
        where = f"secrets[{number}]"
        if not isinstance(entry, Mapping):
            wrong.append(f"{where}: a dictionary is needed")
            continue
        where += f" {entry['name']}" if entry.get("name") else ""
        wrong += [f"{where}: unknown field {key}; known are {', '.join(sorted(known))}" for key in sorted(set(entry) - known)]
        wanted = Wanted(
            **{"namespace": namespace or "", "name": "", **{key: entry[key] for key in known & set(entry) if entry[key] is not None}}
        )
        for option in ("name", "namespace"):
            text = getattr(wanted, option)
            if not isinstance(text, str) or len(text) > 253 or not NAME.fullmatch(text):
                wrong.append(f"{where}: {option} must be lower-case letters, digits, - and .")
        if wanted.scope not in _sealing.SCOPES:
            wrong.append(f"{where}: scope must be one of {', '.join(_sealing.SCOPES)}")
        if not isinstance(wanted.values, Mapping) or not wanted.values:
            wrong.append(f"{where}: values must be a dictionary with at least one key")
            continue
        for key, spec in wanted.values.items():
            if not isinstance(key, str) or len(key) > 253 or key in (".", "..") or not KEY.fullmatch(key):
                wrong.append(f"{where}: key {str(key)[:60]!r} is invalid: letters, digits, -, _ and . are allowed")
            wrong += _check_value(spec, f"{where}: values.{key}")
        wrong += _check_tell(wanted.tell, f"{where}: tell")
        if (wanted.namespace, wanted.name) in found:
            wrong.append(f"{where}: named twice in namespace {wanted.namespace}")
        found[(wanted.namespace, wanted.name)] = wanted
    if not entries:
        wrong.append("secrets: at least one is needed")
    if wrong:
        raise InputError("; ".join(wrong))
    return list(found.values())


def rotated(wanted: list[Wanted], names: list[str]) -> frozenset[Where]:
    """The keys that are to get new values: secret, secret/key or namespace/secret/key; InputError for what cannot be generated."""
    generated = {
        (w.namespace, w.name, key) for w in wanted for key, spec in w.values.items() if isinstance(spec, Mapping) and "generate" in spec
    }
    found: set[Where] = set()
    wrong = []
    for name in names:
        hits = {where for where in generated if name in (where[1], "/".join(where[:2]), "/".join(where[1:]), "/".join(where))}
        if not hits:
            wrong.append(name)
        found |= hits
    if wrong:
        known = ", ".join(sorted("/".join(where[1:]) for where in generated)) or "none"
        raise InputError(f"rotate: {', '.join(wrong)}: no generated key of this task; those are {known}")
    return frozenset(found)


def sources(wanted: list[Wanted]) -> dict[Where, set[Where]]:
    """Of each composed key, the keys that it is composed from, directly or not."""
    direct: dict[Where, set[Where]] = {}
    for secret in wanted:
        for key, spec in secret.values.items():
            where = (secret.namespace, secret.name, key)
            paths = REFERENCE.findall(spec["compose"]) if isinstance(spec, Mapping) and "compose" in spec else []
            paths += [str(spec["certificate"]["key"])] if isinstance(spec, Mapping) and "certificate" in spec else []
            parts = [[part.strip() for part in path.split("|")[0].split("/")] for path in paths if path]
            direct[where] = {(*where[: 3 - len(part)], *part) for part in parts if len(part) <= 3}  # type: ignore[misc]

    def closure(where: Where, seen: set[Where]) -> set[Where]:
        for one in direct.get(where, set()) - seen:
            seen.add(one)
            closure(one, seen)
        return seen

    return {where: {one for one in closure(where, set()) if one in direct} if direct[where] else set() for where in direct}


def resolve(
    wanted: list[Wanted], kept: Mapping[Where, bytes], rotate: frozenset[Where] = frozenset(), source: random.Random = SYSTEM
) -> dict[Where, bytes]:
    """Every value. `kept` is what the unsealed Secrets hold: generated values come from there unless they are to be rotated."""
    return _Resolver(wanted, kept, rotate, source).all()


class _Resolver:
    def __init__(self, wanted: list[Wanted], kept: Mapping[Where, bytes], rotate: frozenset[Where], source: random.Random) -> None:
        self.wanted, self.kept, self.rotate, self.source = wanted, kept, rotate, source
        self.specs: dict[Where, object] = {(w.namespace, w.name, key): spec for w in wanted for key, spec in w.values.items()}
        self.done: dict[Where, bytes] = {}
        self.open: list[Where] = []

    def all(self) -> dict[Where, bytes]:
        for where in self.specs:
            self.value(where)
        for secret in self.wanted:
            size = sum(len(self.done[(secret.namespace, secret.name, key)]) for key in secret.values)
            if size > LIMIT:
                raise InputError(f"Secret {secret}: its values are {size} bytes; at most {LIMIT} are possible")
        return self.done

    def value(self, where: Where) -> bytes:
        if where in self.done:
            return self.done[where]
        if where in self.open:
            raise InputError(f"{'/'.join(where)}: is composed from itself, by way of {', '.join('/'.join(w) for w in self.open)}")
        self.open.append(where)
        spec = self.specs[where]
        if isinstance(spec, str):
            result = spec.encode()
        elif set(spec) == {"generate", "compose"}:  # type: ignore[call-overload]
            result = self.embed(where, spec["generate"], spec["compose"]).encode()  # type: ignore[index]
        else:
            how, content = next(iter(spec.items()))  # type: ignore[attr-defined]
            if how == "generate":
                keep = where in self.kept and where not in self.rotate
                result = self.kept[where] if keep else generate(content, self.source)
            elif how == "certificate":
                result = self.certificate(where, content)
            elif how == "base64":
                result = base64.b64decode(content)
            elif how == "compose":
                result = self.compose(where, content).encode()
            else:
                result = content.encode()
        self.open.pop()
        self.done[where] = result
        return result

    def embed(self, where: Where, how: Mapping, template: str) -> str:
        """A generated value inside a composed one, taken back out of what the Secret holds."""
        before, encoded, after = re.split(GENERATED, template)
        before, after = self.compose(where, before), self.compose(where, after)
        held = self.kept.get(where, b"").decode("utf-8", "replace")
        if where not in self.rotate and held:
            if held.startswith(before) and held.endswith(after) and len(held) > len(before + after):
                return held
            found = _generated_part(how, held)
            if found:
                return before + found + after
        made = generate(how, self.source).decode()
        return before + (quote(made, safe="") if encoded else made) + after

    def certificate(self, where: Where, how: Mapping) -> bytes:
        source: Where = (*where[:2], str(how["key"]))
        if source not in self.specs:
            raise InputError(f"{'/'.join(where)}: is a certificate of {how['key']}, which this Secret does not have")
        key, names, said = self.value(source), [str(name) for name in how["names"]], "/".join(where)
        if where in self.kept and _sealed_generators.still_good(self.kept[where], key, names):
            return self.kept[where]
        return _sealed_generators.certificate(key, names, int(how.get("days", 365)), said)

    def compose(self, where: Where, template: str) -> str:
        def replace(match: re.Match) -> str:
            if match.group(0) == "$${":
                return "${"
            path, *filters = [part.strip() for part in match.group(1).split("|")]
            parts = path.split("/")
            source: Where = (*where[: 3 - len(parts)], *parts) if len(parts) <= 3 else where  # type: ignore[assignment]
            if len(parts) > 3 or source not in self.specs:
                raise InputError(f"{'/'.join(where)}: is composed from {path}, which this task does not have")
            try:
                text = self.value(source).decode()
            except UnicodeDecodeError:
                raise InputError(f"{'/'.join(where)}: is composed from {path}, which is binary") from None
            for name in filters:
                if name not in FILTERS:
                    raise InputError(f"{'/'.join(where)}: filter {name!r} is none of {', '.join(FILTERS)}")
                text = FILTERS[name](text)
            return text

        return REFERENCE.sub(replace, template)
