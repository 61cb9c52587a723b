# Copyright (c) 2026 GreenLang. All rights reserved.
# Owner: the data layer (roles/data). The Containerfile copies lib/ to /usr/local/lib/vcci/.
"""What is in a dump of pg_dump's custom format, as its own table of contents says: kinds, owners, what needs what.

`pg_restore --list` is for people: names with spaces make its lines ambiguous, and it keeps sections and dependencies to
itself. No I/O but reading from what it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

NEWEST = (1, 16)  # PostgreSQL 17 and 18
OLDEST = (1, 13)  # PostgreSQL 11
PRE_DATA, DATA, POST_DATA = 2, 3, 4
CUSTOM = 1
LONGEST = 1 << 28  # of a text: what claims to be longer is no dump


class NotADump(Exception):
    """It cannot be read as one; its text says why."""


class TooNew(NotADump):
    """Its format is newer than what this program reads."""


@dataclass(frozen=True)
class Entry:
    """One object of a dump; `namespace` is empty where it has none, `owner` where nobody owns it."""

    number: int
    kind: str
    namespace: str
    name: str
    owner: str
    section: int
    definition: str = ""
    copy: str = ""
    needs: tuple[int, ...] = ()

    @property
    def told(self) -> str:
        return " ".join(filter(None, [self.kind, self.namespace, self.name]))


@dataclass
class Contents:
    database: str = ""
    server: str = ""  # version of the server that was dumped, e.g. 17.5 (Debian …)
    entries: list[Entry] = field(default_factory=list)

    @property
    def major(self) -> int:
        digits = self.server.partition(".")[0].partition(" ")[0]
        return int(digits) if digits.isdigit() else 0


class Reader:
    """Integers are a sign and as many bytes as the head says, the lowest first; a text is its length and its bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.size, self.offset = file, 4, 8

    def bytes(self, count: int) -> bytes:
        found = self.file.read(count)
        if len(found) != count:
            raise NotADump("it ends within its table of contents: it was truncated")
        return found

    def byte(self) -> int:
        return self.bytes(1)[0]

    def integer(self) -> int:
        negative = self.byte()
        number = int.from_bytes(self.bytes(self.size), "little")
        return -number if negative else number

    def text(self) -> str | None:
        length = self.integer()
        if length > LONGEST:
            raise NotADump("its table of contents cannot be read: it is damaged")
        return None if length < 0 else self.bytes(length).decode("utf-8", "surrogateescape")


def contents(file: BinaryIO) -> Contents:
    """The table of contents of a dump, from the beginning of its file."""
    reader = Reader(file)
    if file.read(5) != b"PGDMP":
        raise NotADump("it is no dump of pg_dump's custom format")
    version = (reader.byte(), reader.byte())
    reader.byte()  # revision
    if version > NEWEST:
        raise TooNew(f"its format is {version[0]}.{version[1]}, newer than {NEWEST[0]}.{NEWEST[1]}, which is read here")
    if version < OLDEST:
        raise NotADump(f"its format is {version[0]}.{version[1]}, older than any that is supported")
    reader.size, reader.offset = reader.byte(), reader.byte()
    if reader.byte() != CUSTOM or not 0 < reader.size <= 8 or not 0 < reader.offset <= 8:
        raise NotADump("it is no dump of pg_dump's custom format")
    if version >= (1, 15):
        reader.byte()  # how it is compressed
    else:
        reader.integer()
    for _part in range(7):  # when it was made
        reader.integer()
    found = Contents(reader.text() or "", reader.text() or "")
    reader.text()  # version of pg_dump
    for _number in range(reader.integer()):
        found.entries.append(_entry(reader, version))
    return found


def _entry(reader: Reader, version: tuple[int, int]) -> Entry:
    number = reader.integer()
    reader.integer()  # whether it has data
    reader.text(), reader.text()  # what it was in the catalog
    name, kind = reader.text() or "", reader.text() or ""
    section = reader.integer()
    definition = reader.text() or ""
    reader.text()  # how it is dropped
    copy, namespace = reader.text() or "", reader.text() or ""
    reader.text()  # tablespace
    if version >= (1, 14):
        reader.text()  # access method
    if version >= (1, 16):
        reader.integer()  # kind of relation
    owner = reader.text() or ""
    reader.text()  # what there was of OIDs
    needs = []
    while (other := reader.text()) is not None:
        needs.append(int(other))
    reader.byte(), reader.bytes(reader.offset)  # where its data are
    return Entry(number, kind, namespace, name, owner, section, definition, copy, tuple(needs))
