# Copyright (c) 2026 GreenLang. All rights reserved.
"""Until when what runs here is mended by those who make it. Pure: a table, with its sources; the day is passed in."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from .findings import Finding

WARN = datetime.timedelta(days=90)


@dataclass(frozen=True)
class Life:
    released: datetime.date
    ends: datetime.date


def _life(released: str, ends: str) -> Life:
    return Life(datetime.date.fromisoformat(released), datetime.date.fromisoformat(ends))


# kubernetes.io/releases: fourteen months after a release.
KUBERNETES = {
    33: _life("2025-04-23", "2026-06-28"),
    34: _life("2025-08-27", "2026-10-27"),
    35: _life("2025-12-17", "2027-02-28"),
    36: _life("2026-04-22", "2027-06-28"),
    37: _life("2026-08-26", "2027-10-28"),
}
MONTHS = 14


def of_kubernetes(minor: int, today: datetime.date) -> Finding:
    """Never a reason not to upgrade: told, and as a warning when the end is near."""
    life = KUBERNETES.get(minor)
    if life is None:
        known = max(KUBERNETES)
        age = "older" if minor < min(KUBERNETES) else "newer"
        return Finding(
            "lifetimes", False, f"Kubernetes 1.{minor} is {age} than the table of lifetimes, which ends with 1.{known}"
        )
    left = (life.ends - today).days
    if left < 0:
        return Finding(
            "lifetimes", False, f"Kubernetes 1.{minor} has not been mended since {life.ends}. Remedy: upgrade"
        )
    soon = ". Remedy: plan the next upgrade" if life.ends - today <= WARN else ""
    return Finding("lifetimes", False, f"Kubernetes 1.{minor} is mended until {life.ends}, {left} days{soon}")


def table(today: datetime.date) -> list[dict[str, str | int]]:
    """All that is known, with the days that are left."""
    return [
        {
            "version": f"1.{minor}",
            "released": str(life.released),
            "ends": str(life.ends),
            "days": (life.ends - today).days,
        }
        for minor, life in sorted(KUBERNETES.items())
    ]
