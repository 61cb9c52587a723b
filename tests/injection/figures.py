# Copyright (c) 2026 GreenLang. All rights reserved.
"""What clients and members told while a fault was there, as figures. Pure. Moments are of one monotonic clock."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Sample = Mapping[str, Any]  # as a watcher tells it
SILENCE = 1.0  # seconds without an answer after which nothing is known of a server


class Reign(NamedTuple):
    """When a server certainly took writes: all the while, from its first such answer to when it was asked for the
    last one."""

    member: str
    pid: int
    begin: float
    end: float


class Figures(NamedTuple):
    """Of one fault; seconds. `overlap` is how long two members took writes at once; `redundant` from the end of the
    fault until all follow one primary again; `unconfirmed` how many writes are gone that no other member had confirmed,
    where a store has such."""

    acknowledged: int
    lost: int
    writes: float
    reads: float
    redundant: float
    overlap: float
    primaries: tuple[str, ...]
    unconfirmed: int | None = None

    @property
    def wrong(self) -> str:
        """What must not be."""
        found = [f"{self.lost} acknowledged writes are lost"] if self.lost else []
        found += [f"two members took writes at once, for {self.overlap} s"] if self.overlap else []
        found += [] if self.acknowledged else ["nothing was acknowledged"]
        found += ["not all members have all"] if math.isinf(self.redundant) else []
        return ", ".join(found)


def reigns(samples: Iterable[Sample]) -> list[Reign]:
    """By server, in order of time. Nothing is claimed of a time in which it did not answer."""
    of_server = defaultdict(list)
    for sample in samples:
        of_server[sample["member"], sample["pid"]].append(sample)
    found = []
    for (member, pid), told in of_server.items():
        told.sort(key=lambda sample: sample["asked"])
        found += [Reign(member, pid, run[0]["answered"], run[-1]["asked"]) for run in _runs(told)]
    return sorted((reign for reign in found if reign.begin <= reign.end), key=lambda reign: reign.begin)


def _runs(told: Sequence[Sample]) -> list[list[Sample]]:
    """Answers in a row by which a server takes writes; one that came late ends a row and begins the next: between
    question and answer the server may have been frozen."""
    runs: list[list[Sample]] = [[]]
    for before, sample in zip([None, *told], told, strict=False):
        if before and sample["asked"] - before["answered"] > SILENCE:
            runs.append([])
        if not sample["primary"]:
            runs.append([])
            continue
        runs[-1].append(sample)
        if sample["answered"] - sample["asked"] > SILENCE:
            runs.append([sample])
    return [run for run in runs if run]


def overlap(found: Sequence[Reign]) -> float:
    """The longest time for which two servers certainly took writes."""
    pairs = [(one, other) for one, other in itertools.combinations(found, 2) if one.pid != other.pid]
    return max((min(one.end, other.end) - max(one.begin, other.begin) for one, other in pairs), default=0.0)


def redundant(samples: Sequence[Sample], since: float, others: int) -> float | None:
    """The first moment after `since` at which all others follow a primary, and one still does at the end."""
    whole = [sample for sample in samples if sample["primary"] and sample["following"] >= others]
    after = [sample["answered"] for sample in whole if sample["asked"] >= since]
    less = [
        sample["answered"]
        for sample in samples
        if sample["primary"] and sample["following"] < others and sample["asked"] >= since
    ]
    later = [moment for moment in after if not less or moment > max(less)]
    return min(later) if later else None


def figures(
    clients: Sequence[Mapping[str, Any]], samples: Sequence[Sample], begun: float, ended: float, back: float | None
) -> Figures:
    """`clients` are the reports, of which the first is as any client; the others are at bad places, where only what
    they lose counts. `back` is when the store was whole again."""
    known = reigns([sample for sample in samples if sample["answered"] >= begun])
    weaker = [client["unconfirmed"] for client in clients if "unconfirmed" in client]
    return Figures(
        acknowledged=sum(client["acknowledged"] for client in clients),
        lost=sum(len(client["lost"]) for client in clients),
        writes=longest(clients[0]["writes"]),
        reads=longest(clients[0]["reads"]),
        redundant=round(max(back - ended, 0.0), 1) if back else float("inf"),
        overlap=round(max(overlap(known), 0.0), 2),
        primaries=tuple(name for name, _group in itertools.groupby(reign.member for reign in known)),
        unconfirmed=sum(weaker) if weaker else None,
    )


def worst(found: Sequence[Figures]) -> Figures:
    """Of several trials of one fault: sums of what was written and lost, the longest of all times, the last members."""
    weaker = [one.unconfirmed for one in found if one.unconfirmed is not None]
    return Figures(
        acknowledged=sum(one.acknowledged for one in found),
        lost=sum(one.lost for one in found),
        writes=max(one.writes for one in found),
        reads=max(one.reads for one in found),
        redundant=max(one.redundant for one in found),
        overlap=max(one.overlap for one in found),
        primaries=found[-1].primaries,
        unconfirmed=sum(weaker) if weaker else None,
    )


def longest(outages: Iterable[Sequence[float]]) -> float:
    return round(max((seconds for _begin, seconds in outages), default=0.0), 1)
