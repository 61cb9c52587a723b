# Copyright (c) 2026 GreenLang. All rights reserved.
"""Backups and segments of WAL in an archive, and which point in time can be reached with them. Pure."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .settings import SEGMENT, Refusal

NAME = re.compile(r"(?:^|/)([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})-[0-9a-f]{40}(?:\.\w+)?$")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)$")
SWITCHED = re.compile(r"\s*(\d+)\s+([0-9A-Fa-f]+/[0-9A-Fa-f]+)")  # a line of a timeline's history
LATEST = "latest"


class Backup(NamedTuple):
    """Moments are seconds since 1970; `first` and `last` are numbers of the segments that it needs at least, `line` is
    the timeline of the last, and `end` the first byte of the log that it does not need."""

    label: str
    kind: str
    begun: float
    ended: float
    first: int
    size: int
    line: str
    last: int
    end: int


def backups(info: Iterable[Mapping[str, Any]]) -> list[Backup]:
    """Those of `pgbackrest info --output=json` that are good, the oldest first; none of a major version before."""
    found = []
    for stanza in info:
        current = [one["id"] for one in stanza.get("db") or ()][-1:]
        for one in stanza.get("backup") or ():
            if not one.get("error") and one["database"]["id"] in current:
                moments = one["timestamp"]
                first, last = number(one["archive"]["start"]), number(one["archive"]["stop"])
                size, line = int(one["info"]["size"]), one["archive"]["stop"][:8]
                end = position(one["lsn"]["stop"]) if "lsn" in one else (last + 1) * SEGMENT
                whole = (one["label"], one["type"], moments["start"], moments["stop"], first, size, line, last, end)
                found.append(Backup(*whole))
    return sorted(found, key=lambda backup: backup.ended)


def system(info: Iterable[Mapping[str, Any]]) -> str:
    """The identifier of the database that the archive is of; empty where there is none."""
    known = [str(one["system-id"]) for stanza in info for one in stanza.get("db") or ()]
    return known[-1] if known else ""


def newest(info: Iterable[Mapping[str, Any]]) -> str:
    """The last segment of the last timeline that the archive has."""
    return ([str(one.get("max") or "") for stanza in info for one in stanza.get("archive") or ()] or [""])[-1]


def position(text: str) -> int:
    """A place in the log, as PostgreSQL writes it: `0/6000148`."""
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def number(segment: str) -> int:
    """Of a segment's name, whatever its timeline: those of a history follow each other."""
    return int(segment[8:16], 16) * 256 + int(segment[16:24], 16)


def pieces(listed: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, int], float]:
    """Timeline and number of each segment in the archive → when it came there, out of `pgbackrest repo-ls
    --output=json`."""
    found: dict[tuple[str, int], float] = {}
    for name, one in listed.items():
        match = NAME.search(name)
        if match:
            place = (match[1], int(match[2], 16) * 256 + int(match[3], 16))
            found[place] = max(found.get(place, 0.0), float(one.get("time") or 0))
    return found


def lines(own: str, text: str) -> dict[str, int]:
    """Each timeline of a history → its first byte, the oldest first, out of the file `<own>.history`. The segment of
    that byte has what the one before wrote into it, too."""
    found, since = dict[str, int](), 0
    for line in text.splitlines():
        match = SWITCHED.match(line)
        if match:
            found[f"{int(match[1]):08X}"] = since
            since = position(match[2])
    return {**found, own: since}


def ends(own: Mapping[str, int]) -> dict[str, int]:
    """Each timeline of a history but the last → the first byte that is not its own any more."""
    return dict(zip([*own][:-1], [*own.values()][1:], strict=True))


def on(own: Mapping[str, int], backup: Backup) -> bool:
    """Whether a backup is of this history, not of one that a restore has left."""
    return backup.line in own and backup.end <= ends(own).get(backup.line, backup.end)


def segments(found: Mapping[tuple[str, int], float], own: Mapping[str, int]) -> dict[int, float]:
    """Number of each segment of a history → when it came."""
    whole, until = dict[int, float](), ends(own)
    for (line, place), came in found.items():
        if line in own and own[line] // SEGMENT <= place <= until.get(line, place * SEGMENT) // SEGMENT:
            whole[place] = max(whole.get(place, 0.0), came)
    return whole


def lost(found: Mapping[tuple[str, int], float], backup: Backup, own: Mapping[str, int]) -> int | None:
    """The first segment that is missing between a backup and what the archive has of a history's end; None without
    one, or while nothing of its last timeline is there."""
    since = {line: first // SEGMENT for line, first in own.items()}
    last = [*own][-1]
    there = [place for line, place in found if line == last and place >= since[last]]
    if not there:
        return None
    if not on(own, backup):
        return backup.last  # it is of a timeline that was left
    for place in range(backup.first, max(there)):
        line = next(name for name in reversed(since) if since[name] <= place)
        if (line, place) not in found:
            return place
    return None


def gap(known: Mapping[int, float], first: int) -> tuple[float, float] | None:
    """The first hole at or behind a segment: when the last before it came, and the first after it; None without one."""
    later = sorted(place for place in known if place >= first)
    for place, expected in zip(later, range(first, first + len(later)), strict=True):
        if place != expected:
            return known.get(expected - 1, 0.0), known[place]
    return None


def moment(text: str) -> datetime.datetime:
    """A point in time, with its zone."""
    if not TIME.fullmatch(text):
        raise Refusal(
            f"{text!r} is no point in time with a zone. Remedy: as in 2026-11-26T21:30:00Z or 2026-11-26T22:30:00+01:00"
        )
    whole = re.sub(r"([+-]\d\d)$", r"\1:00", text.replace("Z", "+00:00"))
    try:
        return datetime.datetime.fromisoformat(whole)
    except ValueError as exc:
        raise Refusal(f"{text!r} is no point in time: {exc}. Remedy: a day and an hour that there are") from exc


def say(seconds: float) -> str:
    """A moment, as all of this says it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def choose(wanted: str, every: list[Backup], own: Mapping[str, int], known: Mapping[int, float], now: float) -> Backup:
    """The backup from which a point in time of a history is reached, whose segments are known; Refusal where none leads
    there."""
    there = [backup for backup in every if on(own, backup)]
    if not there:
        lacks = f"backup of line of history {int([*own][-1], 16)}" if every else "backup"
        raise Refusal(
            f"the archive has no {lacks}: no point in time can be reached. Remedy: run CronJob postgresql-archive"
        )
    latest = wanted == LATEST
    at = math.inf if latest else moment(wanted).timestamp()
    if at > now and not latest:
        raise Refusal(f"{wanted} is in the future; it is {say(now)}. Remedy: a time that has been, or {LATEST}")
    before = [backup for backup in there if backup.ended <= at]
    if not before:
        raise Refusal(
            f"{wanted} is before the end of the first backup that the archive has, {say(there[0].ended)}. "
            "Remedy: that time or a later one; or a dump (data_restore.yml)"
        )
    chosen = before[-1]
    hole = gap(known, chosen.first)
    if hole and at > hole[0] + 1:  # a server would stop there without a word
        after = [backup for backup in there if backup.ended > at]
        other = f", or from {say(after[0].ended)} on" if after else ""
        if latest:
            other = "; or CronJob postgresql-archive, then this again"
        raise Refusal(
            f"{wanted} is in a gap: what was written after {say(max(hole[0], chosen.begun))} was given up while the "
            f"archive was away. Remedy: a time up to then{other}"
        )
    if known and not latest and not hole and at > max(known.values()) + 1:  # the archive counts whole seconds
        raise Refusal(
            f"the archive ends at {say(max(known.values()))}, before {wanted}. Remedy: a time up to then, or {LATEST}"
        )
    return chosen
