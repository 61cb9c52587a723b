# Copyright (c) 2026 GreenLang. All rights reserved.
"""When a schedule was due."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.cron import last_due

NOW = datetime.datetime(2026, 3, 1, 12, 30, 40, tzinfo=datetime.UTC)  # a Sunday

CASES = {
    "0 2 * * *": ["2026-03-01 02:00", "2026-02-28 02:00"],
    "@daily": ["2026-03-01 00:00", "2026-02-28 00:00"],
    "@hourly": ["2026-03-01 12:00", "2026-03-01 11:00"],
    "@weekly": ["2026-03-01 00:00", "2026-02-22 00:00"],
    "@monthly": ["2026-03-01 00:00", "2026-02-01 00:00"],
    "@yearly": ["2026-01-01 00:00", "2025-01-01 00:00"],
    "@every 90m": ["2026-03-01 12:30", "2026-03-01 11:00"],
    "@every 1h30m": ["2026-03-01 12:30", "2026-03-01 11:00"],
    "*/15 * * * *": ["2026-03-01 12:30", "2026-03-01 12:15"],
    "5/20 * * * *": ["2026-03-01 12:25", "2026-03-01 12:05"],
    "10-20/5 12 * * ?": ["2026-03-01 12:20", "2026-03-01 12:15"],
    "0 0,12 * * *": ["2026-03-01 12:00", "2026-03-01 00:00"],
    "0 3 * * mon-wed": ["2026-02-25 03:00", "2026-02-24 03:00"],
    "0 3 * JAN *": ["2026-01-31 03:00", "2026-01-30 03:00"],
    "0 3 * * 7": ["2026-03-01 03:00", "2026-02-22 03:00"],
    "0 3 15 * *": ["2026-02-15 03:00", "2026-01-15 03:00"],
    "0 3 15 * fri": ["2026-02-27 03:00", "2026-02-20 03:00"],  # the day or the weekday
    "0 3 29 2 *": ["2024-02-29 03:00", "2020-02-29 03:00"],
    "0 3 31 2 *": [],
    "": [],
    "0 3 * *": [],
    "0 3 * * * *": [],
    "61 3 * * *": [],
    "0 3 * * frog": [],
    "5-1 * * * *": [],
    "*/0 * * * *": [],
    "@every": [],
    "@every 0s": [],
}


@pytest.mark.parametrize("schedule", CASES)
def test_when_it_was_due(schedule: str) -> None:
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in last_due(schedule, NOW, 2)] == CASES[schedule]


def test_a_moment_that_is_due_counts() -> None:
    assert last_due("30 12 * * *", NOW.replace(second=0), 1) == [NOW.replace(second=0)]
