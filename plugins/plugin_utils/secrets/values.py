# Copyright (c) 2026 GreenLang. All rights reserved.
"""The values of Secrets: given, generated once and kept, or composed of others. Pure. No value is in any message."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from ..errors import InputError
from .composed import FILTERS, REFERENCE, parsed, place
from .encoding import decode
from .generators import Generator, still_good
from .keep_generated import Parts, Place, Template, keep_generated, keep_generated_part
from .wanted import GENERATED, Wanted, Where

LIMIT = 1024 * 1024  # of all values of a Secret together, as the API server has it


def resolve(
    wanted: list[Wanted], held: Mapping[Where, bytes], rotate: frozenset[Where], new: Generator
) -> dict[Where, bytes]:
    """Every value. `held` is what is there: generated values come from there unless they are to be rotated."""
    return Resolver(wanted, held, rotate, new).resolved()


class Resolver:
    """Values by name; each is made once, after those that it is composed of.

    parts   where the generated parts of composed values were noted to be.
    places  where they are in those that were made.
    """

    def __init__(
        self,
        wanted: list[Wanted],
        held: Mapping[Where, bytes],
        rotate: frozenset[Where],
        new: Generator,
        parts: Parts | None = None,
    ) -> None:
        self.wanted, self.held, self.rotate, self.new = wanted, held, rotate, new
        self.parts, self.places = parts or {}, dict[Where, Place]()
        self.specs: dict[Where, Any] = {}
        for secret in wanted:
            self.specs |= {secret.where(key): spec for key, spec in secret.values.items()}
        self.done: dict[Where, bytes] = {}
        self.open: list[Where] = []

    def resolved(self, left_out: Collection[Where] = ()) -> dict[Where, bytes]:
        """Every value but those left out, of which none may be needed for another."""
        for secret in self.wanted:
            keys = [where for where in map(secret.where, secret.values) if where not in left_out]
            size = sum(len(self.value(where)) for where in keys)
            if size > LIMIT:
                raise InputError(f"Secret {secret}: its values are {size} bytes; at most {LIMIT} are possible")
        return self.done

    def value(self, where: Where) -> bytes:
        if where not in self.done:
            if where in self.open:
                way = ", ".join("/".join(one) for one in self.open)
                raise InputError(f"{'/'.join(where)}: is composed from itself, by way of {way}")
            self.open.append(where)
            self.done[where] = self._made(where, self.specs[where])
            self.open.pop()
        return self.done[where]

    def _made(self, where: Where, spec: Any) -> bytes:
        if isinstance(spec, str):
            return spec.encode()
        if set(spec) == {"generate", "compose"}:
            return self._around_generated(where, spec["generate"], spec["compose"]).encode()
        [(how, content)] = spec.items()
        if how == "generate":
            kept = keep_generated(self.held.get(where), where in self.rotate, "/".join(where))
            return self.new.value(content) if kept is None else kept
        if how == "certificate":
            return self._certificate(where, content)
        if how == "base64":
            return decode(content)
        text: str = self._composed(where, content) if how == "compose" else content
        return text.encode()

    def _around_generated(self, where: Where, how: Mapping[str, Any], template: str) -> str:
        """A generated value inside a composed one, taken back out of what is there."""
        before, encoded, after = re.split(GENERATED, template)
        now = Template(self._composed(where, before), self._composed(where, after), bool(encoded))
        rotated, place = where in self.rotate, self.parts.get(where)
        part = keep_generated_part(how, self.held.get(where), now, place, rotated, "/".join(where))
        if part is None:
            part = self.new.value(how).decode()
            part = quote(part, safe="") if encoded else part
        self.places[where] = now.place
        return now.before + part + now.after

    def _certificate(self, where: Where, how: Mapping[str, Any]) -> bytes:
        source = (where[0], where[1], str(how["key"]))
        if source not in self.specs:
            raise InputError(f"{'/'.join(where)}: is a certificate of {how['key']}, which this Secret does not have")
        key, names = self.value(source), [str(name) for name in how["names"]]
        held = keep_generated(self.held.get(where), where in self.rotate, "/".join(where))
        if held is not None and still_good(held, key, names, self.new.now):
            return held
        return self.new.certificate(key, names, int(how.get("days", 365)), "/".join(where))

    def _composed(self, where: Where, template: str) -> str:
        return REFERENCE.sub(lambda match: self._referred(where, match.group(1)), template)

    def _referred(self, where: Where, reference: str | None) -> str:
        if reference is None:
            return "${"
        path, filters = parsed(reference)
        said = f"{'/'.join(where)}: is composed from {path}"
        source = place(where, path)
        if source is None or source not in self.specs:
            raise InputError(f"{said}, which this task does not have")
        try:
            text = self.value(source).decode()
        except UnicodeDecodeError:
            raise InputError(f"{said}, which is binary") from None
        for name in filters:
            if name not in FILTERS:
                raise InputError(f"{'/'.join(where)}: filter {name!r} is none of {', '.join(FILTERS)}")
            text = FILTERS[name](text)
        return text
